"""Loads a sidecar file as rows of plain text: CSV of any dialect, JSON or JSON lines."""

import codecs
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from core.records import SourceError
from core.text import escape_bytes
from crawlers.imports.sidecar.csv import parse_csv
from crawlers.imports.sidecar.table import (
    PATH_COLUMNS,
    SidecarTable,
    TableRow,
    column_key,
    filled,
    is_foreign,
)

CSV_SUFFIXES = (".csv", ".tsv", ".tab", ".txt")

_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",  # first, because it begins with the mark of UTF-16
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_SPREADSHEETS = {
    b"PK\x03\x04": "a spreadsheet (or another zip archive)",
    b"\xd0\xcf\x11\xe0": "a spreadsheet of an old Excel",
}


_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as pairs; a dict would lose duplicate keys."""


def load_table(path: Path, known: Collection[str] = ()) -> SidecarTable:
    """Load a sidecar; raises `SourceError` if the file as a whole cannot be understood.

    Bytes that are not UTF-8 become surrogates, as Python has them in file names: `encoding` decides
    what they mean, and a path of such bytes still finds its file. A header is recognized by column
    names in `known`.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise SourceError(
            f"the sidecar {escape_bytes(path)} cannot be read: {error.strerror}"
        ) from error
    for begin, what in _SPREADSHEETS.items():
        if raw.startswith(begin):
            raise SourceError(
                f"the sidecar {escape_bytes(path)} is {what}; save it as CSV UTF-8 and give that"
            )
    text = _decode(raw, path)
    if "\0" in text and len(_CONTROL.findall(text)) * 20 > len(text):
        raise SourceError(
            f"the sidecar {escape_bytes(path)} is not a text file: it is full of control "
            "characters; give a CSV or JSON file"
        )
    try:
        is_csv = path.suffix.lower() in CSV_SUFFIXES
        sheet = parse_csv(text, known) if is_csv else parse_json(text)
    except (ValueError, RecursionError) as error:
        raise SourceError(
            f"the sidecar {escape_bytes(path)} cannot be understood: {error}"
        ) from error
    sheet.foreign = next((line for line in text.splitlines() if is_foreign(line)), None)
    return sheet


def _decode(raw: bytes, path: Path) -> str:
    encoding = next((name for bom, name in _BOMS.items() if raw.startswith(bom)), _unmarked(raw))
    try:
        if encoding is None:
            return raw.decode("utf-8-sig", "surrogateescape")
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        name = (encoding or "utf-8").upper()
        raise SourceError(
            f"the sidecar {escape_bytes(path)} begins like {name} and is not: {error}; "
            "save it as UTF-8"
        ) from error


def _unmarked(raw: bytes) -> str | None:
    """The text of UTF-16 without a byte order mark, recognized by NUL bytes; None for others."""
    low, high = raw[::2].count(0), raw[1::2].count(0)
    if len(raw) % 2 or max(low, high) * 10 < len(raw) or min(low, high) * 20 > max(low, high):
        return None
    return "utf-16-le" if high > low else "utf-16-be"


def parse_json(text: str) -> SidecarTable:
    """Parse a list of objects, an object of objects with paths as keys, or one object per line.

    Raises `ValueError` for anything else.
    """
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
    except ValueError as error:
        return _parse_lines(text, error)
    if isinstance(value, _Pairs):
        if any(column_key(key) in PATH_COLUMNS and isinstance(path, str) for key, path in value):
            return _gather([("line 1", value)])
        if any(isinstance(inner, _Pairs) for _, inner in value):
            items = []
            for key, row in value:
                item = _Pairs([*row, ("path", key)]) if isinstance(row, _Pairs) else row
                items.append((f"key {key!r}", item))
            return _gather(items)
    if isinstance(value, list):
        return _gather([(f"row {i}", item) for i, item in enumerate(value, start=1)])
    raise ValueError("it is JSON, but no list of objects and no object keyed by path")


def _parse_lines(text: str, whole: ValueError) -> SidecarTable:
    items: list[tuple[str, Any]] = []
    broken = SidecarTable([])
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


def _gather(items: list[tuple[str, Any]]) -> SidecarTable:
    sheet = SidecarTable([])
    columns: dict[str, None] = {}
    for where, item in items:
        if not isinstance(item, _Pairs):
            reason = "sidecar row is not a JSON object"
            sheet.fault(where, reason, f"found {item!r}")
            continue
        pairs = [(name.strip().strip("\ufeff"), value) for name, value in item]
        columns.update(dict.fromkeys(name for name, _ in pairs))
        nested = [name for name, value in pairs if _is_nested(value)]
        if nested:
            reason = "sidecar value is an object, not a word"
            sheet.fault(where, reason, f"found in {nested}; give one plain value")
        words = {name: _word(value) for name, value in pairs if name not in nested}
        sheet.rows.append(TableRow(where, filled(words), frozenset(nested)))
    sheet.columns = [name for name in columns if name]
    return sheet


def _is_nested(value: Any) -> bool:
    """Whether a JSON value is an object, or a list with one in it."""
    if isinstance(value, list) and not isinstance(value, _Pairs):
        return any(map(_is_nested, value))
    return isinstance(value, _Pairs)


def _word(value: Any) -> str:
    """A JSON value as a word; a list is joined by commas."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(word for word in map(_word, value) if word)
    return value if isinstance(value, str) else json.dumps(value)
