"""The one Prefect server of a home folder: found, or started, and stopped by the last who uses it.

Whoever uses the server holds a shared lock on `users.lock`; the server itself holds a lock on its
state file. The system drops both when a process ends, however it ends, so nothing here has to
guess whether a recorded process number is still the same process.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from typing import IO, NamedTuple

import click

from crawlers.errors import MarqueError

HOST = "127.0.0.1"
START_SECONDS = 120.0  # the first start also makes the database: 10 s on two idle cores
STOP_SECONDS = 20.0
LOG_BYTES = 5_000_000


class ServerError(MarqueError):
    """There is no Prefect server to work with; the message says what to do."""


class _Running(NamedTuple):
    pid: int
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/api"


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
    with _joined(home / "prefect", port=None) as running, _prefect_uses(home, running.url):
        try:
            yield running.url
        finally:
            _send_what_waits()


def run_server(home: Path, port: int = 4200, say: Callable[[str], None] = click.echo) -> None:
    """Keep the server of a home folder up until Ctrl-C or SIGTERM; `say` tells where it is.

    One that is up already is kept as it is, whatever its port. Raises `ServerError`.
    """
    folder = home / "prefect"
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _joined(folder, port) as running:
            say(f"Prefect is up, its pages are at http://{HOST}:{running.port}")
            say("The commands of this home folder use it. Deployments and workers need")
            say(f"  export PREFECT_API_URL={running.url}")
            say("Ctrl-C stops it.")
            while _load_running(folder):
                _bound_log(folder)
                time.sleep(1)
            raise ServerError(f"the Prefect server ended by itself; {_log_end(folder)}")
    except KeyboardInterrupt:
        say("Left the server to the others who use it." if _load_running(folder) else "Stopped.")


@contextmanager
def _joined(folder: Path, port: int | None) -> Iterator[_Running]:
    """Be one of those who use the server of `folder`; the last to leave stops it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("a") as users:
        with _gate(folder):
            _wait_for_lock(users, LOCK_SH, folder)
            _bound_log(folder)
            running = _load_running(folder) or _start(folder, port or _free_port())
            _wait_until_up(folder, running)
        try:
            yield running
        finally:
            with _gate(folder):
                if _try_lock(users, LOCK_EX):
                    _stop(folder)


@contextmanager
def _gate(folder: Path) -> Iterator[None]:
    """One process at a time starts, joins, leaves or stops."""
    with (folder / "gate.lock").open("a") as gate:
        _wait_for_lock(gate, LOCK_EX, folder)
        yield


def _wait_for_lock(file: IO[str], kind: int, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS + STOP_SECONDS
    while not _try_lock(file, kind):
        if time.monotonic() > deadline:
            raise ServerError(
                f"another command has been starting or stopping the Prefect server in {folder} for "
                f"over {START_SECONDS:.0f} s; end that command and try again"
            )
        time.sleep(0.05)


def _try_lock(file: IO[str], kind: int) -> bool:
    try:
        flock(file, kind | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _load_running(folder: Path) -> _Running | None:
    """The server that holds the state file, which is empty of meaning once nobody holds it."""
    try:
        with (folder / "server.json").open() as state:
            if _try_lock(state, LOCK_SH):
                return None
            return _Running(**json.load(state))
    except FileNotFoundError:
        return None


def _start(folder: Path, port: int) -> _Running:
    """Start the server, out of reach of the terminal's Ctrl-C: flows end before it does."""
    _check_free(port)
    command = [sys.executable, "-m", "prefect", "server", "start"]
    with (folder / "server.json").open("a") as state, (folder / "server.log").open("ab") as log:
        flock(state, LOCK_EX)
        child = subprocess.Popen(  # noqa: S603 - our own interpreter, and no word of a user's
            [*command, "--host", HOST, "--port", str(port)],
            env=_server_environment(folder, f"http://{HOST}:{port}/api"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,  # a prefect.toml or .env of the working folder is not for the server
            pass_fds=[state.fileno()],
            start_new_session=True,
        )
        running = _Running(child.pid, port)
        state.truncate(0)
        state.write(json.dumps(running._asdict()))
    child.returncode = 0  # it is waited for by its lock, as the server of another process is
    return running


def _server_environment(folder: Path, url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "PREFECT_PROFILE"}
    return kept | {
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
    }


def _wait_until_up(folder: Path, running: _Running) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(running.url):
        if _load_running(folder) is None:
            raise ServerError(f"the Prefect server did not start; {_log_end(folder)}")
        if time.monotonic() > deadline:
            raise ServerError(
                f"the Prefect server at {running.url} (process {running.pid}) does not answer "
                f"within {START_SECONDS:.0f} s; end that process and try again; {_log_end(folder)}"
            )
        time.sleep(0.1)


def _stop(folder: Path) -> None:
    """Ask the server to end, wait for it, and end it if it does not."""
    for kind, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
        deadline = time.monotonic() + seconds
        running = _load_running(folder)
        if running is not None:
            os.kill(running.pid, kind)
        while running is not None and time.monotonic() < deadline:
            time.sleep(0.05)
            running = _load_running(folder)
        if running is None:
            return


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 - http
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _check_free(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ServerError(
                f"port {port} of this machine is taken by another program ({error}); "
                "choose another with --port"
            ) from error


def _bound_log(folder: Path) -> None:
    """Begin the log anew once it is long; the server appends, so it may be cut under its pen."""
    log = folder / "server.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        os.truncate(log, 0)


def _log_end(folder: Path) -> str:
    log = folder / "server.log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2_000))
        last = file.read().decode(errors="replace").splitlines()[-8:]
    return f"its log is {log} and ends with:\n" + "\n".join(last)


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


def _set_environment(values: dict[str, str | None]) -> None:
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
    from prefect.utilities.asyncutils import run_coro_as_sync

    async def drain() -> None:
        for worker in (APILogWorker, EventsWorker):
            waiting = worker.drain_all()
            if waiting is not None:
                await waiting

    run_coro_as_sync(drain())
