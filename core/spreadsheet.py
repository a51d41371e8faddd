"""Cells of tables for spreadsheets, which would run a cell that looks like a formula."""

import csv
import io
import re
from collections.abc import Iterable

_GUARD = "'"

# Full-width and small forms are formulas in East Asian spreadsheets. Some programs ignore blanks,
# quotes and a byte order mark before a formula.
_FORMULA = re.compile(r"[\s\x00-\x1f\ufeff'\"]*[=+\-@＝＋－＠﹦﹢﹣﹫\t\r\n]")  # noqa: RUF001
_NUMBER = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?%?")


def csv_line(cells: Iterable[str], end: str = "") -> str:
    """One line of CSV followed by `end`; no cell in it is a formula."""
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerow([guarded(cell) for cell in cells])
    return out.getvalue()


def guarded(cell: str) -> str:
    """The cell, with a quote in front if a spreadsheet would take it for a formula.

    A number with a sign stays as it is. `unguarded` is the inverse.
    """
    return _GUARD + cell if _is_formula(cell) else cell


def unguarded(cell: str) -> str:
    """The cell as it was before `guarded`."""
    return cell[1:] if cell.startswith(_GUARD) and _is_formula(cell[1:]) else cell


def _is_formula(cell: str) -> bool:
    return _FORMULA.match(cell) is not None and _NUMBER.fullmatch(cell) is None
