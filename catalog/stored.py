"""Stored photos, read back: bytes with the part of them that is the car."""

from collections.abc import Iterator, Sequence

from catalog.sql import among
from catalog.table import Catalog
from crawlers.records import Box

PHOTOS_A_READ = 32  # bounds the bytes in memory: photos are megabytes each


def load_photos(
    catalog: Catalog, image_ids: Sequence[str]
) -> Iterator[tuple[str, bytes, Box | None]]:
    """(image_id, bytes, box) of these photos; the box of a sighting where one fits the photo."""
    boxes = _boxes(catalog, image_ids)
    for start in range(0, len(image_ids), PHOTOS_A_READ):
        some = among("image_id", image_ids[start : start + PHOTOS_A_READ])
        for batch in catalog.read("images", ["image_id", "content"], some):
            for row in batch.to_pylist():
                yield row["image_id"], row["content"], boxes.get(row["image_id"])


def _boxes(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, Box]:
    columns = ["sighting_id", "image_id", "box", "box_fits"]
    rows = catalog.rows_where("sightings", "image_id", image_ids, columns).to_pylist()
    rows.sort(key=lambda row: row["sighting_id"], reverse=True)  # the first id wins
    return {row["image_id"]: Box(*row["box"]) for row in rows if row["box_fits"]}
