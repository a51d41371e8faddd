"""Copied files and folders: `cars_annos (1).mat`, `cars_train - Copy`.

Browsers and file managers add such marks to names that exist already, and data sets are passed on
with them.
"""

import filecmp
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path, PurePath

from core.records import SourceError
from core.text import escape_bytes

READ_AS_COPY = "file or folder with the mark of a copy in its name is read as what it is a copy of"

_WORD = "copy|kopie|kopia|copie|copia|cópia|kopya|копия|副本|コピー"
_MARK = rf"""(?:
    [ _]?\(\d{{1,3}}\)                                   # browsers: x (1), x(1)
  | [ _]?-[ _]?(?:{_WORD})(?:[ _]?\(\d{{1,3}}\))?        # Windows: x - Copy, x - Copy (2)
  | [ _](?:{_WORD})(?:[ _]?\d{{1,3}})?                   # macOS: x copy, x copy 2
  | [ _]?\((?:another[ ]|\d{{1,2}}(?:st|nd|rd|th)[ ])?(?:{_WORD})\)   # Linux: x (copy)
)"""
_MARKED = re.compile(rf"(?:copy[ ]of[ ])?(?P<name>.*?){_MARK}*", re.IGNORECASE | re.VERBOSE)
_ONLY_COUNTED = r"|[ _-]\d{1,2}"
"""`x-1`, `x 2`: a mark only if the name without it is known."""


def without_mark(name: str) -> str:
    """A name without the mark of a copy."""
    found = _MARKED.fullmatch(name.strip())
    return (found and found["name"]) or name


@cache
def _copies(name: str) -> re.Pattern[str]:
    stem, suffix = re.escape(PurePath(name).stem), re.escape(PurePath(name).suffix)
    pattern = rf"(?:copy[ ]of[ ])?{stem}(?:{_MARK}{_ONLY_COUNTED})*{suffix}(?:\.\d{{1,2}})?"
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE)


def is_copy(name: str, of: str) -> bool:
    """Whether `name` is the known name `of` or a copy of it; case is ignored."""
    return _copies(of).fullmatch(name) is not None


def find_file(folders: Iterable[Path], name: str) -> Path | None:
    """The file `name` in one of the folders, or a copy of it; raises `OSError`.

    Raises `SourceError` if there are several that differ: nothing says which is right.
    """
    found = [
        path
        for folder in folders
        if folder.is_dir()
        for path in _order((p for p in folder.iterdir() if is_copy(p.name, name)), name)
        if path.is_file()
    ]
    return choose_copy(found) if found else None


def are_same(paths: list[Path]) -> bool:
    """Whether all files have the same content; raises `OSError`."""
    return all(filecmp.cmp(paths[0], other) for other in paths[1:])


def choose_copy(paths: list[Path]) -> Path:
    """The first of several copies of a file; raises `SourceError` if they differ."""
    if not are_same(paths):
        named = " and ".join(map(escape_bytes, paths))
        raise SourceError(
            f"{named} are copies of one file by their names and differ, so which one is right "
            "cannot be decided; delete or move the wrong one"
        )
    return paths[0]


def find_folders(root: Path, relative: str) -> list[Path]:
    """The folder `relative` below `root`, then all copies of it; raises `OSError`."""
    found = [root]
    for part in PurePath(relative).parts:
        inside = ((p for p in folder.iterdir() if is_copy(p.name, part)) for folder in found)
        found = [path for paths in inside for path in _order(paths, part) if path.is_dir()]
    return found


def _order(paths: Iterable[Path], name: str) -> list[Path]:
    return sorted(paths, key=lambda path: (path.name != name, path.name))
