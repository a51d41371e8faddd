"""Progress of a flow, for whoever watches: the command line sets a listener, Prefect shows an
artifact."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from flows.report import RunReport, Stage


class Listener(Protocol):
    """Told how far a stage is."""

    def begin(self, stage: str, total: int | None) -> None:
        """A stage begins; `total` photos, if that is known."""
        ...

    def advance(self, stage: str, photos: int) -> None:
        """So many photos more are done."""
        ...

    def end(self, stage: str) -> None:
        """The stage is over, done or not."""
        ...


listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


class Step:
    """A running stage: counts what is done into the report and tells the listener."""

    def __init__(self, name: str, stage: Stage) -> None:
        self.stage = stage
        self._name = name
        self._listener = listener.get()

    def advance(self, photos: int) -> None:
        """So many photos more are done."""
        self.stage.photos += photos
        if self._listener is not None:
            self._listener.advance(self._name, photos)


@contextmanager
def stage(report: RunReport, name: str, total: int | None) -> Iterator[Step]:
    """Time a stage of a run; its photos and seconds go into the report, broken off or not."""
    record = report.stages.setdefault(name, Stage())
    step = Step(name, record)
    told = listener.get()
    if told is not None:
        told.begin(name, total)
    began = time.perf_counter()
    try:
        yield step
    finally:
        record.seconds += time.perf_counter() - began
        if told is not None:
            told.end(name)
