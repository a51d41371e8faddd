"""Photos as files named by their content, and what is said when the disk takes no more."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import MarqueError
from core.files import atomic_write


class DiskError(MarqueError):
    """What was fetched cannot be kept; the message says where and why."""


@contextmanager
def keeping(folder: Path) -> Iterator[None]:
    """Turn what a disk says inside the block into `DiskError`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        why = getattr(error, "strerror", None) or error
        raise DiskError(
            f"{folder} could not be written: {why}; make room on that disk, or make the place "
            "writable, and run the same command again"
        ) from error


def photo_path(folder: Path, sha256: str) -> Path:
    """Where the photo with these bytes is; a folder holds one part in 256 of all."""
    return folder / "photos" / sha256[:2] / sha256


def has_photo(folder: Path, sha256: str) -> bool:
    """Whether the photo with these bytes is there; a power cut may leave an empty file."""
    try:
        return photo_path(folder, sha256).stat().st_size > 0
    except FileNotFoundError:
        return False


def store_photo(folder: Path, content: bytes) -> str:
    """Keep a photo's bytes and return their SHA-256; written aside and renamed, so that a file of
    that name is always whole. Raises `DiskError`."""
    digest = hashlib.sha256(content).hexdigest()
    if has_photo(folder, digest):
        return digest
    with keeping(folder):
        aside = folder / "aside" / digest  # `clear_aside` finds it there after a kill
        atomic_write(photo_path(folder, digest), content, temporary=aside)
    return digest


def clear_aside(folder: Path) -> None:
    """Take away what a crawl that was killed had not written to its end."""
    shutil.rmtree(folder / "aside", ignore_errors=True)
