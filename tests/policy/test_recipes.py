"""The recipes of docs/recipes.md, followed: their code is taken from the page and run."""

import importlib
import json
import os
import pkgutil
import re
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from PIL import Image

import benchmarks.__main__
import marque
from benchmarks.__main__ import NAMES
from catalog.table import open_catalog
from flows import ingest as ingesting
from flows.recipe import Recipe
from marque.__main__ import commands
from synthetic.scenes import write_scenes
from tests.embeddings import small
from tests.labeling.review.making import Shop
from tests.policy.checks import ROOT, without_help

SECTIONS = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8").split("\n## ")


def code_of(title: str) -> str:
    """The one block of code of a recipe."""
    section = next(each for each in SECTIONS if each.startswith(f"{title}\n"))
    (block,) = re.findall(r"```\w+\n(.*?)```", section, re.DOTALL)
    return str(block)


def made(title: str) -> dict[str, Any]:
    """What the code of a recipe defines."""
    names: dict[str, Any] = {"__name__": f"recipe of {title}"}
    exec(compile(code_of(title), f"docs/recipes.md, {title}", "exec"), names)
    return names


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
    return tmp_path / "home"


def run(*words: str) -> Result:
    before = dict(os.environ)
    try:
        done = CliRunner().invoke(commands, words)
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert done.exit_code == 0, done.output
    return done


def answer(*words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json").stdout)
    return found


def paint(folder: Path, *colors: str) -> None:
    folder.mkdir()
    for color in colors:
        Image.new("RGB", (96, 80), color).save(folder / f"{color}.jpg")


def test_an_import(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paint(tmp_path / "photos", "red", "blue")
    listed = tmp_path / "photos" / "list.txt"
    listed.write_text("red.jpg\nblue.jpg\ngreen.jpg\n")
    source = made("An import")["ListSource"](listed)
    monkeypatch.setattr(ingesting, "make_source", lambda *_, **__: source)
    first = ingesting.ingest(source="list", path=str(listed), embed=False)
    assert (first.new, first.newly_rejected) == (2, 1)
    assert ingesting.ingest(source="list", path=str(listed), embed=False).new == 0


def test_an_attribute(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.toml").write_text(code_of("An attribute"))
    monkeypatch.setenv("MARQUE_VOCABULARY", str(tmp_path / "mine.toml"))
    paint(tmp_path / "photos", "red", "blue")
    (tmp_path / "facts.csv").write_text("path,when\nred.jpg,Sommer\nblue.jpg,snow\n")
    sidecar = ("--sidecar", str(tmp_path / "facts.csv"), "--map", "season=when")
    run("ingest", "folder", str(tmp_path / "photos"), *sidecar)
    (hit,) = answer("search", "--where", "season=winter")["hits"]
    assert hit["source_id"].endswith("blue.jpg")
    shown = answer("show", hit["image_id"])
    assert shown["labels"]["season"]["value"] == "winter"


def test_an_attribute_is_added_to_a_catalog_that_is_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_scenes(tmp_path / "scenes", 4, 1)
    run("ingest", "scenes", str(tmp_path / "scenes"))
    (tmp_path / "mine.toml").write_text(code_of("An attribute"))
    monkeypatch.setenv("MARQUE_VOCABULARY", str(tmp_path / "mine.toml"))
    report = answer("label")
    assert report["status"] == "done"
    assert "season" in json.dumps(report), "the network is asked about it"
    assert answer("search", "--where", "season in summer,winter")["hits"] is not None


def test_a_labeler(tmp_path: Path) -> None:
    shop = Shop(open_catalog(tmp_path / "catalog"))
    seen, other = shop.see_all([{}, {"view": "interior"}])
    shop.label()
    made("A labeler")["label_views"](shop.catalog, {seen: "detail", other: "detail"}, "r")
    assert shop.label_of(seen, "view") == ("detail",)
    assert shop.label_of(other, "view") == ("interior",), "never over a source"


def test_an_embedding_model(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small.register(monkeypatch)
    weights = small.save_weights(tmp_path / "w.safetensors")
    write_scenes(tmp_path / "scenes", 4, 1)
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", small.NAME)
    monkeypatch.setenv("MARQUE_SEMANTIC_WEIGHTS", str(weights))
    report = answer("ingest", "scenes", str(tmp_path / "scenes"))
    assert report["models"]["semantic"].startswith(small.NAME)
    assert len(answer("search", "a car", "-k", "2")["hits"]) == 2


def test_a_flow(home: Path) -> None:
    count_photos = made("A flow")["count_photos"]
    assert isinstance(count_photos, Recipe)
    assert count_photos().messages == ["0 rows in images"]
    stored = open_catalog(home / "catalog", create=False).column("runs", "flow").to_pylist()
    assert stored == ["count-photos"]
    assert count_photos.flow.name == "count-photos"


def test_a_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = made("A command")["photos"]
    assert list(without_help(command, "marque photos")) == []
    open_catalog(home / "catalog")
    monkeypatch.setitem(commands.commands, "photos", command)
    assert run("photos").stdout == "0 photos\n"
    assert answer("photos") == {"photos": 0}


def test_every_module_with_a_command_is_part_of_the_command_line() -> None:
    found = set()
    for each in pkgutil.iter_modules(marque.__path__):
        if isinstance(
            getattr(importlib.import_module(f"marque.{each.name}"), each.name, None), click.Command
        ):
            found.add(each.name)
    assert found == set(commands.commands)


def test_a_benchmark() -> None:
    assert "\n| 1,000 | " in made("A benchmark")["page"]()


def test_every_benchmark_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = set()
    for each in pkgutil.iter_modules(benchmarks.__path__):
        text = (ROOT / "benchmarks" / f"{each.name}.py").read_text(encoding="utf-8")
        if re.search(r"^def page\(\)", text, re.MULTILINE):
            found.add(each.name.replace("_", "-"))
    assert found == set(NAMES)
    monkeypatch.setattr("sys.argv", ["benchmarks", "--help"])
    with pytest.raises(SystemExit):
        benchmarks.__main__.main()
    shown = "".join(capsys.readouterr().out.split())
    assert all(name in shown for name in NAMES)
