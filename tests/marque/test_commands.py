"""The commands, as a person runs them: what they print, where, and how they end."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from catalog.schema import SPACE_MARK
from catalog.table import open_catalog
from embeddings.tiny import TINY_WEIGHTS
from marque.__main__ import commands
from marque.common import readable_errors
from synthetic.scenes import write_scenes


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, 40, 1)
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, scenes: Path) -> Path:
    """A home with forty scenes in it; tests that change it make their own."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
        done = run(folder, "ingest", "scenes", str(scenes), "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["new"] == 40
    return folder


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")


def run(home: Path, *words: str, say: str | None = None) -> Result:
    before = dict(os.environ)
    try:
        return CliRunner().invoke(commands, [*words, "--home", str(home)], input=say)
    finally:
        os.environ.clear()
        os.environ.update(before)


def answer(home: Path, *words: str) -> list[dict[str, Any]]:
    done = run(home, "search", *words, "--json")
    assert done.exit_code == 0, done.output
    hits: list[dict[str, Any]] = json.loads(done.stdout)["hits"]
    return hits


def test_search_by_text_picture_and_filter(home: Path, scenes: Path, tmp_path: Path) -> None:
    assert len(answer(home, "a red car", "-k", "5")) == 5
    picture = scenes / "scene_000003.jpg"
    best = answer(home, "--image", str(picture), "-k", "1")[0]
    assert best["rank"] == 1
    assert best["source_id"] == str(picture)
    again = answer(home, "--image", str(best["image_id"])[:12], "-k", "1")
    assert again[0]["image_id"] == best["image_id"]
    sheet = tmp_path / "answer.png"
    done = run(
        home, "search", "--where", "view=exterior", "--where", "color!=red", "--sheet", str(sheet)
    )
    assert done.exit_code == 0, done.output
    assert "view=exterior, color!=red" in done.stdout
    colors = {hit["labels"]["color"]["value"] for hit in answer(home, "--where", "color!=red")}
    assert len(colors) > 1
    assert "red" not in colors
    with Image.open(sheet) as png:
        assert png.format == "PNG"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["search", "--where", "colour=red"], "did you mean color"),
        (["search", "--where", "color=reed"], "did you mean red"),
        (["search", "--image", "nothing.jpg"], "nothing.jpg"),
        (["search", "a car", "-k", "0"], "k is 0"),
        (["search", ""], "the text is empty"),
        (["ingest", "folder", "x", "--map", "body"], "TARGET=COLUMN"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_possible(
    home: Path, words: list[str], said: str
) -> None:
    done = run(home, *words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert done.stdout == ""


def test_work_that_fails_ends_with_1(tmp_path: Path, scenes: Path) -> None:
    for words, said in (
        (["search", "a car"], "no catalog at"),
        (["status"], "no catalog at"),
        (["ingest", "folder", str(tmp_path / "absent")], "absent"),
        (["ingest", "stanford-cars", str(scenes)], "nothing"),
    ):
        done = run(tmp_path / "home", *words)
        assert done.exit_code == 1, done.output
        assert said in done.stderr
        assert "Traceback" not in done.output


def test_the_model_hub_is_not_needed_to_be_told_so(
    tmp_path: Path, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "ViT-B-32/no-such-weights")
    done = run(tmp_path / "home", "ingest", "scenes", str(scenes))
    assert done.exit_code == 1
    assert "no-such-weights" in done.stderr
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "ViT-B-32")
    done = run(tmp_path / "home", "ingest", "scenes", str(scenes), "--weights", "absent.pt")
    assert done.exit_code == 1
    assert "absent.pt" in done.stderr


def test_show_and_status(home: Path, tmp_path: Path, scenes: Path) -> None:
    key = str(answer(home, "--where", "view=exterior", "-k", "1")[0]["image_id"])
    out = tmp_path / "photo.jpg"
    done = run(home, "show", key[:10], "--out", str(out), "--json")
    photo = json.loads(done.stdout)
    assert photo["image_id"] == key
    assert photo["searchable"]
    assert out.read_bytes() == Path(photo["sightings"][0]["source_id"]).read_bytes()
    assert run(home, "show", key[:10]).exit_code == 0
    assert run(home, "show", "ffffffff").exit_code == 1
    status = json.loads(run(home, "status", "--json").stdout)
    assert status["rows"]["images"] == status["rows"]["cars"] == 40
    assert status["pending"] == {"label": 0, "networks": 0, "embed": 0, "publish": 0}
    assert status["last_runs"]["ingest"]["status"] == "done"
    assert "images" in run(home, "status").stdout


def test_rendering_embedding_later_and_publishing(tmp_path: Path) -> None:
    own = tmp_path / "home"
    words = ("ingest", "scenes", str(tmp_path / "made"), "--render", "6", "--no-embed", "--json")
    assert json.loads(run(own, *words).stdout)["new"] == 6
    waiting = json.loads(run(own, "status", "--json").stdout)
    assert waiting["pending"]["embed"] == 6
    assert waiting["published"] is None
    assert run(own, "search", "--where", "view=exterior").exit_code == 1
    weights = tmp_path / "copy.safetensors"
    shutil.copy(TINY_WEIGHTS, weights)
    done = json.loads(run(own, "embed", "--weights", str(weights), "--json").stdout)
    assert done["published"]["photos"] == 6
    made = open_catalog(own / "catalog", create=False).table("cars").schema.field("semantic")
    assert json.loads(made.metadata[SPACE_MARK])["weights"] == str(weights)
    assert json.loads(run(own, "publish", "--json").stdout)["status"] == "done"
    assert len(answer(own, "a car", "-k", "10", "--where", "view in exterior,interior,detail")) > 0


def test_an_error_of_a_run_comes_with_its_report(tmp_path: Path) -> None:
    done = run(tmp_path / "home", "ingest", "folder", str(tmp_path / "absent"), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["status"] == "failed"
    assert done.stderr.strip().splitlines()[-1].startswith("Error: ")


def test_reset_asks_first(tmp_path: Path, scenes: Path) -> None:
    own = tmp_path / "home"
    few = tmp_path / "few"
    write_scenes(few, 5, 500)
    assert run(own, "ingest", "scenes", str(scenes), "--limit", "10").exit_code == 0
    assert run(own, "reset", "--from", str(few), say="n\n").exit_code == 1
    assert json.loads(run(own, "status", "--json").stdout)["rows"]["images"] == 10
    done = run(own, "reset", "--from", str(few), "--yes", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(run(own, "status", "--json").stdout)["rows"]["images"] == 5
    bad = tmp_path / "bad"
    bad.mkdir()
    for content in (None, b"<html>"):
        if content is not None:
            (bad / "page.jpg").write_bytes(content)
        done = run(own, "reset", "--from", str(bad), "--yes")
        assert done.exit_code == 1, "nothing may be deleted for nothing"
    assert json.loads(run(own, "status", "--json").stdout)["rows"]["images"] == 5


def marque(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with no server configured."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return subprocess.run(
        [sys.executable, "-m", "marque", *words],
        cwd=cwd,
        env=kept | {"MARQUE_HOME": str(cwd / "home")},
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )


def test_the_demo_twice(tmp_path: Path) -> None:
    first = marque("demo", "--listings", "60", cwd=tmp_path)
    assert not (tmp_path / "home").exists(), "a demo must not touch a person's own catalog"
    assert first.returncode == 0, first.stderr
    sheets = sorted(path.name for path in (tmp_path / ".demo" / "sheets").glob("[0-9]-*"))
    assert sheets == ["1-text.png", "2-picture.png", "3-picture-and-text.png"]
    assert "marque ingest folder PATH" in first.stdout
    look = ("status", "--json", "--home", ".demo")
    rows = json.loads(marque(*look, cwd=tmp_path).stdout)["rows"]
    again = marque("demo", "--listings", "60", cwd=tmp_path)
    assert again.returncode == 0, again.stderr
    after = json.loads(marque(*look, cwd=tmp_path).stdout)["rows"]
    assert rows["images"] > 100
    assert rows["images"] == rows["cars"]
    assert after | {"runs": 0} == rows | {"runs": 0}
    for done in (first, again):
        assert "Traceback" not in done.stdout + done.stderr


def test_ctrl_c_is_no_error_and_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.exceptions.Exit) as left, readable_errors(debug=False, as_json=False):
        raise KeyboardInterrupt
    assert left.value.exit_code == 1
    assert capsys.readouterr().err == "Interrupted; run the same command to continue\n"
