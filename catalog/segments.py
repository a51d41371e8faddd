"""Rows of `segments`: the class of every pixel of a photo, from one network at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from catalog.sql import equals
from catalog.table import Catalog


@dataclass(frozen=True, slots=True)
class Segments:
    """The segments of one photo: `class_map`, a PNG whose pixels are indexes into `classes`, and
    the version of the network that made it."""

    image_id: str
    version: str
    class_map: bytes
    classes: tuple[str, ...]


def store_segments(catalog: Catalog, rows: Sequence[Segments], *, run_id: str) -> None:
    """Write these photos' segments in one commit, replacing those of another network."""
    columns = [
        {
            "image_id": row.image_id,
            "version": row.version,
            "class_map": row.class_map,
            "classes": row.classes,
            "run_id": run_id,
        }
        for row in rows
    ]
    schema = catalog.specs["segments"].schema
    catalog.upsert("segments", pa.Table.from_pylist(columns, schema))


def load_segments(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, Segments]:
    """Image id -> segments, for those photos that have segments."""
    columns = ["image_id", "version", "class_map", "classes"]
    rows = catalog.rows("segments", image_ids, columns).to_pylist()
    return {
        row["image_id"]: Segments(
            row["image_id"], row["version"], row["class_map"], tuple(row["classes"])
        )
        for row in rows
    }


def unsegmented(catalog: Catalog, image_ids: Sequence[str], version: str) -> list[str]:
    """The photos without segments of this version, in order, each once.

    Photos that this version failed on are left out: they would fail again.
    """
    rows = catalog.rows("segments", image_ids, ["image_id", "version"])
    current = rows.filter(pc.equal(rows.column("version"), version)).column("image_id").to_pylist()
    failed = catalog.column("rejects", "source_id", equals("stage", segment_stage(version)))
    done = {*current, *failed.to_pylist()}
    return [key for key in dict.fromkeys(image_ids) if key not in done]


def segment_stage(version: str) -> str:
    """The stage in `rejects` of photos that this version cannot segment."""
    return f"segment {version}"
