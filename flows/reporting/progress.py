"""Progress of a flow: for a listener that the command line sets, and as an artifact in Prefect's
pages."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol
from uuid import UUID

from catalog.optimize import trim_memory
from flows.prefect_context import in_prefect_run
from flows.reporting.report import RunReport
from flows.reporting.sections import Stage


class ProgressListener(Protocol):
    """Receives the progress of stages."""

    def begin(self, stage: str, total: int | None) -> None:
        """A stage begins; `total` photos, if that is known."""
        ...

    def advance(self, stage: str, photos: int) -> None:
        """Count this many more photos as done."""
        ...

    def tell(self, stage: str, text: str) -> None:
        """Show a text beside the progress of the stage."""
        ...

    def end(self, stage: str) -> None:
        """The stage is over, done or not."""
        ...


_NOT_OF_KEYS = re.compile(r"[^a-z0-9]+")
"""Prefect's keys are of small letters, digits and dashes."""

listener: ContextVar[ProgressListener | None] = ContextVar("listener", default=None)


class StageProgress:
    """A running stage: counts what is done into the report and shows it."""

    def __init__(self, flow: str, name: str, stage: Stage, total: int | None) -> None:
        self.stage = stage
        self._name = name
        self._total = total
        self._listener = listener.get()
        self._artifact: UUID | None = None  # a bar of per cent in Prefect's pages
        if total and in_prefect_run():
            from prefect.artifacts import create_progress_artifact

            made = create_progress_artifact(0.0, key=f"{flow}-{_NOT_OF_KEYS.sub('-', name)}")
            assert isinstance(made, UUID), "Prefect gives a coroutine in asynchronous flows only"
            self._artifact = made
        if self._listener is not None:
            self._listener.begin(name, total)

    def advance(self, photos: int) -> None:
        """Count this many more photos as done."""
        self.stage.photos += photos
        if self._listener is not None:
            self._listener.advance(self._name, photos)
        if self._artifact is not None and self._total:
            from prefect.artifacts import update_progress_artifact

            done = min(100.0, 100.0 * self.stage.photos / self._total)
            update_progress_artifact(self._artifact, done)

    def tell(self, text: str) -> None:
        """Show a text beside the progress of the stage."""
        if self._listener is not None:
            self._listener.tell(self._name, text)

    def end(self) -> None:
        """The stage is over, done or not."""
        if self._listener is not None:
            self._listener.end(self._name)


@contextmanager
def stage(report: RunReport, name: str, total: int | None) -> Iterator[StageProgress]:
    """Time a stage of a run; its photos and seconds go into the report, broken off or not."""
    record = report.stages.setdefault(name, Stage())
    step = StageProgress(report.flow, name, record, total)
    trim_memory()  # what waits was found by reading every key of the catalog
    began = time.perf_counter()
    try:
        yield step
    finally:
        record.seconds += time.perf_counter() - began
        step.end()
        trim_memory()
