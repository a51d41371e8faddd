"""Facts beside photos, from ingest to ingest: they stay, and their table is found again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from PIL import Image

from catalog.register import register
from catalog.table import Catalog
from core.records import SourceError
from flows.reporting.report import RunReport, new_report
from flows.resources import catalog_at
from flows.run import Run
from flows.settings import load_settings
from flows.stages.sources import make_source, open_inbox, remember_source
from labeling.label import current_labels, label_sightings
from labeling.pending import unlabeled_sightings
from labeling.publish.status import catalog_status

Take = Callable[..., RunReport]

LICENSE = "CC BY 4.0"


@pytest.fixture(autouse=True)
def inbox(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUE_INBOX", str(tmp_path / "photos"))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of three photos."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate("abc"):
        Image.new("RGB", (80, 72), (number, 99, 7)).save(folder / f"{name}.png")
    return folder


@pytest.fixture
def take(photos: Path) -> Take:
    """Register and label the folder as an ingest does, with a table of this text if one is
    given."""

    def take_in(text: str | None = None, name: str = "w1.csv", path: Path = photos,
                **columns: str) -> RunReport:  # fmt: skip
        table = photos.parent / name
        if text is not None:
            table.write_text(text)
        settings = load_settings()
        run = Run(settings, catalog_at(settings), new_report("ingest", "r", {}))
        given = None if text is None else str(table)
        source = make_source(run, "folder", str(path), sidecar=given, columns=columns or None)
        source.count()
        remember_source(run, source)
        run.report.add_registered(register(run.catalog, source.records(), run_id="r"))
        label_sightings(run.catalog, unlabeled_sightings(run.catalog), run_id="r")
        return run.report

    return take_in


def known(catalog: Catalog) -> dict[str, dict[str, Any]]:
    """What is known of each file: its labels, license and creator."""
    rows = catalog.table("sightings").to_arrow().to_pylist()
    labels = current_labels(catalog, [row["image_id"] for row in rows])
    found = {}
    for row in rows:
        said = {name: label.values[0] for name, label in labels[row["image_id"]].items()}
        rights = {name: row[name] for name in ("license", "creator") if row[name]}
        found[Path(row["source_id"]).stem] = said | rights
    return found


FIRST = f"path,color,license,creator\na.png,red,{LICENSE},Ann\nb.png,blue,{LICENSE},Bob\n"
ALL = {
    "a": {"color": "red", "license": LICENSE, "creator": "Ann"},
    "b": {"color": "blue", "license": LICENSE, "creator": "Bob"},
    "c": {},
}


def test_what_a_table_said_stays_without_it(take: Take, catalog: Callable[[], Catalog]) -> None:
    first = take(FIRST)
    assert known(catalog()) == ALL
    assert first.facts == {}, "no photo was known"
    before = catalog().versions()["sightings"]
    assert take().facts == {}
    assert catalog().versions()["sightings"] == before, "and nothing is written"
    other = take("path,view\na.png,interior\n", "w2.csv")
    assert known(catalog()) == ALL | {"a": ALL["a"] | {"view": "interior"}}
    assert other.facts == {"view": {"set": 1}}
    assert other.tables()["Facts of known photos"] == [
        {"fact": "view", "set": 1, "changed": 0, "withdrawn": 0}
    ]


def test_the_same_table_says_otherwise(take: Take, catalog: Callable[[], Catalog]) -> None:
    take(FIRST)
    report = take(f"path,color,license\na.png,,{LICENSE}\nc.png,green,\n")
    assert report.facts == {"color": {"set": 1, "withdrawn": 1}}
    assert report.changed == 2
    now = {"a": {"license": LICENSE, "creator": "Ann"}, "b": ALL["b"], "c": {"color": "green"}}
    assert known(catalog()) == now
    kept = "less is said of it than before; what was said stays until it is withdrawn"
    assert report.notices[kept] == 2, "the column of creators is gone, and the row of b"
    disagreeing = take("path,color\nb.png,white\nc.png,green\n", "w2.csv")
    assert disagreeing.facts == {"color": {"changed": 1}}
    assert disagreeing.notices["tables disagree about color; the last one counts"] == 1
    assert known(catalog())["b"]["color"] == "white"


def test_the_nightly_ingest_reads_the_table_again(
    take: Take, catalog: Callable[[], Catalog], photos: Path, tmp_path: Path
) -> None:
    from flows.ingest import ingest

    linked = tmp_path / "linked"
    linked.symlink_to(photos)
    take("file,paint\na.png,red\n", path=linked / ".." / "linked", color="paint")
    (tmp_path / "w1.csv").write_text("file,paint\na.png,red\nb.png,blue\n")
    report = ingest(embed=False)
    assert report.facts == {"color": {"set": 1}}
    assert known(catalog())["b"] == {"color": "blue"}
    assert f"facts are read from {tmp_path / 'w1.csv'}, as before" in report.messages
    (told,) = catalog_status(catalog())["sidecars"]
    assert told == {"folder": str(photos), "sidecar": str(tmp_path / "w1.csv"), "there": True}


@pytest.mark.parametrize("text", [None, "", "color\nred\n", "file,color\na.png,green\n"])
def test_a_table_that_cannot_be_used_any_more_takes_nothing_back(
    take: Take, catalog: Callable[[], Catalog], tmp_path: Path, text: str | None
) -> None:
    from marque.checks.catalog import check_catalog
    from marque.checks.check import CheckContext

    take("file,paint\na.png,red\n", color="paint")
    table = tmp_path / "w1.csv"
    table.unlink()
    if text is not None:
        table.write_text(text)
    report = take()
    assert (report.known, report.facts) == (3, {})
    assert any("cannot be used" in message and str(table) in message
               for message in report.messages)  # fmt: skip
    assert known(catalog())["a"] == {"color": "red"}
    checks = check_catalog(CheckContext(load_settings()))
    (check,) = [each for each in checks if each.name == "sidecars"]
    assert check.state == ("warning" if text is None else "ok")


def test_a_link_to_the_table_is_followed_anew(
    take: Take, catalog: Callable[[], Catalog], photos: Path
) -> None:
    day = photos.parent / "day2.csv"
    link = photos.parent / "latest.csv"
    link.symlink_to(photos.parent / "day1.csv")
    take("path,color\na.png,red\n", name="latest.csv")
    day.write_text("path,color\na.png,blue\n")
    link.unlink()
    link.symlink_to(day)
    take()
    assert known(catalog())["a"]["color"] == "blue"


def test_a_remembered_map_that_does_not_fit_is_named(take: Take) -> None:
    take("path,paint\na.png,red\n", color="paint")
    with pytest.raises(SourceError, match=r"no column paint.*color=paint.*--map"):
        take("path,color\na.png,red\n")


def test_an_inbox_with_its_table_alone_is_empty(photos: Path) -> None:
    for photo in photos.glob("*.png"):
        photo.unlink()
    (photos / "facts.csv").write_text("path,color\na.png,red\n")
    settings = load_settings()
    run = Run(settings, catalog_at(settings), new_report("ingest", "r", {}))
    assert open_inbox(run) is None
    assert "is empty" in run.report.messages[0]


def test_a_photo_in_the_place_of_another_has_not_its_facts(
    take: Take, catalog: Callable[[], Catalog], photos: Path
) -> None:
    take(FIRST)
    take("path,color\nb.png,blue\n", "w2.csv")
    Image.new("RGB", (80, 72), (200, 1, 1)).save(photos / "a.png")
    report = take()
    assert known(catalog()) == ALL | {"a": {}}
    assert report.facts == {name: {"withdrawn": 1} for name in ("color", "creator", "license")}


def test_withdrawing_asks_and_takes_back_what_one_table_said(
    take: Take, catalog: Callable[[], Catalog], tmp_path: Path, photos: Path
) -> None:
    from flows.withdraw import withdraw
    from marque.__main__ import commands

    take(FIRST)
    take("path,color,view\na.png,white,interior\n", "w2.csv")
    (tmp_path / "w2.csv").unlink()
    asked = CliRunner().invoke(commands, ["withdraw", str(tmp_path / "w2.csv")], input="n\n")
    assert asked.exit_code == 1
    assert f"{tmp_path / 'w2.csv'}: color of 1, view of 1" in asked.stderr
    assert known(catalog())["a"]["color"] == "white"
    report = withdraw(path=str(tmp_path / "w2.csv"))
    assert report.facts == {"color": {"changed": 1}, "view": {"withdrawn": 1}}
    assert known(catalog()) == ALL
    assert catalog_status(catalog())["sidecars"] == []
    whole = withdraw(path=str(photos))
    assert whole.facts == {"color": {"withdrawn": 2}, "creator": {"withdrawn": 2},
                           "license": {"withdrawn": 2}}  # fmt: skip
    assert known(catalog()) == {"a": {}, "b": {}, "c": {}}
    assert CliRunner().invoke(commands, ["withdraw", str(photos)]).exit_code == 1


def test_starting_over_reads_the_table_of_the_folder(
    take: Take, catalog: Callable[[], Catalog]
) -> None:
    take(FIRST)
    catalog().drop_photos()
    take()
    assert known(catalog()) == ALL
