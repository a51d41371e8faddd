"""Compaction and key indexes: they keep a table fast while runs add a few rows at a time.

Key columns get an index, because otherwise every lookup by key would scan the whole table. Small
fragments are compacted, because every read opens each fragment. Both change only how rows are
stored. If another writer was first, they are left for the next time.

An index has parts; each part holds the rows that came after those of the part before. New rows form
a new part, merged with the newest parts as long as these are not much larger. So there are few
parts, and the cost of indexing a row hardly grows with the table.
"""

import ctypes
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from lance.indices import IndexConfig

CHECK_VERSIONS = 16  # versions of a table between two looks at it
MAX_SMALL_FRAGMENTS = (
    16  # fragments that may be small; each costs a search about as much as 200 rows
)
FRAGMENT_ROWS = (
    2048,
    32_768,
)  # rows that a fragment should have: first one, and of many such the other
PHOTO_FRAGMENTS = {2048: 256, 8192: 64}
"""Target rows of a fragment of photos -> how many fragments may have fewer rows than that (but no
fewer than the size before). Compaction copies each photo twice in all."""
MAX_COPIED_BYTES = 2 * 2**30  # bytes of photos that one look puts together: 8,192 of 256 KB
MAX_UNINDEXED_ROWS = (
    1024  # rows that may be outside a key's index, which every look goes through one by one
)
INDEX_PART_RATIO = 4  # times the rows after it that a part of an index has at least
INDEX_PAGE_KEYS = 512
"""Keys in a page of an index. Keys are digests, so each key of a lookup is in another page; with
LanceDB's 4,096 keys a lookup would read the whole index of a million rows."""
COMPACTION_BATCH_ROWS = 1024  # rows in memory at a time


def is_due(version: int) -> bool:
    """Whether a table should be optimized after a write that made this version."""
    return version % CHECK_VERSIONS == 0


def optimize_table(
    table: Any, keys: Sequence[str], *, large: bool, unsorted: int | None = None
) -> None:
    """Compact the small fragments of a table if they are many, and sort new rows into the indexes
    of its key columns if there are more than `unsorted`, or `MAX_UNINDEXED_ROWS`.

    Rows that are `large`, as photos are, are copied as they are stored, and some at a time.
    Compacting leaves other versions alone, and what an index holds stays in it; the newest rows may
    come before somewhat older ones after it. Raises what LanceDB raises where another writer was
    first.
    """
    if large:
        _compact_photos(table)
    else:
        for size in FRAGMENT_ROWS:
            _compact(table, size)
    names = {column: index.name for index in table.list_indices() for column in index.columns}
    for column in keys:
        if column in names:
            _index_new_rows(
                table, column, names[column], MAX_UNINDEXED_ROWS if unsorted is None else unsorted
            )
        elif table.count_rows() > MAX_UNINDEXED_ROWS:
            _index(table, column)
        table.checkout_latest()
    trim_memory()


def trim_memory() -> None:
    """Return free memory to the system, which glibc does not do by itself.

    Each thread keeps the most memory that it once used, and Lance's threads have built indexes and
    compacted fragments.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _compact(table: Any, size: int) -> None:
    stored = table.to_lance()
    if stored.stats.dataset_stats(size)["num_small_files"] <= MAX_SMALL_FRAGMENTS:
        return
    stored.optimize.compact_files(
        target_rows_per_fragment=size,
        materialize_deletions=size == max(FRAGMENT_ROWS),  # else large ones are split to this size
        num_threads=1,
        batch_size=COMPACTION_BATCH_ROWS,
        # The decoded rows of a large fragment would take several hundred MB.
        compaction_mode="try_binary_copy" if size == max(FRAGMENT_ROWS) else "reencode",
    )
    table.checkout_latest()


def _compact_photos(table: Any) -> None:
    smaller = 0
    for size, many in PHOTO_FRAGMENTS.items():
        stored = table.to_lance()
        small = stored.stats.dataset_stats(size)["num_small_files"]
        if small - smaller > many:
            stored.optimize.compact_files(
                target_rows_per_fragment=size,
                materialize_deletions=False,
                num_threads=1,
                batch_size=1,  # replaced rows are read one by one: one may take 256 MiB
                compaction_mode="try_binary_copy",
                max_source_bytes=MAX_COPIED_BYTES,  # larger ones are left as they are
            )
            table.checkout_latest()
        smaller = small


def _index(table: Any, column: str) -> None:
    # Lance's own call: LanceDB's has no parameter for the page size.
    table.to_lance().create_scalar_index(
        column, IndexConfig("btree", {"zone_size": INDEX_PAGE_KEYS})
    )


def _index_new_rows(table: Any, column: str, name: str, unsorted: int) -> None:
    stored = table.to_lance()
    there = stored.stats.index_stats(name)
    parts, late = there["num_indexed_rows_per_delta"], there["num_unindexed_rows"]
    if late <= unsorted:
        return
    again = merged_index_parts(parts, late)
    if again == len(parts):
        _index(table, column)
    else:
        stored.optimize.optimize_indices(index_names=[name], num_indices_to_merge=again)


def merged_index_parts(parts: Sequence[int], rows: int) -> int:
    """How many of an index's newest parts (given by their rows) to merge with `rows` new rows."""
    for taken, part in enumerate(reversed(parts)):
        if part >= INDEX_PART_RATIO * rows:
            return taken
        rows += part
    return len(parts)
