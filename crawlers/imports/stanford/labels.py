"""Class numbers of Stanford Cars, their names, and the checks that all layouts share."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from core.records import Notice, SourceError
from core.text import escape_bytes
from crawlers.imports.stanford.classes import load_classes

NO_CLASS = "class number is outside the list of classes; the photo is taken without words"
NO_LABELS = "photo's part has no classes; the photo is taken without words"
NO_NAMES = "list of class names is not there; the published order of the 196 classes is used"


@dataclass(frozen=True)
class ClassList:
    """The class names by number; the `first` number is 0 or 1.

    Without names of its `own`, the data set at `path` uses the published names.
    """

    path: Path
    first: int
    own: list[str] | None
    said: list[Notice] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """The data set's own names, or the published names in the devkit's order."""
        if self.own is not None:
            return self.own
        return [words["class_name"] for words in load_classes()]

    @property
    def notices(self) -> list[Notice]:
        """Remarks about the list."""
        return [Notice(NO_NAMES, escape_bytes(self.path))] if self.own is None else self.said

    def check(self, numbers: Iterable[int | None]) -> None:
        """Check all class numbers of the data set; None stands for a photo without one.

        Raises `SourceError` if they count from another number, since otherwise every photo would
        silently get the next class, and if they exceed a presumed list.
        """
        seen = {number for number in numbers if number is not None}
        last = self.first + len(self.names) - 1
        other, own = (0, last) if self.first else (last + 1, 0)
        beyond = {n for n in seen if self.own is None and n > last and n != other}
        if (other in seen and own not in seen) or beyond:
            named = "" if self.own else " does not name its classes and"
            number = max(beyond) if beyond else other
            raise SourceError(
                f"{escape_bytes(self.path)}{named} has the class number {number}, where classes "
                f"count from {self.first} to {last}: which class it means cannot be decided"
            )

    def name_of(self, number: int | None, source_id: str) -> tuple[str | None, list[Notice]]:
        """The name for a photo's class number, and a remark if there is none."""
        if number is None:
            return None, [Notice(NO_LABELS, source_id)]
        names, index = self.names, number - self.first
        if 0 <= index < len(names) and names[index]:
            return names[index], []
        return None, [Notice(NO_CLASS, f"{source_id}: {number} of {len(names)}")]
