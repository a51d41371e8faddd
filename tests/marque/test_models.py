"""`marque models`, as a person runs it: what it prints, and how it ends."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from embeddings.registry import DEFAULT_MODEL, TINY
from embeddings.tiny import CONFIG_DIR, TINY_WEIGHTS
from marque.__main__ import commands
from tests.embeddings.hub import COMMIT, REPO, serving


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", TINY)


def run(home: Path, *words: str) -> Result:
    before = dict(os.environ)
    try:
        return CliRunner().invoke(commands, ["models", *words, "--home", str(home)])
    finally:
        os.environ.clear()
        os.environ.update(before)


def answer(home: Path, *words: str) -> dict[str, Any]:
    done = run(home, *words, "--json")
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_the_list_says_what_is_used_and_where_it_is(tmp_path: Path) -> None:
    rows = {row["model"]: row for row in answer(tmp_path / "home", "list")["models"]}
    assert rows[TINY]["used_by"] == ["settings"]
    assert (rows[TINY]["here"], rows[TINY]["place"]) == (True, "project")
    assert rows[TINY]["bytes"] == TINY_WEIGHTS.stat().st_size
    assert len(rows[TINY]["pinned_sha256"]) == 64
    assert rows[DEFAULT_MODEL]["license"] == "MIT"
    assert not (tmp_path / "home").exists()
    shown = run(tmp_path / "home", "list").stdout
    assert "part of Marque" in shown
    assert len(answer(tmp_path / "home", "list", "--all")["models"]) > 150


def test_the_list_names_what_made_the_vectors(tmp_path: Path) -> None:
    from catalog.car_columns import open_space
    from catalog.table import open_catalog
    from embeddings.registry import SpaceRecord

    record = SpaceRecord("semantic", DEFAULT_MODEL, None, "0" * 64, {}, 8, "cosine", "v")
    open_space(open_catalog(tmp_path / "catalog"), "semantic", 8, record.to_json())
    rows = {row["model"]: row for row in answer(tmp_path, "list")["models"]}
    assert rows[DEFAULT_MODEL]["used_by"] == ["vectors"]
    assert rows[TINY]["used_by"] == ["settings"]


def test_a_copy_is_fetched_carried_and_verified(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "copy"
    fetched = answer(home, "fetch", "--to", str(folder))
    assert fetched["model"] == TINY
    assert fetched["copy"] == str(folder)
    carried = tmp_path / "elsewhere"
    folder.rename(carried)
    name = f"local-dir:{carried}"
    assert answer(home, "verify", name)["state"] == "ok"
    os.truncate(carried / "open_clip_model.safetensors", 5000)
    done = run(home, "verify", name, "--json")
    assert done.exit_code == 1
    document = json.loads(done.stdout)
    assert document["state"] == "problem"
    assert "truncated or altered" in document["files"][0]["found"]
    said = run(home, "verify", name)
    assert said.exit_code == 1
    assert "copy the folder here again" in said.stdout


def test_what_cannot_be_is_one_line(tmp_path: Path) -> None:
    for words, said in (
        (["verify", DEFAULT_MODEL], "marque models fetch"),
        (["verify", "ViT-Z-99/none"], "ViT-Z-99"),
        (["fetch", TINY, "--to", str(CONFIG_DIR)], "is there already"),
        (["fetch", TINY, "--weights", str(tmp_path / "no.pt")], "no weights file"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "empty"))
            done = run(tmp_path / "home", *words)
        assert done.exit_code == 1, done.output
        assert said in done.stderr
        assert "Traceback" not in done.output


def test_a_model_comes_from_the_hub_that_the_environment_names(tmp_path: Path) -> None:
    """A process of its own, as HF_ENDPOINT and HF_HOME are read when the client is imported."""
    source = tmp_path / "hub"
    source.mkdir()
    config = json.loads((CONFIG_DIR / f"{TINY}.json").read_text())
    document = {"model_cfg": config, "preprocess_cfg": {}}
    (source / "open_clip_config.json").write_text(json.dumps(document))
    shutil.copy(TINY_WEIGHTS, source / "open_clip_model.safetensors")
    with serving(source) as hub:
        there = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path / "hf")}
        done = subprocess.run(
            [sys.executable, "-m", "marque", "models", "fetch", f"hf-hub:{REPO}", "--json"],
            env=os.environ | there | {"MARQUE_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    fetched = json.loads(done.stdout)
    assert fetched["commit"] == COMMIT
    assert fetched["path"].startswith(str(tmp_path / "hf" / "hub"))
    assert len(list((tmp_path / "home" / "pins").iterdir())) == 1


def test_the_help_loads_nothing_slow() -> None:
    code = "import sys; from marque.__main__ import commands; "
    code += "print(sorted({'torch', 'open_clip', 'prefect', 'lancedb', 'huggingface_hub'} "
    code += "& set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
