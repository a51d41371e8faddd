"""Stored photos, read back: bytes with the part of them that is the car."""

from collections.abc import Iterator, Mapping, Sequence

from catalog.table import Catalog
from crawlers.records import Box

BYTES_A_READ = 64 * 2**20  # a photo may be a few KiB or hundreds of MiB


def load_photos(
    catalog: Catalog, image_ids: Sequence[str]
) -> Iterator[tuple[str, bytes, Box | None]]:
    """(image_id, bytes, box) of these photos, in this order, each once; an absent one is left out.

    The box is that of a sighting where one fits the photo. About `BYTES_A_READ` are held at a
    time, or one photo that is larger.
    """
    boxes = _boxes(catalog, image_ids)
    known = catalog.rows("images", image_ids, ["image_id", "bytes"]).to_pylist()
    sizes = {row["image_id"]: row["bytes"] for row in known}
    for keys in _reads([key for key in dict.fromkeys(image_ids) if key in sizes], sizes):
        rows = catalog.rows("images", keys, ["image_id", "content"])
        at = {key: row for row, key in enumerate(rows.column("image_id").to_pylist())}
        for key in keys:
            yield key, rows.column("content")[at[key]].as_py(), boxes.get(key)


def _reads(image_ids: Sequence[str], sizes: Mapping[str, int]) -> Iterator[list[str]]:
    some: list[str] = []
    held = 0
    for key in image_ids:
        if some and held + sizes[key] > BYTES_A_READ:
            yield some
            some, held = [], 0
        some.append(key)
        held += sizes[key]
    if some:
        yield some


def _boxes(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, Box]:
    columns = ["sighting_id", "image_id", "box", "box_fits"]
    rows = catalog.rows_where("sightings", "image_id", image_ids, columns).to_pylist()
    rows.sort(key=lambda row: row["sighting_id"], reverse=True)  # the first id wins
    return {row["image_id"]: Box(*row["box"]) for row in rows if row["box_fits"]}
