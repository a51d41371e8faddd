"""A folder as a source: every name a file can have, links, and what is left out."""

import os
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from core.records import Drop, Notice, Photo, SourceError
from crawlers.imports import other_programs, walk
from crawlers.imports.folder import FolderSource

SHARED = Path(__file__).parents[3].parent / "shared" / "data"

HOSTILE_NAMES = [
    b"a b.jpg",
    b'it\'s "quoted".jpg',
    "\N{AUTOMOBILE} rouge.jpg".encode(),
    b"two\nlines.jpg",
    b"not-utf8-\xff\xfe.jpg",
    b"100%,a;b\tc|d\\e.jpg",
    b" spaces around .jpg ",
    b"-rf",
    b"semi;colon & $(touch x) `x`.JPEG",
]


def make_photo(path: Path, color: str = "red") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (80, 64), color).save(path, "JPEG")
    return path


def told(records: list[Photo | Drop | Notice]) -> Counter[str]:
    """How often each reason of a drop and each text of a notice was given."""
    return Counter(
        record.reason if isinstance(record, Drop) else record.text
        for record in records
        if not isinstance(record, Photo)
    )


def photos(records: list[Photo | Drop | Notice]) -> list[Photo]:
    return [record for record in records if isinstance(record, Photo)]


def test_every_file_is_a_photo_in_a_stable_order(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.JPG", "z/deep/c.webp", "m/no-suffix", "m/page.bin", "m/drawing.svg"):
        make_photo(tmp_path / name)
    source = FolderSource(tmp_path)
    first = list(source.records())
    names = [photo.sighting.source_id for photo in photos(first)]
    expected = ["a.JPG", "b.jpg", "m/drawing.svg", "m/no-suffix", "m/page.bin", "z/deep/c.webp"]
    assert names == [f"{tmp_path}/{name}" for name in expected]
    assert list(source.records()) == first
    assert source.count() == len(first) == 6
    assert photos(first)[0].read() == (tmp_path / "a.JPG").read_bytes()


def test_hostile_names_are_read_and_fit_a_table(tmp_path: Path) -> None:
    good = make_photo(tmp_path / "good.jpg").read_bytes()
    for name in HOSTILE_NAMES:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(good)
    found = photos(list(FolderSource(tmp_path).records()))
    assert len(found) == len(HOSTILE_NAMES) + 1
    assert all(photo.read() == good for photo in found)
    ids = [photo.sighting.source_id for photo in found]
    urls = [photo.sighting.image_url for photo in found]
    assert pa.array(ids, pa.string()).to_pylist() == ids
    assert len(set(ids)) == len(set(urls)) == len(found)
    assert f"{tmp_path}/not-utf8-\\xff\\xfe.jpg" in ids
    assert f"{tmp_path.as_uri()}/two%0Alines.jpg" in urls


@settings(max_examples=60, deadline=None)
@given(
    st.sets(
        st.binary(min_size=1, max_size=40).filter(
            lambda name: (
                not {b"/", b"\0"} & {name[i : i + 1] for i in range(len(name))}
                and not name.startswith(b".")
                and Path(os.fsdecode(name)).suffix.lower() not in walk.LABEL_SUFFIXES
            )
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_name_gives_one_photo_with_a_utf8_id(
    tmp_path_factory: pytest.TempPathFactory, names: set[bytes]
) -> None:
    folder = tmp_path_factory.mktemp("names")
    for name in names:
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(name)
    records = list(FolderSource(folder).records())
    assert {photo.read() for photo in photos(records)} == names
    assert len(records) == len(names)
    assert all(photo.sighting.source_id.encode() for photo in photos(records))


def test_hidden_and_label_files_are_counted_not_taken(tmp_path: Path) -> None:
    make_photo(tmp_path / "car.jpg")
    for name in (".DS_Store", "labels.csv", "README.md", "notes.TXT"):
        (tmp_path / name).write_text("x")
    make_photo(tmp_path / ".cache" / "hidden.jpg")
    records = list(FolderSource(tmp_path).records())
    assert [photo.sighting.source_id for photo in photos(records)] == [f"{tmp_path}/car.jpg"]
    assert told(records) == {walk.HIDDEN_LEFT_OUT: 2, walk.LABEL_FILE: 3}


def test_links_are_followed_and_loops_are_reported(tmp_path: Path) -> None:
    root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
    make_photo(root / "sub" / "a.jpg")
    make_photo(elsewhere / "b.jpg")
    (root / "sub" / "up").symlink_to(root)
    (root / "self").symlink_to("self")
    (root / "linked").symlink_to(elsewhere)
    (root / "linked-again").symlink_to(elsewhere)
    (root / "photo-link.jpg").symlink_to(elsewhere / "b.jpg")
    (root / "dead.jpg").symlink_to("nowhere.jpg")
    os.mkfifo(root / "pipe.jpg")
    records = list(FolderSource(root).records())
    ids = {photo.sighting.source_id for photo in photos(records)}
    assert ids == {f"{root}/photo-link.jpg", f"{root}/sub/a.jpg", f"{elsewhere}/b.jpg"}
    expected = {walk.READ_ONCE: 2, walk.LINK_LOOP: 1, walk.DEAD_LINK: 1, walk.NOT_REGULAR: 1}
    assert told(records) == expected


def test_an_id_does_not_depend_on_the_link_to_the_folder(tmp_path: Path) -> None:
    make_photo(tmp_path / "real" / "a.jpg")
    (tmp_path / "alias").symlink_to("real")
    direct, linked = FolderSource(tmp_path / "real"), FolderSource(tmp_path / "alias")
    assert list(direct.records()) == list(linked.records())


def test_a_folder_that_cannot_be_read_is_a_drop(tmp_path: Path) -> None:
    """The path is longer than the system allows, which stops even an administrator."""
    make_photo(tmp_path / "a.jpg")
    start = os.open(tmp_path, os.O_RDONLY)
    here = os.dup(start)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=here)
        inner = os.open("d" * 250, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = inner
    os.close(here)
    os.close(start)
    records = list(FolderSource(tmp_path).records())
    assert len(photos(records)) == 1
    assert sum(told(records).values()) == 1
    (drop,) = [record for record in records if isinstance(record, Drop)]
    assert drop.reason in (walk.NO_FOLDER, walk.NO_STAT)
    assert "File name too long" in drop.detail


def test_a_wrong_folder_says_what_to_do(tmp_path: Path) -> None:
    photo = make_photo(tmp_path / "full" / "a.jpg")
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    (tmp_path / "empty" / "labels.csv").write_text("path\n")
    with pytest.raises(SourceError, match="does not exist"):
        list(FolderSource(tmp_path / "absent").records())
    with pytest.raises(SourceError, match="is a file; give the folder"):
        list(FolderSource(photo).records())
    with pytest.raises(SourceError, match="holds no file that may be a photo"):
        list(FolderSource(tmp_path / "empty").records())
    with pytest.raises(SourceError, match="needs the sidecar"):
        list(FolderSource(photo.parent, columns={"make": "m"}).records())


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared test data is not here")
def test_real_photos_with_their_labels_as_sidecar() -> None:
    folder = SHARED / "cars_224"
    columns = {"class_name": "class_name", "model_year": "year", "body_type": "body"}
    records = list(FolderSource(folder, sidecar=folder / "labels.csv", columns=columns).records())
    found = photos(records)
    assert len(found) == 3528
    assert all(photo.sighting.words["class_name"] for photo in found)
    assert {photo.sighting.split for photo in found} == {"train", "valid", "test"}
    assert not any("colour_pseudo" in photo.sighting.words for photo in found)
    unused = [text for text in told(records) if "is not used" in text]
    assert [text.split("'")[1] for text in unused] == ["class_id", "colour_pseudo", "colour_prob"]
    assert len(records) == 3528 + len(unused)


OTHERS = [
    "@eaDir/car.jpg/SYNOPHOTO_THUMB_XL.jpg", "#recycle/old.jpg", "@Recycle/old.jpg",
    "$RECYCLE.BIN/S-1-5-21/$R1.jpg", "__MACOSX/car.jpg", "lost+found/1.jpg",
    "Lightroom Previews.lrdata/root.jpg", "Album.photoslibrary/resources/derivatives/1.jpeg",
    "CaptureOne/Cache/Thumbnails/car.jpg", "appdata_oc1/preview/1.jpg", "thumbs/user/1.webp",
    "storage/cache/thumbnails/1.jpg", "old/RECYCLER/S-1-5-21/Dc1.jpg",
]  # fmt: skip


def test_folders_of_other_programs_are_left_out_and_counted(tmp_path: Path) -> None:
    mine = [
        "car.jpg",
        "cache/car.jpg",
        "recycled cars/car.jpg",
        "Recycled/car.jpg",
        "Album.photoslibrary/originals/a.jpg",
    ]
    for name in [*OTHERS, *mine, ".thumbnails/a.jpg", ".@__thumb/a.jpg", "._car.jpg"]:
        make_photo(tmp_path / name)
    (tmp_path / "thumbs" / ".immich").write_text("")
    (tmp_path / "storage" / ".ppstorage").write_text("")
    for name in ("Thumbs.db", "MVI_0001.THM", "IMG_0001.AAE"):
        (tmp_path / name).write_bytes((tmp_path / "car.jpg").read_bytes())
    records = list(FolderSource(tmp_path).records())
    ids = {photo.sighting.source_id for photo in photos(records)}
    assert ids == {f"{tmp_path}/{name}" for name in mine}
    counted = {
        other_programs.OTHER_FOLDER: len(OTHERS),
        other_programs.OTHER_FILE: 3,
        walk.HIDDEN_LEFT_OUT: 4,
    }
    assert told(records) == counted
    named = FolderSource(tmp_path / "@eaDir" / "car.jpg").records()
    assert len(photos(list(named))) == 1
