"""Walks all files below a folder in a stable order, and reports what is left out."""

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from core.records import Drop, Notice
from core.text import escape_bytes
from crawlers.imports.other_programs import OTHER_FILE, OTHER_FOLDER, is_other_file, is_other_folder

LABEL_SUFFIXES = (
    *(".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".mat"),
    *(".txt", ".md", ".xml", ".html", ".htm", ".yaml", ".yml", ".toml"),
)

HIDDEN_LEFT_OUT = "hidden file or folder is left out"
LABEL_FILE = "text or label file is left out; its facts are read when it is named as the sidecar"
NOT_REGULAR = "not a regular file"
READ_ONCE = "folder is reached again through a link and is read once"
LINK_LOOP = "link leads back to itself"
DEAD_LINK = "link leads nowhere"
WENT_AWAY = "went away while its folder was read"
NO_STAT = "file cannot be looked at"
NO_FOLDER = "folder cannot be read"


def walk_files(
    folder: Path, source: str, without: str | None = None
) -> Iterator[Path | Drop | Notice]:
    """Each file below `folder` that may be a photo, except `without`; no file is opened.

    Links to folders are followed, and each real folder is read once: loops of links end, and a path
    does not depend on the link through which it was found. A folder's files come first, by name,
    then its folders.
    """
    seen: set[tuple[int, int]] = set()
    pending = [Path(os.path.realpath(folder))]
    while pending:
        here = pending.pop()
        try:
            status = here.stat()
            with os.scandir(here) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except FileNotFoundError:
            yield Notice(WENT_AWAY, escape_bytes(here))
            continue
        except OSError as error:
            yield Drop(source, escape_bytes(here), NO_FOLDER, _advice(error))
            continue
        if (status.st_dev, status.st_ino) in seen:
            yield Notice(READ_ONCE, escape_bytes(here))
            continue
        seen.add((status.st_dev, status.st_ino))
        folders = []
        for entry in entries:
            if str(here / entry.name) == without:
                continue
            found = classify_path(here / entry.name, source)
            if found is None:
                target = os.path.realpath(entry.path) if entry.is_symlink() else here / entry.name
                folders.append(Path(target))
            else:
                yield found
        pending.extend(reversed(folders))


def classify_path(path: Path, source: str) -> Path | Drop | Notice | None:
    """`path` if it may be a photo, None for a folder, otherwise the drop or notice about it."""
    if path.name.startswith("."):
        return Notice(HIDDEN_LEFT_OUT, escape_bytes(path))
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return _no_stat(error, path, source)
    if stat.S_ISDIR(mode):
        return Notice(OTHER_FOLDER, escape_bytes(path)) if is_other_folder(path) else None
    if not stat.S_ISREG(mode):
        return Notice(NOT_REGULAR, escape_bytes(path))
    if is_other_file(path):
        return Notice(OTHER_FILE, escape_bytes(path))
    label = path.suffix.lower() in LABEL_SUFFIXES
    return Notice(LABEL_FILE, escape_bytes(path)) if label else path


def _no_stat(error: OSError, path: Path, source: str) -> Drop | Notice:
    if error.errno == errno.ELOOP:
        return Notice(LINK_LOOP, escape_bytes(path))
    if error.errno == errno.ENOENT and not path.is_symlink():
        return Notice(WENT_AWAY, escape_bytes(path))
    reason = DEAD_LINK if error.errno == errno.ENOENT else NO_STAT
    return Drop(source, escape_bytes(path), reason, _advice(error))


def _advice(error: OSError) -> str:
    return f"{error.strerror}; make it readable and run again, or leave it out"
