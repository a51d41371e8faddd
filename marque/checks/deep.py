"""Every stored photo against its id: what `marque doctor --deep` adds."""

from collections.abc import Callable

from catalog.photos import verify_photos
from catalog.table import AbsentCatalogError
from flows.opening import catalog_at
from flows.settings import Settings
from marque.checks.check import Check

SHOWN = 20
"""So many damaged photos are named in the text; all are among the facts."""

Progress = Callable[[int, int], None]


def check_photos(settings: Settings, progress: Progress) -> list[Check]:
    """Read every stored photo, and name those whose bytes are not those of their id.

    `progress` is told how many of how many photos were read. Raises `CatalogError`.
    """
    try:
        catalog = catalog_at(settings, create=False)
    except AbsentCatalogError:
        return []  # said where the catalog is looked at
    total = catalog.count("images")
    damaged: list[str] = []
    read = 0
    for key, whole in verify_photos(catalog):
        read += 1
        if not whole:
            damaged.append(key)
        progress(read, total)
    facts = {"read": read, "damaged": damaged}
    if not damaged:
        return [Check("photos", "ok", f"all {read:,} are as they came", facts=facts)]
    named = ", ".join(damaged[:SHOWN]) + (", ..." if len(damaged) > SHOWN else "")
    found = f"{len(damaged):,} of {read:,} are damaged: {named}"
    advice = (
        "ingest the same files again, which takes these anew (`marque show ID` tells where a photo "
        "was seen); then look at the disk"
    )
    return [Check("photos", "problem", found, advice, facts)]
