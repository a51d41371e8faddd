"""The catalog: whether it opens, what it holds, what waits, and the last runs."""

from pathlib import Path
from typing import Any

from catalog.table import AbsentCatalogError, Catalog, CatalogError
from core.errors import MarqueError
from flows.opening import catalog_at
from flows.settings import Settings
from labeling.publish.problems import Problem, find_problems
from labeling.publish.status import catalog_status
from marque.checks.check import Check

NEXT = {"label": "marque publish", "embed": "marque embed", "publish": "marque publish"}


def load_catalog(settings: Settings) -> tuple[Catalog | None, list[Check]]:
    """The catalog, or None if there is none that can be read; what is wrong with it, and what
    it holds."""
    try:
        catalog = catalog_at(settings, create=False)
    except AbsentCatalogError:
        return None, [_absent(settings.catalog_uri)]
    except CatalogError as error:
        return None, [_problem(Problem.of(error))]
    problems = find_problems(catalog, max_loss=settings.publish_max_loss)
    checks = [_problem(each) for each in problems]
    if any(each.stops for each in problems):
        return None, checks
    try:
        wanted = settings.model.name
    except MarqueError:  # said where the settings are
        wanted = None
    return catalog, [*checks, *_describe(catalog_status(catalog, wanted=wanted))]


def _problem(problem: Problem) -> Check:
    return Check("catalog", "problem", problem.found, problem.advice)


def _absent(uri: str) -> Check:
    if _holds_something(uri):
        found = f"{uri} is there, and is no catalog or only the beginning of one"
        advice = "an ingest adds the tables that it lacks; or set MARQUE_CATALOG to another"
        return Check("catalog", "warning", found, advice)
    found = f"there is none at {uri} yet"
    advice = "`marque ingest folder PATH` makes one, `marque demo` one to try things out"
    return Check("catalog", "ok", found, advice)


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
    checks = [Check("catalog", "ok", found, facts=status), *_sidecars(status["sidecars"])]
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
