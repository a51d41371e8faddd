"""The sources that a flow can be asked to take photos from, by name."""

from collections.abc import Mapping
from pathlib import Path

from crawlers.imports.folder import FolderSource
from crawlers.imports.sidecar import FIELDS
from crawlers.imports.stanford_cars import StanfordCarsSource
from crawlers.records import RENDERED, Source, SourceError
from flows.run import Run

SOURCES = ("folder", "stanford-cars", RENDERED)


def make_source(
    run: Run,
    name: str,
    path: str,
    *,
    sidecar: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Source:
    """The source of this name at this path; raises `SourceError`."""
    if name not in SOURCES:
        raise SourceError(f"there is no source {name!r}; use one of {', '.join(SOURCES)}")
    place = Path(path).expanduser()
    if name != "folder" and (sidecar or columns):
        raise SourceError(f"source {name!r} brings its own labels; leave sidecar and columns out")
    if name == "stanford-cars":
        return StanfordCarsSource(place)
    if name == RENDERED:
        return FolderSource(place, sidecar=place / "labels.csv", name=RENDERED)
    targets = ["path", *FIELDS, *run.catalog.vocabulary.attributes]
    for target in columns or {}:
        if target not in targets:
            raise SourceError(
                f"a column cannot be mapped to {target!r}: it is no attribute and nothing that is "
                f"kept of a sighting; there are {', '.join(targets)}"
            )
    table = None if sidecar is None else Path(sidecar).expanduser()
    return FolderSource(place, sidecar=table, columns=columns)


def open_inbox(run: Run) -> str | None:
    """The folder that a run without a path takes photos from; None while it is empty."""
    inbox = run.settings.inbox_path
    inbox.mkdir(parents=True, exist_ok=True)
    if any(inbox.iterdir()):
        return str(inbox)
    run.report.messages.append(f"the inbox {inbox} is empty: put photos there, or give a path")
    return None
