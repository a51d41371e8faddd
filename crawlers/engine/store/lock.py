"""One crawl of a source at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import MarqueError
from crawlers.engine.store.files import keeping


class BusyStoreError(MarqueError):
    """Another crawl of the same source is under way; two would ask the site twice as fast."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the right to crawl into a folder, which is made if it is not there; raises
    `BusyStoreError` and `DiskError`. A process that dies lets go of it."""
    with keeping(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("a+")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            other = file.read().strip() or "unknown"
            raise BusyStoreError(
                f"another crawl of this source is under way (process {other}); wait for its end, "
                "for two at a time would ask the site twice as fast"
            ) from None
        with keeping(folder):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield
