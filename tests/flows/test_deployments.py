"""The deployments of prefect.yaml, run by a real worker against a real server."""

import base64
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from catalog.table import open_catalog
from core.vocabulary import load_vocabulary
from flows.server.private import load_auth
from flows.server.process import server_beside
from synthetic.scenes import write_scenes

CHECKOUT = Path(__file__).parents[2]
PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def environment(home: Path) -> Iterator[dict[str, str]]:
    """What a terminal needs to work with a server, and the deployments made there."""
    with server_beside(home) as server:
        terminal = os.environ | {
            "PREFECT_API_AUTH_STRING": load_auth(home / "prefect") or "",
            "PREFECT_API_URL": server.url,
            "PREFECT_HOME": str(home / "prefect"),
            "MARQUE_HOME": str(home),
            "MARQUE_SEMANTIC_MODEL": "marque-tiny",
            "PREFECT_WORKER_QUERY_SECONDS": "1",
        }
        call(terminal, "work-pool", "create", "marque", "--type", "process")
        call(terminal, "deploy", "--all")
        yield terminal


@pytest.fixture(scope="module")
def worker(environment: dict[str, str], home: Path) -> Iterator[None]:
    log = home / "worker.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*PREFECT, "worker", "start", "--pool", "marque", "--limit", "2"],
            env=environment,
            cwd=home,  # the checkout comes from the deployment, not from where the worker is
            stdout=output,
            stderr=output,
            # A shell that starts the tests in the background lets SIGINT be ignored, which Prefect
            # sends itself when it is told to end.
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
        )
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(timeout=1800)
            finally:
                process.kill()


def call(environment: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [*PREFECT, *words],
        env=environment,
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_only_ingest_has_a_schedule(environment: dict[str, str]) -> None:
    shown = json.loads(call(environment, "deployment", "inspect", "ingest/ingest", "-o", "json"))
    assert [each["schedule"]["cron"] for each in shown["schedules"]] == ["17 3 * * *"]
    assert shown["schedules"][0]["active"]
    shown = json.loads(call(environment, "deployment", "inspect", "search/search", "-o", "json"))
    assert shown["schedules"] == []


def test_the_schedule_makes_runs(environment: dict[str, str]) -> None:
    """The server's scheduler has broken before without a word but in its log."""
    asked = b'{"flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}}}'
    made: list[dict[str, str]] = []
    key = base64.b64encode(environment["PREFECT_API_AUTH_STRING"].encode()).decode()
    for _ in range(120):
        request = urllib.request.Request(
            f"{environment['PREFECT_API_URL']}/flow_runs/filter",
            data=asked,
            headers={"Content-Type": "application/json", "Authorization": f"Basic {key}"},
        )
        with urllib.request.urlopen(request, timeout=1800) as answer:
            made = json.load(answer)
        if made:
            break
        time.sleep(1)
    assert made, "no run was scheduled in two minutes"
    assert {run["expected_start_time"][11:16] for run in made} == {"03:17"}


def test_ingest_then_search_by_deployment(
    environment: dict[str, str], home: Path, worker: None
) -> None:
    write_scenes(home / "photos", 20, 7)
    ingest = ["-p", "source=scenes", "-p", f"path={home / 'photos'}"]
    search = ["-p", "text=a red car", "-p", "k=5"]
    for name, parameters in (("ingest", ingest), ("search", search)):
        try:
            call(environment, "deployment", "run", f"{name}/{name}", *parameters, "--watch")
        except AssertionError as error:
            raise AssertionError((home / "worker.log").read_text()[-5_000:]) from error

    catalog = open_catalog(str(home / "catalog"), vocabulary=load_vocabulary(None), create=False)
    runs = {row["flow"]: row for row in catalog.table("runs").search().to_list()}
    assert {flow: row["status"] for flow, row in runs.items()} == {
        "ingest": "done",
        "search": "done",
    }
    assert json.loads(runs["ingest"]["report"])["new"] == 20
    assert len(json.loads(runs["search"]["report"])["answer"]["hits"]) == 5
