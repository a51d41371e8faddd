"""Stanford Cars with its annotations as CSV: anno_train.csv, anno_test.csv, names.csv."""

import csv
from collections.abc import Iterator
from pathlib import Path

from crawlers.imports.stanford_annotations import (
    AnnotatedLayout,
    Annotation,
    load_shelves,
    matlab_box,
)
from crawlers.records import Notice, SourceError

BAD_ROW = "annotation row is not a file name, four numbers and a class"
NO_NAMES = "names.csv is not there; the published order of the 196 classes is used"


def load_csv(root: Path) -> AnnotatedLayout | None:
    """The CSV form, with or without a header line; None where it or its photos are missing.

    A row is: file name, x1, y1, x2, y2 (as the devkit counts them), class number from 1.
    """
    tables = {part: root / f"anno_{part}.csv" for part in ("train", "test")}
    present = {part: path for part, path in tables.items() if path.is_file()}
    shelves = load_shelves(root, *present)
    if not shelves:
        return None
    layout = AnnotatedLayout("CSV form (anno_train.csv, anno_test.csv, names.csv)", shelves, [])
    names = root / "names.csv"
    if names.is_file():
        layout.class_names = [line.strip() for line in _lines(names) if line.strip()]
    else:
        layout.notices.append(Notice(NO_NAMES))
    for part, path in present.items():
        for found in _annotations(path, part):
            if isinstance(found, Notice):
                layout.notices.append(found)
            else:
                layout.annotations.append(found)
    return layout


def _annotations(path: Path, part: str) -> Iterator[Annotation | Notice]:
    for number, row in enumerate(csv.reader(_lines(path)), start=1):
        if not row or (number == 1 and row[-1].strip() == "label"):
            continue
        try:
            file, *box, class_id = row
            yield Annotation(part, file, part, int(class_id), matlab_box(*map(int, box)))
        except (ValueError, TypeError):
            yield Notice(BAD_ROW, f"{path.name} line {number}: {row}")


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"{path} cannot be read as UTF-8 text: {error}") from error
