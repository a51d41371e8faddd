"""Connecting to a catalog's database, and the checks of its tables, columns and format."""

from collections.abc import Collection, Mapping, Set
from datetime import timedelta
from typing import Any

import lancedb
import pyarrow as pa

from catalog.errors import (
    AbsentCatalogError,
    CatalogError,
    IncompleteCatalogError,
    NewerCatalogError,
    cause_of,
    is_panic,
    reading,
)
from catalog.migrations import FORMAT, Migration, current_format, later_tables, pending
from catalog.schema import KEY_MARK, TableSpec
from catalog.uri import PROBE_OPTIONS, is_path, unreachable_message

_LISTED = 1000

METADATA_CACHE = 16 * 2**20
"""Bytes of what LanceDB keeps of the files it has opened. Each commit of a run opens new ones; by
default up to 1 GiB is kept, which held 50 MB more than this after an ingest of 50,000 photos."""

INDEX_CACHE = 2**30
"""The most bytes of indexes that LanceDB keeps, 6 GiB by default."""

SMALL_INDEX_CACHE = 16 * 2**20
INDEXED_KEY = 70
"""Bytes of a key in an index. Looking keys up reads all of an index sooner or later."""


def index_cache_bytes(keys: int) -> int:
    """How many bytes LanceDB may use to cache indexes with `keys` keys.

    A part of an index that was merged into another stays in the cache until the cache is full: with
    1 GiB an ingest of 50,000 photos held 65 MB, most of it such parts.
    """
    size = SMALL_INDEX_CACHE
    while size < min(keys * INDEXED_KEY, INDEX_CACHE):
        size *= 2  # in steps, as the cache is empty after each
    return size


class Database:
    """A LanceDB database, as `lance`. It may keep 1 GiB of its indexes until it is told how many
    keys these have, and then as much as these need."""

    def __init__(self, uri: str, options: Mapping[str, str]) -> None:
        self.uri = uri
        self.lance = _connect(uri, options, INDEX_CACHE)
        self._options = options
        self._index_cache = INDEX_CACHE
        self._keys: dict[str, int] = {}

    @property
    def fitted(self) -> bool:
        """Whether the index cache was fitted to the keys."""
        return bool(self._keys)

    def fit_index_cache(self, keys: Mapping[str, int]) -> None:
        """Reconnect if the indexed keys of tables, by table, need another size of the index cache.
        A table that is not among `keys` has as many as before."""
        self._keys |= keys
        size = index_cache_bytes(sum([*self._keys.values()]))  # other threads may add to it
        if size != self._index_cache:
            self.lance, self._index_cache = _connect(self.uri, self._options, size), size


def connect(uri: str, options: Mapping[str, str]) -> tuple[Database, set[str]]:
    """The database at a URI and the names of its tables; raises `CatalogError`.

    The names are requested from an object store with a short timeout: this is the first request,
    and by default LanceDB waits minutes for a store that does not answer.
    """
    asked = options if is_path(uri) else PROBE_OPTIONS | dict(options)
    try:
        database = Database(uri, asked)
        names = table_names(database.lance)
        return database if is_path(uri) else Database(uri, options), names
    except BaseException as error:
        if not (isinstance(error, OSError | ValueError | RuntimeError) or is_panic(error)):
            raise
        if not is_path(uri):
            raise CatalogError(unreachable_message(uri, error)) from error
        raise CatalogError(
            f"the catalog at {uri} cannot be opened ({cause_of(error)}); "
            "check the path and its permissions, or set MARQUE_CATALOG to another place"
        ) from error


def _connect(uri: str, options: Mapping[str, str], index_cache: int) -> Any:
    session = lancedb.Session(
        index_cache_size_bytes=index_cache, metadata_cache_size_bytes=METADATA_CACHE
    )
    newest = timedelta(0)  # each read sees what other processes have written
    given = dict(options) or None
    return lancedb.connect(
        uri, storage_options=given, read_consistency_interval=newest, session=session
    )


def table_names(db: Any) -> set[str]:
    """The names of all tables of a LanceDB database, also of tables that are not Marque's."""
    names: set[str] = set()
    page = None
    while True:
        found = db.list_tables(limit=_LISTED, page_token=page)
        names.update(found.tables)
        page = found.page_token
        if not page:
            return names


def open_table(db: Any, uri: str, name: str, advice: str | None = None) -> Any | None:
    """The newest version of a table; None if it does not exist or was only begun.

    Raises `ReadError`, whose message ends with `advice`.
    """
    with reading(f"table {name!r} of {uri}", advice):
        try:
            return db.open_table(name)
        except ValueError as error:
            if "was not found" in str(error):
                return None
            raise


def absent_catalog_error(uri: str) -> AbsentCatalogError:
    """The error for a URI without a catalog."""
    return AbsentCatalogError(
        f"there is no catalog at {uri} yet; `marque ingest folder PATH` makes one"
    )


def read_format(db: Any, uri: str, names: Collection[str]) -> int:
    """The format of a catalog with these tables; raises `NewerCatalogError`."""
    if FORMAT not in names:
        return 1
    advice = f"delete the folder {FORMAT}.lance there: the next ingest creates it again"
    if (table := open_table(db, uri, FORMAT, advice)) is None:
        return 1
    with reading(f"table {FORMAT!r} of {uri}", advice):
        numbers = table.search().select(["number"]).to_arrow().column("number")
        found = max(numbers.to_pylist(), default=1)
    if found > current_format():
        raise NewerCatalogError(
            f"the catalog at {uri} is of format {found} and this Marque knows formats up to "
            f"{current_format()}: a newer Marque has written it; install that one, or set "
            "MARQUE_CATALOG to another catalog"
        )
    return int(found)


def missing_tables(
    db: Any, uri: str, specs: Mapping[str, TableSpec], names: Set[str], number: int
) -> list[str]:
    """The tables that a catalog of format `number` lacks because its creation was interrupted.

    All tables are created before any row is written. So if one table has rows and another is
    missing, that one was lost: raises `IncompleteCatalogError`, which names the lost tables.
    """
    later = later_tables(number)
    later -= {
        table
        for step in pending(number)
        if _was_done(db, uri, names, step)
        for table in step.tables
        if table != FORMAT
    }
    needed = [name for name in specs if name not in later]
    missing = [name for name in needed if name not in names]
    # Table `format` always holds a row.
    there = [name for name in needed if name in names and name != FORMAT] or [*names & {FORMAT}]
    if not missing or not there:
        return missing
    if not any(_holds_rows(db, uri, name) for name in there):
        return missing
    # Another process may have created and filled them since they were listed.
    missing = [name for name in missing if open_table(db, uri, name) is None]
    if missing:
        raise IncompleteCatalogError(_incomplete(uri, missing, table_names(db)))
    return missing


def _was_done(db: Any, uri: str, names: Set[str], step: Migration) -> bool:
    """Whether a migration was applied although the format does not say so, because table `format`
    was lost. A migration creates its tables before it adds its columns."""
    for name, columns in step.columns.items():
        table = open_table(db, uri, name) if name in names else None
        with reading(f"table {name!r} of {uri}"):
            if table is None or not {*columns} <= {*table.schema.names}:
                return False
    return bool(step.columns)


def _holds_rows(db: Any, uri: str, name: str) -> bool:
    table = open_table(db, uri, name)
    with reading(f"table {name!r} of {uri}"):
        return table is not None and table.count_rows() > 0


def _incomplete(uri: str, missing: list[str], names: Collection[str]) -> str:
    named = ", ".join(repr(name) for name in missing)
    tables = f"table {named} is" if len(missing) == 1 else f"tables {named} are"
    folders = ", ".join(f"{name}.lance" for name in missing)
    other = {name.lower(): name for name in names if name not in missing}
    renamed = [f"{other[name]}.lance" for name in missing if name in other]
    if renamed:
        advice = f"give {', '.join(renamed)} its name in small letters back"
    else:
        advice = f"put a copy of {folders} back, or of the whole folder"
    return (
        f"the catalog at {uri} is not whole: {tables} missing, though other tables hold rows; "
        f"{advice}, or move it away and ingest the photos again"
    )


def check_schema(uri: str, spec: TableSpec, schema: pa.Schema, later: Collection[str]) -> None:
    """Check that a stored table matches `spec`; raises `IncompleteCatalogError`.

    It may have other nullable columns, and `later` columns may be missing.
    """
    types = {field.name: field.type for field in schema}
    wanted = {field.name: field.type for field in spec.schema if field.name not in later}
    wrong = [f"lacks the column {name!r}" for name in wanted if name not in types]
    wrong += [
        f"has {name!r} as {types[name]} instead of {kind}"
        for name, kind in wanted.items()
        if types.get(name, kind) != kind
    ]
    wrong += [
        f"has a column {field.name!r} that must be filled, and nothing here does"
        for field in schema
        if not field.nullable and field.name not in spec.schema.names
    ]
    mark = {} if spec.key not in types else schema.field(spec.key).metadata or {}
    if not wrong and not KEY_MARK.items() <= mark.items():
        wrong.append(f"does not declare {spec.key!r} as its key")
    if wrong:
        raise IncompleteCatalogError(
            f"table {spec.name!r} of {uri} {wrong[0]}: another program has written it; put a copy "
            "of that table's folder back, or move the catalog away and ingest the photos again"
        )
