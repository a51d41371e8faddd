"""Builders of every layout of Stanford Cars, with real files, and what a source says of them."""

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image
from scipy.io import savemat

from core.records import Drop, Notice, Photo, count_seen
from crawlers.imports.stanford.classes import load_classes
from crawlers.imports.stanford.read import StanfordCarsSource

HUMMER, RL, CV = 1, 2, 174
NAMES = [words["class_name"] for words in load_classes()]
Records = list[Photo | Drop | Notice]
Rows = list[tuple[str, int]]

TRAIN: Rows = [("00001.jpg", HUMMER), ("00002.jpg", CV)]
TEST: Rows = [("00001.jpg", RL)]


def make_photos(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        Image.new("RGB", (96, 72), (40 * number, 90, 160)).save(folder / name, "JPEG")


def save_annotations(path: Path, rows: list[dict[str, Any]], **more: Any) -> None:
    """A struct array with a cell a field, as the published files have it."""
    kinds = [(name, "O") for name in rows[0]]
    array = np.array([tuple(row.values()) for row in rows], dtype=kinds)
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annotations": array.reshape(1, -1)} | more)


def boxed(rows: Rows, *, labeled: bool = True) -> list[dict[str, Any]]:
    corners = {"bbox_x1": 10, "bbox_y1": 20, "bbox_x2": 90, "bbox_y2": 70}
    return [corners | ({"class": c} if labeled else {}) | {"fname": f} for f, c in rows]


def cells(names: list[str]) -> Any:
    array = np.empty((1, len(names)), dtype=object)
    array[0, :] = names
    return array


def build_devkit(root: Path) -> None:
    save_annotations(root / "devkit" / "cars_train_annos.mat", boxed(TRAIN))
    save_annotations(root / "devkit" / "cars_test_annos.mat", boxed(TEST, labeled=False))
    save_annotations(root / "cars_test_annos_withlabels.mat", boxed(TEST))
    savemat(root / "devkit" / "cars_meta.mat", {"class_names": cells(NAMES)})
    make_photos(root / "cars_train", "00001.jpg", "00002.jpg")
    make_photos(root / "cars_test", "00001.jpg")


def build_rows_16185(root: Path) -> None:
    flags = [(*TRAIN[0], 0), (*TRAIN[1], 0), ("00003.jpg", RL, 1)]
    rows = []
    for file, class_id, test in flags:
        (row,) = boxed([(file, class_id)])
        del row["fname"]
        rows.append({"relative_im_path": f"car_ims/{file}"} | row | {"test": test})
    save_annotations(root / "cars_annos.mat", rows, class_names=cells(NAMES))
    make_photos(root / "car_ims", "00001.jpg", "00002.jpg", "00003.jpg")


def build_csv(root: Path) -> None:
    for part, rows in (("train", TRAIN), ("test", TEST)):
        make_photos(root / f"cars_{part}", *(file for file, _ in rows))
        with (root / f"anno_{part}.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["image", "value1", "value2", "value3", "value4", "label"])
            writer.writerows([file, 10, 20, 90, 70, class_id] for file, class_id in rows)
    (root / "names.csv").write_text("\n".join(NAMES) + "\n")


def build_folders(root: Path) -> None:
    make_photos(root / "train" / NAMES[HUMMER - 1], "00001.jpg")
    make_photos(root / "train" / "Ram C-V Cargo Van Minivan 2012", "00001.jpg")
    make_photos(root / "test" / NAMES[RL - 1], "00001.jpg")


def build_parquet(root: Path, names: list[str] | None = NAMES) -> None:
    make_photos(root / "made", "1.jpg", "2.jpg", "3.jpg")
    files = sorted((root / "made").iterdir())
    photos = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    label = {"names": names, "_type": "ClassLabel"} if names else {"dtype": "int64"}
    info = {"info": {"features": {"image": {"_type": "Image"}, "label": label}}}
    schema = pa.schema(
        {"image": pa.struct({"bytes": pa.binary(), "path": pa.string()}), "label": pa.int64()},
        {"huggingface": json.dumps(info)},
    )
    (root / "data").mkdir()
    for part, rows in (("train", [(0, HUMMER), (1, CV)]), ("test", [(2, RL)])):
        columns = {
            "image": [photos[row] for row, _ in rows],
            "label": [class_id - 1 for _, class_id in rows],
        }
        table = pa.table(columns, schema)
        pq.write_table(table, root / "data" / f"{part}-00000-of-00001.parquet")
    for file in files:
        file.unlink()
    (root / "made").rmdir()


def read(root: Path) -> Records:
    source = StanfordCarsSource(root)
    records = list(source.records())
    assert source.count() == count_seen(records)
    assert list(source.records()) == records
    return records


def photos(records: Records) -> list[Photo]:
    return [record for record in records if isinstance(record, Photo)]


def told(records: Records) -> Counter[str]:
    """How often each thing was said, but for which layout was taken."""
    said = [
        r.reason if isinstance(r, Drop) else r.text for r in records if not isinstance(r, Photo)
    ]
    assert said[0].startswith("layout: ")
    return Counter(said[1:])
