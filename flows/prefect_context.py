"""Whether this code runs inside a Prefect run; finding that out imports nothing."""

import sys


def in_prefect_run() -> bool:
    """Whether a Prefect flow run is under way around this call."""
    context = sys.modules.get("prefect.context")
    return context is not None and context.FlowRunContext.get() is not None
