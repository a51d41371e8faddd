"""Contact sheets of runs: kept in a folder of the home, shown in Prefect's pages by a link.

Prefect's database gets the link and words, never a picture.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from catalog.sql import equals
from flows.environment import current_settings
from flows.prefect_context import in_prefect_run
from flows.reporting.markdown import plain
from flows.reporting.sheet_names import UUID
from flows.run import Run
from flows.server.process import SHEETS, load_running
from flows.settings import Settings
from labeling.labelers import load_thresholds
from search.sheet import sheet_png, store_sheet
from search.sheet_content import arrivals_sheet

KEEP = 300  # sheets; the newest
KEEP_BYTES = 500_000_000
ARRIVALS_SHOWN = 24

_OURS = re.compile(rf"(?:\.\d+-)?{UUID}\.png(?:\.part)?")  # what a killed run left, too


@dataclass(frozen=True, slots=True)
class KeptSheet:
    """A sheet in the home folder; `link` opens it, or is None where no server serves the folder.

    `page_link` is the same as seen from Prefect's pages, and stays right on another port.
    """

    path: Path
    link: str | None
    page_link: str | None


def keep_sheet(settings: Settings, run_id: str, png: bytes) -> KeptSheet:
    """Write a run's sheet, and remove the oldest where there are many; raises `OSError`."""
    folder = settings.home_path / SHEETS
    path = store_sheet(png, folder / f"{run_id}.png")
    _prune(folder)
    if settings.sheets_url:
        link = f"{settings.sheets_url.rstrip('/')}/{path.name}"
        return KeptSheet(path, link, link)
    running = load_running(settings.home_path / "prefect")
    # A link works only in pages that our own server shows.
    elsewhere = in_prefect_run() and not (
        running and running.is_at(current_settings().api.url or "")
    )
    if running is None or elsewhere:
        return KeptSheet(path, None, None)
    page_link = f"/{SHEETS}/{path.name}"
    return KeptSheet(path, f"{running.pages}{page_link}", page_link)


def show_sheet(run: Run, png: bytes, about: str) -> KeptSheet | None:
    """Keep a run's sheet and show it in Prefect's pages. One that cannot be written is named in
    the report, and does not make the run fail."""
    try:
        kept = keep_sheet(run.settings, run.run_id, png)
    except OSError as error:
        run.report.messages.append(f"the contact sheet could not be kept: {error}")
        return None
    run.report.sheet = str(kept.path)
    if kept.link is not None and in_prefect_run():
        from prefect.artifacts import create_image_artifact

        create_image_artifact(kept.link, key=f"{run.report.flow}-sheet", description=plain(about))
    return kept


def show_arrivals(run: Run) -> None:
    """Keep and show a sheet of a sample of the photos that the run brought in and published."""
    if not (run.report.new and run.report.published.get("photos")):
        return
    try:
        new = run.catalog.column("images", "image_id", equals("run_id", run.run_id)).to_pylist()
        # Taken evenly: photos come in sorted by class often enough.
        some = min(ARRIVALS_SHOWN, len(new))
        sample = [new[at * len(new) // some] for at in range(some)]
        sheet = arrivals_sheet(run.catalog, sample, len(new))
        if sheet.cells:
            show_sheet(run, sheet_png(sheet), f"{sheet.title}, run {run.run_id}")
    # The photos are in, and published: no fault of their sheet makes that a failure.
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        run.report.messages.append(f"the contact sheet could not be made: {what}")


def show_confidences(run: Run) -> None:
    """Keep and show how sure networks were of what they said in this run."""
    if not run.report.confidences:
        return
    from flows.reporting.charts import confidence_png

    thresholds = {
        f"{each.by}: {each.attribute}": each.threshold
        for each in load_thresholds(run.catalog)
        if each.threshold is not None
    }
    try:
        png = confidence_png("How sure the networks were", run.report.confidences, thresholds)
        show_sheet(run, png, f"confidences of run {run.run_id}")
    # The labels are stored, and published: no fault of a picture makes that a failure.
    except Exception as error:
        run.report.messages.append(f"the chart could not be drawn: {type(error).__name__}: {error}")


def _prune(folder: Path) -> None:
    sheets = []
    for path in folder.iterdir():
        if _OURS.fullmatch(path.name):
            try:
                sheets.append((path.stat().st_mtime, path.stat().st_size, path))
            except FileNotFoundError:
                continue  # another run removed it
    held = 0
    for number, (_, size, path) in enumerate(sorted(sheets, reverse=True), start=1):
        held += size
        if number > 1 and (number > KEEP or held > KEEP_BYTES):
            path.unlink(missing_ok=True)
