"""The content of a sidecar file: columns, rows of plain text, and broken rows."""

from dataclasses import dataclass, field
from typing import NamedTuple

MAX_BROKEN_ROWS = 100_000
"""Most broken rows of one table. Each is reported, and a file of a few MB can have millions."""

PATH_COLUMNS = (
    *("path", "file_path", "filepath", "file_name", "filename", "file"),
    *("image_path", "image_name", "image", "img_path", "img", "photo", "picture", "name"),
)
"""Names of the column with the paths of files, the clearest first."""

Cells = dict[str, str]


class TableRow(NamedTuple):
    """One row: its position in the file (`where`) and its cells without the empty ones.

    `unread` are the columns whose cells are not words.
    """

    where: str
    cells: Cells
    unread: frozenset[str] = frozenset()


class BrokenRow(NamedTuple):
    """A row that could not be read: its position, a constant reason, and what was found."""

    where: str
    reason: str
    detail: str


@dataclass
class RemarkCounts:
    """Remarks about rows: for each text a count and the first example."""

    told: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, text: str, example: str) -> None:
        """Count `text` once more."""
        times, first = self.told.get(text, (0, example))
        self.told[text] = (times + 1, first)


@dataclass
class SidecarTable:
    """The columns in order of first appearance, the rows, and the broken rows.

    Bytes that are not UTF-8 are surrogates in columns and cells, as Python has them in file names.
    `foreign` is the first line with such a byte. `tally` counts remarks.
    """

    columns: list[str]
    rows: list[TableRow] = field(default_factory=list)
    faults: list[BrokenRow] = field(default_factory=list)
    tally: RemarkCounts = field(default_factory=RemarkCounts)
    foreign: str | None = None

    def fault(self, where: str, reason: str, detail: str) -> None:
        """Add a broken row; raises `ValueError` if there are more than `MAX_BROKEN_ROWS`."""
        if len(self.faults) == MAX_BROKEN_ROWS:
            first = self.faults[0]
            raise ValueError(
                f"over {MAX_BROKEN_ROWS:,} of its rows are broken, so it is hardly a table of this "
                f"kind; the first: {first.where}, {first.reason}: {first.detail[:200]}"
            )
        self.faults.append(BrokenRow(where, reason, detail))


def filled(cells: Cells) -> Cells:
    """The cells that are not empty, in columns with a name."""
    return {name: cell for name, cell in cells.items() if name and cell.strip()}


def column_key(name: str) -> str:
    """A column's name without case, with one separator between its words."""
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())


def is_foreign(text: str) -> bool:
    """Whether the text has a byte that is not UTF-8."""
    return not text.isascii() and any("\udc80" <= character <= "\udcff" for character in text)
