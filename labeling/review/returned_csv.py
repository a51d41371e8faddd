"""`review.csv` as it comes back from a spreadsheet.

Each row is a decision, so a broken row must not spoil another one. The reader of sidecars is not
used: it loses the rows after an open quote, fills up short rows and guesses encodings.
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

from core.spreadsheet import unguarded
from labeling.review.returned import LineProblem, RawAnswer, ReviewFile, is_text

HEADER = (
    "image_id",
    "attribute",
    "label",
    "origin",
    "suggestion",
    "confidence",
    "suggested_by",
    "reason",
    "why",
    "page_url",
    "source_id",
    "decision",
    "by",
    "decided_at",
)
"""The columns of `review.csv`; the last three are for the person."""

NEEDED = ("image_id", "attribute", "decision")
READ = (*NEEDED, "by", "decided_at")

DELIMITERS = (",", ";", "\t", "|")


def read_csv(text: str, by: str | None = None) -> ReviewFile:
    """The answers of a table with at least the columns `NEEDED`; the delimiter is detected."""
    lines = list(io.StringIO(text, newline=None))
    header, delimiter = _header(lines)
    done = ReviewFile()
    missing = [name for name in NEEDED if name not in header]
    twice = [name for name in READ if header.count(name) > 1]
    if missing or twice:
        absent = f"there is no column {', '.join(missing)}"
        wrong = absent if missing else f"column {twice[0]} appears twice"
        do = f"its first line must name {', '.join(NEEDED)}"
        done.lines.append(LineProblem("line 1", wrong, do))
        return done
    for where, cells in _records(lines, delimiter, len(header), done.lines):
        row = {
            name: unguarded(cell.strip()).strip() for name, cell in zip(header, cells, strict=True)
        }
        said = {name: row.get(name, "") for name in READ}
        if not said["decision"]:
            # A row without a decision is fine, unless it is dated: then one was intended.
            if said["decided_at"]:
                do = "fill column decision, with ? if it cannot be determined, or empty decided_at"
                done.lines.append(LineProblem(where, "it is dated and decides nothing", do))
            else:
                done.empty += 1
        elif spoilt := [name for name in READ if not is_text(said[name])]:
            what = f"{spoilt[0]} holds bytes that are not UTF-8"
            done.lines.append(LineProblem(where, what, "save the file as UTF-8"))
        else:
            words = (said["decision"],)
            who = said["by"] or by or ""
            done.answers.append(
                RawAnswer(
                    where, said["image_id"], said["attribute"], words, who, said["decided_at"]
                )
            )
    return done


def _header(lines: list[str]) -> tuple[list[str], str]:
    """The columns, and the delimiter that splits the first line into the most columns."""
    best: tuple[list[str], str] = ([], ",")
    for delimiter in DELIMITERS:
        try:
            cells = next(csv.reader(lines[:1], delimiter=delimiter, strict=True), [])
        except csv.Error:
            continue
        if len(cells) > len(best[0]):
            best = [cell.strip().casefold() for cell in cells], delimiter
    return best


def _records(
    lines: list[str], delimiter: str, width: int, faults: list[LineProblem]
) -> Iterator[tuple[str, list[str]]]:
    """The place of each row, and its cells.

    After a broken row, reading continues at the next line, so that an open quote does not swallow
    the rows after it.
    """
    at = 1
    reader = _reader(lines, at, delimiter)
    start = at
    while at < len(lines):
        where, wrong = f"line {at + 1}", ""
        cells: list[str] = []
        try:
            cells = next(reader)
            is_blank = not any(cell.strip() for cell in cells)
            if len(cells) != width and not is_blank:
                wrong = f"it has {len(cells)} cells and the first line {width}"
        except csv.Error as error:
            wrong = f"it is not a line of CSV ({error})"
        if wrong:
            faults.append(LineProblem(where, wrong, "fix its quotes and separators"))
            at += 1
            start, reader = at, _reader(lines, at, delimiter)
        else:
            at = start + reader.line_num
            if not is_blank:
                yield where, cells


def _reader(lines: list[str], start: int, delimiter: str) -> Any:
    rest = (lines[at] for at in range(start, len(lines)))
    return csv.reader(rest, delimiter=delimiter, strict=True)
