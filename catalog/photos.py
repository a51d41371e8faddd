"""Stored photos, read back and checked: bytes with the part of them that is the car.

A photo's id is the hash of its bytes. Nothing below looks at them again, so a bit that a disk has
flipped is found here or never: whatever hands bytes out or decodes them takes them from here.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from catalog.errors import CatalogError, ReadError
from catalog.sql import equals
from catalog.table import Catalog
from core.records import Box

BYTES_A_READ = 64 * 2**20  # a photo may be a few KiB or hundreds of MiB

DAMAGED_PHOTO = "damaged in the catalog; the next ingest of the same file takes it anew"
"""The reason of a photo whose stored bytes are not those of its id."""


def load_photos(
    catalog: Catalog, image_ids: Sequence[str], damaged: list[str] | None = None
) -> Iterator[tuple[str, bytes, Box | None]]:
    """(image_id, bytes, box) of these photos, in this order, each once; an absent one is left out.

    So is one whose bytes are not those of its id: its id is added to `damaged`. The box is that of
    a sighting where one fits the photo. About `BYTES_A_READ` are held at a time, or one photo that
    is larger.
    """
    boxes = _boxes(catalog, image_ids)
    for key, content in _contents(catalog, image_ids):
        if not _is_whole(key, content):
            if damaged is not None:
                damaged.append(key)
            continue
        yield key, content, boxes.get(key)


def photo_bytes(catalog: Catalog, image_id: str) -> bytes:
    """The bytes, as they came, of a photo that is there; raises `CatalogError` if damaged."""
    content: bytes = catalog.rows("images", [image_id], ["content"]).column("content")[0].as_py()
    if not _is_whole(image_id, content):
        raise CatalogError(f"photo {image_id} is {DAMAGED_PHOTO}")
    return content


def verify_photos(
    catalog: Catalog, image_ids: Sequence[str] | None = None
) -> Iterator[tuple[str, bool]]:
    """Each stored photo, or each of these, and whether its bytes are those of its id, or can be
    read at all."""
    if image_ids is None:
        image_ids = catalog.column("images", "image_id").to_pylist()
    checked: set[str] = set()
    try:
        for key, content in _contents(catalog, image_ids):
            checked.add(key)
            yield key, _is_whole(key, content)
    except ReadError:
        # One of those that are read together cannot be: find out which.
        for key in image_ids:
            if key not in checked:
                yield key, _can_be_read(catalog, key)


def recorded_damage(catalog: Catalog) -> set[str]:
    """The photos that a run found damaged and that were not taken anew since."""
    return set(catalog.column("rejects", "source_id", equals("reason", DAMAGED_PHOTO)).to_pylist())


def forget_damage(catalog: Catalog, image_ids: Iterable[str]) -> None:
    """Let photos that were taken anew be embedded and segmented again."""
    columns, where = ["reject_id"], equals("reason", DAMAGED_PHOTO)
    rows = catalog.rows_where("rejects", "source_id", image_ids, columns, where)
    catalog.remove("rejects", rows.column("reject_id").to_pylist())


def _is_whole(image_id: str, content: bytes) -> bool:
    return hashlib.sha256(content).hexdigest() == image_id


def _can_be_read(catalog: Catalog, image_id: str) -> bool:
    try:
        return all(_is_whole(*each) for each in _contents(catalog, [image_id]))
    except ReadError:
        return False


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


def _boxes(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, Box]:
    columns = ["sighting_id", "image_id", "box", "box_fits"]
    rows = catalog.rows_where("sightings", "image_id", image_ids, columns).to_pylist()
    rows.sort(key=lambda row: row["sighting_id"], reverse=True)  # the first id wins
    return {row["image_id"]: Box(*row["box"]) for row in rows if row["box_fits"]}
