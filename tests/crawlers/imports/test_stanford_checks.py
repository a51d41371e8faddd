"""What one layout of Stanford Cars checks, all check; and copies of whatever they look for."""

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy.io import loadmat, savemat

from core.records import Photo, SourceError
from crawlers.imports.copies import READ_AS_COPY, is_copy, without_mark
from crawlers.imports.stanford import annotations, labels
from crawlers.imports.stanford import archives as stanford_archives
from crawlers.imports.stanford import parquet as stanford_parquet
from crawlers.imports.stanford.read import StanfordCarsSource
from tests.crawlers.imports.stanford import (
    HUMMER,
    NAMES,
    RL,
    TRAIN,
    boxed,
    build_csv,
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

REAL = Path(__file__).parents[3].parent / "shared" / "data" / "real_cases" / "stanford"
needs_real = pytest.mark.skipif(not REAL.is_dir(), reason="the shared test data is not here")
Build = Callable[[Path], None]
Change = Callable[[list[Any]], list[Any]]


def change_devkit(root: Path, numbers: Change, names: list[str] | None = None) -> None:
    rows = [*boxed(TRAIN), *boxed([("00003.jpg", RL)])]
    given = numbers([row["class"] for row in rows])
    save_annotations(
        root / "devkit" / "cars_train_annos.mat",
        [row | {"class": number} for row, number in zip(rows, given, strict=True)],
    )
    (root / "cars_test_annos_withlabels.mat").unlink()
    (root / "devkit" / "cars_test_annos.mat").unlink()
    shutil.rmtree(root / "cars_test")
    make_photos(root / "cars_train", "00003.jpg")
    (root / "devkit" / "cars_meta.mat").unlink()
    if names is not None:
        cells = np.empty(len(names), dtype=object)
        cells[:] = names
        savemat(root / "devkit" / "cars_meta.mat", {"class_names": cells})


def change_csv(root: Path, numbers: Change, names: list[str] | None = None) -> None:
    files = ["00001.jpg", "00002.jpg", "00003.jpg"]
    make_photos(root / "cars_train", *files)
    with (root / "anno_train.csv").open("w", newline="") as file:
        for name, number in zip(files, numbers([HUMMER, RL, RL]), strict=True):
            csv.writer(file).writerow([name, 10, 20, 90, 70, number])
    (root / "anno_test.csv").unlink()
    (root / "names.csv").unlink()
    if names is not None:
        (root / "names.csv").write_text("\n".join(names))


def change_rows(root: Path, numbers: Change, names: list[str] | None = None) -> None:
    path = root / "cars_annos.mat"
    rows = loadmat(path, squeeze_me=True)["annotations"]
    rows["class"] = numbers(list(rows["class"]))
    cells = np.empty(len(names or ()), dtype=object)
    cells[:] = names or []
    named = {} if names is None else {"class_names": cells}
    savemat(path, {"annotations": rows.reshape(1, -1)} | named)


def change_parquet(root: Path, numbers: Change, names: list[str] | None = None) -> None:
    paths = sorted((root / "data").iterdir())
    tables = [pq.read_table(path) for path in paths]
    whole = pa.concat_tables(tables).to_pydict()
    # The numbers of the other layouts count from 1.
    given = numbers([label + 1 for label in whole["label"]])
    feature = {"names": names} if names is not None else {}
    info = {"info": {"features": {"label": feature}}}
    schema = tables[0].schema.with_metadata({"huggingface": json.dumps(info)})
    label = [number and number - 1 for number in given]
    pq.write_table(pa.table({"image": whole["image"], "label": label}, schema), paths[0])
    paths[1].unlink()


LAYOUTS = [
    (build_devkit, change_devkit),
    (build_csv, change_csv),
    (build_rows_16185, change_rows),
    (build_parquet, change_parquet),
]
every_layout = pytest.mark.parametrize(("build", "change"), LAYOUTS)


@every_layout
def test_a_number_outside_the_list_costs_its_photo_only_the_words(
    tmp_path: Path, build: Build, change: Callable[..., None]
) -> None:
    build(tmp_path)
    change(tmp_path, lambda found: [1, 3, 2], NAMES[:2])
    records = read(tmp_path)
    assert told(records) == {labels.NO_CLASS: 1}
    words = sorted(photo.sighting.words.get("model", "") for photo in photos(records))
    assert words == ["", "Hummer", "RL"]


@every_layout
@pytest.mark.parametrize("names", [None, NAMES])
def test_numbers_that_count_from_elsewhere_are_refused(
    tmp_path: Path, build: Build, change: Callable[..., None], names: list[str] | None
) -> None:
    """Nothing else would tell that each is one class off."""
    build(tmp_path)
    off = [2, 3, 197] if build is build_parquet else [0, 5, 6]
    change(tmp_path, lambda found: off, names)
    with pytest.raises(SourceError, match="which class it means cannot be decided"):
        list(StanfordCarsSource(tmp_path).records())


@every_layout
def test_without_names_the_published_order_is_used_and_said(
    tmp_path: Path, build: Build, change: Callable[..., None]
) -> None:
    build(tmp_path)
    change(tmp_path, lambda found: [1, 2, 2])
    records = read(tmp_path)
    assert told(records) == {labels.NO_NAMES: 1}
    assert {photo.sighting.words["model"] for photo in photos(records)} == {"Hummer", "RL"}


@every_layout
def test_a_list_that_is_presumed_is_refused_where_numbers_go_beyond_it(
    tmp_path: Path, build: Build, change: Callable[..., None]
) -> None:
    build(tmp_path)
    change(tmp_path, lambda found: [1, 2, 300])
    with pytest.raises(SourceError, match="does not name its classes"):
        list(StanfordCarsSource(tmp_path).records())


@pytest.mark.parametrize(
    ("build", "file", "row"),
    [
        (build_devkit, "devkit/cars_train_annos.mat", {"bbox_x1": float("nan")}),
        (build_devkit, "devkit/cars_train_annos.mat", {"bbox_y2": np.array([])}),
        (build_devkit, "devkit/cars_train_annos.mat", {"bbox_x1": 10.5}),
        (build_devkit, "devkit/cars_train_annos.mat", {"fname": 7}),
        (build_csv, "anno_train.csv", {"bbox_x1": "nan"}),
        (build_csv, "anno_train.csv", {"bbox_x1": "10.5"}),
        (build_csv, "anno_train.csv", {"fname": ""}),
    ],
)
def test_a_row_that_cannot_be_read_costs_no_other(
    tmp_path: Path, build: Build, file: str, row: dict[str, Any]
) -> None:
    build(tmp_path)
    rows = boxed(TRAIN)
    rows[1] |= row
    if build is build_devkit:
        save_annotations(tmp_path / file, rows)
    else:
        order = ("fname", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class")
        with (tmp_path / file).open("w", newline="") as csv_file:
            csv.writer(csv_file).writerows([each[key] for key in order] for each in rows)
    records = read(tmp_path)
    assert told(records) == {annotations.BAD_ROW: 1, annotations.UNANNOTATED: 1}
    assert len(photos(records)) == 3


@pytest.mark.parametrize("text", ["", "<html>404</html>\n", "a;1;2;3;4;5\nb;1;2;3;4;5\n"])
def test_a_csv_of_another_kind_is_refused_as_a_mat_file_is(tmp_path: Path, text: str) -> None:
    build_csv(tmp_path)
    (tmp_path / "anno_train.csv").write_text(text)
    with pytest.raises(SourceError, match="does not hold the published annotations"):
        list(StanfordCarsSource(tmp_path).records())


def test_a_part_without_classes_is_taken_in_every_layout(tmp_path: Path) -> None:
    build_csv(tmp_path / "csv")
    (tmp_path / "csv" / "anno_test.csv").write_text("00001.jpg,10,20,90,70\n")
    build_parquet(tmp_path / "hf")
    path = tmp_path / "hf" / "data" / "test-00000-of-00001.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop_columns("label"), path)
    shutil.copytree(tmp_path / "hf", tmp_path / "hf-1")
    unlabeled = table.set_column(1, "label", pa.array([-1]))  # as Hugging Face writes it
    pq.write_table(unlabeled, tmp_path / "hf-1" / "data" / path.name)
    for root in (tmp_path / "csv", tmp_path / "hf", tmp_path / "hf-1"):
        records = read(root)
        assert told(records)[labels.NO_LABELS] == 1
        assert sorted(bool(photo.sighting.words) for photo in photos(records)) == [
            *(False, True, True),
        ]


def test_names_in_csv_keep_their_places(tmp_path: Path) -> None:
    """An empty line in the middle, a head line and numbers before the names move nothing."""
    build_csv(tmp_path)
    names = [f"{number},{name}" for number, name in enumerate(NAMES, start=1)]
    names[4] = ""
    (tmp_path / "names.csv").write_text("\n".join(["id,class_name", *names, "", ""]))
    assert told(read(tmp_path)) == {}
    (tmp_path / "names.csv").write_text("\n".join(["class_name", *NAMES]))
    assert told(read(tmp_path)) == {}


def test_paths_of_any_system_name_a_photo_by_its_last_part(tmp_path: Path) -> None:
    build_csv(tmp_path)
    (tmp_path / "anno_train.csv").write_text(
        "train\\00001.jpg,10.0,20,90,70,1\ncars_train/00002.jpg ,10,20,90,70,174\n"
    )
    assert told(read(tmp_path)) == {}


MARKS = ["{} (1)", "{}(2)", "{} - Copy", "{} - Copy (2)", "{} copy", "{} copy 2", "Copy of {}"]


@pytest.mark.parametrize("mark", [*MARKS, "{} (1) - Kopie", "{}-1", "{} 2", "{} (another copy)"])
@pytest.mark.parametrize(
    ("build", "file"),
    [
        *((build_devkit, f"devkit/{name}.mat") for name in ("cars_train_annos", "cars_meta")),
        *((build_devkit, name) for name in ("cars_test_annos_withlabels.mat", "cars_train")),
        *((build_csv, name) for name in ("anno_train.csv", "names.csv", "cars_test")),
        *((build_rows_16185, name) for name in ("cars_annos.mat", "car_ims")),
    ],
)
def test_a_copy_alone_is_read_as_what_it_copies(
    tmp_path: Path, build: Build, file: str, mark: str
) -> None:
    build(tmp_path / "plain")
    build(tmp_path / "marked")
    path = tmp_path / "marked" / file
    path.rename(path.with_name(mark.format(path.stem) + path.suffix))
    plain, marked = read(tmp_path / "plain"), read(tmp_path / "marked")
    assert told(marked) == {READ_AS_COPY: 1}
    facts = [[(p.sighting.source_id, p.sighting.words) for p in photos(r)] for r in (plain, marked)]
    assert facts[0] == facts[1]


@pytest.mark.parametrize("mark", ["{} (1)", "{} - Copy", "{} copy"])
def test_copies_in_layouts_without_annotations(tmp_path: Path, mark: str) -> None:
    build_folders(tmp_path / "folders")
    for path in (tmp_path / "folders" / "train", *(tmp_path / "folders" / "test").iterdir()):
        path.rename(path.with_name(mark.format(path.name)))
    records = read(tmp_path / "folders")
    assert told(records) == {}
    assert {p.sighting.words["class_name"] for p in photos(records)} >= {NAMES[RL - 1]}
    assert {p.sighting.split for p in photos(records)} == {"train", "test"}
    build_parquet(tmp_path / "hf")
    path = tmp_path / "hf" / "data" / "train-00000-of-00001.parquet"
    shutil.copy(path, path.with_stem(mark.format(path.stem)))
    assert len(photos(read(tmp_path / "hf"))) == 3
    path.unlink()
    assert told(read(tmp_path / "hf")) == {READ_AS_COPY: 1}
    (tmp_path / "hf" / "data" / "train-00000-of-00001.parquet").write_bytes(b"other")
    with pytest.raises(SourceError, match="differ, so which one is right cannot be decided"):
        list(StanfordCarsSource(tmp_path / "hf").records())


@pytest.mark.parametrize(
    ("build", "file"),
    [
        (build_devkit, "cars_test_annos_withlabels.mat"),
        (build_csv, "anno_train.csv"),
        (build_rows_16185, "cars_annos.mat"),
        (build_rows_16185, "car_ims/00001.jpg"),
    ],
)
def test_of_copies_that_differ_none_is_guessed(tmp_path: Path, build: Build, file: str) -> None:
    build(tmp_path)
    path = tmp_path / file
    whole = path if path.parent == tmp_path else path.parent
    copy = tmp_path / f"{whole.stem} (1){whole.suffix}"
    if whole.is_dir():
        shutil.copytree(whole, copy)
    else:
        shutil.copy(whole, copy)
    assert told(read(tmp_path)).keys() <= {READ_AS_COPY}
    changed = copy / path.name if copy.is_dir() else copy
    changed.write_bytes(changed.read_bytes() + b"\n")
    with pytest.raises(SourceError, match="delete or move the wrong one") as caught:
        list(StanfordCarsSource(tmp_path).records())
    assert copy.name in str(caught.value)


def test_photos_over_two_copies_of_a_folder_and_marked_photos(tmp_path: Path) -> None:
    """A cloud drive packs a folder into several archives, each unpacked beside the last."""
    build_devkit(tmp_path)
    half = tmp_path / "cars_train (1)"
    half.mkdir()
    (tmp_path / "cars_train" / "00002.jpg").rename(half / "00002 (1).jpg")
    (tmp_path / "cars_test" / "00001.jpg").rename(tmp_path / "cars_test" / "00001.JPG")
    records = read(tmp_path)
    assert told(records) == {READ_AS_COPY: 3}
    assert [p.sighting.source_id for p in photos(records)] == [
        *("train/00001.jpg", "train/00002.jpg", "test/00001.jpg"),
    ]
    make_photos(half, "00002 (2).jpg")  # another photo: which one is annotated cannot be told
    assert told(read(tmp_path)) == {
        READ_AS_COPY: 2,
        annotations.PHOTO_ABSENT: 1,
        annotations.UNANNOTATED: 2,
    }


def test_archives_are_named_and_no_photos(tmp_path: Path) -> None:
    build_folders(tmp_path)
    for name in ("cars_train.tgz", "cars_train (1).tgz", "archive.zip", "car_ims.tar (1).gz"):
        (tmp_path / name).write_bytes(b"packed")
    records = read(tmp_path)
    assert told(records) == {stanford_archives.PACKED: 4}
    assert len(photos(records)) == 3
    shutil.rmtree(tmp_path / "train")
    shutil.rmtree(tmp_path / "test")
    with pytest.raises(SourceError, match=r"Unpack what is packed there first: .*cars_train \(1\)"):
        list(StanfordCarsSource(tmp_path).records())


def test_shards_that_are_not_there_and_hidden_ones_are_named(tmp_path: Path) -> None:
    build_parquet(tmp_path)
    path = tmp_path / "data" / "train-00000-of-00001.parquet"
    (tmp_path / ".cache").mkdir()
    shutil.copy(path, tmp_path / ".cache" / "half.parquet")
    path.rename(path.with_stem("train-00000-of-00003"))
    said = told(read(tmp_path))
    assert said[stanford_parquet.NO_SHARD] == 2
    assert sum(isinstance(record, Photo) for record in read(tmp_path)) == 3


def test_what_is_a_copy_and_what_is_not() -> None:
    for name in (
        "cars_train.mat",
        "Cars_Train (12).mat",
        "cars_train.mat.1",
        "cars_train copy.mat",
    ):
        assert is_copy(name, "cars_train.mat")
    for name in ("cars_train_annos.mat", "cars_train (1).csv", "cars_train (2012).mat", "cars.mat"):
        assert not is_copy(name, "cars_train.mat")
    assert without_mark("Acura RL Sedan 2012 (1) - Copy") == "Acura RL Sedan 2012"
    for name in ("Acura RL Sedan (2012)", "Tesla Model S Sedan 2012", "Copy", "Photocopy"):
        assert without_mark(name) == name


@needs_real
def test_public_copies_of_the_data_set() -> None:
    for root, split in ((REAL / "b_one", "test"), (REAL / "h4", "train")):
        found = [p.sighting for p in photos(read(root)) if p.sighting.split == split]
        assert len(found) == 3
        for sighting in found:
            assert {"make", "model", "model_year"} <= sighting.words.keys()
