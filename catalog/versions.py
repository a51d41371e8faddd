"""The published version of `cars`: what searches read while runs write.

A run writes, checks, then moves the tag `published`; a search never sees half a run.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from catalog.cars import space_version
from catalog.pending import stale_cars, unembedded_images
from catalog.schema import SPACE_MARK
from catalog.sql import equals
from catalog.table import Catalog, CatalogError, StoreError

TAG = "published"
REPLACED = "replaced-"
"""How the tags of versions begin that were published before; the version follows. Searches that
opened one read on from it: `catalog.cleanup` removes these tags after a grace time."""

_CHECKS = 5  # times to check a table that other runs write to meanwhile


@dataclass(frozen=True, slots=True)
class Published:
    """The version that searches read, and how many photos it holds."""

    version: int
    photos: int
    moved: bool


def published_version(catalog: Catalog) -> int | None:
    """The version of `cars` that searches read; None before the first `publish`."""
    tags = catalog.table("cars").tags.list()
    return int(tags[TAG]["version"]) if TAG in tags else None


def publish(catalog: Catalog, space: str = "semantic") -> Published:
    """Check `cars` and let searches read it as it is now.

    Raises `CatalogError`, and leaves the tag where it was, when a photo is there twice, does not
    show all that is known of it, or has no vector of the column's model.
    """
    first = published_version(catalog)
    for _ in range(_CHECKS):
        table = catalog.table("cars")
        version, rows = int(table.version), int(table.count_rows())
        if rows == 0 and first is None:
            return Published(0, 0, moved=False)
        _check(catalog, space, rows)
        # A version that came meanwhile was not checked. After the tag is set it is asked again: of
        # two runs that publish at once the later one to look sets the newest.
        moved = version == _newest(catalog) and _set_tag(catalog, version)
        if moved and version == _newest(catalog):
            return Published(version, rows, moved=first != version)
    raise CatalogError(
        "another run keeps writing to the catalogue while it is checked; run `marque publish` when "
        "that run is done"
    )


def _newest(catalog: Catalog) -> int:
    return int(catalog.table("cars").version)


def _set_tag(catalog: Catalog, version: int) -> bool:
    """Point the tag to a version; False where another run did so at the same moment."""
    try:
        with catalog.storing("cars"), catalog.tags("cars") as tags:
            if TAG in (there := tags.list()):
                if (old := int(there[TAG]["version"])) != version:
                    _keep(tags, old, there)
                tags.update(TAG, version)
            else:
                tags.create(TAG, version)
    except ValueError:
        return False
    except StoreError as error:
        if error.lasts:
            raise
        return False
    return True


def _keep(tags: Any, version: int, there: Mapping[str, Any]) -> None:
    """Tag a version as replaced now."""
    name = f"{REPLACED}{version}"
    if name in there:
        tags.update(name, version)
    else:
        tags.create(name, version)


def _check(catalog: Catalog, space: str, rows: int) -> None:
    keys = catalog.column("cars", "image_id").to_numpy()
    if len(np.unique(keys)) != len(keys):
        twice = len(keys) - len(np.unique(keys))
        raise CatalogError(f"{twice} photos are in table 'cars' twice; nothing was published")
    stale = stale_cars(catalog)
    if stale:
        raise CatalogError(
            f"{len(stale)} photos do not show their newest labels (first: {stale[0]}); "
            "run the same command again, it goes on where it stopped"
        )
    table = catalog.table("cars")
    if space not in table.schema.names:
        raise CatalogError(f"no photo has a {space!r} vector yet; run `marque embed` first")
    current = space_version(table.schema.field(space).metadata[SPACE_MARK])
    ready = catalog.count("cars", equals(f"{space}_version", current))
    waiting = unembedded_images(catalog, space, current)[1] if ready != rows else []
    if waiting:
        raise CatalogError(
            f"{len(waiting)} of {rows} photos wait for a {space!r} vector of {current}; "
            "run `marque embed`, it goes on where it stopped"
        )
