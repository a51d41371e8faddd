"""The catalogue: whether it opens, what it holds, what waits, and the last runs."""

from pathlib import Path
from typing import Any

from catalog.status import catalog_status
from catalog.table import AbsentCatalogError, Catalog
from crawlers.errors import MarqueError
from flows.doctor.check import Check
from flows.opening import catalog_at
from flows.settings import Settings

NEXT = {"label": "marque publish", "embed": "marque embed", "publish": "marque publish"}


def load_catalogue(settings: Settings) -> tuple[Catalog | None, list[Check]]:
    """The catalogue, or None if there is none yet; and what it holds."""
    try:
        catalog = catalog_at(settings, create=False)
    except AbsentCatalogError:
        if _holds_something(settings.catalog_uri):
            found = f"{settings.catalog_uri} is there, and is no catalogue or not a whole one"
            advice = "an ingest adds the tables that it lacks; or set MARQUE_CATALOG to another"
            return None, [Check("catalogue", "warning", found, advice)]
        found = f"there is none at {settings.catalog_uri} yet"
        advice = "`marque ingest folder PATH` makes one, `marque demo` one to try things out"
        return None, [Check("catalogue", "ok", found, advice)]
    try:
        wanted = settings.model.name
    except MarqueError:  # said where the settings are
        wanted = None
    try:
        return catalog, _describe(catalog_status(catalog, wanted=wanted))
    except (OSError, ValueError, RuntimeError) as error:  # as LanceDB raises them
        said = (str(error).splitlines() or [type(error).__name__])[0]
        found = f"{settings.catalog_uri} opens and cannot be read: {said}"
        advice = (
            "a file of it is damaged, missing or out of reach: put a copy of the catalogue back, "
            "or move it away and ingest the photos again"
        )
        return None, [Check("catalogue", "problem", found, advice)]


def _holds_something(uri: str) -> bool:
    return "://" not in uri and Path(uri).is_dir() and any(Path(uri).iterdir())


def _describe(status: dict[str, Any]) -> list[Check]:
    published, rows = status["published"], status["rows"]
    found = f"{status['catalog']} opens: {rows['images']:,} photos, {rows['rejects']:,} rejects"
    if published:
        found += f"; version {published['version']} is published, with {published['photos']:,}"
    else:
        found += "; nothing is published"
    found += "".join(f"; {space} vectors of {model}" for space, model in status["models"].items())
    for flow, run in status["last_runs"].items():
        found += f"; last {flow}: {run['status']}, {run['started_at'][:16].replace('T', ' ')}"
    checks = [Check("catalogue", "ok", found, facts=status), *_sidecars(status["sidecars"])]
    waiting = {stage: count for stage, count in status["pending"].items() if count}
    if not waiting:
        return [*checks, Check("waiting", "ok", "no photo waits for a stage")]
    said = ", ".join(f"{count:,} to {stage}" for stage, count in waiting.items())
    # `marque embed` also labels and publishes.
    command = "marque embed" if "embed" in waiting else NEXT[next(iter(waiting))]
    return [*checks, Check("waiting", "warning", f"{said}", f"`{command}` goes on", waiting)]


def _sidecars(sidecars: list[dict[str, Any]]) -> list[Check]:
    """One check of the tables that the next ingests of their folders would read."""
    gone = [each for each in sidecars if not each["there"]]
    if not gone:
        return [Check("sidecars", "ok", f"{len(sidecars):,} belong to folders")] if sidecars else []
    said = "; ".join(f"{each['sidecar']} of {each['folder']}" for each in gone)
    return [
        Check(
            "sidecars",
            "warning",
            f"gone from disk: {said}; what they said of photos stays",
            "put it back, give another by `marque ingest folder FOLDER --sidecar`, or take back "
            "what it said by `marque withdraw`",
            {"gone": gone},
        )
    ]
