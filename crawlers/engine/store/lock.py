"""A lock that allows one crawl of a source at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import MarqueError
from crawlers.engine.store.files import keeping


class BusyStoreError(MarqueError):
    """Another crawl of the same source is running; two would double the request rate."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a store's folder, which is created if absent. A process that dies releases
    it. Raises `BusyStoreError` and `DiskError`."""
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
                f"another crawl of this source is running (process {other}); wait until it ends: "
                "two at a time would double the request rate"
            ) from None
        with keeping(folder):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield
