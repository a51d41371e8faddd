"""`marque doctor`: what it says of a machine that is well, and of each thing that can be wrong."""

import json
import os
import re
import shutil
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from catalog.table import open_catalog
from embeddings.tuning import Overrides, RunConfig, Tuning, TuningKey, store_tuning
from flows.settings import Settings
from marque.__main__ import commands
from marque.checks import machine, model
from marque.checks.catalog import check_catalog
from marque.checks.check import Check, CheckContext, CheckFunction
from marque.checks.machine import check_disk, check_home, check_server, check_versions
from marque.checks.runs import check_runs
from marque.checks.settings import check_settings, usable_settings
from marque.checks.table import run_checks

Checks = dict[str, dict[str, Any]]


@pytest.fixture(autouse=True)
def _no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Port 9 answers nothing, here or on a machine that can reach the hub."""
    from huggingface_hub import constants

    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")


@pytest.fixture
def no_torch(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package `torch` that the child process finds first; what it does is for the test."""
    package = tmp_path / "first" / "torch"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('left out of this test')")
    monkeypatch.setenv("PYTHONPATH", str(package.parent))
    return package / "__init__.py"


def doctor(home: Path, *words: str) -> tuple[Result, Checks]:
    before = dict(os.environ)
    try:
        done = CliRunner().invoke(commands, ["doctor", "--json", *words, "--home", str(home)])
    finally:
        os.environ.clear()
        os.environ.update(before)
    document = json.loads(done.stdout)
    return done, {each["name"]: each for each in document["checks"]}


def settings_checks(*, home_given: bool = False) -> list[Check]:
    return list(check_settings(CheckContext(usable_settings(), home_given)))


def command(home: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "marque", *words, "--home", str(home)]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_fresh_machine_is_told_what_is_missing_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "ViT-B-32-256/datacomp_s34b_b86k")
    done, checks = doctor(home)
    assert done.exit_code == 1
    assert {name for name, each in checks.items() if each["state"] == "problem"} == {"model", "hub"}
    assert "marque models fetch" in checks["model"]["found"]
    assert "127.0.0.1:9" in checks["hub"]["found"]
    assert "none at" in checks["catalog"]["found"]
    assert not home.exists()
    assert not (tmp_path / "hf").exists()


@pytest.mark.parametrize(
    ("fake", "said"),
    [
        ("raise RuntimeError('operator torchvision::nms does not exist')", "torchvision::nms"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "SIGILL"),
        ("import time; time.sleep(600)", "did not end within"),
    ],
)
def test_torch_that_does_not_work_here_is_one_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_torch: Path, fake: str, said: str
) -> None:
    no_torch.write_text(fake)
    if "sleep" in fake:
        monkeypatch.setattr(model, "TORCH_SECONDS", 3.0)
    done, checks = doctor(tmp_path / "home")
    assert done.exit_code == 1
    assert checks["device"]["state"] == "problem"
    assert said in checks["device"]["found"]
    assert checks["catalog"]["state"] == "ok"
    assert "Traceback" not in done.output


def test_settings_that_cannot_be_used_do_not_stop_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_torch: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marque.toml").write_text("batch_size = 0\nshard_size = 7\nbatchsize = 3\n")
    done, checks = doctor(tmp_path / "home")
    assert done.exit_code == 1
    for part in ("batch_size = 0", "batchsize", "there is no such setting"):
        assert part in checks["settings"]["found"]
    assert checks["home"]["state"] == checks["disk"]["state"] == "ok"
    settings = usable_settings()
    default = Settings.model_fields["batch_size"].default
    assert (settings.batch_size, settings.shard_size) == (default, 7)
    (tmp_path / "marque.toml").write_text("not toml")
    assert "marque.toml cannot be read" in settings_checks()[0].found
    (tmp_path / "marque.toml").unlink()
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "local-dir:/nowhere/at/all")
    (only,) = settings_checks()
    assert (only.state, "/nowhere/at/all" in only.found) == ("problem", True)


def test_what_gave_a_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "marque.toml").write_text("shard_size = 7\nworkers = 3\n")
    monkeypatch.setenv("MARQUE_WORKERS", "1")
    facts = settings_checks(home_given=True)[0].facts["given"]
    assert facts["workers"] == {"value": "1", "by": "MARQUE_WORKERS"}
    assert facts["shard_size"] == {"value": "7", "by": str(tmp_path / "marque.toml")}
    assert facts["home"]["by"] == "--home"


def test_a_home_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/marque")):
        (check,) = check_home(CheckContext(Settings(home=place)))
        assert check.state == "problem", place
        assert "MARQUE_HOME" in check.advice
    (good,) = check_home(CheckContext(Settings(home=tmp_path / "not" / "yet")))
    assert good.state == "ok"
    assert files(tmp_path) == ["file"]


def test_little_room_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "rows").write_bytes(b"x" * 5000)
    context = CheckContext(Settings(home=tmp_path))
    (check,) = check_disk(context)
    assert (check.state, check.facts["catalog"]) == ("ok", 5000)
    assert check.facts["free"] <= shutil.disk_usage(tmp_path).total
    monkeypatch.setattr(machine, "LITTLE_BYTES", 2**60)
    assert next(check_disk(context)).state == "warning"
    monkeypatch.setattr(machine, "FULL_BYTES", 2**60)
    assert next(check_disk(context)).state == "problem"


def test_a_package_of_another_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    context = CheckContext(Settings())
    assert next(check_versions(context)).state == "ok"
    needed = ["prefect==3.8.7", "pyarrow~=26.0", "no-such-package>=1"]
    monkeypatch.setattr(machine, "requires", lambda name: needed)
    (check,) = check_versions(context)
    assert check.state == "warning"
    assert "prefect 3.8.8 (Marque needs prefect==3.8.7)" in check.found
    assert "no-such-package absent" in check.found
    assert "pyarrow 26" not in check.found.partition("not as needed")[2]


def test_a_catalog_out_of_reach_neither_hangs_nor_breaks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_torch: Path
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()  # takes the connection and never answers
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        for name, value in {
            "ACCESS_KEY_ID": "a",
            "SECRET_ACCESS_KEY": "b",
            "REGION": "us-east-1",
            "ENDPOINT": address,
            "ALLOW_HTTP": "true",
        }.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        context = CheckContext(Settings(home=tmp_path, catalog="s3://somewhere/catalog"))
        table = (
            CheckFunction("catalog", check_catalog, 6.0),
            CheckFunction("run", check_runs, 6.0, needs="catalog"),
        )
        found = run_checks(context, table)
        assert [(each.name, each.state) for each in found] == [("catalog", "problem")]
        assert [each.name for each in check_disk(context)] == ["disk"]


def test_a_catalog_that_is_damaged_is_a_row(tmp_path: Path, no_torch: Path) -> None:
    home = tmp_path / "home"
    open_catalog(home / "catalog")
    for manifest in (home / "catalog" / "images.lance").rglob("*.manifest"):
        manifest.write_bytes(manifest.read_bytes()[:20])
    before = files(home)
    done, checks = doctor(home)
    assert done.exit_code == 1
    assert checks["catalog"]["state"] == "problem"
    assert "cannot be read" in checks["catalog"]["found"]
    assert "Traceback" not in done.output
    assert files(home) == before

    shutil.rmtree(home / "catalog" / "cars.lance")
    _, checks = doctor(home)
    assert checks["catalog"]["state"] == "problem"
    assert not (home / "catalog" / "cars.lance").exists()


def test_a_check_that_fails_or_hangs_is_a_row() -> None:
    def fails(_context: CheckContext) -> list[Check]:
        raise KeyError("nobody thought of this")

    def hangs(_context: CheckContext) -> list[Check]:
        time.sleep(60)
        return []

    def works(_context: CheckContext) -> list[Check]:
        return [Check("good", "ok", "it is")]

    table = (
        CheckFunction("odd", fails, 60),
        CheckFunction("slow", hangs, 0.1),
        CheckFunction("late", hangs, 0.1, late="warning", beside=True),
        CheckFunction("left out", works, 60, needs="odd"),
        CheckFunction("good", works, 60, needs="nothing"),
    )
    odd, slow, late, good = run_checks(CheckContext(Settings()), table)
    assert (odd.name, odd.state) == ("odd", "problem")
    assert "KeyError: 'nobody thought of this'" in odd.found
    assert (slow.name, slow.state, late.state) == ("slow", "problem", "warning")
    assert "did not answer within" in slow.found
    assert good.state == "ok"


def test_a_configured_server_that_is_down_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        (check,) = check_server(CheckContext(Settings(home=tmp_path)))
    assert check.state == "problem"
    assert "http://127.0.0.1:9/api" in check.found
    assert "unset PREFECT_API_URL" in check.advice


def test_the_table_is_for_a_person(tmp_path: Path, no_torch: Path) -> None:
    wide = CliRunner(env={"COLUMNS": "300"})  # or a long path is cut amid the word
    done = wide.invoke(commands, ["doctor", "--home", str(tmp_path / "[red]")])
    assert done.exit_code == 1
    assert "[red]" in done.stdout.replace("\n", "")
    assert re.search(r"[1-9]\d* problems?, \d+ warnings?", done.stdout)
    assert "Traceback" not in done.output


def test_how_a_model_runs_is_told_with_the_reason(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, semantic_model="marque-tiny")
    device = {"cores": 2, "cuda": [], "mps": False, "chosen": "cpu", "error": None}
    assert "the next embedding of 500 photos" in model._device(settings, device, "").found
    tuning = Tuning(
        model="marque-tiny@0123456789ab",
        device="cpu",
        config=RunConfig("bf16"),
        rates={"bf16": 20.0, "fp32": 10.0},
        why="bf16 gave 20 photos/s and fp32 10",
        measured_at="2026-01-01T00:00:00+00:00",
    )
    store_tuning(tmp_path, TuningKey(tuning.model, "cpu", "some processor", Overrides()), tuning)
    said = model._device(settings, device, "")
    assert "bf16 (bf16 gave 20 photos/s and fp32 10)" in said.found
    assert said.facts["tuning"]["rates"] == tuning.rates
    fixed = Settings(home=tmp_path, semantic_model="marque-tiny", precision="fp32")
    assert "fp32, as the settings say" in model._device(fixed, device, "").found
    other = Settings(home=tmp_path, semantic_model="ViT-B-32/openai")
    assert "the next embedding of 500 photos" in model._device(other, device, "").found
    gone = model._device(settings, device | {"error": "no CUDA"}, "")
    assert (gone.state, gone.advice) == ("problem", "set MARQUE_DEVICE=auto")
