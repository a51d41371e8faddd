"""Parses a sidecar in CSV with any delimiter, any quotes, and blanks anywhere."""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from crawlers.imports.sidecar.table import SidecarTable, TableRow, column_key, filled

CSV_DELIMITERS = (",", ";", "\t", "|")

SHORT_ROW = "sidecar row is shorter than its header; the cells that it lacks are taken as empty"
COMMENT = "sidecar line begins with # and is taken as a comment"
HEADER_AGAIN = "sidecar's first line stands there again and is left out"

_BLANKS = " \t\xa0\u2007\u202f\u3000\u200b\ufeff\udca0"
"""Blanks next to delimiters, which are not part of a cell; the last is the byte of an NBSP."""

_SAMPLE_ROWS = 50
_SAMPLE_LETTERS = 100_000

_SEP = re.compile(r'"?sep=(?P<sign>.)"?[;,\t| ]*', re.IGNORECASE)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


class _Dialect(NamedTuple):
    """How lines are split into cells."""

    delimiter: str
    quote: str = '"'
    escape: str | None = None

    def reader(self, text: str) -> Any:
        """A `csv.reader` for text without blanks next to quotes."""
        return csv.reader(
            io.StringIO(_unpadded(text, self), newline=""),
            delimiter=self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape,
            doublequote=self.escape is None,
            strict=True,
        )


def parse_csv(text: str, known: Collection[str] = ()) -> SidecarTable:
    """Rows under a header line; comments and a line `sep=` may come before it.

    The chosen dialect splits the first rows evenly, without stray quotes, and finds names of
    `known` in the header. Raises `ValueError` without a header or if two columns have the same
    name.
    """
    text = text.rstrip("\x1a\0")  # DOS ends files with these
    if not text.strip(_BLANKS + "\r\n"):
        raise ValueError("it is empty; its first line must name the columns")
    keys = frozenset(map(column_key, known))
    delimiter, body, before = _preamble(text, keys)
    dialect = _choose(body, delimiter, keys)
    reader = dialect.reader(body)
    try:
        columns = _names(next(reader, []))
    except csv.Error:
        columns = []
    if not any(columns):
        raise ValueError("its first line must name the columns, and cannot be read as CSV")
    twice = sorted(name for name, times in Counter(columns).items() if name and times > 1)
    if twice:
        raise ValueError(f"its columns {twice} appear more than once; name each column once")
    sheet = SidecarTable([name for name in columns if name])
    for where, cells in _records(reader, before, sheet):
        if row := _fit(where, cells, columns, sheet):
            sheet.rows.append(row)
    return sheet


def _names(cells: list[str]) -> list[str]:
    return [cell.strip().strip(_BLANKS) for cell in cells]


def _preamble(text: str, known: frozenset[str]) -> tuple[str | None, str, int]:
    """The delimiter that a line such as `sep=;` declares, or None; the text from the header on; and
    the number of lines before the header."""
    at = before = 0
    delimiter, comment = None, None
    while (match := _LINE.match(text, at)) and match[0]:
        line = match[0].strip(_BLANKS + "\r\n")
        if found := _SEP.fullmatch(match[0].strip("\r\n\ufeff ")):
            delimiter = found["sign"]
        elif line.startswith("#"):
            comment = (at + match[0].index("#") + 1, before)
        elif line:
            break
        at, before = match.end(), before + 1
    # Some programs begin a header with #, and a column may have that name.
    if comment and not (match and _has_known(match[0], known)):
        start, lines = comment
        line = text[start:].splitlines()[0]
        if _has_known(line, known):
            return delimiter, text[start:], lines
    return delimiter, text[at:], before


def _has_known(line: str, known: frozenset[str]) -> bool:
    return any(
        column_key(cell.strip(_BLANKS + "\"'")) in known for cell in re.split(r"[,;\t|]", line)
    )


def _choose(text: str, declared: str | None, known: frozenset[str]) -> _Dialect:
    """The dialect that fits best; the first of equally good ones."""
    sample = text[:_SAMPLE_LETTERS]
    if len(text) > len(sample):
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    delimiters = (declared,) if declared else CSV_DELIMITERS
    choices = [_Dialect(delimiter) for delimiter in delimiters]
    header = sample.split("\n", 1)[0].strip()
    if len(header) > 1 and header[0] == header[-1] == "'":
        choices += [_Dialect(delimiter, "'") for delimiter in delimiters]
    if '\\"' in sample:
        choices += [_Dialect(delimiter, escape="\\") for delimiter in delimiters]
    return max(choices, key=lambda dialect: _score(sample, dialect, known))


def _score(sample: str, dialect: _Dialect, known: frozenset[str]) -> tuple[float, ...]:
    """How well a dialect splits the sample: more is better, and earlier numbers count first."""
    header: list[str] = []
    rows = fits = stray = errors = 0
    reader = dialect.reader(sample)
    for _ in range(_SAMPLE_ROWS):
        try:
            cells = next(reader, None)
        except csv.Error:
            errors += 1
            continue
        if cells is None:
            break
        stray += any(cell.count(dialect.quote) % 2 for cell in cells)
        header = header or _names(cells)
        rows += 1
        fits += len(cells) == len(header)
    named = sum(column_key(name) in known for name in header)
    strange = dialect.escape is not None
    return (
        named > 0,
        -errors,
        -strange,
        -stray,
        fits / max(rows, 1) if len(header) > 1 else 0,
        named,
        len(header),
    )


def _unpadded(text: str, dialect: _Dialect) -> str:
    """The text without blanks between a delimiter and a quote, which CSV does not allow.

    Each match takes one whole cell, so text inside quotes is never changed.
    """
    quote, sign = re.escape(dialect.quote), re.escape(dialect.delimiter)
    blanks = f"[{re.escape(_BLANKS.replace(dialect.delimiter, ''))}]"
    edge = f"[{sign}\r\n]"
    if not re.search(f"(?:^|{edge}){blanks}++{quote}|{quote}{blanks}++(?:{edge}|$)", text):
        return text
    inner = (
        rf"(?:[^{quote}\\]|\\.|{quote}{quote})"
        if dialect.escape
        else f"(?:[^{quote}]|{quote}{quote})"
    )
    cell = re.compile(
        f"(?P<edge>^|{edge})(?:{blanks}*+(?P<cell>{quote}{inner}*+{quote}){blanks}*+(?={edge}|\\Z)"
        f"|(?P<bare>[^{sign}\r\n]*+))",
        re.DOTALL,
    )
    return cell.sub(lambda found: found["edge"] + (found["cell"] or found["bare"] or ""), text)


def _records(reader: Any, before: int, sheet: SidecarTable) -> Iterator[tuple[str, list[str]]]:
    """The position and the cells of each record. Blank records are skipped, broken ones are kept in
    `sheet`."""
    for _ in itertools.count():
        first = reader.line_num + 1 + before
        where = f"line {first}"
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            last = reader.line_num + before
            detail = f"{error}; lines {first} to {last} are lost, fix the quotes"
            sheet.fault(where, "sidecar row is not CSV", detail)
            continue
        if any(cell.strip() for cell in cells):
            yield where, cells


def _fit(where: str, cells: list[str], columns: list[str], sheet: SidecarTable) -> TableRow | None:
    """The record as a row with these columns; None, with a remark, if it is not a row."""
    width = len(columns)
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        cells = cells[:width]
    if len(cells) != width and cells[0].lstrip(_BLANKS).startswith("#"):
        sheet.tally.add(COMMENT, f"{where}: {cells}")
        return None
    if 1 < len(cells) < width:  # spreadsheets omit empty cells at the end of some rows
        sheet.tally.add(SHORT_ROW, f"{where}: {cells}")
        cells = cells + [""] * (width - len(cells))
    if len(cells) != width:
        detail = f"{len(cells)} cells where the header has {width}: {cells}"
        sheet.fault(where, "sidecar row does not fit its header", detail)
        return None
    if _names(cells) == columns:
        sheet.tally.add(HEADER_AGAIN, where)
        return None
    return TableRow(where, filled(dict(zip(columns, cells, strict=True))))
