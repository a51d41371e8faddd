"""Rows of `rejects`: dropped things with their reasons."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import pyarrow as pa

from catalog.run_inserts import insert_for_run
from catalog.table import Catalog
from core.records import Drop


def store_rejects(catalog: Catalog, drops: Sequence[Drop], *, stage: str, run_id: str) -> int:
    """Store drops with their reasons; storing the same drop again adds nothing.

    Returns how many rows this run added, including an earlier, interrupted try.
    """
    now = datetime.now(UTC)
    rows = [
        {
            "reject_id": hashlib.sha256(
                "\x1f".join((stage, drop.source, drop.source_id, drop.reason)).encode()
            ).hexdigest(),
            "stage": stage,
            "source": drop.source,
            "source_id": drop.source_id,
            "reason": drop.reason,
            "detail": drop.detail,
            "run_id": run_id,
            "rejected_at": now,
        }
        for drop in drops
    ]
    schema = catalog.specs["rejects"].schema
    return len(
        insert_for_run(catalog, "rejects", pa.Table.from_pylist(rows, schema), run_id=run_id)
    )
