"""Stanford Cars as class folders: <root>[/<part>]/<class name>/<photo>."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from core.records import Drop, Notice, Photo
from core.text import escape_bytes
from crawlers.imports.copies import find_folders, without_mark
from crawlers.imports.stanford.annotations import UNANNOTATED
from crawlers.imports.stanford.archives import is_archive
from crawlers.imports.stanford.classes import (
    STANFORD_CARS,
    is_known_class,
    parse_class_name,
    photo_of,
)
from crawlers.imports.walk import classify_path, walk_files

BASES = ("", "car_data", "car_data/car_data")
LINKED = "folder that a class folder links to is left out; link the class folder itself"


@dataclass
class ClassFolders:
    """Folders named after classes, optionally within folders of parts (train, test)."""

    base: Path
    parts: list[Path]
    title: str = "class folders"

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """The photos of each part by name, then those beside the parts."""
        for part in self.parts:
            split = None if part == self.base else without_mark(part.name)
            for entry in sorted(part.iterdir()):
                is_named = is_known_class(entry.name) or (
                    {"make", "model_year"} <= parse_class_name(entry.name).keys()
                )
                yield from _entry(entry, split, entry.name if is_named else None)
        if self.base not in self.parts:
            for entry in sorted(set(self.base.iterdir()) - set(self.parts)):
                yield from _entry(entry, None, None)


def _entry(
    entry: Path, split: str | None, class_name: str | None
) -> Iterator[Photo | Drop | Notice]:
    """The records of a class folder, or of a folder or file beside the class folders."""
    found = classify_path(entry, STANFORD_CARS)
    if found is None:
        yield from _folder(entry, split, class_name)
    elif isinstance(found, Path):
        if is_archive(found):
            return  # said of the whole data set
        yield Notice(UNANNOTATED, escape_bytes(entry))
        yield from photo_of(found, _id(split, entry.name), None, split)
    else:
        yield found


def _folder(
    folder: Path, split: str | None, class_name: str | None
) -> Iterator[Photo | Drop | Notice]:
    real = folder.resolve()
    for file in walk_files(folder, STANFORD_CARS):
        if not isinstance(file, Path):
            yield file
        elif not file.is_relative_to(real):
            yield Notice(LINKED, escape_bytes(file))
        else:
            if class_name is None:
                yield Notice(UNANNOTATED, escape_bytes(file))
            source_id = _id(split, folder.name, file.relative_to(real))
            yield from photo_of(file, source_id, class_name, split)


def _id(*parts: str | Path | None) -> str:
    return "/".join(escape_bytes(part) for part in parts if part is not None)


def find_class_folders(root: Path) -> ClassFolders | None:
    """The class folders below `root`, of which at least one is named after a class; else None."""
    for base in (folder for relative in BASES for folder in find_folders(root, relative)):
        if _has_classes(base):
            return ClassFolders(base, [base])
        parts = [entry for entry in sorted(base.iterdir()) if entry.is_dir()]
        parts = [entry for entry in parts if _has_classes(entry)]
        if parts:
            return ClassFolders(base, parts)
    return None


def _has_classes(folder: Path) -> bool:
    try:
        return any(is_known_class(entry.name) and entry.is_dir() for entry in folder.iterdir())
    except OSError:
        return False
