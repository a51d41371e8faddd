"""Everything that the commands print goes through here: invisible characters, on which a terminal
might act, are written as in `\\x1b`. Values of a catalog, paths and errors come from outside."""

import json
import os
import sys
import traceback
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from core.text import visible, visible_json, visible_lines

if TYPE_CHECKING:
    from rich.text import Text


def say(*lines: str, err: bool = False) -> None:
    """Print lines, on standard error with `err`."""
    for line in lines:
        click.echo(visible(line), err=err)


def printable(text: str) -> str:
    """A message of an error as it can be printed; a line of it that is not the first is indented,
    so that no value in it passes for what a command says."""
    return "\n  ".join(visible(line).strip() for line in text.split("\n"))


def shown(value: object, style: str = "") -> "Text":
    """A value as rich prints it: one line, and no markup, as a file may be called "[red]"."""
    from rich.text import Text

    return Text(visible(value), style)


def say_over(line: str, *, last: bool) -> None:
    """Print a line on standard error over the one before; after the `last` goes a new one."""
    click.echo(f"\r{visible(line)}", err=True, nl=last)


def print_json(document: object) -> None:
    """One JSON document on standard output, invisible characters escaped."""
    click.echo(visible_json(json.dumps(document, ensure_ascii=False, indent=2)))


def say_error(text: str) -> None:
    """Print what went wrong on standard error, as click prints an error."""
    click.echo(printable(f"Error: {text}"), err=True)


def leave_at_once(status: int) -> None:
    """End this process without waiting for its threads, with all that was said printed."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def confirm(question: str) -> None:
    """Ask on standard error, and end the command unless the answer is yes."""
    click.confirm(visible(question), abort=True, err=True)


class Commands(click.Group):
    """A group of commands whose errors can be shown, those that click itself raises included."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that is named; raises as click does."""
        try:
            return super().invoke(ctx)
        except click.ClickException as error:
            vars(error)["message"] = printable(error.message)  # click declares it final
            raise


def show_traceback(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print a traceback on standard error, as `sys.excepthook` does."""
    lines = "".join(traceback.format_exception(kind, error, trace))
    sys.stderr.write(visible_lines(lines))
