"""The only code that opens LanceDB: a catalogue is one LanceDB database with the tables of
`catalog.schema`.

Every write goes through `insert`, `upsert` or `update`, which drop repeats inside the batch first
and count the written keys afterwards; reads stream record batches and name their columns, since a
read without names would fetch every vector.
"""

import errno
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import pyarrow as pa

from catalog import columns
from catalog.places import (
    PROBE,
    is_path,
    place_of,
    plain_path,
    store_reason,
    unfit,
    unreachable,
    unusable_option,
)
from catalog.schema import table_specs
from catalog.sql import REAL, among
from catalog.upkeep import is_due, keep_up
from catalog.vocabulary import Vocabulary, load_vocabulary
from crawlers.errors import MarqueError

READ_ROWS = 1024
KEYS_A_QUERY = 1000


class CatalogError(MarqueError):
    """The catalogue cannot do what was asked; the message says why and what to do."""


class AbsentCatalogError(CatalogError):
    """There is no catalogue at that place yet."""


class StoreError(CatalogError):
    """A write did not reach the store: the disk, the network, or another writer that was first.

    Nothing of the write is there, or all of it; the same write may be tried again, which is of no
    use while it `lasts`: on a disk that is full, in a place that may not be written.
    """

    def __init__(self, message: str, *, lasts: bool = False) -> None:
        super().__init__(message)
        self.lasts = lasts


class Catalog:
    """An open catalogue. Made by `open_catalog`; not to be carried into a forked process."""

    def __init__(self, db: Any, uri: str, vocabulary: Vocabulary) -> None:
        self.uri = uri
        self.vocabulary = vocabulary
        self.specs = table_specs(vocabulary)
        self._db = db

    def table(self, name: str) -> Any:
        """The newest version of a table, as a LanceDB table; created if it is not there."""
        if (there := self._opened(name)) is not None:
            return there
        try:
            with self.storing(name):
                schema = self.specs[name].schema
                return self._db.create_table(name, schema=schema, exist_ok=True)
        except StoreError:
            # Another process may have made it at the same moment: then that one is as good.
            if (there := self._opened(name)) is None:
                raise
            return there

    def _opened(self, name: str) -> Any | None:
        try:
            return self._db.open_table(name)
        except ValueError:
            return None

    def insert(self, name: str, rows: pa.Table) -> int:
        """Add the rows whose key is not there yet; returns how many those were."""
        return self._write(name, rows, insert=True, update=False)

    def upsert(self, name: str, rows: pa.Table) -> int:
        """Add rows, or replace those whose key is there; returns how many were added."""
        return self._write(name, rows, insert=True, update=True)

    def update(self, name: str, rows: pa.Table, *, unchanged: str | None = None) -> None:
        """Replace the given columns of rows that are there; the other columns stay.

        With `unchanged`, a row whose column of that name says otherwise than `rows` does is left
        as it is: it was changed since it was read.
        """
        self._write(name, rows, insert=False, update=True, unchanged=unchanged)

    def rewrite(self, name: str, rows: pa.Table) -> None:
        """Replace the given columns of rows that are there, as `update` does, without moving rows.

        What an index over other columns holds stays in it, and nothing but these columns is
        written; but of each fragment that has one of the rows these columns are written whole. So
        few rows go by `update`.
        """
        key = self.specs[name].key
        rows = first_of_each(rows, key)
        if rows.num_rows == 0:
            return
        table = self.table(name)
        place = columns.touched(table, key, rows.column(key))
        if rows.num_rows < columns.LEAST_SHARE * place.rows:
            self.update(name, rows)
            return
        schema = pa.schema([table.schema.field(column) for column in rows.column_names])
        with self.storing(name):
            columns.rewrite(place, key, rows.cast(schema))
        self._check_written(table, key, rows.column(key))

    def remove(self, name: str, keys: Iterable[str]) -> None:
        """Delete the rows with these keys from the newest version; older versions keep them."""
        gone = sorted(set(keys))
        for start in range(0, len(gone), KEYS_A_QUERY):
            some = among(self.specs[name].key, gone[start : start + KEYS_A_QUERY])
            table = self.table(name)
            with self.storing(name):
                table.delete(some)

    def read(
        self,
        name: str,
        columns: Sequence[str],
        where: str | None = None,
        *,
        batch_rows: int = READ_ROWS,
    ) -> Iterator[pa.RecordBatch]:
        """Stream `columns` of the rows that `where` keeps, in batches of at most `batch_rows`."""
        query = self.table(name).search().select(list(columns))
        if where is not None:
            query = query.where(where)
        yield from query.to_batches(batch_rows)

    def column(self, name: str, column: str, where: str | None = None) -> pa.ChunkedArray:
        """One column of a table, in memory: for keys, not for bytes."""
        kind = self.table(name).schema.field(column).type
        batches = self.read(name, [column], where, batch_rows=65_536)
        return pa.chunked_array([batch.column(column) for batch in batches], type=kind)

    def rows(self, name: str, keys: Iterable[str], columns: Sequence[str]) -> pa.Table:
        """The rows with these keys, in the table's order; a key that is absent gives no row."""
        return self.rows_where(name, self.specs[name].key, keys, columns)

    def rows_where(
        self,
        name: str,
        column: str,
        values: Iterable[str],
        columns: Sequence[str],
        where: str | None = None,
    ) -> pa.Table:
        """The rows whose `column` has one of `values`, and that `where` keeps; `columns` of them,
        in memory."""
        wanted = list(dict.fromkeys(values))
        schema = self.table(name).schema
        batches: list[pa.RecordBatch] = []
        for start in range(0, len(wanted), KEYS_A_QUERY):
            some = among(column, wanted[start : start + KEYS_A_QUERY])
            some = f"{some} AND ({where})" if where else some
            batches.extend(self.read(name, columns, some))
        return pa.Table.from_batches(batches, pa.schema([schema.field(c) for c in columns]))

    def count(self, name: str, where: str | None = None) -> int:
        """How many rows the newest version of a table has, or those that `where` keeps."""
        return int(self.table(name).count_rows(where))

    def has_real_photos(self) -> bool:
        """Whether any photo was not rendered by the project itself."""
        return self.count("sightings", REAL) > 0

    def versions(self) -> dict[str, int]:
        """The newest version of every table."""
        return {name: int(self.table(name).version) for name in self.specs}

    def drop_photos(self) -> None:
        """Delete every table with everything in it, but the history of runs."""
        for name in self.specs.keys() - {"runs"}:
            self._db.drop_table(name, ignore_missing=True)

    def _write(
        self,
        name: str,
        rows: pa.Table,
        *,
        insert: bool,
        update: bool,
        unchanged: str | None = None,
    ) -> int:
        key = self.specs[name].key
        rows = first_of_each(rows, key)
        if rows.num_rows == 0:
            return 0
        table = self.table(name)
        # By way of an index on the key, LanceDB 0.40 lets two writers insert the same new key, and
        # fails on an update of some columns under a condition.
        merge = table.merge_insert(key).use_index(False)
        if insert:
            merge = merge.when_not_matched_insert_all()
        if update:
            same = unchanged and f"target.{unchanged} = source.{unchanged}"
            merge = merge.when_matched_update_all(where=same)
        schema = pa.schema([table.schema.field(column) for column in rows.column_names])
        rows = rows.cast(schema)
        with self.storing(name):
            result = merge.execute(rows)
        self._check_written(table, key, rows.column(key))
        if is_due(table.version):
            self.keep_up(name)
        return int(result.num_inserted_rows)

    def keep_up(self, name: str) -> None:
        """Sort new keys into their indexes and put small fragments together, where it is time.

        Left for the next time if another writer is first; raises `StoreError` where it would fail
        then too.
        """
        schema = self.specs[name].schema
        keys = [column for column in (self.specs[name].key, "image_id") if column in schema.names]
        try:
            with self.storing(name):
                # Photos stay as they were written: to put them together all bytes would be copied.
                keep_up(self.table(name), list(dict.fromkeys(keys)), compact=name != "images")
        except StoreError as error:
            if error.lasts:
                raise

    @contextmanager
    def tags(self, name: str) -> Iterator[Any]:
        """The tags of a table, to be set: LanceDB sets them in the wrong place by some paths."""
        with plain_path(self.uri) as place:
            yield (
                self.table(name) if place == self.uri else lancedb.connect(place).open_table(name)
            ).tags

    @contextmanager
    def storing(self, name: str) -> Iterator[None]:
        """Let what fails inside, a write to this table by LanceDB itself, be a `StoreError`."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            place = f"table {name!r} of {self.uri}"
            raise _store_error(place, error, remote=not is_path(self.uri)) from error

    def _check_written(self, table: Any, key: str, keys: pa.ChunkedArray) -> None:
        table.checkout_latest()
        found = 0
        for start in range(0, len(keys), KEYS_A_QUERY):
            some = among(key, keys.slice(start, KEYS_A_QUERY).to_pylist())
            found += table.count_rows(some)
        if found != len(keys):
            raise CatalogError(
                f"table {table.name!r} of {self.uri} holds {found} rows for {len(keys)} written "
                f"keys of column {key!r}; stop other writers and look at the table before going on"
            )


def open_catalog(
    uri: str | Path,
    *,
    vocabulary: Vocabulary | None = None,
    create: bool = True,
    storage_options: dict[str, str] | None = None,
) -> Catalog:
    """Open the catalogue at a path or at an object-store URI such as `s3://bucket/catalog`.

    `storage_options` are those of LanceDB for an object store: `endpoint`, `region`, `allow_http`
    and others. Raises `CatalogError` when the place cannot be opened, and, with `create=False`,
    when nothing is there yet.
    """
    uri, options = place_of(uri), dict(storage_options or {})
    if (why := unfit(uri) or unusable_option(options)) is not None:
        raise CatalogError(why)
    if not create and is_path(uri) and not Path(uri).exists():
        raise _absent(uri)  # LanceDB would make the folder
    names = _names(uri, options)
    db = lancedb.connect(
        uri, storage_options=options or None, read_consistency_interval=timedelta(0)
    )
    catalog = Catalog(db, uri, vocabulary or load_vocabulary())
    missing = [name for name in catalog.specs if name not in names]
    if missing and not create:
        raise _absent(uri)
    for name in missing:
        catalog.table(name)
    return catalog


def _names(uri: str, options: dict[str, str]) -> set[str]:
    """The tables that are there, asked of an object store with little patience: it is the first
    question to it, and by default LanceDB waits minutes for one that does not answer."""
    asked = options or None if is_path(uri) else PROBE | options
    try:
        return set(lancedb.connect(uri, storage_options=asked).list_tables(limit=100).tables)
    except (OSError, ValueError, RuntimeError) as error:
        if not is_path(uri):
            raise CatalogError(unreachable(uri, error)) from error
        raise CatalogError(
            f"the catalogue at {uri} cannot be opened ({error}); "
            "check the path and its permissions, or set MARQUE_CATALOG to another place"
        ) from error


# LanceDB gives the system's number of an error only inside its text, as Rust writes it.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_LASTING = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room on that disk",
    errno.EROFS: "make the place writable, or set MARQUE_CATALOG to another",
    errno.EACCES: "make the place writable, or set MARQUE_CATALOG to another",
    errno.EPERM: "make the place writable, or set MARQUE_CATALOG to another",
}


def _store_error(place: str, error: OSError | RuntimeError, *, remote: bool) -> StoreError:
    cause = (str(error).splitlines() or [type(error).__name__])[0]
    found = _OS_ERROR.search(cause)
    number = int(found[1]) if found else getattr(error, "errno", None)
    again = "then run the same command again, which goes on where this one stopped"
    if number in _LASTING:
        why = f"{os.strerror(number)}; {_LASTING[number]}, {again}"
        return StoreError(f"{place} could not be written: {why}", lasts=True)
    if remote and (reason := store_reason(error)) is not None:
        return StoreError(f"{place} could not be written ({reason}); {again}")
    return StoreError(
        f"{place} could not be written ({cause}); if the disk is full or the place is read-only, "
        f"make room or choose another place; {again}"
    )


def _absent(uri: str | Path) -> AbsentCatalogError:
    return AbsentCatalogError(
        f"there is no catalogue at {uri} yet; `marque ingest folder PATH` makes one"
    )


def first_of_each(rows: pa.Table, key: str) -> pa.Table:
    """`rows` without those whose key an earlier row has."""
    codes = rows.column(key).combine_chunks().dictionary_encode().indices
    _, first = np.unique(codes.to_numpy(zero_copy_only=False), return_index=True)
    return rows if len(first) == rows.num_rows else rows.take(pa.array(np.sort(first)))
