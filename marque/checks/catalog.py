"""The catalog: whether it opens, what it holds and what waits; with --deep, every stored photo."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from catalog.photos import verify_photos
from catalog.table import AbsentCatalogError, CatalogError
from core.errors import MarqueError
from core.text import counted
from flows.resources import catalog_at
from labeling.publish.problems import Problem, find_problems
from labeling.publish.status import catalog_status
from marque.checks.check import Check, CheckContext

NEXT = {"label": "marque publish", "embed": "marque embed", "publish": "marque publish"}
DAMAGED_SHOWN = 20
"""Damaged photos that the text names; the facts hold all."""


def check_catalog(context: CheckContext) -> Iterator[Check]:
    """The problems of the catalog, and then, if it can be read, its contents."""
    settings = context.settings
    try:
        catalog = catalog_at(settings, create=False)
    except AbsentCatalogError:
        yield _absent(settings.catalog_uri)
        return
    except CatalogError as error:
        problems = [Problem.of(error, stops=True)]
    else:
        problems = find_problems(catalog, max_loss=settings.publish_max_loss)
    for problem in problems:
        yield Check("catalog", "problem", problem.found, problem.advice)
    if any(each.stops for each in problems):
        return
    try:
        wanted = settings.model.name
    except MarqueError:  # said where the settings are
        wanted = None
    yield from _describe(catalog_status(catalog, wanted=wanted))


def check_photos(context: CheckContext) -> Iterator[Check]:
    """Read every stored photo, and name those whose bytes are not those of their id.

    Without `on_progress` it reads nothing. Raises `CatalogError`.
    """
    if context.on_progress is None:
        return
    try:
        catalog = catalog_at(context.settings, create=False)
    except AbsentCatalogError:
        return  # said where the catalog is looked at
    total = catalog.count("images")
    damaged: list[str] = []
    read = 0
    for read, (key, whole) in enumerate(verify_photos(catalog), start=1):
        if not whole:
            damaged.append(key)
        context.on_progress(read, total)
    facts = {"read": read, "damaged": damaged}
    if not damaged:
        yield Check("photos", "ok", f"all {read:,} are as they came", facts=facts)
        return
    named = ", ".join(damaged[:DAMAGED_SHOWN])
    named += ", ..." if len(damaged) > DAMAGED_SHOWN else ""
    found = f"{len(damaged):,} of {read:,} are damaged: {named}"
    advice = (
        "ingest the same files again, which replaces them (`marque show ID` says where a photo "
        "was seen); then look at the disk"
    )
    yield Check("photos", "problem", found, advice, facts)


def _absent(uri: str) -> Check:
    if "://" not in uri and Path(uri).is_dir() and any(Path(uri).iterdir()):
        found = f"{uri} exists, but is not a catalog or only the beginning of one"
        advice = "an ingest adds the tables that it lacks; or set MARQUE_CATALOG to another"
        return Check("catalog", "warning", found, advice)
    advice = "`marque ingest folder PATH` makes one, `marque demo` one to try things out"
    return Check("catalog", "ok", f"there is none at {uri} yet", advice)


def _describe(status: dict[str, Any]) -> Iterator[Check]:
    """The contents of the catalog, the tables that the next ingests of their folders would read,
    and what waits for a stage."""
    published, rows = status["published"], status["rows"]
    found = f"{status['catalog']} opens: {counted(rows['images'], 'photo')}, "
    found += counted(rows["rejects"], "reject")
    if published:
        found += f"; version {published['version']} is published, with {published['photos']:,}"
    else:
        found += "; nothing is published"
    found += "".join(f"; {space} vectors of {model}" for space, model in status["models"].items())
    for flow, run in status["last_runs"].items():
        found += f"; last {flow}: {run['status']}, {run['started_at'][:16].replace('T', ' ')}"
    yield Check("catalog", "ok", found, facts=status)
    if gone := [each for each in status["sidecars"] if not each["there"]]:
        named = "; ".join(f"{each['sidecar']} of {each['folder']}" for each in gone)
        found = f"gone from disk: {named}; what they said of photos stays"
        advice = (
            "put it back, give another with `marque ingest folder FOLDER --sidecar`, or withdraw "
            "its facts with `marque withdraw`"
        )
        yield Check("sidecars", "warning", found, advice, {"gone": gone})
    elif status["sidecars"]:
        yield Check("sidecars", "ok", f"{len(status['sidecars']):,} belong to folders")
    waiting = {stage: count for stage, count in status["pending"].items() if count}
    if not waiting:
        yield Check("waiting", "ok", "no photo waits for a stage")
        return
    found = ", ".join(f"{count:,} to {stage}" for stage, count in waiting.items())
    # `marque embed` also labels and publishes.
    command = "marque embed" if "embed" in waiting else NEXT[next(iter(waiting))]
    yield Check("waiting", "warning", found, f"`{command}` continues", waiting)
