"""Every test has a time limit: what would wait for ever ends, and shows where it waited."""

import subprocess
import sys
from pathlib import Path

import pytest

WAITS = """
import threading

def test_gate():
    closed = threading.Event()
    threading.Thread(target=closed.wait, name="the other one", daemon=True).start()
    closed.wait()

def test_next():
    pass
"""


def test_every_test_has_a_limit_that_a_busy_machine_does_not_reach(
    pytestconfig: pytest.Config,
) -> None:
    assert float(pytestconfig.getini("timeout")) == 3600  # the longest took 600 s beside 4 others
    assert pytestconfig.pluginmanager.has_plugin("timeout")


def test_a_test_that_waits_for_ever_ends_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "test_waits.py").write_text(WAITS)
    method = "timeout_method=signal"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", method]
    done = subprocess.run(
        [*command, "--timeout", "2", "--rootdir", str(tmp_path), str(tmp_path)],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert "Failed: Timeout" in done.stdout
    assert "the other one" in done.stdout + done.stderr
