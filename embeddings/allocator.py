"""Keeps the memory of a network's layers for the next ones, on systems with glibc.

By default glibc returns large blocks to the system as soon as they are freed, and the system hands
them out again page by page: each layer of a network then waits for new pages. EfficientNet-Lite0,
at 32 photos a batch, takes about half as much processor time without that (`python -m benchmarks
networks`).
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _MMAP_MAX = -1, -2, -3, -4  # glibc's malloc.h
_KEEP = {_MMAP_MAX: 0, _TRIM_THRESHOLD: 2**31 - 1, _TOP_PAD: 64 * 2**20}
_USUAL = {
    _MMAP_MAX: 65_536,
    _TOP_PAD: 128 * 2**10,
    # What glibc itself arrives at once a program has freed blocks of this size.
    _MMAP_THRESHOLD: 32 * 2**20,
    _TRIM_THRESHOLD: 64 * 2**20,
}
_lock = Lock()
_running: list[object] = []


@contextmanager
def memory_kept() -> Iterator[None]:
    """Keep freed memory in the process while this block, or another one like it, runs.

    What is kept then is returned by the next `malloc_trim` (`catalog.optimize.trim_memory`).
    """
    block = object()
    with _lock:
        _running.append(block)
        _set(_KEEP)
    try:
        yield
    finally:
        with _lock:
            _running.remove(block)
            if not _running:
                _set(_USUAL)


def _set(options: dict[int, int]) -> None:
    with suppress(OSError, AttributeError):  # another C library than glibc
        library = ctypes.CDLL(None)
        for option, value in options.items():
            library.mallopt(option, value)
