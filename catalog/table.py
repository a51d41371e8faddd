"""`Catalog`: one LanceDB database with the tables of `catalog.schema`. No other code opens LanceDB.

Every write goes through `insert`, `upsert` or `update`. They drop duplicate keys within the batch
first and count the written keys afterwards. Reads stream record batches and name their columns,
because a read without names would fetch every vector.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from datetime import timedelta
from pathlib import Path
from typing import Any

import lancedb
import pyarrow as pa

from catalog import update_columns
from catalog.connect import (
    Database,
    absent_catalog_error,
    check_schema,
    connect,
    missing_tables,
    open_table,
    read_format,
)
from catalog.errors import (
    REPUBLISH_ADVICE,
    AbsentCatalogError,
    CatalogError,
    IncompleteCatalogError,
    StoreError,
    reading,
    storing,
)
from catalog.migrations import (
    FORMAT,
    current_format,
    format_row,
    later_columns,
    later_tables,
    migrate,
)
from catalog.optimize import is_due, optimize_table
from catalog.schema import label_fields, table_specs
from catalog.sql import KEYS_A_QUERY, NOT_SYNTHETIC, among
from catalog.upsert import Upsert, WriteResult, check_written, first_of_each, with_nulls, write_rows
from catalog.uri import catalog_uri, is_absent, is_path, plain_path, unusable_option, unusable_uri
from core.vocabulary import Vocabulary, load_vocabulary

__all__ = [
    "READ_ROWS",
    "AbsentCatalogError",
    "Catalog",
    "CatalogError",
    "IncompleteCatalogError",
    "StoreError",
    "open_catalog",
]

SCHEMA_CHANGE_TRIES = 10
"""Tries to change the columns of a table while others write to it."""

READ_ROWS = 1024


class Catalog:
    """An open catalog, created by `open_catalog`. Do not use it in a forked process."""

    def __init__(self, database: Database, vocabulary: Vocabulary, number: int) -> None:
        self.uri = database.uri
        self.vocabulary = vocabulary
        self.specs = table_specs(vocabulary)
        self.format = number
        self._database = database
        self._pinned: dict[str, int] = {}
        self._empty: dict[str, Any] = {}
        self._checked: set[tuple[str, int]] = set()

    def table(self, name: str) -> Any:
        """A table as a LanceDB table: its newest version, or the version chosen by `at`.

        A table that a catalog of an older format lacks is empty. Raises `ReadError` if the table is
        damaged, and `IncompleteCatalogError` if its columns are not Marque's.
        """
        if name in later_tables(self.format):
            if name not in self._empty:
                memory = lancedb.connect("memory://")
                self._empty[name] = memory.create_table(name, schema=self.specs[name].schema)
            return self._empty[name]
        with self.reading(name):
            table = self._database.lance.open_table(name)
            if (name, self.format) not in self._checked:
                check_schema(self.uri, self.specs[name], table.schema, self._late(name))
                self._checked.add((name, self.format))
        if name in self._pinned:
            place = f"version {self._pinned[name]} of table {name!r} of {self.uri}"
            with reading(place, REPUBLISH_ADVICE):
                table.checkout(self._pinned[name])
        return table

    def at(self, name: str, version: int) -> "Catalog":
        """This catalog with one table pinned to a version, for reading."""
        other = copy(self)
        other._pinned = self._pinned | {name: version}
        return other

    def _late(self, name: str) -> set[str]:
        """Columns that a table may lack: of a later format, or of new attributes."""
        late = later_columns(self.format, name)
        if name == "cars":
            attributes = self.vocabulary.attributes.values()
            late |= {field.name for each in attributes for field in label_fields(each)}
        return late

    def make(self, name: str) -> None:
        """Create a table if it does not exist."""
        schema = self.specs[name].schema
        # A new catalog has the current format as soon as it has a format table.
        is_new = name == FORMAT and self.format >= current_format()
        first = format_row(current_format(), "new", schema) if is_new else None
        try:
            with self.storing(name):
                self._database.lance.create_table(name, first, schema=schema, exist_ok=True)
        except (ValueError, StoreError):
            # Another process may have created it at the same moment; then that one is used.
            if open_table(self._database.lance, self.uri, name) is None:
                raise

    def widen(self, name: str, fields: Sequence[pa.Field]) -> list[str]:
        """Add those columns that a table lacks, filled with nulls; returns their names."""
        added: dict[str, None] = {}
        for last in (*[False] * (SCHEMA_CHANGE_TRIES - 1), True):
            table = self.table(name)
            new = [field for field in fields if field.name not in table.schema.names]
            if not new:
                break
            added |= dict.fromkeys(field.name for field in new)
            try:
                with self.storing(name):
                    table.add_columns(pa.schema(new))
            except (ValueError, StoreError) as error:
                # Another run did the same or compacted the table, and its commit won.
                if last or (isinstance(error, StoreError) and error.lasts):
                    raise
        return list(added)

    def insert(self, name: str, rows: pa.Table) -> int:
        """Insert the rows whose key is not in the table; returns how many this call inserted."""
        return len(self.insert_keys(name, rows))

    def insert_keys(self, name: str, rows: pa.Table) -> list[str]:
        """Insert the rows whose key is not in the table; returns the keys that this call inserted:
        of several writers of a key at the same moment, only one gets it returned."""
        keys: list[str] = self._write(name, rows, insert=True, update=False).added.to_pylist()
        return keys

    def upsert(self, name: str, rows: pa.Table) -> int:
        """Insert rows, or replace rows with the same key; returns how many this call inserted."""
        return len(self._write(name, rows, insert=True, update=True).added)

    def upsert_unchanged(self, name: str, rows: pa.Table, before: pa.Table) -> set[str]:
        """As `upsert`, but skip rows that changed since they were read; returns the written keys.

        `before` has the rows as they were read: their keys, and the columns to compare.
        """
        done = self._write(name, rows, insert=True, update=True, before=before)
        return {*done.added.to_pylist(), *done.replaced.to_pylist()}

    def update(self, name: str, rows: pa.Table, *, unchanged: str | None = None) -> None:
        """Replace the given columns of existing rows; the other columns stay.

        With `unchanged`, a row is skipped if its column of that name differs from `rows`: it was
        changed since it was read.
        """
        before = None if unchanged is None else rows.select([self.specs[name].key, unchanged])
        self._write(name, rows, insert=False, update=True, before=before)

    def rewrite(self, name: str, rows: pa.Table) -> None:
        """Replace the given columns of existing rows, as `update` does, without moving rows.

        Indexes on other columns stay valid. The columns are written for whole fragments,
        so a few rows are written with `update` instead.
        """
        key = self.specs[name].key
        rows = first_of_each(rows, key)
        if rows.num_rows == 0:
            return
        table = self.table(name)
        with self.reading(name):
            place = update_columns.touched_fragments(table, key, rows.column(key))
        if rows.num_rows < update_columns.MIN_REWRITE_SHARE * place.rows:
            self.update(name, rows)
            return
        schema = pa.schema([table.schema.field(column) for column in rows.column_names])
        with self.storing(name):
            update_columns.rewrite_columns(place, key, rows.cast(schema))
            check_written(table, self.uri, key, rows.column(key))

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
        """Stream `columns` of the rows that `where` keeps, in batches of at most `batch_rows`. A
        column that the table lacks so far is null."""
        table = self.table(name)
        schema = pa.schema(self._fields(name, table, columns))
        there = set(table.schema.names)
        query = table.search().select([c for c in columns if c in there] or [self.specs[name].key])
        if where is not None:
            query = query.where(where)
        with self.reading(name):
            for batch in query.to_batches(batch_rows):
                yield with_nulls(batch, schema)

    def column(self, name: str, column: str, where: str | None = None) -> pa.ChunkedArray:
        """One column of a table, in memory: for keys, not for photos."""
        kind = self._fields(name, self.table(name), [column])[0].type
        batches = self.read(name, [column], where, batch_rows=65_536)
        return pa.chunked_array([batch.column(column) for batch in batches], type=kind)

    def rows(self, name: str, keys: Iterable[str], columns: Sequence[str]) -> pa.Table:
        """The rows with these keys, in the table's order; an absent key gives no row."""
        return self.rows_where(name, self.specs[name].key, keys, columns)

    def rows_where(
        self,
        name: str,
        column: str,
        values: Iterable[str],
        columns: Sequence[str],
        where: str | None = None,
    ) -> pa.Table:
        """`columns`, in memory, of the rows with one of `values` that `where` keeps."""
        wanted = list(dict.fromkeys(values))
        schema = pa.schema(self._fields(name, self.table(name), columns))
        batches: list[pa.RecordBatch] = []
        for start in range(0, len(wanted), KEYS_A_QUERY):
            some = among(column, wanted[start : start + KEYS_A_QUERY])
            some = f"{some} AND ({where})" if where else some
            batches.extend(self.read(name, columns, some))
        return pa.Table.from_batches(batches, schema)

    def _fields(self, name: str, table: Any, columns: Sequence[str]) -> list[pa.Field]:
        """The fields of these columns, from the table or, if it lacks them, from the schema."""
        schema, late = table.schema, self._late(name)
        absent = [c for c in columns if c not in schema.names and c not in late]
        if absent:
            raise IncompleteCatalogError(
                f"table {name!r} of {self.uri} has no column {absent[0]!r}"
            )
        wanted = self.specs[name].schema
        return [(schema if c in schema.names else wanted).field(c) for c in columns]

    def count(self, name: str, where: str | None = None) -> int:
        """The number of rows of a table, or of those that `where` keeps."""
        table = self.table(name)
        with self.reading(name):
            return int(table.count_rows(where))

    def has_real_photos(self) -> bool:
        """Whether any photo is real, not rendered by the project."""
        return self.count("sightings", NOT_SYNTHETIC) > 0

    def versions(self) -> dict[str, int]:
        """The newest version of every table."""
        return {name: int(self.table(name).version) for name in self.specs}

    def drop_photos(self) -> None:
        """Delete all rows of all tables except the history of runs and the remembered sidecars.

        A table is emptied in one commit, so no table is ever missing. Tables that depend on photos
        are emptied before `images`: if this is interrupted, the next ingest resumes correctly.
        """
        first = ["cars", "segments", "sightings", "assertions", "images"]
        others = self.specs.keys() - {"runs", "imports", FORMAT}
        for name in dict.fromkeys([*first, *sorted(others)]):
            with self.storing(name):
                table = self.table(name)
                for tag in table.tags.list():
                    table.tags.delete(tag)
                schema = self.specs[name].schema
                table = self._database.lance.create_table(name, schema=schema, mode="overwrite")
                table.to_lance().cleanup_old_versions(timedelta(0))

    def _write(
        self,
        name: str,
        rows: pa.Table,
        *,
        insert: bool,
        update: bool,
        before: pa.Table | None = None,
    ) -> WriteResult:
        """Write rows, check the write, and optimize the table if it is due."""
        key = self.specs[name].key
        rows = first_of_each(rows, key)
        if rows.num_rows == 0:
            return WriteResult(pa.array([], pa.string()), pa.array([], pa.string()))
        table = self.table(name)
        schema = pa.schema([table.schema.field(column) for column in rows.column_names])
        change = Upsert(key, rows.cast(schema), insert, update, before)
        with self.storing(name):
            done = write_rows(table, change)
            check_written(table, self.uri, key, rows.column(key))
        if is_due(table.version):
            self.optimize(name)
        return done

    def optimize(self, name: str, *, unsorted: int | None = None) -> None:
        """Index new keys if over `unsorted` are not indexed, and compact many small fragments.

        If another writer was first, this is left for the next time; raises `StoreError` if that
        would fail too."""
        try:
            with self.storing(name):
                table, keys = self.table(name), self._indexed(name)
                optimize_table(table, keys, large=name == "images", unsorted=unsorted)
            # The first time, tables whose keys are only looked up count too.
            names = [name] if self._database.fitted else self.specs
            counts = {each: self.count(each) * len(self._indexed(each)) for each in names}
            self._database.fit_index_cache(counts)
        except StoreError as error:
            if error.lasts:
                raise

    def _indexed(self, name: str) -> list[str]:
        spec = self.specs[name]
        return [c for c in dict.fromkeys((spec.key, "image_id")) if c in spec.schema.names]

    @contextmanager
    def tags(self, name: str) -> Iterator[Any]:
        """The tags of a table; under some paths LanceDB itself writes them in the wrong place."""
        with plain_path(self.uri) as place:
            yield (
                self.table(name) if place == self.uri else lancedb.connect(place).open_table(name)
            ).tags

    def storing(self, name: str) -> AbstractContextManager[None]:
        """Turn LanceDB's exceptions inside the block into `StoreError`, for this table."""
        return storing(f"table {name!r} of {self.uri}")

    def reading(self, name: str) -> AbstractContextManager[None]:
        """Turn LanceDB's exceptions inside the block into `ReadError`, for this table."""
        return reading(f"table {name!r} of {self.uri}")


def open_catalog(
    uri: str | Path,
    *,
    vocabulary: Vocabulary | None = None,
    create: bool = True,
    storage_options: dict[str, str] | None = None,
) -> Catalog:
    """Open the catalog at a path or at an object-store URI such as `s3://bucket/catalog`.

    `storage_options` are LanceDB's options for an object store: `endpoint`, `region`, `allow_http`
    and others. With `create`, which writers use, a missing catalog is created and an older one is
    migrated to the current format; without it nothing is written. Raises `CatalogError` if the URI
    cannot be opened, if tables are missing, if a newer Marque has written the catalog, and, with
    `create=False`, if there is no catalog.
    """
    uri, options = catalog_uri(uri), dict(storage_options or {})
    if (why := unusable_uri(uri) or unusable_option(options)) is not None:
        raise CatalogError(why)
    if not create and is_path(uri) and is_absent(uri):
        raise absent_catalog_error(uri)  # LanceDB would create the folder
    database, names = connect(uri, options)
    db = database.lance
    specs = table_specs(vocabulary := vocabulary or load_vocabulary())
    is_new = not names & specs.keys()
    if is_new and not create:
        raise absent_catalog_error(uri)
    number = current_format() if is_new else read_format(db, uri, names)
    if create:  # finds half-created and damaged tables before a run begins
        names = {name for name in names & specs.keys() if open_table(db, uri, name) is not None}
    missing = missing_tables(db, uri, specs, names, number)
    if missing and not create:
        raise absent_catalog_error(uri)
    catalog = Catalog(database, vocabulary, number)
    if create:
        for name in missing:
            catalog.make(name)
        migrate(catalog)
    return catalog
