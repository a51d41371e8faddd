"""What a run has added to a table, whichever of its tries did."""

import pyarrow as pa

from catalog.table import Catalog


def insert_for_run(catalog: Catalog, name: str, rows: pa.Table, *, run_id: str) -> set[str]:
    """Add the rows whose key is not there yet; the keys of those that this run added.

    That is this very call, or an earlier try of it that broke off after its write. What another
    run added, at the same moment too, is not among them.
    """
    added = set(catalog.insert_keys(name, rows))
    key = catalog.specs[name].key
    if others := set(rows.column(key).to_pylist()) - added:
        there = catalog.rows(name, sorted(others), [key, "run_id"]).to_pylist()
        added |= {row[key] for row in there if row["run_id"] == run_id}
    return added
