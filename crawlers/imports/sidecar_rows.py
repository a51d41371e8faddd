"""A sidecar file as rows of plain text: CSV with any usual delimiter, JSON or JSON lines."""

import codecs
import csv
import io
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from crawlers.imports.walk import readable
from crawlers.records import SourceError

DELIMITERS = (",", ";", "\t", "|")
CSV_SUFFIXES = (".csv", ".tsv", ".txt")
PATH_COLUMNS = ("path", "file", "filename", "image", "name")

MOST_FAULTS = 100_000
"""Broken rows of one table, each of which is told: a file of a few MB can have millions."""

Cells = dict[str, str]


class Row(NamedTuple):
    """One row: where it stands in the file, and its cells; an empty cell is absent."""

    where: str
    cells: Cells


class Fault(NamedTuple):
    """A row that could not be read: where it stands, a constant reason, and what was found."""

    where: str
    reason: str
    detail: str


@dataclass
class Sheet:
    """The columns in the order they were first seen, the rows, and the rows that are broken.

    `foreign` is the first line with a byte that is not UTF-8.
    """

    columns: list[str]
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    foreign: str | None = None

    def fault(self, where: str, reason: str, detail: str) -> None:
        """Keep a row that is broken; raises `ValueError` where there are too many to be a table."""
        if len(self.faults) == MOST_FAULTS:
            first = self.faults[0]
            raise ValueError(
                f"over {MOST_FAULTS:,} of its rows are broken, so it is hardly a table of this "
                f"kind; the first: {first.where}, {first.reason}: {first.detail[:200]}"
            )
        self.faults.append(Fault(where, reason, detail))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as it was written; a plain dict would lose a key that stands twice."""


def load_sheet(path: Path) -> Sheet:
    """Read a sidecar; raises `SourceError` where the file as a whole cannot be understood.

    Bytes that are not UTF-8 are kept as Python keeps them in file names, so that a path made of
    such bytes still finds its file.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"the sidecar {readable(path)} cannot be read: {error.strerror}"
        ) from error
    utf16 = raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = raw.decode("utf-16") if utf16 else raw.decode("utf-8-sig", "surrogateescape")
    except UnicodeDecodeError as error:
        raise SourceError(
            f"the sidecar {readable(path)} is neither UTF-8 nor UTF-16: {error}"
        ) from error
    try:
        sheet = parse_csv(text) if path.suffix.lower() in CSV_SUFFIXES else parse_json(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(f"the sidecar {readable(path)} cannot be understood: {error}") from error
    sheet.foreign = next(
        (line for line in text.splitlines() if not line.isascii() and _foreign(line)), None
    )
    return sheet


def _foreign(line: str) -> bool:
    return any("\udc80" <= character <= "\udcff" for character in line)


def parse_csv(text: str) -> Sheet:
    """Rows under a header line; the delimiter is the one that cuts the header into most columns.

    Raises `ValueError` without a header or when two columns have the same name.
    """
    if not text.strip():
        raise ValueError("it is empty; its first line must name the columns")
    headers = {delimiter: _header(text, delimiter) for delimiter in DELIMITERS}
    delimiter, columns = max(headers.items(), key=lambda item: len(item[1]))
    if not any(columns):
        raise ValueError("its first line must name the columns, and cannot be read as CSV")
    twice = sorted(name for name, times in Counter(columns).items() if name and times > 1)
    if twice:
        raise ValueError(f"its columns {twice} stand there twice; name each column once")
    sheet = Sheet([name for name in columns if name])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    next(reader)
    while True:
        first = reader.line_num + 1
        where = f"line {first}"
        try:
            cells = next(reader)
        except StopIteration:
            return sheet
        except csv.Error as error:
            detail = f"{error}; lines {first} to {reader.line_num} are lost, mend the quotes"
            sheet.fault(where, "sidecar row is not CSV", detail)
            continue
        if cells and len(cells) != len(columns):
            detail = f"{len(cells)} cells where the header has {len(columns)}: {cells}"
            sheet.fault(where, "sidecar row does not fit its header", detail)
        elif cells:
            sheet.rows.append(Row(where, _filled(dict(zip(columns, cells, strict=True)))))


def _header(text: str, delimiter: str) -> list[str]:
    try:
        cells = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except (csv.Error, StopIteration):
        return []
    return [cell.strip() for cell in cells]


def _filled(cells: Cells) -> Cells:
    return {name: cell for name, cell in cells.items() if name and cell.strip()}


def parse_json(text: str) -> Sheet:
    """A list of objects, an object of objects keyed by path, or one object a line.

    Raises `ValueError` when the text is none of these.
    """
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
    except ValueError as error:
        return _parse_lines(text, error)
    if isinstance(value, _Pairs) and any(name in PATH_COLUMNS for name, _ in value):
        return _gather([("line 1", value)])
    if isinstance(value, _Pairs) and any(isinstance(inner, _Pairs) for _, inner in value):
        return _gather([(f"key {key!r}", _with_path(inner, key)) for key, inner in value])
    if isinstance(value, list):
        return _gather([(f"row {i}", item) for i, item in enumerate(value, start=1)])
    raise ValueError("it is JSON, but no list of objects and no object keyed by path")


def _with_path(item: Any, path: str) -> Any:
    return _Pairs([*item, ("path", path)]) if isinstance(item, _Pairs) else item


def _parse_lines(text: str, whole: ValueError) -> Sheet:
    items: list[tuple[str, Any]] = []
    broken = Sheet([])
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            items.append((f"line {number}", json.loads(line, object_pairs_hook=_Pairs)))
        except ValueError as error:
            broken.fault(f"line {number}", "sidecar row is not JSON", f"{error}: {line!r}")
    if not any(isinstance(item, _Pairs) for _, item in items):
        raise ValueError(f"it is neither JSON ({whole}) nor one JSON object a line")
    sheet = _gather(items)
    sheet.faults += broken.faults
    return sheet


def _gather(items: list[tuple[str, Any]]) -> Sheet:
    sheet = Sheet([])
    columns: dict[str, None] = {}
    for where, item in items:
        if not isinstance(item, _Pairs):
            reason = "sidecar row is not a JSON object"
            sheet.fault(where, reason, f"found {item!r}")
            continue
        columns.update(dict.fromkeys(name for name, _ in item))
        nested = [name for name, value in item if isinstance(value, _Pairs)]
        if nested:
            reason = "sidecar value is an object, not a word"
            sheet.fault(where, reason, f"found in {nested}; give one plain value")
        words = {name: _word(value) for name, value in item if name not in nested}
        sheet.rows.append(Row(where, _filled(words)))
    sheet.columns = [name for name in columns if name]
    return sheet


def _word(value: Any) -> str:
    """A JSON value as a source's word; a list, as of people, is joined by commas."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(word for word in map(_word, value) if word)
    return value if isinstance(value, str) else json.dumps(value)
