"""The flows, one file each; `stages/` of runs, `reporting/`, the Prefect `server/`, settings.

Start reading at `ingest.py`, then `run.py` and `stages/pipeline.py`. Only this room imports
Prefect; it may import from every room but marque.
"""

import os

from core.logs import escape_logs

# Whatever runs a flow, a command or a worker of Prefect, shows its logs on a terminal.
escape_logs()

# Before Arrow is imported. Its own allocator keeps what a thread has freed, 85 MB after registering
# 50,000 photos; what the system's has free is returned by `catalog.optimize.trim_memory`.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
