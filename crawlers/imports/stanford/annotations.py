"""The common part of Stanford Cars layouts with one annotation for each photo."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from core.records import Box, Drop, Notice, Photo, SourceError
from core.text import escape_bytes
from crawlers.imports.copies import READ_AS_COPY, are_same, choose_copy, find_folders, without_mark
from crawlers.imports.stanford.classes import STANFORD_CARS, photo_of
from crawlers.imports.stanford.labels import ClassList
from crawlers.imports.walk import walk_files

PHOTO_ABSENT = "annotated photo is not on disk"
UNANNOTATED = "photo has no annotation and is taken without words"
ANNOTATED_TWICE = "photo is annotated more than once; the first is used"
BAD_ROW = "annotation row is not a file name, four whole numbers and a class"

# The folders of the photos of a part: as published, then as distributed with the CSV form.
PHOTO_FOLDERS = {
    "train": ("cars_train", "car_data/car_data/train", "car_data/train", "train"),
    "test": ("cars_test", "car_data/car_data/test", "car_data/test", "test"),
    "car_ims": ("car_ims",),
}
_FOLDERS = ("", "devkit", "car_devkit", "car_devkit/devkit")


PhotoKey = tuple[str, str]
"""The folder of a photo and the name of its file."""


class Annotation(NamedTuple):
    """One annotated photo: its folder (`place`), file name, part, class number and box.

    `class_id` counts from 1; None if the annotations have no classes.
    """

    place: str
    file: str
    split: str
    class_id: int | None
    box: Box | None


class PhotoFolder(NamedTuple):
    """The photos of one folder by file name, and the remarks of the walk."""

    photos: dict[str, Path]
    reports: list[Drop | Notice]


@dataclass
class AnnotatedLayout:
    """Annotations and the photos they are about."""

    title: str
    photo_folders: dict[str, PhotoFolder]
    annotations: list[Annotation]
    classes: ClassList
    notices: list[Notice] = field(default_factory=list)

    def take(self, rows: Iterable[Annotation | Notice]) -> None:
        """Add the annotations of a file and remarks about it; raises `SourceError`."""
        for row in rows:
            if isinstance(row, Notice):
                self.notices.append(row)
            else:
                self.annotations.append(row)

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """The annotated photos in the order of the annotations, then the other photos.

        Raises `SourceError` if the class numbers of the annotations do not fit the class list.
        """
        self.classes.check(note.class_id for note in self.annotations)
        yield from self.notices
        yield from self.classes.notices
        left: dict[PhotoKey, Path] = {}
        for place, loaded in self.photo_folders.items():
            yield from loaded.reports
            left |= {(place, file): path for file, path in loaded.photos.items()}
        others, taken = self._others(left), set()
        for note in self.annotations:
            key = (note.place, note.file)
            found = key if key in left else others.get((note.place, note.file.casefold()))
            if found in left:
                yield from copied(left[found], note.file)
                source_id = f"{note.place}/{note.file}"
                name, said = self.classes.name_of(note.class_id, source_id)
                yield from said
                yield from photo_of(left.pop(found), source_id, name, note.split, note.box)
                taken.add(key)
            else:
                yield Notice(ANNOTATED_TWICE if key in taken else PHOTO_ABSENT, "/".join(key))
        for (place, file), path in left.items():
            yield Notice(UNANNOTATED, escape_bytes(path))
            split = place if place in ("train", "test") else None
            yield from photo_of(path, f"{place}/{escape_bytes(file)}", None, split)

    def _others(self, photos: dict[PhotoKey, Path]) -> dict[PhotoKey, PhotoKey]:
        """Photos without annotation, by the lower-case key of the photo that they may copy."""
        named = {(note.place, note.file) for note in self.annotations}
        found: dict[PhotoKey, list[PhotoKey]] = {}
        for place, file in photos.keys() - named:
            stem, dot, suffix = file.rpartition(".")
            original = f"{without_mark(stem)}{dot}{suffix}".casefold()
            found.setdefault((place, original), []).append((place, file))
        sorted_keys = {original: sorted(keys) for original, keys in found.items()}
        return {
            original: keys[0]
            for original, keys in sorted_keys.items()
            if are_same([photos[key] for key in keys])
        }


def label_folders(root: Path) -> list[Path]:
    """The folders in which any layout may have its annotations; raises `OSError`."""
    return [folder for relative in _FOLDERS for folder in find_folders(root, relative)]


def copied(path: Path | None, name: str) -> list[Notice]:
    """The remark that a file is read as `name`; none if that is its name."""
    return [Notice(READ_AS_COPY, escape_bytes(path))] if path and path.name != name else []


RawAnnotation = tuple[str, str, Any, tuple[Any, Any, Any, Any], Any]
"""Folder, part, and the raw values: file name, the corners x1, y1, x2, y2, and the class."""


def parse_annotations(
    path: Path, rows: Iterable[Any], read: Callable[[Any], RawAnnotation]
) -> Iterator[Annotation | Notice]:
    """Parse the rows of an annotation file; a bad row gives a notice.

    Corners count pixels from 1 and are inclusive, as in MATLAB. The class is "" or None if the file
    has no classes. Raises `SourceError` if no row is an annotation.
    """
    good, first = 0, "it has no rows"
    for number, row in enumerate(rows, start=1):
        try:
            place, split, file, corners, class_id = read(row)
            x1, y1, x2, y2 = map(_whole, corners)
            name = _file_name(file)
            class_number = None if class_id in {"", None} else _whole(class_id)
        except (KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
            first = f"{error!r}" if not good else first
            yield Notice(BAD_ROW, f"{path.name} row {number}: {row}")
            continue
        good += 1
        yield Annotation(place, name, split, class_number, Box(x1 - 1, y1 - 1, x2, y2))
    if not good:
        raise SourceError(
            f"{escape_bytes(path)} does not hold the published annotations: {first}; download "
            "it again"
        )


def _whole(value: Any) -> int:
    number = float(value)
    if not number.is_integer():
        raise ValueError(f"{value!r} is not a whole number")
    return int(number)


def _file_name(value: Any) -> str:
    """The last component of a path of any operating system."""
    name = re.split(r"[\\/]", value.strip())[-1] if isinstance(value, str) else ""
    if not name:
        raise ValueError(f"{value!r} is not a file name")
    return name


def load_photo_folders(root: Path, *places: str) -> dict[str, PhotoFolder]:
    """The photos of each folder that has any; raises `OSError`.

    A folder is skipped if two of its files have the same name: a file name would not say which
    photo an annotation is about. Copies of a folder count as one folder, because each may hold a
    part of it; raises `SourceError` if they hold different photos with the same name.
    """
    photo_folders = {}
    for place in places:
        for relative in PHOTO_FOLDERS[place]:
            found = {folder: _load_photo_folder(folder) for folder in find_folders(root, relative)}
            several = {folder: loaded for folder, loaded in found.items() if loaded}
            if several:
                photo_folders[place] = _merged(several, Path(relative).name)
                break
    return photo_folders


def _load_photo_folder(folder: Path) -> PhotoFolder | None:
    loaded = PhotoFolder({}, [])
    for found in walk_files(folder, STANFORD_CARS):
        if not isinstance(found, Path):
            loaded.reports.append(found)
        elif loaded.photos.setdefault(found.name, found) is not found:
            return None
    return loaded if loaded.photos else None


def _merged(several: dict[Path, PhotoFolder], name: str) -> PhotoFolder:
    whole = PhotoFolder({}, [])
    for folder, loaded in several.items():
        whole.reports.extend((*copied(folder, name), *loaded.reports))
        for file, path in loaded.photos.items():
            whole.photos[file] = choose_copy([whole.photos.get(file, path), path])
    return whole
