"""Finds the file that a row names, as a person would, if that is unique."""

import os
import re
import stat
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from crawlers.imports.walk import walk_files

_DRIVE = re.compile(r"(?:[A-Za-z]:|\\\\[^\\/]+[\\/][^\\/]+|//[^\\/]+[\\/][^\\/]+|~)?[\\/]+")
_URL = re.compile(r"file:(?://(?:localhost)?)?", re.IGNORECASE)
_QUOTES = "\"'"

Parts = tuple[str, ...]


class FoundFile(NamedTuple):
    """A file's real path, and whether the row gives exactly this path.

    Without `exact` it was found by its name or by a part of the path.
    """

    path: str
    exact: bool


class AmbiguousError(LookupError):
    """Several files fit a row equally well; the message names two."""


class _File(NamedTuple):
    path: str
    parts: Parts  # below the folder
    key: Parts  # the same without case


class _Index:
    """Files by their keys and by the ends of their keys. It is an index because thousands of files,
    and thousands of rows, may have the name `1.jpg`."""

    def __init__(self, files: Iterable[_File]) -> None:
        self.whole: dict[Parts, list[_File]] = defaultdict(list)
        for file in files:
            self.whole[file.key].append(file)
        self._deepest = max(map(len, self.whole), default=0)
        self._ends: dict[int, dict[Parts, list[_File]]] = {}

    def ending(self, key: Parts) -> list[_File]:
        """The files whose keys end with this one."""
        size = len(key)
        if size > self._deepest:
            return []
        if size not in self._ends:
            ends = self._ends[size] = defaultdict(list)
            for whole, files in self.whole.items():
                if len(whole) >= size:
                    ends[whole[-size:]].extend(files)
        return self._ends[size].get(key, [])


class Finder:
    """Finds files of a folder by the paths in a table."""

    def __init__(self, folder: Path, sidecar: Path) -> None:
        self._folder = str(folder)
        self._root = os.path.realpath(folder)
        self._above = tuple(map(_fold, Path(self._root).parts))
        self._beside = os.path.realpath(sidecar.parent)
        self._real_folders: dict[str, str] = {}
        self._several: dict[str, str] = {}

    def find(self, *spellings: str) -> FoundFile | None:
        """The file of the first spelling that names one; None if none does.

        Raises `AmbiguousError`, and `ValueError` if the first spelling cannot be a file name.
        """
        if _is_file(path := self.real_path(spellings[0])):
            return FoundFile(path, exact=True)
        tried = [text for text in dict.fromkeys(_variants(spellings)) if "\0" not in text]
        as_said = {*spellings, *map(str.strip, spellings)}
        for given in tried:
            if there := self._there(given):
                return FoundFile(there, given in as_said)
        for given in tried:
            if found := self._by_parts(given):
                return FoundFile(found.path, exact=False)
        return None

    def names_a_file(self, given: str, *, loosely: bool) -> bool:
        """Whether a cell is the path of a file, or with `loosely` its name or part of its path."""
        try:
            if not loosely:
                return os.path.isfile(os.path.join(self._root, given))  # noqa: PTH113, PTH118 - keeps the text
            return self.find(given) is not None
        except (ValueError, AmbiguousError):
            return False

    def real_path(self, given: str) -> str:
        """The path that a row gives, with links resolved, whether the file exists or not."""
        return real_path(os.path.join(self._folder, given), self._real_folders)  # noqa: PTH118

    def _there(self, given: str) -> str | None:
        """The path if it exists: below the folder, beside the table, or beside the folder itself
        (then it begins with the folder's name)."""
        path = self.real_path(given)
        if _is_file(path):
            return path
        first, _, rest = given.removeprefix("./").partition("/")
        bases = [self._beside] if self._beside.startswith(self._root + os.sep) else []
        above, name = os.path.split(self._root)
        bases += [above] if rest and first == name else []
        for base in bases:
            path = real_path(os.path.join(base, given), self._real_folders)  # noqa: PTH118
            if _is_file(path):
                return path
        return None

    @cached_property
    def _names(self) -> _Index:
        """All files that may be photos."""
        return _Index(self._walk())

    @cached_property
    def _stems(self) -> _Index:
        """The same files, by their names without suffix."""
        return _Index(
            file._replace(key=(*file.key[:-1], os.path.splitext(file.key[-1])[0]))  # noqa: PTH122
            for file in self._walk()
        )

    def _walk(self) -> Iterator[_File]:
        for found in walk_files(Path(self._root), ""):
            if isinstance(found, Path):
                inside = found.is_relative_to(self._root)
                parts = found.relative_to(self._root).parts if inside else found.parts[1:]
                yield _File(str(found), parts, tuple(map(_fold, parts)))

    def _by_parts(self, given: str) -> _File | None:
        """The file whose path ends with what is given, or is the end of it.

        A given path may begin with the parent folders of the folder, or with anything if the table
        was made on another machine.
        """
        if given in self._several:  # remembered, or each of many rows would search many files
            raise AmbiguousError(self._several[given])
        drive = _DRIVE.match(given)
        parts = tuple(
            part
            for part in given[drive.end() if drive else 0 :].split("/")
            if part not in ("", ".")
        )
        if not parts or ".." in parts:
            return None
        key = tuple(map(_fold, parts))
        files = self._names
        if "." not in key[-1] and not files.ending(key[-1:]):
            files = self._stems
        try:
            for before in range(len(key)):
                if (drive or _ends_with(self._above, key[:before])) and (
                    found := files.whole.get(key[before:])
                ):
                    return _only(found, parts)
            return _only(files.ending(key), parts)
        except AmbiguousError as error:
            self._several[given] = str(error)
            raise


def _is_file(path: str) -> bool:
    """Whether there is a file or a link, even a dead one."""
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return False
    return not (os.path.isdir(path) if stat.S_ISLNK(mode) else stat.S_ISDIR(mode))  # noqa: PTH112


def _only(found: list[_File], parts: Parts) -> _File | None:
    """The only file, or the only one with the same case."""
    if len(found) > 1:
        same = [
            file for file in found if _ends_with(parts, file.parts) or _ends_with(file.parts, parts)
        ]
        found = same or found
    if len(found) > 1:
        raise AmbiguousError(
            f"{found[0].path} and {found[1].path}" + (" and more" if found[2:] else "")
        )
    return found[0] if found else None


def _ends_with(parts: Parts, end: Parts) -> bool:
    return not end or parts[-len(end) :] == end


def _fold(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _variants(spellings: Iterable[str]) -> Iterator[str]:
    """Each spelling unchanged, then with the changes of other systems, web pages and typists."""
    given = list(spellings)
    yield from given
    for text in given:
        bare = text.strip().strip("\ufeff\u200b").strip(_QUOTES).strip()
        yield bare
        local = unquote(_URL.sub("", bare), errors="surrogateescape") if _URL.match(bare) else bare
        for one in (local, unquote(bare, errors="surrogateescape") if "%" in bare else local):
            yield one
            if "\\" in one:
                yield one.replace("\\", "/")


def real_path(path: str, real_folders: dict[str, str]) -> str:
    """`path` with every link resolved but the last component; `real_folders` is a cache.

    Raises `ValueError` for text that cannot be a file name.
    """
    os.fsencode(path)
    if "\0" in path:
        raise ValueError("a file name cannot hold a NUL")
    folder, name = os.path.split(path)
    if folder not in real_folders:
        real_folders[folder] = os.path.realpath(folder)
    return os.path.join(real_folders[folder], name)  # noqa: PTH118 - Path would drop a final dot
