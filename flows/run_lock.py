"""The lock that a running run holds; the system releases it however the process ends."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock
from pathlib import Path
from typing import IO

RUNS = "runs"
"""The folder of locks in the home folder."""


@contextmanager
def hold_run_lock(home: Path, run_id: str) -> Iterator[None]:
    """Hold the lock of a run, where the home folder can be written."""
    held = None
    with suppress(OSError):  # without the lock the run works, but `doctor` cannot see it
        held = _hold(home / RUNS, run_id)
    try:
        yield
    finally:
        if held is not None:
            _lock_of(home, run_id).unlink(missing_ok=True)
            held.close()


def lock_holder(home: Path, run_id: str) -> int | None:
    """The id of the process that runs this run; None if no process of this home does."""
    try:
        with _lock_of(home, run_id).open() as lock:
            return None if try_lock(lock, LOCK_SH) else int(lock.read() or 0)
    except OSError:
        return None


def _hold(folder: Path, run_id: str) -> IO[str]:
    """Lock the file before it gets its name, so that it never looks like one of a killed run."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.lock"):  # what killed runs left
        with suppress(OSError), path.open() as left:
            if try_lock(left, LOCK_EX):
                path.unlink()
    aside = folder / f"{run_id}.{os.getpid()}"
    lock = aside.open("w")
    try:
        flock(lock, LOCK_EX | LOCK_NB)
        lock.write(str(os.getpid()))
        lock.flush()
        aside.replace(_lock_of(folder.parent, run_id))
    except OSError:
        lock.close()
        aside.unlink(missing_ok=True)
        raise
    return lock


def _lock_of(home: Path, run_id: str) -> Path:
    return home / RUNS / f"{run_id}.lock"


def try_lock(file: IO[str], kind: int) -> bool:
    """Take the lock of an open file, LOCK_EX or LOCK_SH, without waiting; whether that went."""
    try:
        flock(file, kind | LOCK_NB)
    except BlockingIOError:
        return False
    return True
