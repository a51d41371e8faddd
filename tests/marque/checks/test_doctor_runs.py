"""What the doctor says of runs that did not end, and of who is at work: true runs, truly killed."""

import json
import os
import shlex
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import pytest

from catalog.table import CatalogError
from flows.reporting.report import new_report, store_report
from flows.resources import catalog_at
from flows.run_lock import hold_run_lock
from flows.settings import Settings, load_settings
from marque.__main__ import commands
from marque.checks.check import Check, CheckContext
from marque.checks.runs import OpenRun, check_runs, command_of
from marque.ingest import parse_columns
from synthetic.scenes import write_scenes


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "marque", *words, "--home", str(home)]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_run_that_was_killed_is_told_from_one_at_work(tmp_path: Path) -> None:
    """The whole life: at work, killed, gone on with, all well."""
    home, scenes = tmp_path / "home", tmp_path / "some scenes"
    write_scenes(scenes, 64, 1)
    settings = Settings(home=home, catalog=str(home / "catalog"), semantic_model="marque-tiny")
    ours = {"MARQUE_SEMANTIC_MODEL": "marque-tiny", "MARQUE_SHARD_SIZE": "4"}
    ingest = command(home, "ingest", "scenes", str(scenes), "--limit", "60")
    with subprocess.Popen(
        ingest, env=os.environ | ours, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        at_work = _wait_for_run(settings, process)
        process.kill()
        process.wait()
    assert at_work["state"] == "ok"
    assert at_work["facts"]["at_work"] is True
    assert f"process {process.pid}" in at_work["found"]
    (interrupted,) = _runs(settings)
    assert interrupted.state == "warning"
    assert "was interrupted" in interrupted.found
    again = shlex.split(interrupted.facts["command"])
    assert again == ["marque", *ingest[3:]]

    subprocess.run(
        [*ingest[:3], *again[1:]],
        env=os.environ | ours | {"MARQUE_SHARD_SIZE": "64"},
        check=True,
        capture_output=True,
    )
    before = files(home)
    checks = _doctor(home, ours)
    assert {each["state"] for each in checks.values()} == {"ok"}, checks
    assert files(home) == before, "the doctor left something behind"
    assert "60 photos" in checks["catalog"]["found"]
    assert checks["run"]["found"] == "no run was interrupted"
    assert checks["prefect"]["facts"] == {"url": None}
    assert checks["model"]["facts"]["place"] == "project"
    assert checks["device"]["facts"]["cores"] >= 1
    assert checks["hub"]["facts"]["answers"] is False


def _doctor(home: Path, ours: dict[str, str]) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        command(home, "doctor", "--json"),
        env=os.environ | ours | {"HF_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {each["name"]: each for each in json.loads(done.stdout)["checks"]}


def _runs(settings: Settings) -> list[Check]:
    return list(check_runs(CheckContext(settings, home_given=True)))


def _wait_for_run(settings: Settings, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Until the table holds a run that is not done, and photos are in."""
    while process.poll() is None:
        try:
            catalog = catalog_at(settings, create=False)
        except CatalogError:
            time.sleep(0.2)
            continue
        if catalog.count("images") and (found := _runs(settings))[0].name == "run":
            return asdict(found[0])
        time.sleep(0.1)
    said = process.stderr.read().decode() if process.stderr else ""
    pytest.fail(f"the ingest was to be caught at work, and ended: {said}")


def test_a_catalog_that_another_home_may_write_is_not_judged(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", catalog=str(tmp_path / "catalog"))
    store_report(catalog_at(settings), new_report("embed", "id", {}))
    (check,) = _runs(settings)
    assert check.facts["at_work"] is None
    with hold_run_lock(tmp_path / "home", "id"):
        (check,) = _runs(settings)
    assert check.facts["at_work"] is True


@pytest.mark.parametrize(
    "parameters",
    [
        {"source": "folder", "path": "/some photos/it's", "embed": True},
        {"source": "folder", "path": "/a", "limit": 3, "embed": False, "sidecar": "/b c.csv"},
        {"source": "folder", "path": "/a", "columns": {"body_type": "a b", "model_year": "y"}},
        {"source": "stanford-cars", "path": "/a", "limit": 1},
        {"source": "scenes", "path": "/a"},
    ],
)
def test_the_command_named_asks_for_what_the_run_was_to_do(parameters: dict[str, Any]) -> None:
    run = OpenRun("id", "ingest", datetime.now(UTC), parameters)
    words = shlex.split(command_of(run, load_settings(), home_given=False))
    group = commands.commands[words[1]]
    assert isinstance(group, click.Group)
    given = group.commands[words[2]].make_context(words[2], words[3:]).params
    asked = {
        "source": words[2],
        "path": str(given["path"]),
        "limit": given["limit"],
        "sidecar": str(given["sidecar"]) if given.get("sidecar") else None,
        "columns": parse_columns(given.get("columns", ())),
    }
    assert {name: value for name, value in asked.items() if value is not None} == {
        name: value for name, value in parameters.items() if name != "embed"
    }
    assert given["no_embed"] is (parameters.get("embed") is False)


def test_a_reset_and_a_scheduled_ingest_are_named_too(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    now = datetime.now(UTC)
    reset = command_of(OpenRun("id", "reset", now, {"path": "/a b"}), settings, home_given=False)
    assert reset == "marque reset --from '/a b'"
    nightly = command_of(OpenRun("id", "ingest", now, {}), settings, home_given=True)
    assert nightly == f"marque ingest folder {tmp_path / 'inbox'} --home {tmp_path}"
    weights = {"weights": "/a b.pt"}
    embed = command_of(OpenRun("id", "embed", now, weights), settings, home_given=False)
    assert embed == "marque embed --weights '/a b.pt'"
    asked = {"spaces": ["shape", "vgg16"], "weights": None, "metric": None}
    spaces = command_of(OpenRun("id", "embed", now, asked), settings, home_given=False)
    assert spaces == "marque embed --space shape --space vgg16"
    asked = {"spaces": ["s"], "space_weights": "/a b.pt", "layers": ["l"], "pooling": "max"}
    space = command_of(OpenRun("id", "embed", now, asked), settings, home_given=False)
    assert space == "marque embed --space s --weights '/a b.pt' --layer l --pooling max"
    asked = {"attributes": ["make", "model"], "space": "siamese", "epochs": 5, "seed": 0}
    train = command_of(OpenRun("id", "train-siamese", now, asked), settings, home_given=False)
    assert train == "marque train siamese --on make --on model --space siamese --epochs 5"
    publish = command_of(OpenRun("id", "publish", now, weights), settings, home_given=False)
    assert publish == "marque publish"


@pytest.mark.parametrize(("flow", "harmless"), [("embed", True), ("reset", False)])
def test_going_on_is_called_harmless_only_where_it_is(
    tmp_path: Path, flow: str, harmless: bool
) -> None:
    settings = Settings(home=tmp_path, catalog=str(tmp_path / "catalog"))
    report = new_report(flow, "id", {"path": "/a"})
    store_report(catalog_at(settings), report)
    (check,) = _runs(settings)
    assert check.state == "warning"
    assert ("nothing is lost" in check.advice) is harmless
    assert ("deletes everything" in check.advice) is not harmless
