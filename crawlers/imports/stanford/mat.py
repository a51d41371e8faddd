"""Stanford Cars as published by its authors: the devkit's .mat files, and the 16,185-row form."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from core.records import Notice, SourceError
from crawlers.imports.copies import find_file
from crawlers.imports.stanford.annotations import (
    AnnotatedLayout,
    Annotation,
    RawAnnotation,
    copied,
    label_folders,
    load_photo_folders,
    parse_annotations,
)
from crawlers.imports.stanford.labels import ClassList

CLASSES_FILE, ANNOTATIONS_FILE = "cars_meta.mat", "cars_annos.mat"
TRAIN, TEST, BOXES = (
    *("cars_train_annos.mat", "cars_test_annos_withlabels.mat", "cars_test_annos.mat"),
)


def load_devkit(root: Path) -> AnnotatedLayout | None:
    """The devkit with photos in cars_train/ and cars_test/; None if either is missing.

    The classes of the test part come from cars_test_annos_withlabels.mat, in the devkit or beside
    it. With cars_test_annos.mat only, the test photos have boxes and no classes.
    """
    folders = label_folders(root)
    train, test = find_file(folders, TRAIN), find_file(folders, TEST)
    boxes = None if test else find_file(folders, BOXES)
    files = {"train": (train, TRAIN), "test": (test or boxes, TEST if test else BOXES)}
    photo_folders = load_photo_folders(root, "train", "test") if train or test or boxes else {}
    if not photo_folders:
        return None
    title = "devkit (.mat annotations, cars_train/ and cars_test/)"
    layout = AnnotatedLayout(title, photo_folders, [], _classes(root, folders))
    for part, (path, name) in files.items():
        if path:
            layout.notices.extend(copied(path, name))
            layout.take(_annotations(path, part))
    return layout


def load_rows_16185(root: Path) -> AnnotatedLayout | None:
    """cars_annos.mat with the photos of both parts in car_ims/; None if either is missing."""
    folders = label_folders(root)
    path = find_file(folders, ANNOTATIONS_FILE)
    photo_folders = load_photo_folders(root, "car_ims") if path else {}
    if not path or not photo_folders:
        return None
    own = _class_names(load_mat(path))
    classes = ClassList(path, 1, own) if own else _classes(root, folders)
    title = "16,185-row form (cars_annos.mat and car_ims/)"
    layout = AnnotatedLayout(title, photo_folders, [], classes, copied(path, ANNOTATIONS_FILE))
    layout.take(_annotations(path, None))
    return layout


def _classes(root: Path, folders: Iterable[Path]) -> ClassList:
    path = find_file(folders, CLASSES_FILE)
    if path is None:
        return ClassList(root / CLASSES_FILE, 1, None)
    variables = load_mat(path)
    names = _class_names(variables)
    if not names:
        raise SourceError(f"{path} has no class_names; it has {sorted(variables)}")
    return ClassList(path, 1, names, copied(path, CLASSES_FILE))


def load_mat(path: Path) -> dict[str, Any]:
    """The variables of a .mat file; raises `SourceError` for any other file."""
    from scipy.io import loadmat  # half a second, and most sources have no such file

    try:
        variables: dict[str, Any] = loadmat(path, squeeze_me=True)
    except Exception as error:  # SciPy raises nearly anything for a damaged file
        raise SourceError(
            f"{path} cannot be read as a .mat file: {error}; download it again"
        ) from error
    return variables


def _annotations(path: Path, part: str | None) -> Iterator[Annotation | Notice]:
    """The rows of a file. Without `part` each row names its part, and photos are in car_ims/."""
    rows = np.atleast_1d(load_mat(path).get("annotations", ()))
    labeled = "class" in (rows.dtype.names or ())

    def read(row: Any) -> RawAnnotation:
        split = part or ("test" if int(row["test"]) else "train")
        file = row["fname"] if part else row["relative_im_path"]
        corners = (row["bbox_x1"], row["bbox_y1"], row["bbox_x2"], row["bbox_y2"])
        return part or "car_ims", split, file, corners, row["class"] if labeled else None

    return parse_annotations(path, rows, read)


def _class_names(variables: dict[str, Any]) -> list[str]:
    return [str(name) for name in np.atleast_1d(variables.get("class_names", ()))]
