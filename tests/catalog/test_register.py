import io
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from catalog import photos as stored_photos
from catalog import register as module
from catalog.photos import load_photos
from catalog.register import BOX_IGNORED, PHOTO_REPLACED, register
from catalog.table import Catalog, StoreError, open_catalog
from core.photos.decode import FIRST_FRAME, PHOTO_UNREADABLE, image_id
from core.photos.file_types import NOT_AN_IMAGE
from core.photos.files import FILE_TOO_LARGE, MAX_BYTES
from core.records import Box, Drop, Notice, Photo, Sighting
from labeling.pending import stale_cars, unembedded_images
from labeling.publish.cars import refresh_cars
from labeling.publish.publish import publish
from tests.catalog.making import Fill, MakePhoto, png


def sizes(catalog: Catalog) -> dict[str, int]:
    return {name: catalog.count(name) for name in catalog.specs}


def sightings(catalog: Catalog) -> dict[str, dict[str, object]]:
    rows = catalog.table("sightings").to_arrow().to_pylist()
    return {row["source_id"]: row for row in rows}


def test_the_same_bytes_at_two_places_are_one_photo(
    catalog: Catalog, make_photo: MakePhoto
) -> None:
    done = register(catalog, [make_photo(1, "a"), make_photo(1, "b")], run_id="r")
    assert (done.seen, done.new, done.again, done.known) == (2, 1, 1, 0)
    assert (catalog.count("images"), catalog.count("sightings")) == (1, 2)
    row = catalog.table("images").to_arrow().to_pylist()[0]
    assert (row["content"], row["bytes"], row["format"]) == (png(1), len(png(1)), "PNG")
    assert (row["image_id"], row["width"], row["height"]) == (image_id(png(1)), 72, 64)
    assert row["added_at"].utcoffset().total_seconds() == 0


def test_registering_again_lets_no_table_grow(
    catalog: Catalog, make_photo: MakePhoto, tmp_path: Path
) -> None:
    records = [
        *(make_photo(seed, color="red") for seed in range(5)),
        make_photo(0, "another place"),
        Photo(Sighting("shop", "text"), b"no photo"),
        Photo(Sighting("shop", "gone"), tmp_path / "gone.jpg"),
        Drop("shop", "page 7", "no picture on the page"),
        Notice("an empty page", "page 8"),
    ]
    first = register(catalog, records, run_id="r1")
    before, rows = sizes(catalog), sightings(catalog)
    second = register(catalog, records, run_id="r2")
    assert (sizes(catalog), sightings(catalog)) == (before, rows)
    assert before["rejects"] == 3
    assert first.rejected == second.rejected
    assert first.rejected == {NOT_AN_IMAGE: 1, PHOTO_UNREADABLE: 1, "no picture on the page": 1}
    assert first.notices == {"an empty page": 1}
    assert (second.seen, second.known, second.new, second.again) == (9, 6, 0, 0)
    assert (
        "gone.jpg" not in first.examples[PHOTO_UNREADABLE]
    )  # the place says which file, not the disk


KINDS = st.tuples(st.sampled_from("pppptdn"), st.integers(0, 4), st.integers(0, 5))


@settings(max_examples=12, deadline=None)
@given(st.lists(st.lists(KINDS, max_size=12), min_size=1, max_size=3))
def test_every_record_is_counted_once(runs: list[list[tuple[str, int, int]]]) -> None:
    with TemporaryDirectory() as folder:
        catalog = open_catalog(folder)
        for number, run in enumerate(runs):
            made = {
                "p": lambda seed, place: Photo(Sighting("shop", f"p{place}"), png(seed)),
                "t": lambda seed, place: Photo(Sighting("shop", f"p{place}"), b"text %d" % seed),
                "d": lambda seed, place: Drop("shop", f"p{place}", f"reason {seed}"),
                "n": lambda seed, place: Notice(f"notice {seed}"),
            }
            records = [made[kind](seed, place) for kind, seed, place in run]
            images = catalog.count("images")
            done = register(catalog, records, run_id=f"r{number}")
            kinds = Counter(kind for kind, _, _ in run)
            assert done.seen == kinds["p"] + kinds["t"] + kinds["d"]
            assert done.rejected.total() == kinds["t"] + kinds["d"]
            assert done.notices.total() - done.notices[PHOTO_REPLACED] == kinds["n"]
            assert done.seen == done.new + done.again + done.known + done.rejected.total()
            assert catalog.count("images") - images == done.new
        places = {place for run in runs for kind, _, place in run if kind == "p"}
        assert catalog.count("sightings") == len(places)


def test_changed_words_raise_the_revision_once(catalog: Catalog, make_photo: MakePhoto) -> None:
    register(catalog, [make_photo(1, "a", color="red")], run_id="r1")
    for run in ("r2", "r3"):
        done = register(catalog, [make_photo(1, "a", color="blue")], run_id=run)
        row = sightings(catalog)["a"]
        assert (row["revision"], row["words"]) == (2, '{"color": "blue"}')
        assert (done.changed, done.known) == (1 if run == "r2" else 0, 1)
    assert row["run_id"] == "r2"


def test_the_same_place_twice_in_a_batch_is_known_the_second_time(
    catalog: Catalog, make_photo: MakePhoto
) -> None:
    done = register(catalog, [make_photo(1, "a"), make_photo(1, "a")], run_id="r")
    assert (done.new, done.again, done.known, catalog.count("sightings")) == (1, 0, 1, 1)


def test_another_photo_at_a_known_place_takes_its_place_in_the_search(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    fill(catalog, [make_photo(1, "a", color="red"), make_photo(2, "b")])
    publish(catalog)
    done = register(catalog, [make_photo(3, "a", color="red")], run_id="r")
    assert (done.new, done.changed, done.notices) == (1, 1, {PHOTO_REPLACED: 1})
    assert sightings(catalog)["a"]["revision"] == 2
    assert fill(catalog, []) == [image_id(png(3))]
    assert stale_cars(catalog) == [image_id(png(1))]
    refresh_cars(catalog, stale_cars(catalog))
    assert publish(catalog).photos == 2
    assert set(catalog.column("cars", "image_id").to_pylist()) == {
        image_id(png(seed)) for seed in (2, 3)
    }
    assert catalog.count("images") == 3  # nothing is lost: the old bytes are still there


def test_a_photo_replaced_before_it_was_embedded_waits_for_nothing(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    register(catalog, [make_photo(1, "a")], run_id="r")
    register(catalog, [make_photo(2, "a")], run_id="r")
    assert fill(catalog, []) == [image_id(png(2))]
    assert unembedded_images(catalog, "semantic", "m1") == ([], [])


def test_a_box_that_does_not_fit_is_kept_marked_and_told(catalog: Catalog) -> None:
    absurd = Box(0, 0, 2**40, 64)
    boxes = {"in": Box(0, 0, 72, 64), "out": Box(0, 0, 73, 64), "none": None, "absurd": absurd}
    photos = [Photo(Sighting("s", key, box=box), png(1)) for key, box in boxes.items()]
    done = register(catalog, photos, run_id="r")
    rows = sightings(catalog)
    assert [rows[key]["box_fits"] for key in boxes] == [True, False, None, False]
    assert rows["out"]["box"] == [0, 0, 73, 64]
    assert done.notices == {BOX_IGNORED: 2}


def test_a_file_too_large_to_be_a_photo_is_not_read(catalog: Catalog, tmp_path: Path) -> None:
    film = tmp_path / "film.jpg"
    with film.open("wb") as out:
        out.truncate(MAX_BYTES + 1)
    done = register(catalog, [Photo(Sighting("s", "film"), film)], run_id="r")
    assert done.rejected == {FILE_TOO_LARGE: 1}
    assert done.bytes == 0


def test_bytes_too_many_to_be_a_photo_are_not_decoded(catalog: Catalog) -> None:
    film = Photo(Sighting("s", "film"), bytes(MAX_BYTES + 1))
    done = register(catalog, [film], run_id="r")
    assert done.rejected == {FILE_TOO_LARGE: 1}
    assert done.bytes == 0


def test_a_run_that_is_tried_again_counts_what_no_sighting_followed(
    catalog: Catalog, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> int:
        raise StoreError("another writer was first")

    register(catalog, [make_photo(0)], run_id="before")
    frames = [Image.new("RGB", (80, 80), color) for color in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    records = [*(make_photo(seed) for seed in range(12)), make_photo(3, "elsewhere")]
    records.append(Photo(Sighting("shop", "moving"), out.getvalue()))
    with monkeypatch.context() as patched:
        patched.setattr(catalog, "upsert_unchanged", fail)
        with pytest.raises(StoreError):
            register(catalog, records, run_id="r")
    assert (catalog.count("images"), catalog.count("sightings")) == (13, 1)
    done = register(catalog, records, run_id="r")
    assert (done.seen, done.new, done.again, done.known) == (14, 12, 1, 1)
    assert done.notices == {FIRST_FRAME: 1}
    assert (catalog.count("images"), catalog.count("sightings")) == (13, 14)
    again = register(catalog, records, run_id="r")
    assert (again.new, again.again, again.known) == (0, 0, 14)


def test_photos_are_read_back_in_order_within_a_bound(
    catalog: Catalog, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    heavy = Photo(Sighting("shop", "heavy"), png(99) + bytes(5000))
    photos = [*(make_photo(seed) for seed in range(4)), heavy, make_photo(5), make_photo(6)]
    register(catalog, photos, run_id="r")
    contents = {image_id(content): content for photo in photos if (content := photo.read())}
    reads: list[int] = []
    rows = catalog.rows

    def counted(name: str, keys: list[str], columns: list[str]) -> pa.Table:
        found = rows(name, keys, columns)
        if "content" in columns:
            reads.append(found.num_rows)
        return found

    monkeypatch.setattr(catalog, "rows", counted)
    monkeypatch.setattr(stored_photos, "BYTES_A_READ", 2 * max(len(png(seed)) for seed in range(7)))
    asked = [*contents][::-1]
    loaded = list(load_photos(catalog, [*asked, asked[0], "0" * 64]))
    assert [(key, content) for key, content, _ in loaded] == [(key, contents[key]) for key in asked]
    assert reads == [2, 1, 2, 2]


def test_writes_stay_within_their_bound(
    catalog: Catalog, make_photo: MakePhoto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BYTES_A_WRITE", 3 * len(png(1)))
    before = catalog.versions()["images"]
    done = register(catalog, (make_photo(seed) for seed in range(9)), run_id="r")
    assert done.new == 9
    assert catalog.versions()["images"] - before >= 3


def test_names_that_break_other_programs(catalog: Catalog) -> None:
    names = ["a b.jpg", 'it\'s "5" €.jpg', "🚗.jpg", "line\nbreak.jpg", "'; --", ""]
    photos = [Photo(Sighting("s'", name, {"x": name}), png(1)) for name in names]
    register(catalog, photos, run_id="r")
    assert set(sightings(catalog)) == set(names)
    assert register(catalog, photos, run_id="r").known == len(names)


def test_a_photo_sent_sideways_is_measured_upright(catalog: Catalog) -> None:
    out, exif = io.BytesIO(), Image.Exif()
    exif[274] = 6
    Image.new("RGB", (100, 70)).save(out, "JPEG", exif=exif)
    box = Box(0, 0, 70, 100)
    register(catalog, [Photo(Sighting("s", "a", box=box), out.getvalue())], run_id="r")
    row = catalog.table("images").to_arrow().to_pylist()[0]
    assert (row["width"], row["height"], sightings(catalog)["a"]["box_fits"]) == (70, 100, True)


def test_bytes_that_are_there_are_not_read_again(catalog: Catalog, tmp_path: Path) -> None:
    """A source that knows a photo's SHA-256 may have its words taken without its file."""
    file = tmp_path / "photo.png"
    file.write_bytes(png(1))
    place = Sighting("shop", "a", {"color": "red"})
    photo = Photo(place, file, image_id(png(1)))
    assert register(catalog, [photo], run_id="r1").bytes == len(png(1))
    file.unlink()
    repainted = Photo(Sighting("shop", "a", {"color": "blue"}), file, image_id(png(1)))
    elsewhere = Photo(Sighting("shop", "b"), file, image_id(png(1)))
    done = register(catalog, [repainted, elsewhere], run_id="r2")
    assert (done.known, done.again, done.changed, done.bytes) == (1, 1, 1, 0)
    assert sightings(catalog)["a"]["words"] == '{"color": "blue"}'
    unknown = Photo(place, file, image_id(png(2)))
    assert register(catalog, [unknown], run_id="r3").rejected == {PHOTO_UNREADABLE: 1}


def test_what_is_not_shown_any_more_is_told_of_but_not_taken(catalog: Catalog) -> None:
    known, key = Sighting("shop", "a", license="CC BY 4.0"), image_id(png(1))
    register(catalog, [Photo(known, png(1), key)], run_id="r1")
    withdrawn = Photo(Sighting("shop", "a", {"status": "gone"}), None, key)
    never = Photo(Sighting("shop", "b", {"status": "gone"}), None, image_id(png(2)))
    done = register(catalog, [withdrawn, never], run_id="r2")
    assert (done.known, done.changed) == (1, 1)
    assert done.rejected == {module.NOT_SHOWN: 1}
    assert sightings(catalog)["a"]["license"] is None
    assert catalog.count("images") == 1


def test_a_photo_that_a_broken_run_left_without_its_place_is_read_and_counted(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = Photo(Sighting("shop", "a"), png(1), image_id(png(1)))

    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(module._Registration, "store_sightings", fail)
        with pytest.raises(StoreError):
            register(catalog, [photo], run_id="r")
    assert sizes(catalog)["images"] == 1
    assert register(catalog, [photo], run_id="r").new == 1
    assert sizes(catalog)["sightings"] == 1
