"""Photos as files named by their content hash, and errors of the disk."""

import hashlib
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.errors import MarqueError
from core.files import atomic_write


class DiskError(MarqueError):
    """Fetched data cannot be stored; the message says where and why."""


@contextmanager
def keeping(folder: Path) -> Iterator[None]:
    """Turn errors of the disk inside the block into `DiskError`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        why = getattr(error, "strerror", None) or error
        raise DiskError(
            f"{folder} could not be written: {why}; make room on that disk, or make the place "
            "writable, and run the same command again"
        ) from error


def photo_path(folder: Path, sha256: str) -> Path:
    """The path of the photo with this hash; each of 256 folders holds an equal share."""
    return folder / "photos" / sha256[:2] / sha256


def has_photo(folder: Path, sha256: str) -> bool:
    """Whether the photo with this hash is stored; an empty file (after a power cut) is not."""
    try:
        return photo_path(folder, sha256).stat().st_size > 0
    except FileNotFoundError:
        return False


def store_photo(folder: Path, content: bytes) -> str:
    """Store a photo's bytes and return their SHA-256. The write is atomic: written to a temporary
    file and renamed. Raises `DiskError`."""
    digest = hashlib.sha256(content).hexdigest()
    if has_photo(folder, digest):
        return digest
    with keeping(folder):
        aside = folder / "aside" / digest  # `clear_aside` finds it there after a kill
        atomic_write(photo_path(folder, digest), content, temporary=aside)
    return digest


def clear_aside(folder: Path) -> None:
    """Delete the incomplete files of a killed crawl."""
    shutil.rmtree(folder / "aside", ignore_errors=True)
