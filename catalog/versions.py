"""The published version of `cars`: what searches read while runs write.

A run writes, checks one version of the table, then points the tag `published` to that version; a
search never sees half a run, nor a version that was not checked.
"""

from catalog.errors import ReadError, reading
from catalog.table import Catalog

PUBLISHED_TAG = "published"
REPLACED_PREFIX = "replaced-"
"""How the tags of versions begin that were published before; the version follows. Searches that
opened one read on from it: `catalog.cleanup` removes these tags after a grace time."""


def published_version(catalog: Catalog) -> int | None:
    """The version of `cars` that searches read; None before the first `publish`.

    Raises `ReadError` where the tag that says so is damaged.
    """
    tags = catalog.table("cars").tags
    advice = "run `marque publish`, which sets it anew"
    with reading(f"the tag {PUBLISHED_TAG!r} of table 'cars' of {catalog.uri}", advice):
        try:
            return int(tags.get_version(PUBLISHED_TAG))
        except RuntimeError as error:
            if "Ref not found" in str(error):
                return None
            raise


def at_published(catalog: Catalog) -> Catalog | None:
    """The catalog with `cars` as searches read it; None before the first `publish`.

    Raises `ReadError` where the tag is damaged, or what it points to is no more.
    """
    version = published_version(catalog)
    if version is None:
        return None
    found = catalog.at("cars", version)
    found.table("cars")
    return found


def readable_published(catalog: Catalog) -> Catalog | None:
    """The catalog at its published version; None where nothing is published, and where the tag
    or the version is damaged: then there is nothing to compare with, and the tag is set anew."""
    try:
        return at_published(catalog)
    except ReadError as error:
        if error.out_of_reach:
            raise
        return None


def published_problem(catalog: Catalog) -> str | None:
    """Why the published version cannot be read, and what to do; None where it can."""
    try:
        at_published(catalog)
    except ReadError as error:
        return str(error)
    return None
