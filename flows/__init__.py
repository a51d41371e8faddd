"""Prefect flows and tasks, settings, run reports."""

from core.logs import escape_logs

# Whatever runs a flow, a command or a worker of Prefect, shows its logs on a terminal.
escape_logs()
