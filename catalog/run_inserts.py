"""Inserts that return which rows a run added, in this try or in an earlier one."""

import pyarrow as pa

from catalog.table import Catalog


def insert_for_run(catalog: Catalog, name: str, rows: pa.Table, *, run_id: str) -> set[str]:
    """Insert the rows whose key is not in the table; returns the keys that this run inserted.

    They were inserted by this call, or by an earlier try that was interrupted after its write. Keys
    that another run inserted, even at the same moment, are not returned.
    """
    added = set(catalog.insert_keys(name, rows))
    key = catalog.specs[name].key
    if others := set(rows.column(key).to_pylist()) - added:
        there = catalog.rows(name, sorted(others), [key, "run_id"]).to_pylist()
        added |= {row[key] for row in there if row["run_id"] == run_id}
    return added
