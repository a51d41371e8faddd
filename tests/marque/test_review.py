"""`marque review`, as a person runs it."""

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from catalog.table import Catalog, open_catalog
from core.assertions import Assertion
from labeling.label import store_assertions
from labeling.labelers import Calibration, Labeler, use_labeler
from labeling.review.cases import CASE_REASONS
from marque.__main__ import commands
from marque.review import REVIEW_REASONS
from tests.labeling.review.making import START

PHOTOS = 30


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty scenes, all of which a network takes for pink cars. Tests run in this order on it."""
    folder = tmp_path_factory.mktemp("review")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
        words = ("ingest", "scenes", str(folder / "scenes"), "--render", str(PHOTOS), "--json")
        done = run(folder / "home", *words)
    assert done.exit_code == 0, done.output
    catalog = catalog_of(folder / "home")
    labeler = Labeler("net", "1", "", is_tryout=False, calibration={"color": Calibration(1.0, 0.8)})
    use_labeler(catalog, labeler, run_id="r")
    store_assertions(
        catalog,
        [
            Assertion(key, "color", ("pink",), False, 0.9, "model", "net", "1", "", START)
            for key in catalog.column("images", "image_id").to_pylist()
        ],
        run_id="r",
    )
    return folder / "home"


def catalog_of(home: Path) -> Catalog:
    return open_catalog(home / "catalog", create=False)


def run(home: Path, *words: str) -> Result:
    before = dict(os.environ)
    try:
        return CliRunner().invoke(commands, [*words, "--home", str(home)])
    finally:
        os.environ.clear()
        os.environ.update(before)


def answer(home: Path, *words: str) -> dict[str, Any]:
    done = run(home, "review", *words, "--json")
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def rows_of(folder: Path) -> list[dict[str, str]]:
    text = (folder / "review.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def save(path: Path, rows: list[dict[str, str]]) -> Path:
    """As a spreadsheet of the west of Europe does."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=";")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_reasons_that_are_offered_are_those_that_there_are() -> None:
    assert REVIEW_REASONS == CASE_REASONS


def test_out_to_a_person_and_back(home: Path, tmp_path: Path) -> None:
    before = answer(home, "stats")
    waiting = {(row["reason"], row["attribute"]): row["labels"] for row in before["labels"]}
    contradicted = waiting["contradiction", "color"]
    assert 0 < contradicted <= PHOTOS
    assert before["decisions"] == []
    out = tmp_path / "out"
    done = answer(home, "export", "--out", str(out), "--limit", "5", "--reason", "contradiction")
    assert (done["photos"], done["cases"]) == (5, {"contradiction": 5})
    assert sorted(each.name for each in out.iterdir()) == ["config.xml", "review.csv", "tasks.json"]
    rows = rows_of(out)
    for row, decision in zip(rows, ["pink", "Rosa", "?", "mauve-ish", ""], strict=True):
        row |= {"decision": decision, "by": "ann"}
    back = run(home, "review", "import", str(save(tmp_path / "back.csv", rows)))
    assert back.exit_code == 0, back.output
    assert "back.csv, line 5" in back.stdout
    assert "'mauve-ish'" in back.stdout
    after = answer(home, "stats", "--attribute", "color")
    assert [(row["by"], row["decisions"], row["photos"]) for row in after["decisions"]] == [
        ("ann", 3, 3)
    ]
    left = {(row["reason"], row["attribute"]): row["labels"] for row in after["labels"]}
    assert left["contradiction", "color"] == contradicted - 3
    found = json.loads(run(home, "search", "--where", "color=pink", "-k", "30", "--json").stdout)
    ids = {hit["image_id"] for hit in found["hits"]}
    assert {rows[0]["image_id"], rows[1]["image_id"]} <= ids
    again = answer(home, "import", str(tmp_path / "back.csv"))
    assert (again["review"]["new"], again["review"]["known"]) == (0, 3)


def test_what_is_shown_is_what_is_counted(home: Path) -> None:
    shown = run(home, "review", "stats")
    assert shown.exit_code == 0, shown.output
    assert "contradiction" in shown.stdout
    assert "Waiting for a person" in shown.stdout
    none = answer(home, "stats", "--attribute", "age", "--reason", "people-disagree")
    assert (none["waiting"], none["labels"]) == (0, [])


def test_an_export_says_where_it_went(home: Path, tmp_path: Path) -> None:
    done = run(home, "review", "export", "--out", str(tmp_path / "out"), "--limit", "2")
    assert done.exit_code == 0, done.output
    assert f"{tmp_path / 'out'}: 2 of" in done.stdout


def test_nothing_good_ends_with_1(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("image_id,attribute,decision\nffffff,color,red\n")
    done = run(home, "review", "import", str(path), "--by", "ann")
    assert done.exit_code == 1
    assert "0 photos have an id that begins with 'ffffff'" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stats", "--attribute", "colour"], "there is no attribute 'colour'; there are: make"),
        (["stats", "--reason", "whim"], "'whim' is not one of"),
        (["export"], "--out"),
        (["export", "--out", "new", "--limit", "0"], "0 is not in the range"),
        (["export", "--out", "."], "not an empty folder"),
        (["import"], "FILE"),
        (["import", "absent.csv"], "absent.csv"),
    ],
)
def test_wrong_usage_ends_with_2(home: Path, words: list[str], said: str) -> None:
    done = run(home, "review", *words)
    assert done.exit_code == 2, done.output
    assert said in done.stderr


def test_without_a_catalog(tmp_path: Path) -> None:
    done = run(tmp_path / "home", "review", "stats")
    assert done.exit_code == 1
    assert "no catalog at" in done.stderr
