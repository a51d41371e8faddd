"""Stanford Cars as its makers published it: the devkit's .mat files, and the 16,185-row form."""

import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from crawlers.imports.stanford_annotations import (
    AnnotatedLayout,
    Annotation,
    devkit_names,
    load_shelves,
    matlab_box,
)
from crawlers.records import Notice, SourceError

NO_META = "cars_meta.mat is not there; the published order of the 196 classes is used"


def load_devkit(root: Path) -> AnnotatedLayout | None:
    """The devkit with photos in cars_train/ and cars_test/; None where either is missing.

    The classes of the test part come from cars_test_annos_withlabels.mat, beside the devkit or in
    it; with cars_test_annos.mat alone the test photos have boxes and no classes.
    """
    train = _find(root, "cars_train_annos.mat")
    test = _find(root, "cars_test_annos_withlabels.mat") or _find(root, "cars_test_annos.mat")
    shelves = load_shelves(root, "train", "test") if train or test else {}
    if not shelves:
        return None
    notes = [
        Annotation(part, str(row["fname"]), part, class_id, box)
        for part, path in (("train", train), ("test", test))
        if path
        for row, class_id, box in _rows(path)
    ]
    meta = _find(root, "cars_meta.mat")
    names = _class_names(load_mat(meta), meta) if meta else devkit_names()
    title = "devkit (.mat annotations, cars_train/ and cars_test/)"
    return AnnotatedLayout(title, shelves, notes, names, [] if meta else [Notice(NO_META)])


def load_rows_16185(root: Path) -> AnnotatedLayout | None:
    """cars_annos.mat with the photos of both parts in car_ims/; None where either is missing."""
    path = _find(root, "cars_annos.mat")
    shelves = load_shelves(root, "car_ims") if path else {}
    if not path or not shelves:
        return None
    notes = [
        Annotation(
            "car_ims",
            PurePosixPath(str(row["relative_im_path"])).name,
            "test" if int(row["test"]) else "train",
            class_id,
            box,
        )
        for row, class_id, box in _rows(path)
    ]
    title = "16,185-row form (cars_annos.mat and car_ims/)"
    return AnnotatedLayout(title, shelves, notes, _class_names(load_mat(path), path))


def _find(root: Path, name: str) -> Path | None:
    places = (root, root / "devkit", root / "car_devkit" / "devkit")
    return next((place / name for place in places if (place / name).is_file()), None)


def load_mat(path: Path) -> dict[str, Any]:
    """The variables of a .mat file; raises `SourceError` for a file that is none."""
    from scipy.io import loadmat  # half a second, and most sources have no such file
    from scipy.io.matlab import MatReadError

    try:
        variables: dict[str, Any] = loadmat(path, squeeze_me=True)
    except (OSError, ValueError, TypeError, NotImplementedError, MatReadError, zlib.error) as error:
        raise SourceError(
            f"{path} cannot be read as a .mat file: {error}; fetch it anew"
        ) from error
    return variables


def _rows(path: Path) -> Iterator[tuple[Any, int | None, Any]]:
    variables = load_mat(path)
    try:
        rows = np.atleast_1d(variables["annotations"])
        labelled = "class" in (rows.dtype.names or ())
        for row in rows:
            box = matlab_box(*(int(row[f"bbox_{corner}"]) for corner in ("x1", "y1", "x2", "y2")))
            yield row, int(row["class"]) if labelled else None, box
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise SourceError(f"{path} does not hold the published annotations: {error!r}") from error


def _class_names(variables: dict[str, Any], path: Path) -> list[str]:
    if "class_names" not in variables:
        raise SourceError(f"{path} has no class_names; it has {sorted(variables)}")
    return [str(name) for name in np.atleast_1d(variables["class_names"])]
