"""The sources that a flow can be asked to take photos from, by name."""

from collections.abc import Mapping
from pathlib import Path

from crawlers.imports.folder import FolderSource
from crawlers.imports.stanford_cars import StanfordCarsSource
from crawlers.records import RENDERED, Source, SourceError

SOURCES = ("folder", "stanford-cars", RENDERED)


def make_source(
    name: str,
    path: str | None,
    *,
    sidecar: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> Source:
    """The source of this name at this path; raises `SourceError`."""
    if name not in SOURCES:
        raise SourceError(f"there is no source {name!r}; use one of {', '.join(SOURCES)}")
    if not path:
        raise SourceError(f"source {name!r} needs the path of a folder")
    place = Path(path).expanduser()
    if name != "folder" and (sidecar or columns):
        raise SourceError(f"source {name!r} brings its own labels; leave sidecar and columns out")
    if name == "stanford-cars":
        return StanfordCarsSource(place)
    if name == RENDERED:
        return FolderSource(place, sidecar=place / "labels.csv", name=RENDERED)
    table = None if sidecar is None else Path(sidecar).expanduser()
    return FolderSource(place, sidecar=table, columns=columns)
