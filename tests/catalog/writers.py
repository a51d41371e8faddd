"""What a process does that writes beside others; apart from tests, as each process imports it."""

from typing import Any

import pyarrow as pa

from catalog.table import Catalog, open_catalog


def runs(catalog: Catalog, keys: list[str], status: str) -> pa.Table:
    """Rows of table `runs`."""
    rows = [{"run_id": key, "flow": "f", "status": status, "report": "{}"} for key in keys]
    return pa.Table.from_pylist(rows, catalog.specs["runs"].schema)


def write_at_once(uri: str, start: Any, writer: int) -> tuple[list[str], int]:
    """Write keys that other processes write too; the keys added, and how many by upserting."""
    catalog = open_catalog(uri)
    start.wait(300)
    added: list[str] = []
    upserted = 0
    for turn in range(4):
        keys = [f"{turn} {(at + 3 * writer) % 24}" for at in range(12)]
        added += catalog.insert_keys("runs", runs(catalog, keys, "new"))
        keys = [f"up {turn} {at}" for at in range(6)] + [f"own {writer} {turn}"]
        upserted += catalog.upsert("runs", runs(catalog, keys, f"of {writer}"))
    return added, upserted
