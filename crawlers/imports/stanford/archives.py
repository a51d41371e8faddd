"""Archives of a data set that were not unpacked: their photos would seem to be missing."""

from collections.abc import Iterator
from pathlib import Path

from core.records import Notice
from core.text import escape_bytes

PACKED = "archive is not opened; unpack it if the data set's photos or labels are in it"
_SUFFIXES = {".tgz", ".tar", ".gz", ".bz2", ".xz", ".zst", ".tbz2", ".txz", ".zip", ".7z", ".rar"}


def is_archive(path: Path) -> bool:
    """Whether a file is an archive, by its suffix; copies count too."""
    return path.suffix.lower() in _SUFFIXES


def packed(folder: Path) -> Iterator[Notice]:
    """A notice for each archive in a folder; raises `OSError`."""
    for path in sorted(folder.iterdir()):
        if is_archive(path) and path.is_file() and not path.name.startswith("."):
            yield Notice(PACKED, escape_bytes(path))
