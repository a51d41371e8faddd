"""`marque up`, and the commands of its home that use it; it may die under them."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from catalog.table import open_catalog
from flows.server.find import prefect_server
from flows.server.process import (
    RunningServer,
    ServerError,
    _listening,
    load_running,
    log_end,
    server_beside,
)
from flows.settings import Settings
from labeling.publish.status import catalog_status
from marque.checks import machine
from marque.checks.check import CheckContext
from marque.checks.machine import check_server
from synthetic.scenes import write_scenes
from tests.faults.running import STRIKE
from tests.flows.server.upping import ODD, PROXIES, Up, environment, free_port, marque


def ask(up: Up, path: str, body: dict[str, Any]) -> Any:
    """The API's answer to who has the key."""
    name, _, word = up.auth.partition(":")
    url = f"http://127.0.0.1:{up.port}/api/{path}"
    answer = httpx.post(url, json=body, auth=(name, word), trust_env=False, timeout=1800)
    answer.raise_for_status()
    return answer.json()


def test_up_says_where_things_are(up: Up) -> None:
    pages = f"http://127.0.0.1:{up.port}"
    assert f"{pages}/open#{up.auth}" in up.said
    for place in (f"{pages}/artifacts", str(up.home / "sheets"), f"PREFECT_API_URL={pages}/api"):
        assert place in up.said
    assert up.said.count(up.auth) == 1, "the key is in the address that opens the pages alone"
    assert "export NO_PROXY=127.0.0.1" in up.said


def test_only_its_owner_may_look_into_it(up: Up) -> None:
    folder = up.home / "prefect"
    assert {oct(each.stat().st_mode & 0o777) for each in (up.home, folder)} == {"0o700"}
    files = {each.name: oct(each.stat().st_mode & 0o777) for each in folder.iterdir()}
    assert {"auth", "prefect.db", "server.json"} <= set(files)
    assert {mode for name, mode in files.items() if (folder / name).is_file()} == {"0o600"}
    assert {each.name for each in up.home.parent.iterdir()} <= {ODD, "catalog", "scenes"}


def test_a_command_of_its_home_is_a_flow_there(up: Up) -> None:
    scenes = up.home.parent / "scenes"
    write_scenes(scenes, 4, 1)
    done = marque(up.home, "ingest", "scenes", str(scenes), "--no-embed", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    runs = ask(up, "flow_runs/filter", {"flow_runs": {"id": {"any_": [report["run_id"]]}}})
    assert [run["state"]["name"] for run in runs] == ["Completed"]
    assert runs[0]["parameters"]["path"] == str(scenes)
    assert "Traceback" not in done.stderr


def test_a_second_one_says_where_the_first_is(up: Up) -> None:
    done = marque(up.home, "up", "--port", str(free_port()))
    assert done.returncode == 1
    assert f"is up already: http://127.0.0.1:{up.port}" in done.stderr
    with server_beside(up.home) as running:
        assert running.port == up.port


def test_who_has_another_key_is_told_what_to_do(up: Up) -> None:
    there = environment(up.home) | {"MARQUE_HOME": str(up.home.parent / "another home")}
    there |= {"PREFECT_API_URL": f"http://localhost:{up.port}/api"}
    words = [sys.executable, "-m", "marque", "publish"]
    done = subprocess.run(words, env=there, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"Error: the Prefect server at http://localhost:{up.port}/api ask"
    )
    assert "set PREFECT_API_AUTH_STRING" in done.stderr


def test_the_doctor_sees_it_behind_a_proxy(up: Up, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in PROXIES.items():
        monkeypatch.setenv(name, value)
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(machine, "configured_url", lambda: None)
    context = CheckContext(Settings(home=up.home))
    (check,) = check_server(context)
    assert (check.state, f"127.0.0.1:{up.port}" in check.found) == ("ok", True)
    gone = RunningServer(1, free_port())
    monkeypatch.setattr(machine, "load_running", lambda folder: gone)
    (check,) = check_server(context)
    assert (check.state, "does not answer" in check.found) == ("warning", True)


def test_it_dies_under_a_command_and_is_started_again(tmp_path: Path) -> None:
    home, port, scenes = tmp_path / ODD, free_port(), tmp_path / "scenes"
    write_scenes(scenes, 40, 1)
    words = ("ingest", "scenes", str(scenes), "--no-embed")
    up = Up(home, port).wait()
    journal, release = tmp_path / "journal", tmp_path / "release"
    strike = {"when": "after", "stage": "register", "table": "sightings", "nth": 1}
    command = subprocess.Popen(
        [sys.executable, STRIKE, journal, json.dumps(strike | {"hold": str(release)}), *words],
        env=environment(home) | {"MARQUE_SHARD_SIZE": "10"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while not (journal.exists() and '"held"' in journal.read_text()):
            assert command.poll() is None, command.communicate()
            time.sleep(0.1)
        assert up.stop(signal.SIGKILL) == -9
        _, said = command.communicate(timeout=1800)  # it is held there, and nobody releases it
    finally:
        command.kill()
        up.process.kill()
    assert command.returncode == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith(f"Error: the Prefect server at http://127.0.0.1:{port}/api ended")
    assert "continues where this one stopped" in last
    assert "Traceback" not in said
    catalog = open_catalog(tmp_path / "catalog", create=False)
    assert catalog_status(catalog)["last_runs"]["ingest"]["status"] == "failed"

    again = Up(home, port).wait()
    done = marque(home, *words, "--json")
    assert again.stop() == 0
    assert again.said.endswith("Stopped.\n")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["known"] == 10
    assert catalog.count("images") == 40
    assert load_running(home / "prefect") is None


def test_a_command_in_the_background_notices_it_too() -> None:
    """A shell starts what runs in the background with SIGINT ignored."""
    script = "import signal, time; from flows.server.watch import watched\n"
    script += "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
    script += f"with watched('http://127.0.0.1:{free_port()}/api', lambda: False):\n"
    script += "    time.sleep(3600)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=1800
    )
    assert "ServerGoneError" in done.stderr
    assert "ended, or answers no more" in done.stderr


def test_one_beside_a_process_ends_with_it(tmp_path: Path) -> None:
    script = "import sys, time, pathlib; from flows.server.process import server_beside\n"
    script += "with server_beside(pathlib.Path(sys.argv[1])) as running:\n"
    script += "    print(running.pid, flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, "-c", script, tmp_path / ODD],
        env=environment(tmp_path / ODD),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    pid = int(process.stdout.readline())
    running = load_running(tmp_path / ODD / "prefect")
    assert running is not None
    assert running.pid == pid
    process.kill()
    process.communicate()
    while load_running(tmp_path / ODD / "prefect") is not None:
        time.sleep(0.1)


def test_a_configured_server_that_is_down_is_named(tmp_path: Path) -> None:
    script = "from flows.server.find import Path, prefect_server; "
    script += f"import os; os.environ['PREFECT_API_URL'] = 'http://127.0.0.1:{free_port()}/api'\n"
    script += f"with prefect_server(Path({str(tmp_path)!r})): pass"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert "ServerError: Prefect is configured to use http://127.0.0.1" in done.stderr
    assert "unset PREFECT_API_URL" in done.stderr


def test_by_hand_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_URL", " ")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    with prefect_server(tmp_path / "home") as url:
        assert url is None
    assert not (tmp_path / "home").exists()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = marque(tmp_path / "home", "up", "--port", str(port))
    assert done.returncode == 1
    assert f"port {port} of this machine is taken" in done.stderr


def test_the_last_port_is_used_again_where_it_is_free() -> None:
    port = free_port()
    with _listening(None, port) as listening:
        assert listening.getsockname()[1] == port
        with _listening(None, port) as other:
            assert other.getsockname()[1] != port
        with pytest.raises(ServerError, match=f"port {port} of this machine is taken"):
            _listening(port, 0)


def test_a_server_that_cannot_start_shows_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", "nonsense://")
    with pytest.raises(ServerError, match="did not start") as caught, server_beside(tmp_path):
        pass
    assert "server.log" in str(caught.value)


def test_a_record_that_no_server_holds_is_stale(tmp_path: Path) -> None:
    (tmp_path / "server.json").write_text(json.dumps(RunningServer(1, 1)._asdict()))
    assert load_running(tmp_path) is None


def test_the_end_of_a_log_is_shown(tmp_path: Path) -> None:
    (tmp_path / "server.log").write_bytes(b"x" * 5_000 + b"\nlast words")
    assert log_end(tmp_path).endswith("\nlast words")
