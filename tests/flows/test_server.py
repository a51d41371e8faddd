"""One server a home: shared by commands that run at once, and gone after the last of them."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.server import run_server
from flows.server_process import (
    LOG_BYTES,
    ServerError,
    _listening,
    bound_log,
    joined_server,
    load_running,
    log_end,
)

# A command as `marque ingest` is one: it runs a flow, and here it also waits until told to end.
COMMAND = """
import sys
from pathlib import Path
from flows.server import prefect_server

with prefect_server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    from prefect import flow, get_run_logger, task

    @task
    def twice(number):
        get_run_logger().info("twice")
        return 2 * number

    @flow
    def small():
        return sum(each.result() for each in twice.map(range(10)))

    print(small(), flush=True)
    sys.stdin.readline()
"""

UP = "import sys, pathlib; from flows.server import run_server; "
UP += "run_server(pathlib.Path(sys.argv[1]), int(sys.argv[2]))"


class Command:
    """A process in a home folder; what it says on both outputs is read as one."""

    def __init__(self, script: str, *words: str | Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", script, *map(str, words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def line_with(self, text: str) -> str:
        """Wait for the line that holds `text`, and return it."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if text in line:
                return line.strip()
        raise AssertionError(f"{text!r} was never said, but:\n{self.said}")

    def finish(self) -> None:
        """Let the command end by itself, without an error and without a traceback."""
        rest, _ = self.process.communicate("\n", timeout=120)
        self.said += rest
        assert self.process.returncode == 0, self.said
        assert "Traceback" not in self.said, self.said


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def commands() -> Iterator[list[Command]]:
    started: list[Command] = []
    yield started
    for command in started:
        command.process.kill()
        command.process.communicate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_commands_at_once_share_one_server(home: Path, commands: list[Command]) -> None:
    commands += [Command(COMMAND, home), Command(COMMAND, home)]
    urls = [command.line_with("http://127") for command in commands]
    assert urls[0] == urls[1]
    for command in commands:
        command.line_with("90")

    commands[0].finish()
    running = load_running(home / "prefect")
    assert running, "the first to leave stopped the server under the second"
    assert running.url == urls[1]
    commands[1].finish()
    assert load_running(home / "prefect") is None


def test_commands_that_come_and_go_leave_no_traceback(home: Path, commands: list[Command]) -> None:
    for _ in range(5):
        commands.append(Command(COMMAND, home))
        commands[-1].line_with("90")
        if len(commands) > 1:
            commands[-2].finish()
    commands[-1].finish()
    assert load_running(home / "prefect") is None


def test_what_a_killed_command_left_is_used_and_then_stopped(
    home: Path, commands: list[Command]
) -> None:
    commands.append(Command(COMMAND, home))
    url = commands[0].line_with("http://127")
    commands[0].process.kill()
    commands[0].process.wait()

    commands.append(Command(COMMAND, home))
    assert commands[1].line_with("http://127") == url
    running = load_running(home / "prefect")
    assert running
    commands[1].line_with("90")
    os.kill(running.pid, signal.SIGKILL)
    commands[1].process.kill()
    commands[1].process.wait()

    commands.append(Command(COMMAND, home))
    assert commands[2].line_with("http://127") == url, "old links lead nowhere"
    again = load_running(home / "prefect")
    assert again
    assert again.pid != running.pid, "a dead server was taken for a live one"
    commands[2].finish()
    assert load_running(home / "prefect") is None


def test_up_stays_until_it_is_told_to_stop(home: Path, commands: list[Command]) -> None:
    port = free_port()
    commands.append(Command(UP, home, str(port)))
    url = commands[0].line_with("PREFECT_API_URL").partition("=")[2]
    assert url == f"http://127.0.0.1:{port}/api"
    commands.append(Command(COMMAND, home))
    assert commands[1].line_with("http://127") == url
    commands[1].line_with("90")
    commands[1].finish()
    assert load_running(home / "prefect"), "a command stopped the server that `up` keeps"

    commands[0].process.send_signal(signal.SIGTERM)
    commands[0].finish()
    assert "Stopped" in commands[0].said
    assert load_running(home / "prefect") is None


def test_a_configured_server_that_is_down_is_named(tmp_path: Path, commands: list[Command]) -> None:
    script = "from flows.server import Path, prefect_server; "
    script += f"import os; os.environ['PREFECT_API_URL'] = 'http://127.0.0.1:{free_port()}/api'\n"
    script += f"with prefect_server(Path({str(tmp_path)!r})): pass"
    commands.append(Command(script))
    said = commands[0].line_with("ServerError:")
    assert "is configured to use http://127.0.0.1" in said
    assert "unset PREFECT_API_URL" in said
    assert not (tmp_path / "prefect").exists(), "a server was started beside the configured one"


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerError, match=f"port {port} of this machine is taken"):
            run_server(tmp_path, port)


def test_the_last_port_is_used_again_where_it_is_free(tmp_path: Path) -> None:
    record = tmp_path / "server.json"
    port = free_port()
    for text, wanted in ((json.dumps({"pid": 1, "port": port}), port), ("{", None), ("[]", None)):
        record.write_text(text)
        with _listening(tmp_path, None) as listening:
            found = listening.getsockname()[1]
            assert found == wanted if wanted else found != port
            record.write_text(json.dumps({"pid": 1, "port": found}))
            with _listening(tmp_path, None) as other:
                assert other.getsockname()[1] != found
            with pytest.raises(ServerError, match=f"port {found} of this machine is taken"):
                _listening(tmp_path, found)


def test_a_server_that_cannot_start_shows_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "nonsense://")
    with (
        pytest.raises(ServerError, match="did not start") as caught,
        joined_server(tmp_path / "prefect", port=None),
    ):
        pass
    assert "server.log" in str(caught.value)


def test_a_record_that_no_server_holds_is_stale(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text(f'{{"pid": {os.getpid()}, "port": 1}}')
    assert load_running(tmp_path) is None


def test_the_log_is_bounded(tmp_path: Path) -> None:
    log = tmp_path / "server.log"
    log.write_bytes(b"x" * (LOG_BYTES - 20) + b"\nlast words")
    assert log_end(tmp_path).endswith("\nlast words")
    bound_log(tmp_path)
    assert log.stat().st_size > 0
    log.write_bytes(b"x" * (LOG_BYTES + 1))
    bound_log(tmp_path)
    assert log.stat().st_size == 0
