"""The process of a home folder's Prefect server: started by the first, stopped by the last user.

Whoever uses the server holds a shared lock on `users.lock`; the server itself holds a lock on its
state file. The system drops both when a process ends, however it ends, so nothing here has to
guess whether a recorded process number is still the same process.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock
from pathlib import Path
from typing import IO, NamedTuple

from crawlers.errors import MarqueError

HOST = "127.0.0.1"
SHEETS = "sheets"  # the folder of contact sheets beside the server's, and the path it is served at
START_SECONDS = 120.0  # the first start also makes the database: 10 s on two idle cores
STOP_SECONDS = 20.0
LOG_BYTES = 5_000_000
FULL_BYTES = 4 * 2**20  # what a new database and its log take


class ServerError(MarqueError):
    """There is no Prefect server to work with; the message says what to do."""


class Running(NamedTuple):
    """A server that has been started: its process and its port on this machine."""

    pid: int
    port: int

    @property
    def url(self) -> str:
        """The address of its API, as Prefect wants it."""
        return f"http://{HOST}:{self.port}/api"

    @property
    def sheets_url(self) -> str:
        """The address below which it serves the contact sheets of the home folder."""
        return f"http://{HOST}:{self.port}/{SHEETS}"


@contextmanager
def joined_server(folder: Path, port: int | None) -> Iterator[Running]:
    """Be one of those who use the server of `folder`, which answers; the last to leave stops it.

    `port` is for a server that has to be started; None takes the one that it had last, so that
    old links go on working, or any. Raises `ServerError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users.lock").open("a") as users:
        with _gate(folder):
            _wait_for_lock(users, LOCK_SH, folder)
            try:
                bound_log(folder)
                running = load_running(folder) or _start(folder, port)
                _wait_until_up(folder, running)
            except BaseException:
                _leave(users, folder)
                raise
        try:
            yield running
        finally:
            with _gate(folder):
                _leave(users, folder)


@contextmanager
def _gate(folder: Path) -> Iterator[None]:
    """One process at a time starts, joins, leaves or stops."""
    with (folder / "gate.lock").open("a") as gate:
        _wait_for_lock(gate, LOCK_EX, folder)
        yield


def _leave(users: IO[str], folder: Path) -> None:
    if _try_lock(users, LOCK_EX):
        _stop(folder)
    flock(users, LOCK_UN)


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


def load_running(folder: Path) -> Running | None:
    """The server that holds the state file, which is empty of meaning once nobody holds it."""
    try:
        with (folder / "server.json").open() as state:
            if _try_lock(state, LOCK_SH):
                return None
            return Running(**json.load(state))
    except (FileNotFoundError, json.JSONDecodeError):  # never started, or being started now
        return None


def _start(folder: Path, wanted: int | None) -> Running:
    """Start the server, out of reach of the terminal's Ctrl-C: flows end before it does.

    It inherits a socket that listens already: no other program can take the port meanwhile.
    """
    with (
        _listening(folder, wanted) as listening,
        (folder / "server.json").open("a") as state,
        (folder / "server.log").open("ab") as log,
    ):
        flock(state, LOCK_EX)
        port = int(listening.getsockname()[1])
        child = subprocess.Popen(  # noqa: S603 - our own interpreter, and no word of a user's
            [
                *(sys.executable, "-m", "flows.served"),
                *(str(listening.fileno()), str(folder.parent / SHEETS)),
            ],
            env=_server_environment(folder, f"http://{HOST}:{port}/api"),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,  # a prefect.toml or .env of the working folder is not for the server
            pass_fds=[state.fileno(), listening.fileno()],
            start_new_session=True,
        )
        running = Running(child.pid, port)
        state.truncate(0)
        state.write(json.dumps(running._asdict()))
    child.returncode = 0  # `_stop` waits by the lock: it may be another process that stops it
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


def _wait_until_up(folder: Path, running: Running) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(running.url):
        if load_running(folder) is None:
            check_room(folder)
            raise ServerError(f"the Prefect server did not start; {log_end(folder)}")
        if time.monotonic() > deadline:
            raise ServerError(
                f"the Prefect server at {running.url} (process {running.pid}) does not answer "
                f"within {START_SECONDS:.0f} s; end that process and try again; {log_end(folder)}"
            )
        time.sleep(0.1)


def _stop(folder: Path) -> None:
    """Ask the server to end, wait for it, and end it if it does not."""
    for kind in (signal.SIGTERM, signal.SIGKILL):
        if (running := load_running(folder)) is None:
            return
        os.kill(running.pid, kind)
        deadline = time.monotonic() + STOP_SECONDS
        while load_running(folder) is not None and time.monotonic() < deadline:
            time.sleep(0.05)
        with suppress(ChildProcessError):  # another process may have started it
            os.waitpid(running.pid, os.WNOHANG)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 - http
            return bool(answer.status == 200)
    except OSError:
        return False


def _listening(folder: Path, wanted: int | None) -> socket.socket:
    """A socket that listens at the wanted port, or else at the last one if that is free, or any."""
    ports = [wanted] if wanted else [_last_port(folder), 0]
    for port in ports:
        try:
            return socket.create_server((HOST, port))
        except OSError as error:
            if port == ports[-1]:
                raise ServerError(
                    f"port {port} of this machine is taken by another program ({error}); "
                    "choose another with --port"
                ) from error
    raise AssertionError("the last port is tried or its error raised")


def _last_port(folder: Path) -> int:
    try:
        return Running(**json.loads((folder / "server.json").read_text())).port
    except (OSError, ValueError, TypeError):
        return 0  # there was none, or what a killed command left of its record


def check_room(folder: Path) -> None:
    """Raise `ServerError` if the disk is full: the server then fails in ways that do not say so."""
    if shutil.disk_usage(folder).free < FULL_BYTES:
        raise ServerError(
            f"the disk that holds {folder} is full, and the Prefect server writes there; make room "
            "on it, then run the same command again, which goes on where this one stopped"
        )


def bound_log(folder: Path) -> None:
    """Begin the log anew once it is long; the server appends, so it may be cut under its pen."""
    log = folder / "server.log"
    if log.exists() and log.stat().st_size > LOG_BYTES:
        os.truncate(log, 0)


def log_end(folder: Path) -> str:
    """Where the log is and its last lines, for a message."""
    log = folder / "server.log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2_000))
        last = file.read().decode(errors="replace").splitlines()[-8:]
    return f"its log is {log} and ends with:\n" + "\n".join(last)
