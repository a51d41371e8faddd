"""Loads a sidecar: facts about the files of a folder, from a table and a map of its columns."""

import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from core.records import Drop, Notice
from core.text import escape_bytes
from crawlers.imports.sidecar.cells import read_cell
from crawlers.imports.sidecar.columns import ATTRIBUTES, SIGHTING_FIELDS, resolve_columns
from crawlers.imports.sidecar.encoding import Encoding, detect_encoding
from crawlers.imports.sidecar.paths import AmbiguousError, Finder, FoundFile, real_path
from crawlers.imports.sidecar.rows import load_table
from crawlers.imports.sidecar.table import (
    PATH_COLUMNS,
    RemarkCounts,
    SidecarTable,
    TableRow,
    is_foreign,
)

__all__ = [
    "ATTRIBUTES",
    "SIGHTING_FIELDS",
    "RowFacts",
    "Sidecar",
    "load_sidecar",
    "real_path",
    "teller_of",
]

NO_PATH = "sidecar row names no file"
BAD_PATH = "sidecar row's path cannot be a file name"
ROW_FILE_ABSENT = "sidecar row's file does not exist"
OUTSIDE = "sidecar row's file is not among the folder's photos"
AMBIGUOUS = "sidecar row could mean several files; write the path from the folder on"
UNKNOWN_ENCODING = "sidecar row has words in an unknown encoding; save the table as UTF-8"
UNKNOWN = "sidecar has columns named in an unknown encoding; save the table as UTF-8"
OTHERWISE = "sidecar row's file was found, though its path is written otherwise"
DISAGREE = "sidecar rows disagree about one file; the first is used"


class RowFacts(NamedTuple):
    """The facts of one row about its file: target -> word; words are valid Unicode.

    `unsure` are the targets with damaged cells, whose words are unknown. `by` is the path that the
    row gives; `exact` says whether it is exactly the file's path.
    """

    where: str
    values: dict[str, str]
    unsure: frozenset[str]
    by: str
    exact: bool


@dataclass
class Sidecar:
    """Facts by the real path of their file, and remarks about the table.

    `covers` are the targets with a column in the table, even if no row fills it.
    """

    path: Path
    source: str
    covers: tuple[str, ...] = ()
    facts: dict[str, RowFacts] = field(default_factory=dict)
    reports: list[Drop | Notice] = field(default_factory=list)

    @cached_property
    def teller(self) -> str:
        """The table's name as a teller: see `teller_of`."""
        return teller_of(self.path)

    def unused(self, used: set[str]) -> Iterator[Drop]:
        """A drop for each file with facts that is not in `used`, the paths of the photos."""
        for path, facts in self.facts.items():
            if path not in used:
                here = os.path.lexists(path)
                detail = f"{self.path.name} {facts.where} names {escape_bytes(path)}"
                advice = "it is hidden, a text file, or in another folder" if here else "correct it"
                yield self.drop(
                    facts.where, OUTSIDE if here else ROW_FILE_ABSENT, f"{detail}; {advice}"
                )

    def drop(self, where: str, reason: str, detail: str) -> Drop:
        """The drop for a row without a photo; its id is the row's position in the sidecar."""
        return Drop(self.source, f"{escape_bytes(self.path)}#{where}", reason, escape_bytes(detail))


def teller_of(sidecar: Path) -> str:
    """The name of a table as a teller: its path with links resolved."""
    return escape_bytes(os.path.realpath(sidecar))


def load_sidecar(
    path: Path, folder: Path, columns: Mapping[str, str] | None, source: str
) -> Sidecar:
    """Load the table at `path`, whose rows name files of `folder` (see `paths.Finder`).

    `columns` maps a target (an attribute, any other word, a field of the sighting, or `path`) to
    its column. Raises `SourceError` if the table cannot be read or lacks a column.
    """
    asked = columns or {}
    sheet = load_table(path, (*PATH_COLUMNS, *SIGHTING_FIELDS, *ATTRIBUTES, *asked.values()))
    finder = Finder(folder, path)
    encoding = _encoding(sheet, finder)
    named = {encoding.read(name) or name: name for name in sheet.columns}
    shown = resolve_columns(sheet, named, asked, path.name, finder)
    targets = {target: named[column] for target, column in shown.items()}
    sidecar = Sidecar(path, source, tuple(sorted(targets.keys() - {"path"})))
    sidecar.reports += _unused_columns(sheet, named, targets, encoding)
    sidecar.reports += [sidecar.drop(*fault) for fault in sheet.faults]
    reader = _Reader(sidecar, targets, encoding, finder, sheet.tally)
    for row in sheet.rows:
        reader.take(row)
    reader.refuse_ambiguous()
    if reader.has_decoded or any(map(is_foreign, sheet.columns)):
        line, text = sheet.foreign or "", f"sidecar is not UTF-8; it is read as {encoding.name}"
        sidecar.reports.append(
            Notice(UNKNOWN, escape_bytes(line))
            if encoding.codec is None
            else Notice(text, encoding.read(line) or "")
        )
    for text, (times, example) in sheet.tally.told.items():
        sidecar.reports += [Notice(text, escape_bytes(example))] * times
    return sidecar


def _encoding(sheet: SidecarTable, finder: Finder) -> Encoding:
    """The encoding of the words; paths that name a file as raw bytes are left out."""
    if sheet.foreign is None:
        return Encoding(None)
    cells = (cell for row in sheet.rows for cell in row.cells.values() if not cell.isascii())
    words = (cell for cell in cells if not finder.names_a_file(cell, loosely=False))
    return detect_encoding(itertools.chain(sheet.columns, words))


def _unused_columns(
    sheet: SidecarTable, named: Mapping[str, str], targets: Mapping[str, str], encoding: Encoding
) -> Iterator[Notice]:
    for shown, column in named.items():
        if column not in targets.values():
            example = next((row.cells[column] for row in sheet.rows if column in row.cells), "")
            text = f"column {shown!r} is not used; map an attribute or a word to it to use it"
            yield Notice(escape_bytes(text), escape_bytes(encoding.read(example) or example))


@dataclass
class _Reader:
    """Reads the rows of one table into a `Sidecar`, one by one."""

    sidecar: Sidecar
    targets: Mapping[str, str]
    encoding: Encoding
    finder: Finder
    tally: RemarkCounts
    ambiguous: dict[str, list[RowFacts]] = field(default_factory=dict)
    has_decoded: bool = False

    def take(self, row: TableRow) -> None:
        """Store the facts of a row for its file, or report why it has none."""
        if said := self._values(row):
            found = self._find(row)
            if found:
                self._keep(
                    found.path,
                    RowFacts(row.where, *said, row.cells[self.targets["path"]], found.exact),
                )

    def refuse_ambiguous(self) -> None:
        """Remove rows with different paths that all match one file, by its name alone."""
        for path, others in self.ambiguous.items():
            first = self.sidecar.facts[path]
            rows = others if first.exact else [self.sidecar.facts.pop(path), *others]
            for facts in rows:
                other = others[0] if facts is first else first
                detail = f"{facts.by!r} and {other.by!r} would both be {path}"
                self.sidecar.reports.append(self.sidecar.drop(facts.where, AMBIGUOUS, detail))

    def _keep(self, path: str, facts: RowFacts) -> None:
        first = self.sidecar.facts.setdefault(path, facts)
        if first.values == facts.values:
            if facts.exact and not first.exact:  # otherwise a third row could remove the facts
                self.sidecar.facts[path] = facts
            return
        if first.by != facts.by and not (first.exact and facts.exact):
            if facts.exact:
                self.sidecar.facts[path], facts = facts, first
            self.ambiguous.setdefault(path, []).append(facts)
        else:
            detail = (
                f"{first.where} {first.values}, {facts.where} {facts.values}: {escape_bytes(path)}"
            )
            self.sidecar.reports.append(Notice(DISAGREE, detail))

    def _find(self, row: TableRow) -> FoundFile | None:
        given = row.cells.get(self.targets["path"])
        if given is None:
            self._drop(row, NO_PATH, f"the row is {row.cells}")
            return None
        try:
            read = self.encoding.read(given) or given
            found = self.finder.find(given, read)
            if found is None:
                return FoundFile(self.finder.real_path(given), exact=True)
        except ValueError as error:
            self._drop(row, BAD_PATH, f"{given!r}: {error}")
            return None
        except AmbiguousError as error:
            self._drop(row, AMBIGUOUS, f"{given!r} may be {error}")
            return None
        if read != given:
            self.has_decoded |= not os.path.lexists(self.finder.real_path(given))
        if not found.exact:
            self.tally.add(OTHERWISE, f"{row.where}: {given!r} is {found.path}")
        return found

    def _values(self, row: TableRow) -> tuple[dict[str, str], frozenset[str]] | None:
        """The words of the row by target, and the targets with damaged cells; None if a word of the
        row cannot be decoded."""
        values = {}
        unsure = {target for target, column in self.targets.items() if column in row.unread}
        for target, column in self.targets.items():
            if target == "path" or column not in row.cells:
                continue
            cell = self.encoding.read(row.cells[column])
            if cell is None:
                detail = f"{target} is {row.cells[column]!r}; in Excel choose CSV UTF-8"
                self._drop(row, UNKNOWN_ENCODING, detail)
                return None
            self.has_decoded |= cell != row.cells[column]
            said = read_cell(target, escape_bytes(cell))
            if said.remark:
                self.tally.add(said.remark, f"{row.where}: {target} {cell!r}")
            if said.unsure:
                unsure.add(target)
            elif said.value:
                values[target] = said.value
        return values, frozenset(unsure)

    def _drop(self, row: TableRow, reason: str, detail: str) -> None:
        self.sidecar.reports.append(self.sidecar.drop(row.where, reason, detail))
