"""Prefect flows, their settings, and reports of runs.

Holds one file per flow, `stages` (the steps of flows), `reporting` (reports of runs) and `server`
(the Prefect server). May import every room but `marque`; only this room imports Prefect. Start
reading at `flows.ingest`, then `flows.run`.
"""

from core.logs import escape_logs

# Whatever runs a flow, a command or a worker of Prefect, shows its logs on a terminal.
escape_logs()
