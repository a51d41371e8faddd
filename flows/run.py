"""What every flow does around its work: settings, catalogue, report, artifacts, and failing."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.runtime import flow_run

from catalog.table import Catalog
from crawlers.errors import MarqueError
from flows.markdown import cells
from flows.opening import catalog_at
from flows.report import RunReport, new_report, store_report
from flows.settings import Settings, load_settings


class RunFailedError(MarqueError):
    """A run ended without what it was for; the report says why."""

    def __init__(self, report: RunReport) -> None:
        super().__init__(report.error or "the run failed")
        self.report = report


@dataclass(frozen=True, slots=True)
class Run:
    """A run under way."""

    settings: Settings
    catalog: Catalog
    report: RunReport

    @property
    def run_id(self) -> str:
        """The run's key in table `runs`."""
        return self.report.run_id


@contextmanager
def recorded_run(flow: str, parameters: Mapping[str, Any]) -> Iterator[Run]:
    """Open what a flow needs, keep its report whatever happens, and show it in Prefect.

    The report is written when the run starts and again when it ends, so that a run that was
    killed is still known, as `running`. Whatever stops the run becomes a `RunFailedError` that
    carries the report.
    """
    settings = load_settings()
    catalog = catalog_at(settings)
    # A command is given it as well, but as a setting of its process.
    weights = settings.semantic_weights and str(settings.semantic_weights)
    given = {**parameters, "weights": weights}
    report = new_report(flow, str(flow_run.id or uuid.uuid4()), given)
    report.versions_before = catalog.versions()
    store_report(catalog, report)
    failure: BaseException | None = None
    try:
        yield Run(settings, catalog, report)
    except BaseException as error:
        failure = error
        known = isinstance(error, MarqueError)
        report.error = str(error) if known else f"unexpected {type(error).__name__}: {error}"
    report.status = "failed" if report.error else "done"
    report.finished_at = datetime.now(UTC)
    try:
        report.versions_after = catalog.versions()
        store_report(catalog, report)
        _show(report)
    except Exception as closing:
        # What stopped the run matters more than that its report could not be kept as well.
        if failure is None:
            raise
        report.messages.append(f"the report could not be kept: {closing}")
    if failure is not None and not isinstance(failure, Exception):
        raise failure
    if report.status == "failed":
        raise RunFailedError(report) from failure


def _show(report: RunReport) -> None:
    """Tables and the whole report as Prefect artifacts; a keyed artifact keeps its history."""
    for title, rows in report.tables().items():
        key = f"{report.flow}-{title}".lower().replace(" ", "-")
        create_table_artifact(cells(rows), key=key, description=f"{title} of run {report.run_id}")
    create_markdown_artifact(report.to_markdown(), key=f"{report.flow}-report")
