"""A table as it was read: its columns, its rows of plain text, and what was wrong with it."""

from dataclasses import dataclass, field
from typing import NamedTuple

MAX_BROKEN_ROWS = 100_000
"""Broken rows of one table, each of which is told: a file of a few MB can have millions."""

PATH_COLUMNS = (
    *("path", "file_path", "filepath", "file_name", "filename", "file"),
    *("image_path", "image_name", "image", "img_path", "img", "photo", "picture", "name"),
)
"""What a column is called that holds the path of each file, the clearest name first."""

Cells = dict[str, str]


class TableRow(NamedTuple):
    """One row: where it stands in the file, and its cells; an empty cell is absent.

    `unread` are the columns of which the cell is no word.
    """

    where: str
    cells: Cells
    unread: frozenset[str] = frozenset()


class BrokenRow(NamedTuple):
    """A row that could not be read: where it stands, a constant reason, and what was found."""

    where: str
    reason: str
    detail: str


@dataclass
class RemarkCounts:
    """What is to be told of rows, by text: how often, and the first example."""

    told: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, text: str, example: str) -> None:
        """Count `text` once more."""
        times, first = self.told.get(text, (0, example))
        self.told[text] = (times + 1, first)


@dataclass
class SidecarTable:
    """The columns in the order they were first seen, the rows, and the rows that are broken.

    A byte that is not UTF-8 stands in columns and cells as Python keeps it in file names.
    `foreign` is the first line with such a byte. `tally` counts what was read with a remark.
    """

    columns: list[str]
    rows: list[TableRow] = field(default_factory=list)
    faults: list[BrokenRow] = field(default_factory=list)
    tally: RemarkCounts = field(default_factory=RemarkCounts)
    foreign: str | None = None

    def fault(self, where: str, reason: str, detail: str) -> None:
        """Keep a row that is broken; raises `ValueError` where there are too many to be a table."""
        if len(self.faults) == MAX_BROKEN_ROWS:
            first = self.faults[0]
            raise ValueError(
                f"over {MAX_BROKEN_ROWS:,} of its rows are broken, so it is hardly a table of this "
                f"kind; the first: {first.where}, {first.reason}: {first.detail[:200]}"
            )
        self.faults.append(BrokenRow(where, reason, detail))


def filled(cells: Cells) -> Cells:
    """The cells that say something, of columns that have a name."""
    return {name: cell for name, cell in cells.items() if name and cell.strip()}


def column_key(name: str) -> str:
    """A column's name without case, and with one sign for what stands between its words."""
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())


def is_foreign(text: str) -> bool:
    """Whether the text has a byte that is not UTF-8."""
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)
