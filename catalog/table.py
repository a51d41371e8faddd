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
from catalog.schema import table_specs
from catalog.sql import KEYS_A_QUERY, REAL, among
from catalog.upkeep import is_due, keep_up
from catalog.vocabulary import Vocabulary, load_vocabulary
from catalog.writing import Change, store
from crawlers.errors import MarqueError

READ_ROWS = 1024


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
        """Add the rows whose key is not there yet; returns how many this very call added."""
        return len(self._write(name, rows, insert=True, update=False))

    def insert_keys(self, name: str, rows: pa.Table) -> list[str]:
        """Add the rows whose key is not there yet; returns the keys that this very call added.

        Of several writers that add the same key at the same moment one alone has it in its answer.
        """
        keys: list[str] = self._write(name, rows, insert=True, update=False).to_pylist()
        return keys

    def upsert(self, name: str, rows: pa.Table) -> int:
        """Add rows, or replace those whose key is there; returns how many this very call added."""
        return len(self._write(name, rows, insert=True, update=True))

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
    ) -> pa.Array:
        """Write, check it, and keep the table up where it is time; returns the added keys."""
        key = self.specs[name].key
        rows = first_of_each(rows, key)
        if rows.num_rows == 0:
            return pa.array([], pa.string())
        table = self.table(name)
        fields = table.schema
        schema = pa.schema([fields.field(column) for column in rows.column_names])
        change = Change(key, rows.cast(schema), insert, update, unchanged)
        with self.storing(name):
            added = store(table, change)
        self._check_written(table, key, rows.column(key))
        if is_due(table.version):
            self.keep_up(name)
        return added

    def keep_up(self, name: str, *, unsorted: int | None = None) -> None:
        """Sort new keys into their indexes, where many (more than `unsorted`) are outside, and put
        small fragments together, where there are many.

        Left for the next time if another writer is first; raises `StoreError` where it would fail
        then too.
        """
        schema = self.specs[name].schema
        keys = [column for column in (self.specs[name].key, "image_id") if column in schema.names]
        try:
            with self.storing(name):
                # Photos stay as they were written: to put them together all bytes would be copied.
                compact = name != "images"
                keys = list(dict.fromkeys(keys))
                keep_up(self.table(name), keys, compact=compact, unsorted=unsorted)
        except StoreError as error:
            if error.lasts:
                raise

    @contextmanager
    def storing(self, name: str) -> Iterator[None]:
        """Let what fails inside, a write to this table by LanceDB itself, be a `StoreError`."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            raise _store_error(f"table {name!r} of {self.uri}", error) from error

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

    Raises `CatalogError` when the place cannot be opened, and, with `create=False`, when nothing
    is there yet.
    """
    if not create and "://" not in str(uri) and not Path(uri).exists():
        raise _absent(uri)  # LanceDB would make the folder
    try:
        db = lancedb.connect(
            str(uri), storage_options=storage_options, read_consistency_interval=timedelta(0)
        )
        names = set(db.list_tables(limit=100).tables)
    except (OSError, ValueError, RuntimeError) as error:
        raise CatalogError(
            f"the catalogue at {uri} cannot be opened ({error}); "
            "check the path and its permissions, or set MARQUE_CATALOG to another place"
        ) from error
    catalog = Catalog(db, str(uri), vocabulary or load_vocabulary())
    missing = [name for name in catalog.specs if name not in names]
    if missing and not create:
        raise _absent(uri)
    for name in missing:
        catalog.table(name)
    return catalog


# LanceDB gives the system's number of an error only inside its text, as Rust writes it.
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_LASTING = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room on that disk",
    errno.EROFS: "make the place writable, or set MARQUE_CATALOG to another",
    errno.EACCES: "make the place writable, or set MARQUE_CATALOG to another",
    errno.EPERM: "make the place writable, or set MARQUE_CATALOG to another",
}


def _store_error(place: str, error: OSError | RuntimeError) -> StoreError:
    cause = (str(error).splitlines() or [type(error).__name__])[0]
    found = _OS_ERROR.search(cause)
    number = int(found[1]) if found else getattr(error, "errno", None)
    again = "then run the same command again, which goes on where this one stopped"
    if number in _LASTING:
        why = f"{os.strerror(number)}; {_LASTING[number]}, {again}"
        return StoreError(f"{place} could not be written: {why}", lasts=True)
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
