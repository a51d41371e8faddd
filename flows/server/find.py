"""The Prefect server that a command uses, if there is one: the configured one, or that of its home.

Without a server nothing of Prefect is imported, and recipes run as plain functions.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from core.text import shell_word
from flows.environment import configured_url, prepare_environment
from flows.server.private import load_auth
from flows.server.process import (
    OPEN,
    SHEETS,
    RunningServer,
    ServerError,
    load_running,
    run_in_this_process,
)

SEND_SECONDS = 30.0
_CHANGED = ("PREFECT_PROFILE", "PREFECT_CLIENT_MAX_RETRIES")


@contextmanager
def prefect_server(home: Path) -> Iterator[str | None]:
    """Let recipes in this block run as flows where there is a Prefect server; its API URL, or None.

    It is the one that Prefect is configured for, or else the one that `marque up` keeps up for this
    home. One that ends before the block does ends the block. Raises `ServerError`.
    """
    prepare_environment()
    folder = home / "prefect"
    running = load_running(folder)
    configured = configured_url()
    if running is None and configured is None:
        yield None
        return
    from flows.recipe import as_flows
    from flows.server.watch import watched

    url, use = configured or "", dict[str, str | None]()
    if running is not None and (configured is None or running.is_at(configured)):
        url, use["PREFECT_API_AUTH_STRING"] = running.url, load_auth(folder)
        if configured is None:
            use |= {"PREFECT_API_URL": url, "PREFECT_HOME": str(folder), "DO_NOT_TRACK": "1"}
            use["PREFECT_PROFILE"] = None
    with _prefect_uses(use):
        _check(url, configured is not None)
        with watched(url, lambda: not use or load_running(folder) == running) as gone, as_flows():
            try:
                yield url
            finally:
                if not gone.is_set():
                    from prefect.events.worker import EventsWorker
                    from prefect.logging.handlers import APILogWorker

                    # What waits to be sent would end in a traceback once the server is gone.
                    for worker in (APILogWorker, EventsWorker):
                        worker.drain_all(timeout=SEND_SECONDS)


def run_server(home: Path, port: int, say: Callable[[str], None]) -> None:
    """Keep the server of a home folder up until Ctrl-C or SIGTERM; `say` prints its address.

    Raises `ServerError`, also where one is up already.
    """
    from flows.server.application import serve

    def up(running: RunningServer) -> None:
        say(f"Prefect is up, its pages open at {opened_at(home, running)}")
        say(f"  runs and their reports   {running.pages}/runs")
        say(f"  answers, contact sheets  {running.pages}/artifacts")
        say(f"  the sheets as files      {home / SHEETS}")
        say("The commands of this home folder use it. Deployments and workers need")
        for line in exports(home, running):
            say(f"  {line}")
        say("Ctrl-C stops it.")

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run_in_this_process(
            home, port, lambda listening, started: serve(listening, home / SHEETS, started), up
        )
        raise ServerError("the Prefect server ended by itself; what it said is above")
    except KeyboardInterrupt:
        say("Stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)


def opened_at(home: Path, running: RunningServer) -> str:
    """The address that opens Prefect's pages with their key; a secret, as it gives full access."""
    return f"{running.pages}{OPEN}#{load_auth(home / 'prefect') or ''}"


def exports(home: Path, running: RunningServer) -> list[str]:
    """The lines with which a terminal works with the server; the secret stays in its file."""
    auth = shell_word(str(home / "prefect" / "auth"))
    lines = [
        f"export PREFECT_API_URL={running.url}",
        f'export PREFECT_API_AUTH_STRING="$(cat {auth})"',
    ]
    if any(name.lower() in {"http_proxy", "all_proxy"} for name in os.environ):
        lines.append(f"export NO_PROXY={os.environ['NO_PROXY']} no_proxy={os.environ['NO_PROXY']}")
    return lines


def _check(url: str, configured: bool) -> None:
    """Ask as Prefect does, with its keys and certificates."""
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
        if error is None:
            try:
                client.api_version()
            except PrefectHTTPStatusError as refused:
                if refused.response.status_code == 401:
                    raise ServerError(
                        f"the Prefect server at {url} asks for a key, and the one given is absent "
                        "or wrong; set PREFECT_API_AUTH_STRING as its `marque up` says"
                    ) from refused
            return
    if configured:
        raise ServerError(
            f"Prefect is configured to use {url}, which does not answer ({error}); start that "
            "server, or unset PREFECT_API_URL (in a profile: `prefect config unset "
            "PREFECT_API_URL`) and the command runs without one"
        )
    raise ServerError(
        f"the Prefect server of this home at {url} does not answer ({error}); end it with Ctrl-C "
        "where `marque up` runs and start it again, or run without one"
    )


@contextmanager
def _prefect_uses(values: Mapping[str, str | None]) -> Iterator[None]:
    """Point Prefect, here and in the processes started from here, to a server."""
    before = {name: os.environ.get(name) for name in [*values, *_CHANGED]}
    _set_environment(values)
    try:
        yield
    finally:
        _set_environment(before)


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if "prefect.context" in sys.modules:
        from prefect.context import refresh_global_settings_context

        refresh_global_settings_context()


def api_problem() -> Exception | None:
    """Why the configured server does not answer; None where it does."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:  # with its keys and certificates
        return client.api_healthcheck()
