"""Every layout of Stanford Cars, built with real files, and the real one where it is at hand."""

import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from core.records import Box, Drop, Notice, SourceError
from crawlers.imports.stanford import annotations
from crawlers.imports.stanford import csv as stanford_csv
from crawlers.imports.stanford import folders as stanford_folders
from crawlers.imports.stanford import mat as stanford_mat
from crawlers.imports.stanford.classes import PARSED
from crawlers.imports.stanford.read import StanfordCarsSource
from tests.crawlers.imports.stanford import (
    CV,
    HUMMER,
    NAMES,
    RL,
    build_csv,
    build_devkit,
    build_folders,
    build_parquet,
    build_rows_16185,
    make_photos,
    photos,
    read,
    told,
)

SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "stanford_cars"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared test data is not here")


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
    with pytest.raises(SourceError, match="download it again"):
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
    assert told(records) == {annotations.PHOTO_ABSENT: 8144 + 8041 - 600}
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
