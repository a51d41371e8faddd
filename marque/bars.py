"""Progress bars on standard error, one a stage."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from core.text import visible
from flows.reporting.progress import listener


class ProgressBars:
    """A `flows.reporting.progress.ProgressListener` that draws."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def begin(self, stage: str, total: int | None) -> None:
        """Start a bar."""
        self._tasks[stage] = self._progress.add_task(stage, total=total)

    def advance(self, stage: str, photos: int) -> None:
        """Move a bar on."""
        self._progress.advance(self._tasks[stage], photos)

    def tell(self, stage: str, text: str) -> None:
        """Write it beside the name of the bar."""
        self._progress.update(self._tasks[stage], description=visible(f"{stage}: {text}"))

    def end(self, stage: str) -> None:
        """Leave a bar as it is."""
        self._progress.stop_task(self._tasks[stage])


@contextmanager
def progress_bars() -> Iterator[None]:
    """Draw the stages of the flows that run inside."""
    columns = (
        TextColumn("{task.description:<9}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        before = listener.set(ProgressBars(progress))
        try:
            yield
        finally:
            listener.reset(before)
