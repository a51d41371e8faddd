"""What keeps a table fast while runs add to it a few rows at a time.

Keys get an index, without which each look for rows by their keys would go through the whole table,
and small fragments are put together, as every read opens each of them. Both only change how the
rows are stored; where another writer was first, they are left for the next time.
"""

from collections.abc import Sequence
from typing import Any

from lancedb.index import BTree

EVERY = 16  # versions of a table between two looks at it
FEW = 16  # fragments that may be small; each costs a search about as much as 200 rows
SIZES = (2048, 32_768)  # rows that a fragment should have: first one, and of many such the other
UNSORTED = 4096  # rows that may be outside a key's index, or a share of the table:
SHARE = 16  # one row of so many, so that sorting them in costs the same per row at any size
BATCH = 1024  # rows in memory at a time


def is_due(version: int) -> bool:
    """Whether a table that a write has brought to this version should be looked at."""
    return version % EVERY == 0


def keep_up(table: Any, keys: Sequence[str], *, compact: bool) -> None:
    """Compact the small fragments of a table if they are many, and sort new rows into the indexes
    of its key columns; raises what LanceDB raises where another writer was first.

    Without `compact` its fragments stay as they are. Compacting leaves other versions alone, and
    what an index holds stays in it; the newest rows may come before somewhat older ones after it.
    """
    if compact:
        for size in SIZES:
            _put_together(table, size)
    _sort_in(table, keys)


def _put_together(table: Any, size: int) -> None:
    stored = table.to_lance()
    if stored.stats.dataset_stats(size)["num_small_files"] <= FEW:
        return
    stored.optimize.compact_files(
        target_rows_per_fragment=size,
        materialize_deletions=size == max(SIZES),  # or large ones would be cut to this size
        num_threads=1,
        batch_size=BATCH,
    )
    table.checkout_latest()


def _sort_in(table: Any, keys: Sequence[str]) -> None:
    rows = table.count_rows()
    most = max(UNSORTED, rows // SHARE)
    names = {column: index.name for index in table.list_indices() for column in index.columns}
    late = []
    for column in keys:
        if column in names:
            if table.index_stats(names[column]).num_unindexed_rows > most:
                late.append(names[column])
        elif rows > most:
            table.create_index(column, config=BTree())
    if late:
        table.to_lance().optimize.optimize_indices(index_names=late)
