"""Facts about the files of a folder, from a table beside them and a map of its columns."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from crawlers.imports.sidecar_rows import PATH_COLUMNS, Cells, Row, Sheet, load_sheet
from crawlers.imports.walk import readable
from crawlers.records import Drop, Notice, SourceError

FIELDS = ("split", "license", "license_url", "creator", "attribution", "page_url")
ATTRIBUTES = (
    "make",
    "model",
    "model_year",
    "first_registration",
    "body_type",
    "color",
    "background",
    "view",
    "people",
    "age",
)

NO_PATH = "sidecar row names no file"
BAD_PATH = "sidecar row's path cannot be a file name"
ABSENT = "sidecar row's file does not exist"
OUTSIDE = "sidecar row's file is not among the folder's photos"
NOT_UTF8 = r"sidecar is not UTF-8; its other bytes are written \xNN, save it as UTF-8 to mend words"
DISAGREE = "sidecar rows disagree about one file; the first is used"


class Facts(NamedTuple):
    """What a sidecar says of one file: the row, and target -> word; words are valid Unicode."""

    where: str
    values: dict[str, str]


@dataclass
class Sidecar:
    """The facts of each file by the file's real path, and what is to be said about the table.

    `covers` are the targets that it has a column for, whether a row fills it or not.
    """

    path: Path
    source: str
    covers: tuple[str, ...] = ()
    facts: dict[str, Facts] = field(default_factory=dict)
    reports: list[Drop | Notice] = field(default_factory=list)

    @cached_property
    def teller(self) -> str:
        """The table's name among those that say something of photos: see `teller_of`."""
        return teller_of(self.path)

    def unused(self, used: set[str]) -> Iterator[Drop]:
        """A drop for each file with facts that was not met: `used` has the paths that were."""
        for path, facts in self.facts.items():
            if path not in used:
                here = os.path.lexists(path)
                detail = f"{self.path.name} {facts.where} names {readable(path)}"
                advice = "it is hidden, a text file, or in another folder" if here else "mend it"
                yield self.drop(facts.where, OUTSIDE if here else ABSENT, f"{detail}; {advice}")

    def drop(self, where: str, reason: str, detail: str) -> Drop:
        """A row that gives no photo its facts, named by where it stands in the sidecar."""
        return Drop(self.source, f"{readable(self.path)}#{where}", reason, _unicode(detail))


def teller_of(sidecar: Path) -> str:
    """A table's name among those that say something of photos: its path without links."""
    return readable(os.path.realpath(sidecar))


def load_sidecar(
    path: Path, folder: Path, columns: Mapping[str, str] | None, source: str
) -> Sidecar:
    """Read the table at `path`, whose paths are absolute or relative to `folder`.

    `columns` maps a target (an attribute, any other word, a field of the sighting, or `path`) to
    the column that holds it. Raises `SourceError` when the table cannot be read or lacks a column.
    """
    sheet = load_sheet(path)
    targets = resolve_columns(sheet.columns, columns or {}, path.name)
    sidecar = Sidecar(path, source, tuple(sorted(targets.keys() - {"path"})))
    if sheet.foreign is not None:
        sidecar.reports.append(Notice(NOT_UTF8, _unicode(sheet.foreign)))
    sidecar.reports += _unused_columns(sheet, targets)
    sidecar.reports += [sidecar.drop(*fault) for fault in sheet.faults]
    real_folders: dict[str, str] = {}
    for row in sheet.rows:
        _take_row(sidecar, row, targets, folder, real_folders)
    return sidecar


def resolve_columns(present: list[str], columns: Mapping[str, str], name: str) -> dict[str, str]:
    """Target -> column: what was asked for, then each column named exactly like a known target.

    Without a mapped `path` it is the first column present of path, file, filename, image, name.
    """
    wrong = sorted(set(columns.values()) - set(present))
    if wrong:
        raise SourceError(
            f"{name} has no column {', '.join(wrong)}; its columns are {', '.join(present)}"
        )
    targets = dict(columns)
    free = [column for column in present if column not in targets.values()]
    if "path" not in targets:
        found = [column for column in PATH_COLUMNS if column in free]
        if not found:
            raise SourceError(
                f"{name} has no column named {' or '.join(PATH_COLUMNS)}: map `path` to the one "
                f"that holds the path of each file; its columns are {', '.join(present) or 'none'}"
            )
        targets["path"] = found[0]
    for column in free:
        if column in (*FIELDS, *ATTRIBUTES):
            targets.setdefault(column, column)
    return targets


def _unused_columns(sheet: Sheet, targets: Mapping[str, str]) -> Iterator[Notice]:
    for column in sheet.columns:
        if column not in targets.values():
            example = next((row.cells[column] for row in sheet.rows if column in row.cells), "")
            text = f"column {column!r} is not used; map an attribute or a word to it to use it"
            yield Notice(_unicode(text), _unicode(example))


def _take_row(
    sidecar: Sidecar,
    row: Row,
    targets: Mapping[str, str],
    folder: Path,
    real_folders: dict[str, str],
) -> None:
    given = row.cells.get(targets["path"])
    if given is None:
        sidecar.reports.append(sidecar.drop(row.where, NO_PATH, f"the row is {row.cells}"))
        return
    try:
        path = real_path(os.path.join(folder, given), real_folders)  # noqa: PTH118 - keeps the text
    except ValueError as error:
        sidecar.reports.append(sidecar.drop(row.where, BAD_PATH, f"{given!r}: {error}"))
        return
    facts = Facts(row.where, _values(row.cells, targets))
    first = sidecar.facts.setdefault(path, facts)
    if first.values != facts.values:
        detail = f"{first.where} {first.values}, {row.where} {facts.values}: {readable(path)}"
        sidecar.reports.append(Notice(DISAGREE, detail))


def _values(cells: Cells, targets: Mapping[str, str]) -> dict[str, str]:
    return {
        target: _unicode(cells[column].strip())
        for target, column in targets.items()
        if target != "path" and column in cells
    }


def real_path(path: str, real_folders: dict[str, str]) -> str:
    """`path` with every link resolved but the last; `real_folders` remembers those seen before.

    Raises `ValueError` for text that no file can be named by.
    """
    os.fsencode(path)
    if "\0" in path:
        raise ValueError("a file name cannot hold a NUL")
    folder, name = os.path.split(path)
    if folder not in real_folders:
        real_folders[folder] = os.path.realpath(folder)
    return os.path.join(real_folders[folder], name)  # noqa: PTH118 - Path would drop a final dot


def _unicode(text: str) -> str:
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a character, which JSON can write and a file name cannot be
        return text.encode("utf-8", "backslashreplace").decode()
