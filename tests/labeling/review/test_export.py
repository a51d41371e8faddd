"""What is handed to a person: tasks that Label Studio shows as they are, and a table."""

import base64
import csv
import io
import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalog.register import register
from catalog.table import open_catalog
from core.errors import UsageMistakeError
from core.photos.decode import image_id
from core.records import Box, Photo, Sighting
from core.vocabulary import load_vocabulary
from labeling.review import export
from labeling.review.cases import spoken
from labeling.review.export import PREVIEW_SIDE, check_folder, export_review, preview
from labeling.review.record import import_file
from labeling.review.resolve import PhotoIds, resolve
from labeling.review.returned_csv import HEADER, read_csv
from labeling.review.tasks import PHOTO, config
from labeling.review.waiting import choose, load_queue
from synthetic.scenes import render
from tests.labeling.review.making import Shop, content, key_of, network

VOCABULARY = load_vocabulary()
NOW = datetime(2026, 11, 20, tzinfo=UTC)


def fill(shop: Shop) -> None:
    """Photos with every kind of attribute to decide."""
    shop.use(network("net", {"color": 0.8, "people": 0.8, "make": 0.8, "model_year": 0.8}))
    words = {"color": "red", "make": "-Kia Motors", "people": "none", "model_year": "2012"}
    keys = [shop.see(seed, page=f"https://shop/{seed}?a=1&b=2", **words) for seed in range(6)]
    shop.label()
    for at, key in enumerate(keys):
        shop.guess(key, "color", "blue", sure=0.9 + at / 100)
        shop.guess(key, "people", "man", "woman", sure=0.95)
    shop.guess(keys[0], "make", "=BMW", sure=0.9)
    shop.guess(keys[1], "model_year", "2015", sure=0.9)
    nobody = shop.see(6, people="man")
    shop.label()
    shop.guess(nobody, "people", sure=0.9)


@pytest.fixture(scope="module")
def shop_(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(open_catalog(tmp_path_factory.mktemp("shop") / "catalog"))
    fill(made)
    return made


@pytest.fixture(scope="module")
def folder(shop_: Shop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "review"
    export_review(shop_.catalog, choose(shop_.catalog, load_queue(shop_.catalog), 500), out)
    return out


def tasks(folder: Path) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = json.loads((folder / "tasks.json").read_text(encoding="utf-8"))
    return made


def table(folder: Path) -> list[dict[str, str]]:
    text = (folder / "review.csv").read_text(encoding="utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_tasks_fit_their_configuration(folder: Path) -> None:
    root = ET.fromstring((folder / "config.xml").read_text(encoding="utf-8"))
    image = root.find("Image")
    assert image is not None
    assert image.get("name") == PHOTO
    fields = {tag.get("value", "")[1:] for tag in root.iter() if tag.get("value", "")[:1] == "$"}
    choices = {tag.get("name"): [each.get("value") for each in tag] for tag in root.iter("Choices")}
    texts = {tag.get("name") for tag in root.iter("TextArea")}
    assert choices.keys() | texts == {"color", "people", "make", "model_year"}
    assert texts == {"make", "model_year"}
    assert all(tag.get("toName") == PHOTO for tag in root.iter() if tag.get("toName"))
    assert choices["people"] == ["man", "woman", "child", "none", "cannot tell"]
    kinds = {tag.get("name"): tag.get("choice") for tag in root.iter("Choices")}
    assert kinds == {"color": "single", "people": "multiple"}
    assert len(tasks(folder)) == 7
    for task in tasks(folder):
        assert task.keys() == {"data", "predictions"}
        assert fields <= task["data"].keys()
        (prediction,) = task["predictions"]
        assert prediction["model_version"] == "net"
        assert 0 <= prediction["score"] <= 1
        for result in prediction["result"]:
            assert result["to_name"] == PHOTO
            value = result["value"]
            if result["type"] == "choices":
                assert set(value["choices"]) <= set(choices[result["from_name"]])
            else:
                assert (result["type"], result["from_name"] in texts) == ("textarea", True)
                assert all(isinstance(each, str) for each in value["text"])


def test_a_task_shows_the_whole_photo_without_any_server(folder: Path, shop_: Shop) -> None:
    for task in tasks(folder):
        head, _, coded = task["data"]["image"].partition(",")
        assert head == "data:image/jpeg;base64"
        with Image.open(io.BytesIO(base64.b64decode(coded))) as image:
            assert (image.format, image.size) == ("JPEG", (96, 64))


def test_only_what_is_asked_is_suggested(folder: Path) -> None:
    by_id = {task["data"]["image_id"]: task for task in tasks(folder)}
    first = by_id[key_of(0)]
    assert {each["from_name"]: each["value"] for each in first["predictions"][0]["result"]} == {
        "color": {"choices": ["blue"]},
        "people": {"choices": ["man", "woman"]},
        "make": {"text": ["=BMW"]},
    }
    assert "color (red now): said by shop; net says blue" in first["data"]["question"]
    nobody = by_id[key_of(6)]["predictions"][0]["result"]
    assert [each["value"] for each in nobody] == [{"choices": ["none"]}]


def test_the_table_has_a_row_for_each_label(folder: Path) -> None:
    rows = table(folder)
    assert tuple(rows[0]) == HEADER
    assert len(rows) == 6 * 2 + 2 + 1
    found = {(row["image_id"], row["attribute"]): row for row in rows}
    row = found[key_of(0), "make"]
    assert (row["label"], row["suggestion"]) == ("'-Kia Motors", "'=BMW"), "no formulas"
    assert (row["origin"], row["confidence"], row["suggested_by"]) == ("source", "0.90", "net")
    assert (row["reason"], row["page_url"]) == ("contradiction", "https://shop/0?a=1&b=2")
    assert row["decision"] == row["by"] == row["decided_at"] == ""
    assert found[key_of(0), "people"]["label"] == "none"
    assert found[key_of(0), "people"]["suggestion"] == "man, woman"
    order = [row["image_id"] for row in rows]
    assert list(dict.fromkeys(order)) == [task["data"]["image_id"] for task in tasks(folder)]
    assert order == sorted(order, key=list(dict.fromkeys(order)).index), "a photo stays together"


def test_an_export_comes_back_as_it_went(folder: Path, shop_: Shop) -> None:
    """Nothing was filled in yet, so nothing is decided."""
    for name in ("review.csv", "tasks.json"):
        done = import_file(shop_.catalog, folder / name, "ann", run_id="r")
        assert (done.good, done.lines, done.empty > 0) == (0, [], True)


@settings(max_examples=40)
@given(data=st.data(), separator=st.sampled_from(",;\t"), end=st.sampled_from(["\n", "\r\n"]))
def test_export_fill_and_import(
    folder: Path, data: st.DataObject, separator: str, end: str
) -> None:
    """Whatever a person decides, and however their spreadsheet writes it, is read as they meant."""
    rows = table(folder)
    meant = {}
    for row in rows:
        attribute = VOCABULARY.attributes[row["attribute"]]
        one = st.sampled_from(attribute.values or ("1999", "2020"))
        some = st.sets(one).map(lambda s, a=attribute: tuple(v for v in a.values if v in s))
        values = data.draw(st.none() | (some if attribute.many else one.map(lambda v: (v,))))
        if values is not None:
            row["decision"], row["by"] = spoken(values), "ann"
            meant[row["image_id"], row["attribute"]] = values
    out = io.StringIO()
    writer = csv.DictWriter(out, HEADER, delimiter=separator, lineterminator=end)
    writer.writeheader()
    writer.writerows(data.draw(st.permutations(rows)))
    returned = read_csv(out.getvalue())
    found, lines = resolve(
        returned.answers, VOCABULARY, PhotoIds(row["image_id"] for row in rows), NOW
    )
    assert (lines, returned.lines) == ([], [])
    assert {(each.image_id, each.attribute): each.values for each in found} == meant
    assert returned.empty == len(rows) - len(meant)


def test_decisions_that_came_back_are_not_asked_again(shop: Shop, tmp_path: Path) -> None:
    fill(shop)
    queue = load_queue(shop.catalog)
    export_review(shop.catalog, choose(shop.catalog, queue, 3), tmp_path / "review")
    path = tmp_path / "review" / "review.csv"
    rows = table(tmp_path / "review")
    for row in rows:
        row["decision"] = row["suggestion"]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, HEADER)
        writer.writeheader()
        writer.writerows(rows)
    done = import_file(shop.catalog, path, "ann", run_id="r")
    assert (done.new.total(), done.lines) == (len(rows), [])
    assert load_queue(shop.catalog).counts.total() == queue.counts.total() - len(rows)
    made = [row for row in rows if row["attribute"] == "make"]
    for row in made:
        assert shop.label_of(row["image_id"], "make") == ("=BMW",)


def test_an_earlier_export_is_never_written_over(shop_: Shop, tmp_path: Path) -> None:
    out = tmp_path / "review"
    out.mkdir()
    export_review(shop_.catalog, [], out)  # an empty folder may be there
    assert tasks(out) == []
    (out / "review.csv").write_text("decided")
    with pytest.raises(UsageMistakeError, match="not an empty folder"):
        export_review(shop_.catalog, [], out)
    with pytest.raises(UsageMistakeError, match="not an empty folder"):
        export_review(shop_.catalog, [], out / "review.csv")
    assert (out / "review.csv").read_text() == "decided"


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("/dev/null/x", "/dev/null is not a folder"),
        ("/dev/null/deep/x", "/dev/null is not a folder"),
        ("", "an empty --out"),
        (".", "the folder that you are in"),
    ],
)
def test_where_no_export_can_be_written(out: str, said: str, monkeypatch: pytest.MonkeyPatch,
                                        tmp_path: Path) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("something").write_text("is there")
    with pytest.raises(UsageMistakeError, match=said):
        check_folder(Path(out))
    check_folder(Path("a/new/folder"))


def test_an_export_that_breaks_leaves_nothing(
    shop_: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(content: bytes) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, "preview", full)
    chosen = choose(shop_.catalog, load_queue(shop_.catalog), 5)
    with pytest.raises(OSError, match="No space"):
        export_review(shop_.catalog, chosen, tmp_path / "deep" / "review")
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_large_photo_is_shown_small_upright_and_outside_its_box(
    shop: Shop, tmp_path: Path
) -> None:
    scene = render(7, (1600, 1200)).image
    turned = Image.Exif()
    turned[0x0112] = 6  # the camera was held upright
    out = io.BytesIO()
    scene.save(out, "JPEG", exif=turned)
    place = Sighting("shop", "big", {"color": "red"}, box=Box(100, 100, 300, 300))
    register(shop.catalog, [Photo(place, out.getvalue())], run_id="r")
    shop.label()
    shop.use(network("net", {"color": 0.8}))
    shop.guess(image_id(out.getvalue()), "color", "blue", sure=0.9)
    export_review(shop.catalog, choose(shop.catalog, load_queue(shop.catalog), 1), tmp_path / "big")
    (task,) = tasks(tmp_path / "big")
    jpeg = base64.b64decode(task["data"]["image"].partition(",")[2])
    with Image.open(io.BytesIO(jpeg)) as shown:
        assert shown.size == (PREVIEW_SIDE * 3 // 4, PREVIEW_SIDE)
        assert not shown.getexif()
    with Image.open(io.BytesIO(preview(content(1)))) as small:
        assert small.size == (96, 64), "a small photo is not blown up"


def test_values_with_the_signs_of_xml() -> None:
    attribute = VOCABULARY.attributes["color"]
    strange = type(attribute)("color", "closed", False, ("<\"&'>", "plain"))
    root = ET.fromstring(config([strange]))
    assert [tag.get("value") for tag in root.iter("Choice")] == [
        '<"&\'>', "plain", "cannot tell",
    ]  # fmt: skip
