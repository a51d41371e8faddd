"""The recipes, run for real on files of every kind."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from catalog.table import Catalog
from catalog.versions import published_version
from crawlers.imports.walk import READ_ONCE
from flows.run import RunFailedError
from synthetic.scenes import write_scenes

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, 60, 1)
    return folder


def counts(catalog: Catalog) -> dict[str, int]:
    return {name: catalog.count(name) for name in catalog.specs if name != "runs"}


def test_a_second_run_adds_nothing(scenes: Path, catalog: Callable[[], Catalog]) -> None:
    from flows.ingest import ingest

    first = ingest(source="scenes", path=str(scenes))
    assert (first.seen, first.new, first.status) == (60, 60, "done")
    assert first.published["photos"] == 60
    assert first.messages == [], "rendered scenes are what marque-tiny is for"
    before = counts(catalog())
    again = ingest(source="scenes", path=str(scenes))
    assert (again.seen, again.new, again.known) == (60, 0, 60)
    assert counts(catalog()) == before
    assert again.stages["embed"].photos == 0


def test_the_report_is_kept(scenes: Path, catalog: Callable[[], Catalog]) -> None:
    from flows.ingest import ingest

    report = ingest(source="scenes", path=str(scenes), limit=10)
    rows = catalog().rows("runs", [report.run_id], ["flow", "status", "report"]).to_pylist()
    assert rows[0]["status"] == "done"
    kept = json.loads(rows[0]["report"])
    assert kept["new"] == 10
    assert kept["models"]["semantic"].startswith("marque-tiny@")
    assert kept["versions_after"]["cars"] > kept["versions_before"]["cars"]


def test_photos_can_be_embedded_later(scenes: Path, catalog: Callable[[], Catalog]) -> None:
    from flows.ingest import embed, ingest

    assert ingest(source="scenes", path=str(scenes), limit=10, embed=False).new == 10
    assert catalog().count("cars") == 0
    assert published_version(catalog()) is None
    assert embed().published["photos"] == 10


def hostile_folder(folder: Path) -> None:
    folder.mkdir()
    photo = Image.linear_gradient("L").resize((96, 80)).convert("RGB")
    for number, name in enumerate(
        ["with space.jpg", 'it\'s "quoted".jpg', "🚗.jpg", "two\nlines.jpg"]
    ):
        photo.rotate(number * 7).save(folder / name, "JPEG")
    whole = (folder / "with space.jpg").read_bytes()
    (folder / "same bytes.jpg").write_bytes(whole)
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "page.jpg").write_bytes(b"<!doctype html><p>404</p>")
    (folder / "drawing.svg").write_bytes(b"<svg xmlns='http://www.w3.org/2000/svg'/>")
    photo.resize((40, 40)).save(folder / "small.png")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    frames = [photo.rotate(90), photo.rotate(180)]
    frames[0].save(folder / "moving.gif", save_all=True, append_images=frames[1:])


def test_bad_files_are_reported_and_the_good_ones_taken(
    tmp_path: Path, catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import ingest

    hostile_folder(tmp_path / "photos")
    report = ingest(path=str(tmp_path / "photos"))
    assert (report.seen, report.new, report.again) == (11, 5, 1)
    assert report.rejected == {
        "truncated or damaged": 1,
        "empty file": 1,
        "not an image": 1,
        "SVG is not a photo": 1,
        "under 64 px": 1,
    }
    assert report.notices["animation: the first frame was taken"] == 1
    assert report.notices[READ_ONCE] == 1
    assert report.published["photos"] == 5
    assert any("trying out" in message for message in report.messages)
    assert catalog().count("rejects") == 5
    assert catalog().count("sightings") == 6


def test_a_folder_without_a_good_photo_fails(
    tmp_path: Path, catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import ingest

    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "page.jpg").write_bytes(b"<html>")
    with pytest.raises(RunFailedError, match="no photo can be taken: 1 file seen"):
        ingest(path=str(tmp_path / "photos"))
    statuses = catalog().column("runs", "status").to_pylist()
    assert statuses == ["failed"]


def test_a_failed_run_says_why_and_keeps_its_report(
    catalog: Callable[[], Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.ingest import ingest

    monkeypatch.setenv("MARQUE_SEMANTIC_WEIGHTS", "/a b.pt")
    with pytest.raises(RunFailedError, match="absent") as caught:
        ingest(path="absent")
    assert caught.value.report.status == "failed"
    kept = json.loads(catalog().column("runs", "report").to_pylist()[0])
    assert "absent" in kept["error"]
    assert kept["parameters"]["weights"] == "/a b.pt"  # or it could not be gone on with


def test_an_empty_inbox_is_no_failure(home: Path, scenes: Path) -> None:
    from flows.ingest import ingest

    assert "is empty" in ingest().messages[0]
    os.link(scenes / "scene_000001.jpg", home / "inbox" / "a.jpg")
    assert ingest().new == 1


def test_the_search_flow_answers(scenes: Path, tmp_path: Path) -> None:
    from flows.ingest import ingest
    from flows.search import search

    ingest(source="scenes", path=str(scenes))
    sheet = tmp_path / "sheets" / "answer.png"
    report = search(text="a red car", where=["view=exterior"], k=5, sheet=str(sheet))
    assert report.answer is not None
    assert len(report.answer["hits"]) == 5
    assert {hit["labels"]["view"]["value"] for hit in report.answer["hits"]} == {"exterior"}
    with Image.open(sheet) as png:
        assert png.format == "PNG"


def test_a_misspelt_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.settings import SettingsError, load_settings

    monkeypatch.setenv("MARQUE_SEMANTIC_MODLE", "marque-tiny")
    with pytest.raises(SettingsError, match="did you mean MARQUE_SEMANTIC_MODEL"):
        load_settings()


def test_a_broken_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from flows.ingest import publish
    from flows.settings import SettingsError

    monkeypatch.setenv("MARQUE_BATCH_SIZE", "many")
    with pytest.raises(SettingsError, match=r"batch_size = 'many'"):
        publish()


def test_real_photos_with_a_sidecar(shared_data: Path, catalog: Callable[[], Catalog]) -> None:
    from flows.ingest import ingest

    folder = shared_data / "cars_224"
    report = ingest(
        path=str(folder),
        limit=40,
        sidecar=str(folder / "labels.csv"),
        columns={"body_type": "body", "model_year": "year"},
    )
    assert report.new == 40
    assert report.labels["model_year"] == 40
    assert report.unknown_words == {}
    assert set(catalog().column("cars", "color").to_pylist()) == {None}, "a guess is no fact"


def test_stanford_cars_reports_boxes_that_do_not_fit(
    shared_data: Path, catalog: Callable[[], Catalog]
) -> None:
    from flows.ingest import ingest

    report = ingest(source="stanford-cars", path=str(shared_data / "stanford_cars"), limit=30)
    assert report.new == 30
    assert report.notices["box ignored: it does not fit the photo"] > 0
    makes = catalog().column("cars", "make").to_pylist()
    assert None not in makes
    assert set(catalog().column("cars", "split").to_pylist()) == {"train"}
