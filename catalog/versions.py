"""The published version of `cars`, which searches read while runs write.

A run writes, checks one version of the table, and then points the tag `published` to it. So a
search never sees half a run or an unchecked version.
"""

from catalog.errors import ReadError, reading
from catalog.table import Catalog

PUBLISHED_TAG = "published"
REPLACED_PREFIX = "replaced-"
"""The prefix of tags of formerly published versions; the version follows. Searches that opened such
a version still read from it, so `catalog.cleanup` removes these tags after a grace time."""


def published_version(catalog: Catalog) -> int | None:
    """The version of `cars` that searches read; None before the first `publish`.

    Raises `ReadError` if the tag is damaged.
    """
    tags = catalog.table("cars").tags
    advice = "run `marque publish`, which sets it again"
    with reading(f"the tag {PUBLISHED_TAG!r} of table 'cars' of {catalog.uri}", advice):
        try:
            return int(tags.get_version(PUBLISHED_TAG))
        except RuntimeError as error:
            if "Ref not found" in str(error):
                return None
            raise


def at_published(catalog: Catalog) -> Catalog | None:
    """The catalog with `cars` as searches read it; None before the first `publish`.

    Raises `ReadError` if the tag is damaged or its version no longer exists.
    """
    version = published_version(catalog)
    if version is None:
        return None
    found = catalog.at("cars", version)
    found.table("cars")
    return found


def readable_published(catalog: Catalog) -> Catalog | None:
    """The catalog at its published version; None if nothing is published, or if the tag or the
    version is damaged: then there is nothing to compare with, and publishing sets the tag again."""
    try:
        return at_published(catalog)
    except ReadError as error:
        if error.out_of_reach:
            raise
        return None


def published_problem(catalog: Catalog) -> str | None:
    """Why the published version cannot be read, and what to do; None if it can."""
    try:
        at_published(catalog)
    except ReadError as error:
        return str(error)
    return None
