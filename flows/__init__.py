"""The flows, one file each; `stages/` of runs, `reporting/`, the Prefect `server/`, settings.

Start reading at `ingest.py`, then `run.py` and `stages/run_stages.py`. Only this room imports
Prefect; it may import from every room but marque.
"""

from core.logs import escape_logs

# Whatever runs a flow, a command or a worker of Prefect, shows its logs on a terminal.
escape_logs()
