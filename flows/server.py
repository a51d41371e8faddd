"""The one Prefect server that flows use: the configured one, or that of a home folder."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from crawlers.errors import MarqueError
from flows.server_process import (
    HOST,
    SHEETS,
    ServerError,
    bound_log,
    check_room,
    joined_server,
    load_running,
    log_end,
)

SEND_SECONDS = 30.0


@contextmanager
def prefect_server(home: Path) -> Iterator[str]:
    """The API URL of a Prefect server that answers, which flows in this block use.

    It is the one that Prefect is configured for (PREFECT_API_URL, or the active profile) if there
    is one, else the one of this home folder, started if need be and stopped again when nobody
    uses it. Flows may be imported before or inside the block. Raises `ServerError`.
    """
    if (configured := _configured_url()) is not None:
        _check_configured(configured)
        yield configured
        return
    with joined_server(home / "prefect", port=None) as running, _prefect_uses(home, running.url):
        try:
            yield running.url
        except Exception as error:
            if not isinstance(error, MarqueError):
                check_room(home / "prefect")
            raise
        finally:
            _send_what_waits()


def run_server(home: Path, port: int = 4200, say: Callable[[str], None] = click.echo) -> None:
    """Keep the server of a home folder up until Ctrl-C or SIGTERM; `say` tells where it is.

    One that is up already is kept as it is, whatever its port. Raises `ServerError`.
    """
    folder = home / "prefect"
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with joined_server(folder, port) as running:
            say(f"Prefect is up, its pages are at http://{HOST}:{running.port}")
            say(f"  runs and their reports   http://{HOST}:{running.port}/runs")
            say(f"  answers, contact sheets  http://{HOST}:{running.port}/artifacts")
            say(f"  the sheets as files      {home / SHEETS}")
            say(f"  what the server says     {folder / 'server.log'}")
            say("The commands of this home folder use it. Deployments and workers need")
            say(f"  export PREFECT_API_URL={running.url}")
            say("Ctrl-C stops it.")
            while load_running(folder):
                bound_log(folder)
                time.sleep(1)
            raise ServerError(f"the Prefect server ended by itself; {log_end(folder)}")
    except KeyboardInterrupt:
        say("Stopped; a command that still uses the server keeps it up until it ends.")
    finally:
        signal.signal(signal.SIGTERM, before)


def _configured_url() -> str | None:
    """What Prefect itself would use: environment, .env, prefect.toml, the active profile."""
    from prefect.settings import get_current_settings

    return get_current_settings().api.url


def _check_configured(url: str) -> None:
    """Ask as Prefect does, with its keys and certificates."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
    if error is not None:
        raise ServerError(
            f"Prefect is configured to use {url}, which does not answer ({error}); start that "
            "server, or unset PREFECT_API_URL (in a profile: `prefect config unset "
            "PREFECT_API_URL`) and Marque starts one of its own"
        )


@contextmanager
def _prefect_uses(home: Path, url: str) -> Iterator[None]:
    """Point Prefect, here and in the processes started from here, to our server."""
    ours = {"PREFECT_API_URL": url, "PREFECT_HOME": str(home / "prefect"), "DO_NOT_TRACK": "1"}
    before = {name: os.environ.get(name) for name in [*ours, "PREFECT_PROFILE"]}
    _set_environment(ours | {"PREFECT_PROFILE": None})
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(values: Mapping[str, str | None]) -> None:
    from prefect.context import refresh_global_settings_context

    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    refresh_global_settings_context()


def _send_what_waits() -> None:
    """Logs and events on their way to the server: without it they end in a traceback."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    for worker in (APILogWorker, EventsWorker):
        worker.drain_all(timeout=SEND_SECONDS)
