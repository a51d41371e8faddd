"""Reads stored photos and checks their bytes; gives the box of the car too.

A photo's id is the hash of its bytes. Neither LanceDB nor Lance checks them again, so a bit that a
disk has flipped is found here or never: all code that needs a photo's bytes reads them here.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from catalog.errors import CatalogError, ReadError
from catalog.sql import equals
from catalog.table import Catalog
from core.records import Box

BYTES_A_READ = 64 * 2**20  # a photo may be a few KiB or hundreds of MiB

DAMAGED_PHOTO = "damaged in the catalog; the next ingest of the same file takes it anew"
"""The reason for a photo whose stored bytes do not match its id."""


def load_photos(
    catalog: Catalog, image_ids: Sequence[str], damaged: list[str] | None = None
) -> Iterator[tuple[str, bytes, Box | None]]:
    """(image_id, bytes, box) of these photos, in this order, each once; absent ones are left out.

    A photo whose bytes do not match its id is left out too, and its id is added to `damaged`. The
    box comes from a sighting whose box fits the photo, if there is one. Holds about `BYTES_A_READ`
    at a time, or one photo that is larger.
    """
    columns = ["sighting_id", "image_id", "box", "box_fits"]
    rows = catalog.rows_where("sightings", "image_id", image_ids, columns).to_pylist()
    rows.sort(key=lambda row: row["sighting_id"], reverse=True)  # the first id wins
    boxes = {row["image_id"]: Box(*row["box"]) for row in rows if row["box_fits"]}
    for key, content in _contents(catalog, image_ids):
        if not _is_whole(key, content):
            if damaged is not None:
                damaged.append(key)
            continue
        yield key, content, boxes.get(key)


def photo_bytes(catalog: Catalog, image_id: str) -> bytes:
    """The original bytes of an existing photo; raises `CatalogError` if they are damaged."""
    content: bytes = catalog.rows("images", [image_id], ["content"]).column("content")[0].as_py()
    if not _is_whole(image_id, content):
        raise CatalogError(f"photo {image_id} is {DAMAGED_PHOTO}")
    return content


def verify_photos(
    catalog: Catalog, image_ids: Sequence[str] | None = None
) -> Iterator[tuple[str, bool]]:
    """Each stored photo (or each of `image_ids`), and whether its bytes can be read and match its
    id."""
    if image_ids is None:
        image_ids = catalog.column("images", "image_id").to_pylist()
    checked: set[str] = set()
    try:
        for key, content in _contents(catalog, image_ids):
            checked.add(key)
            yield key, _is_whole(key, content)
    except ReadError:
        # One photo of this read is unreadable: find out which.
        for key in image_ids:
            if key not in checked:
                try:
                    yield key, all(_is_whole(*each) for each in _contents(catalog, [key]))
                except ReadError:
                    yield key, False


def recorded_damage(catalog: Catalog) -> set[str]:
    """The photos that a run found damaged and that were not replaced since."""
    return set(catalog.column("rejects", "source_id", equals("reason", DAMAGED_PHOTO)).to_pylist())


def forget_damage(catalog: Catalog, image_ids: Iterable[str]) -> None:
    """Remove the records of damage of replaced photos, so that they are embedded and segmented."""
    columns, where = ["reject_id"], equals("reason", DAMAGED_PHOTO)
    rows = catalog.rows_where("rejects", "source_id", image_ids, columns, where)
    catalog.remove("rejects", rows.column("reject_id").to_pylist())


def _is_whole(image_id: str, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == image_id


def _contents(catalog: Catalog, image_ids: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    known = catalog.rows("images", image_ids, ["image_id", "bytes"]).to_pylist()
    sizes = {row["image_id"]: row["bytes"] for row in known}
    for keys in _reads([key for key in dict.fromkeys(image_ids) if key in sizes], sizes):
        rows = catalog.rows("images", keys, ["image_id", "content"])
        at = {key: row for row, key in enumerate(rows.column("image_id").to_pylist())}
        for key in keys:
            yield key, rows.column("content")[at[key]].as_py()


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
