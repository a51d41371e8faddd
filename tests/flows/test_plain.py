"""A command by hand: no server, nothing of Prefect, and no network where nothing is embedded."""

import json
import os
import subprocess
import sys
from pathlib import Path

from embeddings.known import load_known, store_known
from embeddings.registry import ModelSpec
from flows.resources import record_for
from flows.run_lock import hold_run_lock, lock_holder
from flows.settings import Settings
from synthetic.scenes import write_scenes

SCRIPT = """
import sys
from click.testing import CliRunner
from marque.__main__ import commands

done = CliRunner().invoke(commands, sys.argv[1:])
print(done.stdout, "\\n---\\n", sorted({"prefect", "torch"} & set(sys.modules)))
print(done.output, file=sys.stderr)
sys.exit(done.exit_code)
"""


def test_an_ingest_imports_no_prefect_and_one_of_nothing_new_no_torch(tmp_path: Path) -> None:
    write_scenes(tmp_path / "scenes", 8, 1)
    home = tmp_path / "home"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    given = {"MARQUE_HOME": str(home), "MARQUE_SEMANTIC_MODEL": "marque-tiny"}
    words = [sys.executable, "-c", SCRIPT, "ingest", "scenes", str(tmp_path / "scenes"), "--json"]
    seen = []
    for _ in range(2):
        done = subprocess.run(
            words, env=kept | given | {"PREFECT_API_URL": ""}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        report, _, imported = done.stdout.partition("\n---\n")
        seen.append((json.loads(report)["new"], imported.strip()))
    assert seen == [(8, "['torch']"), (0, "[]")]
    assert sorted(each.name for each in home.iterdir()) == ["catalog", "models", "runs", "sheets"]
    assert list((home / "runs").iterdir()) == [], "the lock of a run goes with it"


def test_a_model_is_known_as_long_as_its_files_are_the_same(tmp_path: Path) -> None:
    import shutil

    from embeddings.tiny import TINY_WEIGHTS

    weights = tmp_path / "w.safetensors"
    shutil.copy(TINY_WEIGHTS, weights)
    settings = Settings(home=tmp_path, semantic_model="marque-tiny", semantic_weights=weights)
    record = record_for(settings)
    spec = ModelSpec("marque-tiny", str(weights))
    assert load_known(tmp_path, spec) == record
    assert load_known(tmp_path, ModelSpec("marque-tiny")) is None
    os.utime(weights, (1, 1))
    assert load_known(tmp_path, spec) is None, "it may hold other numbers now"
    store_known(tmp_path, record)
    assert load_known(tmp_path, spec) == record
    weights.unlink()
    assert load_known(tmp_path, spec) is None
    (kept,) = (tmp_path / "models").glob("*.json")
    kept.write_text("{")
    assert load_known(tmp_path, spec) is None


def test_who_is_at_work_holds_a_lock(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "killed.lock").write_text("1")
    assert lock_holder(tmp_path, "killed") is None
    with hold_run_lock(tmp_path, "a"), hold_run_lock(tmp_path, "b"):
        assert lock_holder(tmp_path, "a") == lock_holder(tmp_path, "b") == os.getpid()
        assert {each.name for each in (tmp_path / "runs").iterdir()} == {"a.lock", "b.lock"}
    assert lock_holder(tmp_path, "a") is None
    blocked = tmp_path / "file"
    blocked.write_text("")
    with hold_run_lock(blocked, "a"):
        assert lock_holder(blocked, "a") is None, "it works all the same"
