"""The flow that takes decisions of people in."""

from pathlib import Path

from catalog.car_columns import add_label_columns
from catalog.table import CatalogError, StoreError
from core.errors import MarqueError
from core.text import counted
from flows.recipe import recipe
from flows.reporting.progress import stage
from flows.reporting.report import RunReport
from flows.run import Run, recorded_run
from flows.settings import Settings
from flows.stages.pipeline import publish_pending
from flows.stages.tasks import opened, shard_task
from labeling.review.record import ReviewCounts, import_file
from labeling.review.returned import LineProblem


@recipe("review-import")
def review_import(files: list[str], by: str | None = None) -> RunReport:
    """Take back what people decided, in a `review.csv` or an export of Label Studio, and let
    searches show it.

    Doing it again adds nothing. Fails if no decision was good; what was good is kept, and shown,
    also where another file cannot be stored.
    """
    with recorded_run("review-import", {"files": files, "by": by}) as run:
        done = ReviewCounts()
        failures: list[Exception] = []
        with stage(run.report, "import", None) as step:
            for file in files:
                try:
                    part = import_shard(run.settings, file, by, run.run_id)
                except Exception as error:
                    failures.append(error)
                    done.lines.insert(0, _failed(file, error))  # the last ones may not be shown
                    continue
                done.add(part)
                step.advance(part.photos)
        run.report.review = done.to_dict()
        run.report.add_statements("human", done.new.total())
        if notice := done.clock_notice:
            run.report.messages.append(notice)
        if done.good:
            show_decisions(run)
        elif failures:
            raise failures[0]
        else:
            run.report.error = _nothing(done)
    return run.report


@shard_task("import")
def import_shard(settings: Settings, file: str, by: str | None, run_id: str) -> ReviewCounts:
    """Store the decisions of one file."""
    return import_file(opened(settings), Path(file), by, run_id=run_id)


def show_decisions(run: Run) -> None:
    """Let searches show what was decided, or say in the report when they will."""
    add_label_columns(run.catalog)
    try:
        publish_pending(run)
    except CatalogError as error:
        if isinstance(error, StoreError) and error.lasts:
            raise
        # What people decided is stored; another run is at work here, and shows it when it is done.
        run.report.messages.append(
            f"the decisions are kept, and not shown by searches yet: {error}; they will be when "
            "that is done, or after `marque publish`"
        )


def _failed(file: str, error: Exception) -> LineProblem:
    known = isinstance(error, MarqueError)
    why = str(error) if known else f"unexpected {type(error).__name__}: {error}"
    what = f"it could not be stored: {why}"
    return LineProblem(f"{Path(file).name}, file", what, "import it again; nothing is stored twice")


def _nothing(done: ReviewCounts) -> str:
    if done.refused:
        line = next(line for line in done.lines if not line.kept)
        return (
            f"no decision could be taken, {counted(done.refused, 'line')} wrong; the first is "
            f"{line.where}: {line.what}; {line.do}"
        )
    return (
        f"no decision was found, {counted(done.empty, 'question')} left empty; fill in column "
        "decision, or submit annotations in Label Studio before you export them"
    )
