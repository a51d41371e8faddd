"""Stanford Cars with its annotations as CSV: anno_train.csv, anno_test.csv, names.csv."""

import csv
from collections.abc import Iterator
from pathlib import Path

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
from crawlers.imports.stanford.classes import is_known_class
from crawlers.imports.stanford.labels import ClassList

CLASS_NAMES_FILE = "names.csv"
UNLABELED_FIELDS = 5
"""Fields of a row without a class."""


def load_csv(root: Path) -> AnnotatedLayout | None:
    """The CSV form, with or without a header line; None if it or its photos are missing.

    A row is: file name, x1, y1, x2, y2 (as the devkit counts them), class number from 1.
    """
    folders = label_folders(root)
    tables = {part: find_file(folders, f"anno_{part}.csv") for part in ("train", "test")}
    photo_folders = load_photo_folders(root, *(part for part, path in tables.items() if path))
    if not photo_folders:
        return None
    title = "CSV form (anno_train.csv, anno_test.csv, names.csv)"
    layout = AnnotatedLayout(
        title, photo_folders, [], _classes(root, find_file(folders, CLASS_NAMES_FILE))
    )
    for part, path in tables.items():
        if path:
            layout.notices.extend(copied(path, f"anno_{part}.csv"))
            layout.take(_annotations(path, part))
    return layout


def _classes(root: Path, path: Path | None) -> ClassList:
    if path is None:
        return ClassList(root / CLASS_NAMES_FILE, 1, None)
    # Empty lines are kept: without them all later names would shift. A number may precede a name.
    names = [row[-1].strip() if row else "" for row in _rows(path)]
    while names and not names[-1]:
        names.pop()
    rest = [name for name in names[1:] if name]
    if names[1:] and not is_known_class(names[0]) and all(map(is_known_class, rest)):
        del names[0]
    if not names:
        raise SourceError(f"{path} holds no class names; download it again, or remove it")
    return ClassList(path, 1, names, copied(path, CLASS_NAMES_FILE))


def _annotations(path: Path, part: str) -> Iterator[Annotation | Notice]:
    def read(row: list[str]) -> RawAnnotation:
        file, x1, y1, x2, y2, class_id = row if len(row) != UNLABELED_FIELDS else [*row, ""]
        return part, part, file, (x1, y1, x2, y2), class_id.strip()

    rows = [row for row in _rows(path) if row]
    if rows and not any(cell.strip().lstrip("-").replace(".", "", 1).isdigit() for cell in rows[0]):
        del rows[0]  # the header
    return parse_annotations(path, rows, read)


def _rows(path: Path) -> list[list[str]]:
    try:
        return list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} cannot be read as UTF-8 text: {error}") from error
