"""The frame of every recipe: settings, catalog, report, artifacts, errors."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog.table import Catalog
from core.errors import INTERRUPTED, MarqueError
from flows.environment import prepare_environment
from flows.prefect_context import in_prefect_run
from flows.reporting.markdown import cells
from flows.reporting.report import RunReport, new_report, store_report
from flows.resources import catalog_at
from flows.run_lock import hold_run_lock
from flows.server.private import make_private
from flows.settings import Settings, load_settings


class RunFailedError(MarqueError):
    """A run ended without what it was for; the report says why."""

    def __init__(self, report: RunReport) -> None:
        super().__init__(report.error or "the run failed")
        self.report = report


@dataclass(frozen=True, slots=True)
class Run:
    """A run that is going on."""

    settings: Settings
    catalog: Catalog
    report: RunReport

    @property
    def run_id(self) -> str:
        """The run's key in table `runs`."""
        return self.report.run_id


@contextmanager
def recorded_run(flow: str, parameters: Mapping[str, Any]) -> Iterator[Run]:
    """Open what a recipe needs, store its report also when it fails, and show it in Prefect if the
    recipe runs there.

    The report is written when the run starts and again when it ends, so that a run that was killed
    is still known, as `running`. Any exception that stops the run becomes a `RunFailedError` that
    carries the report.
    """
    prepare_environment()
    settings = load_settings()
    if not settings.home_path.exists():
        with suppress(OSError):  # opening the catalog says it, unless the catalog is elsewhere
            make_private(settings.home_path)
    catalog = catalog_at(settings)
    # A command is given it as well, but as a setting of its process.
    weights = settings.semantic_weights and str(settings.semantic_weights)
    run_id = str(uuid.uuid4())
    if in_prefect_run():
        from prefect.runtime import flow_run

        run_id = str(flow_run.id)
    report = new_report(flow, run_id, {**parameters, "weights": weights})
    report.versions_before = catalog.versions()
    failure: BaseException | None = None
    with hold_run_lock(settings.home_path, report.run_id):
        store_report(catalog, report)
        try:
            yield Run(settings, catalog, report)
        except BaseException as error:
            failure = error
            report.error = _said(error)
        _close(catalog, report, failure)
    if failure is not None and not isinstance(failure, Exception):
        raise failure
    if report.status == "failed":
        raise RunFailedError(report) from failure


def _said(error: BaseException) -> str:
    if isinstance(error, MarqueError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return INTERRUPTED
    return f"unexpected {type(error).__name__}: {error}"


def _close(catalog: Catalog, report: RunReport, failure: BaseException | None) -> None:
    """Keep the report of a run that is over, and show it."""
    report.status = "failed" if report.error else "done"
    report.finished_at = datetime.now(UTC)
    try:
        report.versions_after = catalog.versions()
        store_report(catalog, report)
        if in_prefect_run():
            _show(report)
    except Exception as closing:
        # What stopped the run matters more than that its report could not be kept as well.
        if failure is None:
            raise
        report.messages.append(f"the report could not be kept: {closing}")


def _show(report: RunReport) -> None:
    """Tables and the whole report as Prefect artifacts; a keyed artifact keeps its history."""
    from prefect.artifacts import create_markdown_artifact, create_table_artifact
    from prefect.runtime import flow_run

    run = f"run {flow_run.name} ({report.run_id})"
    for title, rows in report.tables().items():
        key = f"{report.flow}-{title}".lower().replace(" ", "-")
        create_table_artifact(cells(rows), key=key, description=f"{title}, {run}")
    create_markdown_artifact(report.to_markdown(), key=f"{report.flow}-report")
