"""The process of a home folder's Prefect server, and the record by which commands find it.

The process holds a lock on its record for as long as it lives. The system drops it when the process
ends, however it ends, so nothing here has to guess whether a recorded process number is still the
same process.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_SH
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import urlsplit

from core.errors import MarqueError
from flows.environment import is_loopback
from flows.run_lock import try_lock
from flows.server.private import make_auth, make_private, tighten

SERVER_HOST = "127.0.0.1"
SHEETS = "sheets"  # the folder of contact sheets beside the server's, and the path it is served at
OPEN = "/open"  # the page that opens Prefect's pages with the key in its address
START_SECONDS = 600.0  # 10 s on two idle cores, minutes on a busy machine; an end is seen at once
SERVER_STOP_SECONDS = 20.0
LOOK_SECONDS = 2.0  # a process that only reads the record holds its lock no longer than this
FULL_BYTES = 4 * 2**20  # what a new database and its log take

_DATABASE = "PREFECT_SERVER_DATABASE_CONNECTION_URL"


class ServerError(MarqueError):
    """There is no Prefect server to work with; the message says what to do."""


class RunningServer(NamedTuple):
    """A server that is up: its process and its port on this machine."""

    pid: int
    port: int

    @property
    def pages(self) -> str:
        """The address of its pages."""
        return f"http://{SERVER_HOST}:{self.port}"

    def is_at(self, url: str) -> bool:
        """Whether a URL is of this server."""
        try:
            return is_loopback(url) and urlsplit(url).port == self.port
        except ValueError:  # no port has such a number
            return False

    @property
    def url(self) -> str:
        """The address of its API, as Prefect wants it."""
        return f"{self.pages}/api"


def load_running(folder: Path) -> RunningServer | None:
    """The server of `folder` that is up; a record without a lock is out of date."""
    try:
        with (folder / "server.json").open() as record:
            running = RunningServer(**json.load(record))
            held = not try_lock(record, LOCK_SH)
    except (OSError, ValueError, TypeError):  # never started, or being started now
        return None
    return running if held and running.pid else None


def run_in_this_process(
    home: Path, port: int | None, serve: Callable[[socket.socket, Callable[[], None]], bool],
    up: Callable[[RunningServer], None],
) -> None:  # fmt: skip
    """Run the server of a home folder in this process until it is stopped. `serve` serves on a
    socket and calls back when it is up; then this calls `up`.

    `port` None takes the one that the server had last, so that old links keep working, or any.
    The environment, the working folder and the file mode of this process become the server's.
    Raises `ServerError`.
    """
    folder = home / "prefect"
    for place in (home, folder):
        make_private(place)
    check_room(folder)
    with _own_record(folder) as record, _listening(port, _last_port(folder)) as listening:
        running = RunningServer(os.getpid(), int(listening.getsockname()[1]))
        _write(record, RunningServer(0, running.port))
        _become_server(folder, running)

        def started() -> None:
            for path in folder.iterdir():
                tighten(path)
            _write(record, running)
            up(running)

        if not serve(listening, started):
            check_room(folder)
            raise ServerError("the Prefect server did not start; what it said is above")


@contextmanager
def server_beside(home: Path) -> Iterator[RunningServer]:
    """A server of a home folder in a process of its own, or the one that is up there already.

    It ends with the block, and with this process. Raises `ServerError`.
    """
    folder = home / "prefect"
    if (there := load_running(folder)) is not None:
        yield there
        return
    for place in (home, folder):
        make_private(place)
    with (folder / "server.log").open("wb") as log:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "flows.server.application", str(home)],
            stdin=subprocess.PIPE,  # it ends when this closes
            stdout=log,
            stderr=log,
            start_new_session=True,  # a Ctrl-C is for the flows, which end before it does
        )
    try:
        yield _wait_until_up(folder, child)
    finally:
        assert child.stdin is not None
        with suppress(OSError):
            child.stdin.close()
        try:
            child.wait(SERVER_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait_until_up(folder: Path, child: "subprocess.Popen[bytes]") -> RunningServer:
    deadline = time.monotonic() + START_SECONDS
    while (running := load_running(folder)) is None or running.pid != child.pid:
        if child.poll() is not None:
            check_room(folder)
            raise ServerError(f"the Prefect server did not start; {log_end(folder)}")
        if time.monotonic() > deadline:
            raise ServerError(
                f"the Prefect server of {folder} did not start within {START_SECONDS:.0f} s; "
                f"{log_end(folder)}"
            )
        time.sleep(0.1)
    return running


@contextmanager
def _own_record(folder: Path) -> Iterator[IO[str]]:
    """The record with its lock, which other processes hold for a moment at most."""
    with (folder / "server.json").open("a") as record:
        deadline = time.monotonic() + LOOK_SECONDS
        while not try_lock(record, LOCK_EX):
            if (there := load_running(folder)) is not None:
                raise ServerError(
                    f"the Prefect server of this home is up already: {there.pages} (process "
                    f"{there.pid}); use it, or end that process first"
                )
            if time.monotonic() > deadline:
                raise ServerError(f"another process is starting the Prefect server in {folder}")
            time.sleep(0.05)
        yield record


def _write(record: IO[str], running: RunningServer) -> None:
    record.truncate(0)
    record.write(json.dumps(running._asdict()))
    record.flush()


def _become_server(folder: Path, running: RunningServer) -> None:
    """Set what the server inherits, before Prefect reads any of it.

    The process enters the folder: the path of a home may have characters that mean something in
    the database's address, and the `prefect.toml` or `.env` of a person is not for the server.
    """
    os.umask(0o077)
    os.chdir(folder)
    os.environ.pop("PREFECT_PROFILE", None)
    if _DATABASE not in os.environ and "PREFECT_API_DATABASE_CONNECTION_URL" not in os.environ:
        os.environ[_DATABASE] = "sqlite+aiosqlite:///prefect.db"
    auth = make_auth(folder)
    origins = [f"http://{host}:{running.port}" for host in (SERVER_HOST, "localhost")]
    os.environ |= {
        "PREFECT_HOME": str(folder),
        "PREFECT_API_URL": running.url,
        "PREFECT_API_AUTH_STRING": auth,
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": ",".join(origins),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_LOGGING_LEVEL": "WARNING",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "DO_NOT_TRACK": "1",
    }


def _listening(wanted: int | None, last: int) -> socket.socket:
    """A socket that listens at the wanted port, or else at the last one if that is free, or any."""
    if not wanted:
        with suppress(OSError):
            return socket.create_server((SERVER_HOST, last))
    try:
        return socket.create_server((SERVER_HOST, wanted or 0))
    except OSError as error:
        raise ServerError(
            f"port {wanted or 0} of this machine is taken by another program ({error}); choose "
            "another with --port"
        ) from error


def _last_port(folder: Path) -> int:
    try:
        return RunningServer(**json.loads((folder / "server.json").read_text())).port
    except (OSError, ValueError, TypeError):
        return 0  # there was no record, or it is what a killed process left of one


def check_room(folder: Path) -> None:
    """Raise `ServerError` if the disk is full: the server then fails in ways that do not say so."""
    if shutil.disk_usage(folder).free < FULL_BYTES:
        raise ServerError(
            f"the disk that holds {folder} is full, and the Prefect server writes there; make room "
            "on it, then run the same command again"
        )


def log_end(folder: Path) -> str:
    """The path of the log and its last lines, for a message."""
    log = folder / "server.log"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2_000))
        last = file.read().decode(errors="replace").splitlines()[-8:]
    return f"its log is {log} and ends with:\n" + "\n".join(last)
