"""Replaces columns of many rows in place: other columns, their files and their indexes stay.

LanceDB's own update moves whole rows, with their vectors, and drops them from every index. Lance
can rewrite single columns of a fragment and commit them beside rows that others append meanwhile.
"""

from dataclasses import dataclass
from typing import Any

import lance
import pyarrow as pa
import pyarrow.compute as pc

from catalog.upsert import ROW_ID, fragment_of, rows_by_key

MIN_REWRITE_SHARE = 0.05
"""If the rows are a smaller share of their fragments' rows, `update` moves them instead. A row of
`cars` is mostly vector and thumbnail, about twenty times the size of its labels."""


@dataclass(frozen=True, slots=True)
class TouchedFragments:
    """The fragments that hold some given rows, at one version, and the number of their rows."""

    stored: Any
    fragments: list[Any]
    rows: int


def touched_fragments(table: Any, key: str, keys: pa.ChunkedArray) -> TouchedFragments:
    """The fragments of a LanceDB table that hold rows with these keys."""
    table.checkout(table.version)
    stored = table.to_lance()
    addresses = [part.column(ROW_ID) for part in rows_by_key(table, key, keys, [key])]
    table.checkout_latest()
    numbers = {fragment_of(address) for some in addresses for address in some.to_pylist()}
    fragments = [stored.get_fragment(number) for number in sorted(numbers)]
    return TouchedFragments(stored, fragments, sum(each.count_rows() for each in fragments))


def rewrite_columns(place: TouchedFragments, key: str, rows: pa.Table) -> None:
    """Write the columns of `rows` into these fragments and commit.

    Raises what Lance raises if another writer has changed one of the fragments since.
    """
    written, fields = [], set()
    for fragment in place.fragments:
        there = fragment.to_table(columns=[key]).column(key)
        some = rows.filter(pc.is_in(rows.column(key), value_set=there))
        meta, changed = fragment.update_columns(some, left_on=key, right_on=key)
        written.append(meta)
        fields.update(changed)
    change = lance.LanceOperation.Update(updated_fragments=written, fields_modified=sorted(fields))
    lance.LanceDataset.commit(place.stored, change, read_version=place.stored.version)
