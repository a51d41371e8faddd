"""Every layout of Stanford Cars, built with real files, and the real one where it is at hand."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from core.records import Box, Drop, Notice, SourceError
from crawlers.imports.stanford import annotations, labels
from crawlers.imports.stanford import csv as stanford_csv
from crawlers.imports.stanford import folders as stanford_folders
from crawlers.imports.stanford import mat as stanford_mat
from crawlers.imports.stanford.classes import PARSED
from crawlers.imports.stanford.read import StanfordCarsSource
from crawlers.imports.walk import LABEL_FILE
from tests.crawlers.imports.stanford import (
    CV,
    HUMMER,
    NAMES,
    RL,
    TRAIN,
    boxed,
    build_csv,
    build_csv_as_passed_on,
    build_devkit,
    build_folders,
    build_parquet,
    build_rows_16185,
    make_photos,
    photos,
    read,
    save_annotations,
    told,
)

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "stanford_cars"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared test data is not here")


@pytest.mark.parametrize(
    ("build", "ids", "has_box"),
    [
        (build_devkit, ["train/00001.jpg", "train/00002.jpg", "test/00001.jpg"], True),
        (build_csv, ["train/00001.jpg", "train/00002.jpg", "test/00001.jpg"], True),
        (build_csv_as_passed_on, ["train/00001.jpg", "train/00002.jpg", "test/00001.jpg"], True),
        (build_rows_16185, [f"car_ims/0000{number}.jpg" for number in (1, 2, 3)], True),
        (
            build_folders,
            [
                "test/Acura RL Sedan 2012/00001.jpg",
                "train/AM General Hummer SUV 2000/00001.jpg",
                "train/Ram C-V Cargo Van Minivan 2012/00001.jpg",
            ],
            False,
        ),
        (
            build_parquet,
            [
                "data/test-00000-of-00001.parquet#0",
                "data/train-00000-of-00001.parquet#0",
                "data/train-00000-of-00001.parquet#1",
            ],
            False,
        ),
    ],
)
def test_every_layout_says_the_same(
    tmp_path: Path, build: Callable[[Path], None], ids: list[str], has_box: bool
) -> None:
    build(tmp_path)
    records = read(tmp_path)
    found = [photo.sighting for photo in photos(records)]
    assert [sighting.source_id for sighting in found] == ids
    facts = sorted((s.split or "", s.words["class_name"], s.words["model"]) for s in found)
    assert facts == [
        ("test", "Acura RL Sedan 2012", "RL"),
        ("train", "AM General Hummer SUV 2000", "Hummer"),
        ("train", "Ram C/V Cargo Van Minivan 2012", "C/V"),
    ]
    assert {sighting.box for sighting in found} == {Box(9, 19, 90, 70) if has_box else None}
    assert told(records) == {}
    assert all(photo.read().startswith(b"\xff\xd8") for photo in photos(records))


@pytest.mark.parametrize(
    ("first", "second", "title"),
    [
        (build_devkit, build_csv, "layout: devkit"),
        (build_csv, build_rows_16185, "layout: CSV form"),
        (build_rows_16185, build_folders, "layout: 16,185-row form"),
        (build_folders, build_parquet, "layout: class folders"),
    ],
)
def test_of_two_layouts_one_is_taken_and_named(
    tmp_path: Path, first: Callable[[Path], None], second: Callable[[Path], None], title: str
) -> None:
    second(tmp_path)
    first(tmp_path)
    notice = next(StanfordCarsSource(tmp_path).records())
    assert isinstance(notice, Notice)
    assert notice.text.startswith(title)


def test_photos_and_annotations_that_do_not_meet(tmp_path: Path) -> None:
    build_devkit(tmp_path)
    rows = [*TRAIN, ("00009.jpg", RL), TRAIN[0], ("00010.jpg", 197)]
    save_annotations(tmp_path / "devkit" / "cars_train_annos.mat", boxed(rows))
    make_photos(tmp_path / "cars_train", "extra.jpg", "00010.jpg")
    (tmp_path / "cars_train" / "labels.csv").write_text("x")
    records = read(tmp_path)
    assert told(records) == {
        annotations.ABSENT: 1,
        annotations.TWICE: 1,
        labels.NO_CLASS: 1,
        annotations.UNANNOTATED: 1,
        LABEL_FILE: 1,
    }
    by_id = {photo.sighting.source_id: photo.sighting for photo in photos(records)}
    assert len(by_id) == 5
    assert by_id["train/extra.jpg"].words == by_id["train/00010.jpg"].words == {}
    assert by_id["train/extra.jpg"].split == "train"


def test_test_photos_without_classes_keep_their_boxes(tmp_path: Path) -> None:
    build_devkit(tmp_path)
    (tmp_path / "cars_test_annos_withlabels.mat").unlink()
    (tmp_path / "devkit" / "cars_meta.mat").unlink()
    records = read(tmp_path)
    assert told(records) == {labels.NO_LABELS: 1, labels.NO_NAMES: 1}
    last = photos(records)[-1].sighting
    assert (last.words, last.box, last.split) == ({}, Box(9, 19, 90, 70), "test")


def test_labels_of_the_test_part_may_lie_in_the_devkit(tmp_path: Path) -> None:
    build_devkit(tmp_path)
    file = tmp_path / "cars_test_annos_withlabels.mat"
    file.rename(tmp_path / "devkit" / file.name)
    assert told(read(tmp_path)) == {}


def test_file_names_that_repeat_are_not_matched_to_annotations(tmp_path: Path) -> None:
    """Class folders number their photos each from 1: a devkit beside them is about others."""
    build_devkit(tmp_path)
    for part in ("cars_train", "cars_test"):
        (tmp_path / part / "00001.jpg").unlink()
    (tmp_path / "cars_train" / "00002.jpg").unlink()
    build_folders(tmp_path)
    (tmp_path / "test").rename(tmp_path / "validation")
    records = read(tmp_path)
    assert {photo.sighting.split for photo in photos(records)} == {"train", "validation"}
    assert told(records) == {LABEL_FILE: 1 + 3}


def test_rows_of_csv_that_cannot_be_read_lose_no_photo(tmp_path: Path) -> None:
    build_csv(tmp_path)
    (tmp_path / "anno_train.csv").write_text(
        "00001.jpg,1,2,three,4,5\n\n00002.jpg,9\n00003.jpg,1,2,3,4,5\n"
    )
    (tmp_path / "names.csv").unlink()
    records = read(tmp_path)
    assert len(photos(records)) == 3
    assert told(records) == {
        labels.NO_NAMES: 1,
        annotations.ABSENT: 1,
        annotations.BAD_ROW: 2,
        annotations.UNANNOTATED: 2,
    }


def test_a_class_outside_the_table_is_parsed_and_reported(tmp_path: Path) -> None:
    make_photos(tmp_path / NAMES[0], "a.jpg")
    make_photos(tmp_path / "Toyota Yaris Hatchback 2015", "a.jpg", "b.jpg")
    records = read(tmp_path)
    assert told(records) == {PARSED: 2}
    assert photos(records)[-1].sighting.words == {
        "class_name": "Toyota Yaris Hatchback 2015",
        "make": "Toyota",
        "model": "Yaris",
        "body_type": "hatchback",
        "model_year": "2015",
    }
    assert photos(records)[-1].sighting.split is None


def test_what_stands_beside_the_class_folders_is_taken_without_words(tmp_path: Path) -> None:
    build_folders(tmp_path)
    make_photos(tmp_path / "holiday", "beach.jpg")
    make_photos(tmp_path / "train", "loose.jpg")
    (tmp_path / "train" / NAMES[HUMMER - 1] / "round").symlink_to(tmp_path)
    (tmp_path / "train" / NAMES[RL - 1]).symlink_to(tmp_path / "test" / NAMES[RL - 1])
    (tmp_path / "README.md").write_text("x")
    records = read(tmp_path)
    words = {p.sighting.source_id: p.sighting.words.get("model") for p in photos(records)}
    assert words == {
        "test/Acura RL Sedan 2012/00001.jpg": "RL",
        "train/AM General Hummer SUV 2000/00001.jpg": "Hummer",
        "train/Acura RL Sedan 2012/00001.jpg": "RL",
        "train/Ram C-V Cargo Van Minivan 2012/00001.jpg": "C/V",
        "train/loose.jpg": None,
        "holiday/beach.jpg": None,
    }
    assert told(records)[annotations.UNANNOTATED] == 2
    assert told(records)[stanford_folders.LINKED] >= 4


def test_parquet_names_its_classes_in_any_order(tmp_path: Path) -> None:
    names = [f"Toyota Supra Coupe {1900 + number}" for number in range(196)]
    build_parquet(tmp_path, names)
    records = read(tmp_path)
    assert told(records) == {PARSED: 3}
    years = [photo.sighting.words["model_year"] for photo in photos(records)]
    assert years == [str(1900 + class_id - 1) for class_id in (RL, HUMMER, CV)]


def test_parquet_without_names_uses_the_devkit_order(tmp_path: Path) -> None:
    build_parquet(tmp_path, None)
    records = read(tmp_path)
    assert told(records) == {labels.NO_NAMES: 2}
    assert photos(records)[0].sighting.words["model"] == "RL"


@pytest.mark.parametrize(
    ("name", "content"),
    [("cars_train_annos.mat", b"<html>404</html>"), ("cars_meta.mat", b"")],
)
def test_a_mat_file_that_is_none_says_which(tmp_path: Path, name: str, content: bytes) -> None:
    build_devkit(tmp_path)
    (tmp_path / "devkit" / name).write_bytes(content)
    with pytest.raises(SourceError, match=f"{name} cannot be read as a .mat file"):
        list(StanfordCarsSource(tmp_path).records())


@pytest.mark.parametrize("part", range(1, 20))
def test_a_mat_file_of_which_a_part_came_is_said(tmp_path: Path, part: int) -> None:
    build_devkit(tmp_path)
    file = tmp_path / "devkit" / "cars_train_annos.mat"
    content = file.read_bytes()
    file.write_bytes(content[: len(content) * part // 20])
    with pytest.raises(SourceError, match="fetch it anew"):
        list(StanfordCarsSource(tmp_path).records())


def test_a_mat_file_of_another_kind_says_which(tmp_path: Path) -> None:
    build_devkit(tmp_path)
    savemat(tmp_path / "devkit" / "cars_train_annos.mat", {"annotations": np.arange(3)})
    with pytest.raises(SourceError, match="does not hold the published annotations"):
        list(StanfordCarsSource(tmp_path).records())


def test_an_unknown_layout_says_which_are_understood(tmp_path: Path) -> None:
    build_devkit(tmp_path)
    for part in ("cars_train", "cars_test"):
        (tmp_path / part).rename(tmp_path / f"{part}_elsewhere")
    with pytest.raises(SourceError, match="nothing is downloaded") as caught:
        list(StanfordCarsSource(tmp_path).records())
    for word in ("devkit/", "anno_train.csv", "car_ims/", "class folders", "parquet"):
        assert word in str(caught.value)
    with pytest.raises(SourceError, match="does not exist; give the folder of the data set"):
        list(StanfordCarsSource(tmp_path / "absent").records())


@needs_shared
def test_the_real_data_set() -> None:
    records = read(SHARED)
    found = photos(records)
    assert len(found) == 600
    assert told(records) == {annotations.ABSENT: 8144 + 8041 - 600}
    assert {photo.sighting.split for photo in found} == {"train"}
    first = found[0].sighting
    assert (first.source_id, first.box) == ("train/00001.jpg", Box(38, 115, 569, 375))
    assert first.words["class_name"] == "Audi TTS Coupe 2012"


@needs_shared
def test_devkit_and_csv_agree_on_every_row() -> None:
    devkit, table = stanford_mat.load_devkit(SHARED), stanford_csv.load_csv(SHARED)
    assert devkit is not None
    assert table is not None
    assert Counter(note.split for note in devkit.annotations) == {"train": 8144, "test": 8041}
    assert devkit.annotations == table.annotations
    assert devkit.classes.names == table.classes.names == NAMES


@needs_shared
def test_the_16185_rows_hold_as_many_of_each_class_and_part(tmp_path: Path) -> None:
    (tmp_path / "cars_annos.mat").symlink_to(SHARED / "cars_annos.mat")
    make_photos(tmp_path / "car_ims", "000001.jpg")
    rows, devkit = stanford_mat.load_rows_16185(tmp_path), stanford_mat.load_devkit(SHARED)
    assert rows is not None
    assert devkit is not None
    count = Counter((note.split, note.class_id, note.box) for note in rows.annotations)
    assert count == Counter((note.split, note.class_id, note.box) for note in devkit.annotations)


@pytest.mark.parametrize("kept", [True, False])
def test_a_data_set_that_goes_away_meanwhile_is_said(tmp_path: Path, *, kept: bool) -> None:
    """With its drive, or a part of it only; no photo behind it is at fault."""
    build_folders(tmp_path / "set")
    records = StanfordCarsSource(tmp_path / "set").records()
    seen = [next(records), next(records)]
    shutil.rmtree(tmp_path / "set")
    if kept:
        (tmp_path / "set").mkdir()
    with pytest.raises(SourceError, match="cannot be read" if kept else "went away while"):
        seen += records
    assert not [each for each in seen if isinstance(each, Drop)]
