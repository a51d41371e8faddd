"""How much of its indexes a database keeps in memory."""

from pathlib import Path

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from catalog.connect import (
    INDEX_CACHE,
    INDEXED_KEY,
    SMALL_INDEX_CACHE,
    Database,
    index_cache_bytes,
)
from catalog.table import Catalog


@given(st.integers(0, 10**8))
def test_the_index_cache_holds_all_indexes_and_at_most_twice_as_much(keys: int) -> None:
    size = index_cache_bytes(keys)
    assert SMALL_INDEX_CACHE <= size <= INDEX_CACHE
    assert size >= min(keys * INDEXED_KEY, INDEX_CACHE)
    assert size <= max(SMALL_INDEX_CACHE, 2 * keys * INDEXED_KEY)


def test_a_database_connects_anew_only_for_another_size(tmp_path: Path) -> None:
    database = Database(str(tmp_path), {})
    database.lance.create_table("t", pa.table({"key": ["a"]}))
    first = database.lance
    database.fit_index_cache({"t": 1})
    small = database.lance
    assert small is not first  # which kept up to `INDEX_CACHE`
    database.fit_index_cache({"t": 2})
    assert database.lance is small
    many = SMALL_INDEX_CACHE // INDEXED_KEY
    database.fit_index_cache({"t": many})
    assert database.lance is small
    database.fit_index_cache({"other": many})  # the tables' keys add up
    assert database.lance is not small
    assert database.lance.open_table("t").count_rows() == 1


def test_tables_that_are_only_looked_up_count_too(catalog: Catalog) -> None:
    """A small table is optimized first; the keys of the others stay in the cache."""
    schema = catalog.specs["runs"].schema
    row = {"flow": "f", "status": "ok", "report": "{}"}
    rows = [row | {"run_id": f"run {number}"} for number in range(300)]
    catalog.insert("runs", pa.Table.from_pylist(rows, schema))
    catalog.optimize("rejects")
    keys = catalog._database._keys
    assert keys.keys() == catalog.specs.keys()
    assert (keys["runs"], keys["rejects"]) == (300, 0)
    catalog.insert("runs", pa.Table.from_pylist([row | {"run_id": "new"}], schema))
    catalog.optimize("runs")
    assert catalog._database._keys["runs"] == 301
