"""Shared by the commands: options, errors for people, JSON, and a run with its progress."""

import functools
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from core.errors import INTERRUPTED, MarqueError, UsageMistakeError
from core.logs import escape_logs
from flows.environment import prepare_environment
from marque.terminal import (
    leave_at_once,
    print_json,
    printable,
    say,
    say_error,
    show_traceback,
)

if TYPE_CHECKING:
    from flows.reporting.report import RunReport

GIVEN_HOME = "marque.home"
"""The key of --home in click's context, if it was given."""

F = TypeVar("F", bound=Callable[..., Any])


def shared_options(command: F) -> F:
    """The options of every command that answers: `plain_options` and --json."""
    help_text = "Print one JSON document and nothing else."
    option = click.option("--json", "as_json", is_flag=True, help=help_text)
    return option(plain_options(command))


def plain_options(command: F) -> F:
    """The options that every command has, --home and --debug; and errors made readable."""

    @click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        help="Folder with the catalog, instead of MARQUE_HOME and MARQUE_CATALOG.",
    )
    @click.option("--debug", is_flag=True, help="Show logs, and the traceback of an error.")
    @functools.wraps(command)
    def wrapped(*args: Any, home: Path | None, debug: bool, **named: Any) -> Any:
        if home is not None:
            click.get_current_context().meta[GIVEN_HOME] = home
            use_home(home)
        prepare_environment()
        os.environ.setdefault("PREFECT_LOGGING_LEVEL", "DEBUG" if debug else "CRITICAL")
        escape_logs()
        logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR)
        with readable_errors(debug=debug, as_json=named.get("as_json", False)):
            return command(*args, **named)

    return wrapped  # type: ignore[return-value]  # click's decorators keep the signature


def _setting_option(flag: str, setting: str, help_text: str, **given: Any) -> Callable[[F], F]:
    """An option that sets a setting of this process: to a path, or to 1 for a flag."""

    def use(_context: click.Context, _parameter: click.Parameter, value: Path | bool) -> None:
        if value:
            os.environ[setting] = str(value.resolve()) if isinstance(value, Path) else "1"

    return click.option(flag, callback=use, expose_value=False, help=help_text, **given)


weights_option = _setting_option(
    "--weights",
    "MARQUE_SEMANTIC_WEIGHTS",
    "Weights file of the model, instead of the one from the model hub.",
    type=click.Path(path_type=Path, dir_okay=False),
)
"""For commands that embed."""

loss_option = _setting_option(
    "--allow-loss",
    "MARQUE_PUBLISH_MAX_LOSS",
    "Publish even if searches then find far fewer photos or labels than before.",
    is_flag=True,
)
"""For commands that publish."""


def use_home(home: Path) -> None:
    """Let the settings of this process name this folder, and the catalog inside it."""
    os.environ["MARQUE_HOME"] = str(home.resolve())
    os.environ["MARQUE_CATALOG"] = str(home.resolve() / "catalog")


@contextmanager
def readable_errors(*, debug: bool, as_json: bool) -> Iterator[None]:
    """Turn an error into one line and an exit status, and with `as_json` into a document too; with
    `debug`, let it through."""
    try:
        yield
    except (click.exceptions.Exit, click.ClickException, click.Abort):
        raise
    except KeyboardInterrupt:
        say(INTERRUPTED, err=True)
        raise click.exceptions.Exit(1) from None
    except Exception as error:
        if debug:
            raise
        message = _message(error)
        if as_json:
            print_json({"error": message})
        from flows.server.watch import ServerGoneError

        if isinstance(error, ServerGoneError):
            say_error(message)
            leave_at_once(1)  # all is stored, and Prefect's threads would keep it alive for long
        usage = isinstance(error, UsageMistakeError)
        raise (click.UsageError if usage else click.ClickException)(printable(message)) from error


def _message(error: Exception) -> str:
    if isinstance(error, MarqueError):
        return str(error)
    if isinstance(error, OSError) and error.filename:
        why = f"{error.filename}: {error.strerror or error}"
        return f"{why}; check the path, its permissions and the space left"
    return f"unexpected {type(error).__name__}: {error}; run again with --debug to see where"


def run_flow(call: Callable[[], "RunReport"], *, as_json: bool) -> "RunReport":
    """Run a recipe with a progress bar, as a Prefect flow where there is a server, and print its
    report.

    When the run failed the command ends after the report, with status 1, or with 2 for a
    `UsageMistakeError`.
    """
    wrong_usage = False
    from flows.server.find import prefect_server
    from flows.settings import load_settings
    from marque.bars import progress_bars
    from marque.tables import print_report

    with prefect_server(load_settings().home_path):
        from flows.run import RunFailedError

        with progress_bars():
            try:
                report = call()
            except RunFailedError as failed:
                report = failed.report
                wrong_usage = isinstance(failed.__cause__, UsageMistakeError)
                if logging.getLogger().isEnabledFor(logging.DEBUG):
                    show_traceback(type(failed), failed, failed.__traceback__)
    if as_json:
        print_json(report.to_dict())
    else:
        print_report(report)
    if report.status != "done":
        say_error(str(report.error))
        sys.exit(2 if wrong_usage else 1)
    return report
