"""Stanford Cars with an annotation a photo: what every such layout has in common."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from crawlers.imports.stanford_classes import SOURCE, load_classes, photo_of
from crawlers.imports.walk import readable, walk_files
from crawlers.records import Box, Drop, Notice, Photo, count_seen

ABSENT = "annotated photo is not on disk"
UNANNOTATED = "photo has no annotation and is taken without words"
TWICE = "photo is annotated more than once; the first is used"
NO_CLASS = "annotation's class is outside the list of classes; the photo is taken without words"
NO_LABELS = "photo's part has no classes; the photo is taken without words"

# Where the photos of a part lie: as published, then as the CSV form is passed on.
PLACES = {
    "train": ("cars_train", "car_data/car_data/train", "car_data/train", "train"),
    "test": ("cars_test", "car_data/car_data/test", "car_data/test", "test"),
    "car_ims": ("car_ims",),
}


def devkit_names() -> list[str]:
    """The 196 class names in the devkit's order."""
    return [words["class_name"] for words in load_classes()]


class Annotation(NamedTuple):
    """One annotated photo: the place it lies in, its file name, part, class number and box.

    `class_id` counts from 1; None where the annotations have no classes.
    """

    place: str
    file: str
    split: str
    class_id: int | None
    box: Box | None


class Shelf(NamedTuple):
    """The photos of one place by file name, and what the walk had to say."""

    photos: dict[str, Path]
    reports: list[Drop | Notice]


@dataclass
class AnnotatedLayout:
    """Annotations and the photos they are about."""

    title: str
    shelves: dict[str, Shelf]
    annotations: list[Annotation]
    class_names: list[str] = field(default_factory=devkit_names)
    notices: list[Notice] = field(default_factory=list)

    def count(self) -> int:
        """How many photos and drops there are."""
        return count_seen(self.records())

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """The annotated photos in the order of the annotations, then the photos without one."""
        yield from self.notices
        left: dict[tuple[str, str], Path] = {}
        for place, shelf in self.shelves.items():
            yield from shelf.reports
            left |= {(place, file): path for file, path in shelf.photos.items()}
        taken = set()
        for note in self.annotations:
            key = (note.place, note.file)
            if key in left:
                yield from self._photo(note, left.pop(key))
                taken.add(key)
            else:
                yield Notice(TWICE if key in taken else ABSENT, "/".join(key))
        for (place, file), path in left.items():
            yield Notice(UNANNOTATED, readable(path))
            split = place if place in ("train", "test") else None
            yield from photo_of(path, f"{place}/{readable(file)}", None, split)

    def _photo(self, note: Annotation, path: Path) -> Iterator[Photo | Notice]:
        name, source_id = None, f"{note.place}/{note.file}"
        if note.class_id is None:
            yield Notice(NO_LABELS, source_id)
        elif 1 <= note.class_id <= len(self.class_names):
            name = self.class_names[note.class_id - 1]
        else:
            yield Notice(NO_CLASS, f"{source_id}: {note.class_id} of {len(self.class_names)}")
        yield from photo_of(path, source_id, name, note.split, note.box)


def matlab_box(x1: int, y1: int, x2: int, y2: int) -> Box:
    """MATLAB's box, which counts pixels from 1 and names the last inside, as a half-open `Box`."""
    return Box(x1 - 1, y1 - 1, x2, y2)


def load_shelves(root: Path, *places: str) -> dict[str, Shelf]:
    """The photos of each place that has any.

    A folder in which two files have one name is passed over: there a file name does not say which
    photo an annotation is about.
    """
    shelves = {}
    for place in places:
        folders = (root / relative for relative in PLACES[place])
        shelf = next(filter(None, (_load_shelf(folder) for folder in folders)), None)
        if shelf:
            shelves[place] = shelf
    return shelves


def _load_shelf(folder: Path) -> Shelf | None:
    shelf = Shelf({}, [])
    for found in walk_files(folder, SOURCE) if folder.is_dir() else ():
        if not isinstance(found, Path):
            shelf.reports.append(found)
        elif shelf.photos.setdefault(found.name, found) is not found:
            return None
    return shelf if shelf.photos else None
