"""The sources that a flow can be asked to take photos from, by name."""

from collections.abc import Mapping
from pathlib import Path

from catalog.sidecars import remember_sidecar, remembered_sidecar
from core.records import RENDERED, Notice, Source, SourceError
from core.text import escape_bytes
from crawlers.imports.folder import FolderSource
from crawlers.imports.sidecar.read import SIGHTING_FIELDS, teller_of
from crawlers.imports.stanford.read import StanfordCarsSource
from crawlers.imports.walk import walk_files
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
    return _folder(run, place, None if sidecar is None else Path(sidecar).expanduser(), columns)


def _folder(
    run: Run, folder: Path, sidecar: Path | None, columns: Mapping[str, str] | None
) -> FolderSource:
    """A folder with the given sidecar or, without one, the sidecar of the folder's last ingest.

    If the sidecar of the last ingest cannot be used now, the photos are ingested without it: the
    report says so, and the facts that it gave stay.
    """
    _check_targets(run, columns or {})
    known = remembered_sidecar(run.catalog, folder)
    if known is None or (sidecar and teller_of(sidecar) != teller_of(known.path)):
        return FolderSource(folder, sidecar=sidecar, columns=columns)
    own = known.columns if columns is None else columns
    source = FolderSource(folder, sidecar=sidecar or known.path, columns=own)
    if columns is not None or not folder.is_dir():
        return source
    if sidecar:
        _check_map(source, own)
        return source
    try:
        _check_targets(run, own)
        source.check()
    except SourceError as error:
        run.report.messages.append(
            f"the sidecar {escape_bytes(known.path)}, which belongs to this folder, cannot be "
            f"used: {error}. The photos are ingested without it, and the facts that it gave stay; "
            "fix it, give another with --sidecar, or withdraw its facts with `marque withdraw`"
        )
        return FolderSource(folder)
    run.report.messages.append(f"facts are read from {escape_bytes(known.path)}, as before")
    return source


def _check_map(source: FolderSource, columns: Mapping[str, str]) -> None:
    """Check the table; where it fails, say that its columns are mapped as at the last ingest."""
    try:
        source.check()
    except SourceError as error:
        if not columns:
            raise
        said = ", ".join(f"{target}={column}" for target, column in columns.items())
        raise SourceError(
            f"{error}. Its columns are mapped as they were for this folder before ({said}); map "
            "them again with --map"
        ) from error


def _check_targets(run: Run, columns: Mapping[str, str]) -> None:
    targets = ["path", *SIGHTING_FIELDS, *run.catalog.vocabulary.attributes]
    for target in columns:
        if target not in targets:
            raise SourceError(
                f"a column cannot be mapped to {target!r}: it is neither an attribute nor a field "
                f"of a sighting; use one of {', '.join(targets)}"
            )


def remember_source(run: Run, source: Source) -> None:
    """Let the next ingest of this folder use the same sidecar. Call it only after the
    source has passed its checks."""
    if isinstance(source, FolderSource) and source.sidecar and source.name != RENDERED:
        remember_sidecar(
            run.catalog, source.path, source.sidecar, source.columns, run_id=run.run_id
        )


def open_inbox(run: Run) -> str | None:
    """The folder that a run without a path takes photos from; None while it is empty.

    Raises `SourceError` if the folder that the settings name is missing. It is not created: if its
    drive is only disconnected, a new folder on this disk would look empty night after night.
    """
    inbox = run.settings.inbox_path
    if run.settings.inbox is None:
        inbox.mkdir(parents=True, exist_ok=True)
    elif not inbox.is_dir():
        raise SourceError(
            f"the inbox {escape_bytes(inbox)} that the settings name is missing; if it is on "
            "another drive or machine, connect that, otherwise create the folder"
        )
    if any(not isinstance(found, Notice) for found in walk_files(inbox, "folder")):
        return str(inbox)  # a table of facts without photos does not count
    run.report.messages.append(f"the inbox {inbox} is empty: put photos there, or give a path")
    return None
