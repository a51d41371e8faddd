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
    """A folder with the sidecar that is given, or with that of its last ingest.

    A sidecar of the last ingest that cannot be used now keeps no photo out: the report says so, and
    its facts stay.
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
            f"used: {error}. The photos are taken in without it and what it said of them stays; "
            "mend it, give another by --sidecar, or take back what it said by `marque withdraw`"
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
            "them anew by --map"
        ) from error


def _check_targets(run: Run, columns: Mapping[str, str]) -> None:
    targets = ["path", *SIGHTING_FIELDS, *run.catalog.vocabulary.attributes]
    for target in columns:
        if target not in targets:
            raise SourceError(
                f"a column cannot be mapped to {target!r}: it is no attribute and nothing that is "
                f"kept of a sighting; there are {', '.join(targets)}"
            )


def remember_source(run: Run, source: Source) -> None:
    """Let the next ingest of this folder use the same sidecar; the source was found to be sound."""
    if isinstance(source, FolderSource) and source.sidecar and source.name != RENDERED:
        remember_sidecar(
            run.catalog, source.path, source.sidecar, source.columns, run_id=run.run_id
        )


def open_inbox(run: Run) -> str | None:
    """The folder that a run without a path takes photos from; None while it is empty.

    Raises `SourceError` where the folder that the settings name is not there: made anew, it would
    lie on this disk in place of a drive that is away, and look empty night after night.
    """
    inbox = run.settings.inbox_path
    if run.settings.inbox is None:
        inbox.mkdir(parents=True, exist_ok=True)
    elif not inbox.is_dir():
        raise SourceError(
            f"the inbox {escape_bytes(inbox)} that the settings name is not there; if it is on "
            "another drive or machine, connect that, else make the folder"
        )
    if any(not isinstance(found, Notice) for found in walk_files(inbox, "folder")):
        return str(inbox)  # a table of facts without photos does not count
    run.report.messages.append(f"the inbox {inbox} is empty: put photos there, or give a path")
    return None
