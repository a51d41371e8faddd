"""`marque doctor`: what works here, what does not, and what to do."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, get_args

import click

from core.text import counted
from marque.common import GIVEN_HOME, shared_options
from marque.terminal import print_json, say_over, shown

if TYPE_CHECKING:
    from marque.checks.check import Check


@click.command()
@click.option(
    "--deep", is_flag=True, help="Read every stored photo too, and name those that are damaged."
)
@shared_options
@click.pass_context
def doctor(context: click.Context, deep: bool, as_json: bool) -> None:
    """Check everything that Marque needs, and say what to do where something is wrong.

    Changes nothing. Exit status 1 if there is a problem, 0 if there are only warnings.
    """
    from marque.checks.check import CheckContext, CheckState
    from marque.checks.settings import usable_settings
    from marque.checks.table import run_checks

    given = GIVEN_HOME in context.meta
    checks = run_checks(CheckContext(usable_settings(), given, _show_progress if deep else None))
    state = max((each.state for each in checks), key=get_args(CheckState).index)
    if as_json:
        print_json({"state": state, "checks": [asdict(each) for each in checks]})
    else:
        _print_checks(checks)
    if state == "problem":
        sys.exit(1)


def _show_progress(read: int, total: int) -> None:
    """How many photos were read, on standard error, in one line that is written over."""
    if sys.stderr.isatty() and (read % 100 == 0 or read == total):
        say_over(f"{read:,} of {counted(total, 'photo')} read", last=read == total)


def _print_checks(checks: list["Check"]) -> None:
    from rich.console import Console
    from rich.table import Table

    colors = {"ok": "green", "warning": "yellow", "problem": "red"}
    table = Table(show_lines=True, header_style="bold")
    for column in ("check", "state", "found", "what to do"):
        table.add_column(column, overflow="fold")
    for each in checks:
        state = shown(each.state, colors[each.state])
        table.add_row(shown(each.name), state, shown(each.found), shown(each.advice))
    console = Console()
    console.print(table)
    problems, warnings = (
        counted(sum(each.state == state for each in checks), state)
        for state in ("problem", "warning")
    )
    if all(each.state == "ok" for each in checks):
        console.print(shown("All checks passed."))
    else:
        console.print(shown(f"{problems}, {warnings}; the last column says what to do."))
