"""What runs do from beginning to end: recipes, which are Prefect flows where there is a server.

It imports every room but `marque` and `synthetic`, and is the only one that knows Prefect. One file
is one flow; start with `flows.ingest`, its stages in `flows.stages.run_stages`, and `flows.run`.
"""

from core.logs import escape_logs

# Whatever runs a flow, a command or a worker of Prefect, shows its logs on a terminal.
escape_logs()
