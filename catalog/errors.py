"""Errors of the catalog, and the two functions that turn LanceDB's exceptions into them.

LanceDB raises `OSError`, `RuntimeError`, `ValueError`, and Rust panics, which are not an
`Exception`. None of them names the table or says what to do.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from catalog.uri import store_reason
from core.errors import MarqueError


class CatalogError(MarqueError):
    """The catalog cannot do what was asked; the message says why and what to do."""


class AbsentCatalogError(CatalogError):
    """There is no catalog at the URI yet."""


class IncompleteCatalogError(CatalogError):
    """Tables of the catalog are missing, or have another schema than Marque's."""


class NewerCatalogError(CatalogError):
    """A newer Marque has written the catalog in a format that this version does not know."""


class ReadError(CatalogError):
    """Stored data could not be read: it is damaged, absent, or for now `out_of_reach`."""

    def __init__(self, message: str, *, out_of_reach: bool = False) -> None:
        super().__init__(message)
        self.out_of_reach = out_of_reach


class StoreError(CatalogError):
    """A write failed: because of the disk, the network, or another writer that was first.

    The write is atomic. It may be tried again; `lasts` says that this is useless for now, as on a
    full disk or in a read-only place.
    """

    def __init__(self, message: str, *, lasts: bool = False) -> None:
        super().__init__(message)
        self.lasts = lasts


@contextmanager
def reading(place: str, advice: str | None = None) -> Iterator[None]:
    """Turn LanceDB's exceptions inside the block into `ReadError`.

    The message begins with `place` and ends with `advice`, by default how to restore a table.
    """
    try:
        yield
    except MarqueError:
        raise
    except BaseException as error:
        if not (isinstance(error, OSError | RuntimeError | ValueError) or is_panic(error)):
            raise
        raise _read_error(place, error, advice) from error


@contextmanager
def storing(place: str) -> Iterator[None]:
    """Turn LanceDB's exceptions inside the block into `StoreError`.

    A `ValueError` that is not about damage passes: another writer has made the same thing.
    """
    try:
        yield
    except MarqueError:
        raise
    except BaseException as error:
        damage = isinstance(error, ValueError) and _BROKEN.search(str(error))
        if not (damage or isinstance(error, OSError | RuntimeError) or is_panic(error)):
            raise
        raise _store_error(place, error) from error


def is_panic(error: BaseException) -> bool:
    """Whether the error is a Rust panic, which may not be an `Exception`."""
    return type(error).__module__ in {"pyo3_runtime", "pyo3_async_runtimes"}


def cause_of(error: BaseException) -> str:
    """LanceDB's error message in one short line, without places in its source code."""
    if (reason := store_reason(error)) is not None:
        return reason
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = _SOURCE.sub("", lines[0]) if lines else ""
    said = _PREFIX.sub("", said).strip(" ,;:.")
    return (said if len(said) <= _LONG else f"{said[:_LONG]}…") or type(error).__name__


def os_error_number(error: BaseException) -> int | None:
    """The errno of an error, which LanceDB gives only inside its message."""
    if found := _OS_ERROR.search(str(error)):
        return int(found[1])
    number = getattr(error, "errno", None)
    return number if isinstance(number, int) else None


_LONG = 300
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
_SOURCE = re.compile(r",? *(?:location: *)?(?:at )?[^\s,]*\.rs:\d+(?::\d+)?(?:[:,] *)?")
_AWAY = re.compile(
    r"Generic (?:S3|GCS|\w*Azure\w*|HTTP\w*) error|error sending request|timed out|timeout",
    re.IGNORECASE,
)
_BROKEN = re.compile(
    r"not appear to be a Lance file|file size is too small|fill whole buffer|Invalid range|corrupt"
)
_PREFIX = re.compile(r"^(?:(?:lance error|LanceError\([^)]*\)|External error|Error): *)+")

_PLACE = "make the place writable, or set MARQUE_CATALOG to another"
_LASTING = {
    errno.ENOSPC: "make room on that disk",
    errno.EDQUOT: "make room on that disk",
    errno.EROFS: _PLACE,
    errno.EACCES: _PLACE,
    errno.EPERM: _PLACE,
}

RESTORE_ADVICE = (
    "a file of it is damaged, missing or out of reach: `marque publish` rebuilds an index; for "
    "anything else put a copy of the catalog's folder back, or move the folder away and ingest the "
    "photos again"
)

REPUBLISH_ADVICE = "it was removed or is damaged: `marque publish` publishes the newest version"


def _read_error(place: str, error: BaseException, advice: str | None) -> ReadError:
    number = os_error_number(error)
    if number in (errno.EACCES, errno.EPERM):
        why = f"{os.strerror(number)}; let yourself read it, and run the same command again"
        return ReadError(f"{place} cannot be read: {why}", out_of_reach=True)
    away = number not in (None, errno.ENOENT) or _AWAY.search(str(error)) is not None
    said = f"{place} cannot be read ({cause_of(error)}); {advice or RESTORE_ADVICE}"
    return ReadError(said, out_of_reach=away)


def _store_error(place: str, error: BaseException) -> StoreError:
    number = os_error_number(error)
    again = "then run the same command again, which continues where this one stopped"
    if number in _LASTING:
        why = f"{os.strerror(number)}; {_LASTING[number]}, {again}"
        return StoreError(f"{place} could not be written: {why}", lasts=True)
    if _BROKEN.search(str(error)):
        return StoreError(
            f"{place} could not be written ({cause_of(error)}); {RESTORE_ADVICE}", lasts=True
        )
    return StoreError(
        f"{place} could not be written ({cause_of(error)}); if the disk is full or the place is "
        f"read-only, make room or choose another place; {again}"
    )
