"""Inserts and replaces rows by key, at a cost that hardly grows with the table, and without
duplicate keys.

Keys are looked up in their index, new and replacing rows are written to files, and one commit
makes all of them visible. LanceDB's own `merge_insert` either reads every key of the table first,
or, with the index, lets two writers insert the same key without an error.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

import lance
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from lance.commit import CommitConflictError
from lance.fragment import write_fragments

from catalog.errors import CatalogError
from catalog.sql import KEYS_A_QUERY, among

ROW_ID = "_rowid"

INSERT_TOKEN = 2**32 - 1
"""The number of a fragment that no table has. Each commit that inserts keys declares that it
removes this fragment, and of two commits that remove the same fragment Lance refuses the later one.
So nobody else can insert a key between its lookup and the commit that inserts it, on a disk or on
an object store. Writes that insert no key (updates, compaction, indexes) are not blocked."""

COMMIT_TRIES = 100
MAX_RETRY_SECONDS = 0.5  # seconds between two tries; one is done in some hundredths


@dataclass(frozen=True, slots=True)
class Upsert:
    """Rows to write by `key`: `insert` adds rows whose key is absent, `update` replaces rows whose
    key exists. With `before` a row is replaced only if it still equals its row in `before`; an
    existing row that `before` lacks is not replaced."""

    key: str
    rows: pa.Table
    insert: bool
    update: bool
    before: pa.Table | None = None


@dataclass(frozen=True, slots=True)
class WriteResult:
    """The keys that one call `added`, and the keys whose rows it `replaced`."""

    added: pa.Array
    replaced: pa.Array


@dataclass(frozen=True, slots=True)
class _RowPlaces:
    """The places of an upsert's rows at one version of the table: the indexes of `new` rows, and
    for each other row its index (`replace`) and the address of the stored row that it replaces."""

    new: pa.Array
    replace: pa.Array
    addresses: list[int]


def write_rows(table: Any, change: Upsert) -> WriteResult:
    """Write to a LanceDB table; returns the keys that this call wrote. The write is atomic.

    Raises what Lance raises, and `CommitConflictError` if others were first `COMMIT_TRIES` times.
    """
    written: tuple[_RowPlaces, list[Any]] | None = None
    for attempt in range(COMMIT_TRIES):
        # Commits of others after this point conflict with this commit.
        table.checkout_latest()
        table.checkout(table.version)
        stored = table.to_lance()
        place = _locate(table, change)
        if not len(place.new) and not place.addresses:
            break
        # A file is reused if it would be the same: files of photos are large.
        if written is None or place.addresses or not place.new.equals(written[0].new):
            written = place, _write(table, stored, change, place)
        try:
            _commit(stored, place, written[1])
        except CommitConflictError as error:
            if attempt == COMMIT_TRIES - 1 or not error.retryable:
                raise
            time.sleep(SystemRandom().uniform(0, min(MAX_RETRY_SECONDS, 0.01 * 2**attempt)))
        else:
            break
    table.checkout_latest()
    keys = change.rows.column(change.key).combine_chunks()
    return WriteResult(keys.take(place.new), keys.take(place.replace))


def rows_by_key(
    table: Any, key: str, keys: pa.ChunkedArray, columns: list[str]
) -> Iterator[pa.Table]:
    """`columns` and `ROW_ID` of the rows with these keys."""
    for start in range(0, len(keys), KEYS_A_QUERY):
        some = among(key, keys.slice(start, KEYS_A_QUERY).to_pylist())
        yield table.search().select(columns).with_row_id(True).where(some).to_arrow()


def check_written(table: Any, uri: str, key: str, keys: pa.ChunkedArray) -> None:
    """Check that a table holds each of these keys once; raises `CatalogError`.

    Marque never inserts a key twice; another program that writes to the table may.
    """
    table.checkout_latest()
    rows = 0
    for start in range(0, len(keys), KEYS_A_QUERY):
        rows += table.count_rows(among(key, keys.slice(start, KEYS_A_QUERY).to_pylist()))
    if rows != len(keys):
        raise CatalogError(
            f"table {table.name!r} of {uri} holds {rows} rows for {len(keys)} written keys of "
            f"column {key!r}; stop other writers and look at the table before going on"
        )


def first_of_each(rows: pa.Table, key: str) -> pa.Table:
    """`rows` without rows whose key an earlier row has."""
    codes = rows.column(key).combine_chunks().dictionary_encode().indices
    _, first = np.unique(codes.to_numpy(zero_copy_only=False), return_index=True)
    return rows if len(first) == rows.num_rows else rows.take(pa.array(np.sort(first)))


def with_nulls(rows: Any, schema: pa.Schema) -> Any:
    """A table, or a batch, with the columns of the schema; columns that it lacks are null."""
    there = {*rows.schema.names}
    columns = [
        rows.column(field.name) if field.name in there else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return type(rows).from_arrays(columns, schema=schema)


def fragment_of(address: int) -> int:
    """The number of the fragment of the row at this address."""
    return address >> 32


def _locate(table: Any, change: Upsert) -> _RowPlaces:
    keys = change.rows.column(change.key)
    columns = [change.key] if change.before is None else change.before.column_names
    there = pa.concat_tables(rows_by_key(table, change.key, keys, columns))
    at = pc.index_in(there.column(change.key), value_set=keys).combine_chunks()
    absent = pc.invert(pc.is_in(keys, value_set=there.column(change.key))).combine_chunks()
    new = pc.indices_nonzero(absent) if change.insert else pa.array([], pa.uint64())
    if not change.update:
        return _RowPlaces(new, pa.array([], pa.int32()), [])
    addresses = there.column(ROW_ID).combine_chunks()
    if change.before is not None:
        same = _unchanged(there, change.before, change.key)
        at, addresses = at.filter(same), addresses.filter(same)
    return _RowPlaces(new, at, addresses.to_pylist())


def _unchanged(there: pa.Table, before: pa.Table, key: str) -> pa.Array:
    """For each existing row, whether it still equals its row in `before`."""
    at = pc.index_in(there.column(key), value_set=before.column(key))
    same = at.is_valid()
    for name in before.column_names:
        now, was = there.column(name), before.column(name).take(at)
        none = pc.and_(now.is_null(), was.is_null())
        same = pc.and_(same, pc.or_(none, pc.fill_null(pc.equal(now, was), False)))
    return same.combine_chunks()


def _write(table: Any, stored: Any, change: Upsert, place: _RowPlaces) -> list[Any]:
    """Write the rows to files; returns their fragments, which are not committed yet."""
    schema = table.schema

    def parts() -> Iterator[pa.Table]:
        if len(place.new):
            every = len(place.new) == change.rows.num_rows
            yield with_nulls(change.rows if every else change.rows.take(place.new), schema)
        if place.addresses:
            yield from _merged(table, change.rows.take(place.replace), place.addresses)

    batches = (batch for part in parts() for batch in part.to_batches())
    reader = pa.RecordBatchReader.from_batches(schema, batches)
    fragments: list[Any] = write_fragments(reader, stored)
    return fragments


def _merged(table: Any, rows: pa.Table, addresses: list[int]) -> Iterator[pa.Table]:
    """`rows`, with missing columns filled from the rows at these addresses."""
    schema = table.schema
    kept = [name for name in schema.names if name not in rows.column_names]
    for start in range(0, rows.num_rows, KEYS_A_QUERY):
        part = rows.slice(start, KEYS_A_QUERY)
        if kept:
            at = addresses[start : start + KEYS_A_QUERY]
            old = table.take_row_ids(at).select(kept).with_row_id().to_arrow()
            old = old.take(pc.index_in(pa.array(at, pa.uint64()), value_set=old.column(ROW_ID)))
            for name in kept:
                part = part.append_column(schema.field(name), old.column(name))
        yield part.select(schema.names).cast(schema)


def _commit(stored: Any, place: _RowPlaces, fragments: list[Any]) -> None:
    offsets: dict[int, list[int]] = {}
    for address in place.addresses:
        offsets.setdefault(fragment_of(address), []).append(address & 0xFFFFFFFF)
    updated, removed = [], [INSERT_TOKEN] if len(place.new) else []
    for number, rows in offsets.items():
        left = stored.get_fragment(number).delete_rows(rows)
        if left is None:
            removed.append(number)
        else:
            updated.append(left)
    change = lance.LanceOperation.Update(
        removed_fragment_ids=removed, updated_fragments=updated, new_fragments=fragments
    )
    lance.LanceDataset.commit(stored, change, read_version=stored.version)
