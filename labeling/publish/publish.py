"""Publishing: a version of `cars` is checked, then searches read it."""

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.compute as pc

from catalog.car_columns import space_record, space_version
from catalog.errors import ReadError
from catalog.sql import equals
from catalog.table import Catalog, CatalogError, StoreError
from catalog.versions import PUBLISHED_TAG, REPLACED_PREFIX, published_version, readable_published
from embeddings.registry import SPACE
from labeling.pending import stale_cars, unembedded_images
from labeling.publish.loss import MAX_LOSS, check_bytes, check_loss

_ROUNDS = 3  # versions published by one run while others write


@dataclass(frozen=True, slots=True)
class PublishResult:
    """The version that searches read, and how many photos it holds.

    `waiting` of them do not show their newest labels, as statements came after the run had
    refreshed its rows. The next run shows them.
    """

    version: int
    photos: int
    moved: bool
    waiting: int = 0


def publish(catalog: Catalog, space: str = SPACE, *, max_loss: float = MAX_LOSS) -> PublishResult:
    """Check the newest version of `cars` and let searches read it.

    If others write meanwhile, their rows are published too if they pass the checks. Raises
    `CatalogError`, and does not move the tag, if a photo is there twice or has no vector of the
    column's model. Raises `LossError` if searches would lose more than the share `max_loss` of the
    photos, or of the labels of an attribute, or if that share of the photos has no bytes in
    `images`; 1 allows any loss.
    """
    first = readable_published(catalog)
    done: PublishResult | None = None
    for _ in range(_ROUNDS):
        version = _version(catalog)
        pinned = catalog.at("cars", version)
        held = readable_published(catalog)
        try:
            found = _check(pinned, version, space)
            check_bytes(pinned, max_loss)
            if held is not None and _version(held) < version:
                check_loss(held, pinned, max_loss)
        except CatalogError:
            if done is None:
                raise
            break  # the run that writes meanwhile will publish its own rows
        if found.photos == 0 and done is None and _is_unset(catalog):
            return PublishResult(0, 0, moved=False)
        done = found
        if held is not None and _version(held) >= version:
            break  # this version is published, or another run has published a later one
        _set_tag(catalog, version)
        # If another run has just published a later version, the tag went back, and the newest
        # version is a later one.
        if version == _version(catalog):
            break
    assert done is not None
    return replace(done, moved=first is None or done.version != _version(first))


def _version(catalog: Catalog) -> int:
    return int(catalog.table("cars").version)


def _is_unset(catalog: Catalog) -> bool:
    try:
        return published_version(catalog) is None
    except ReadError:
        return False


def _set_tag(catalog: Catalog, version: int) -> None:
    """Point the tag to a version; raises `StoreError`."""
    for last in (False, False, True):
        try:
            with catalog.storing("cars"), catalog.tags("cars") as tags:
                try:
                    old = published_version(catalog)
                except ReadError as error:
                    if error.out_of_reach:
                        raise
                    tags.delete(PUBLISHED_TAG)  # it says nothing, and cannot be changed
                    old = None
                if old is not None and readable_published(catalog) is not None:
                    if old >= version:
                        return  # another run has checked and published a later one meanwhile
                    _keep(tags, f"{REPLACED_PREFIX}{old}", old)
                if old is not None:
                    tags.update(PUBLISHED_TAG, version)
                else:
                    tags.create(PUBLISHED_TAG, version)
            return
        except (ValueError, StoreError) as error:
            # Another run may have set it at the same moment.
            if last or (isinstance(error, StoreError) and error.lasts):
                raise


def _keep(tags: Any, name: str, version: int) -> None:
    """Tag a version as replaced now."""
    with suppress(RuntimeError, ValueError):  # there is none
        tags.delete(name)
    try:
        tags.create(name, version)
    except (RuntimeError, ValueError) as error:
        if "Version not found" not in str(error):  # else nobody reads it
            raise


def _check(catalog: Catalog, version: int, space: str) -> PublishResult:
    """Look at one version of `cars`, which the catalog is pinned to."""
    rows = catalog.count("cars")
    found = PublishResult(version, rows, moved=False)
    if rows == 0:
        return found
    twice = rows - int(pc.count_distinct(catalog.column("cars", "image_id")).as_py())
    if twice:
        raise CatalogError(f"{twice} photos are in table 'cars' twice; nothing was published")
    schema = catalog.table("cars").schema
    if space not in schema.names:
        raise CatalogError(f"no photo has a {space!r} vector yet; run `marque embed` first")
    record = space_record(schema, space)
    if record is None:
        raise CatalogError(
            f"the {space!r} vectors do not say which model made them; `marque embed` makes them "
            "again"
        )
    current = space_version(record)
    ready = catalog.count("cars", equals(f"{space}_version", current))
    waiting = unembedded_images(catalog, space, current)[1] if ready != rows else []
    if waiting:
        raise CatalogError(
            f"{len(waiting)} of {rows} photos wait for a {space!r} vector of {current}; "
            "run `marque embed`, it continues where it stopped"
        )
    return replace(found, waiting=len(stale_cars(catalog)))
