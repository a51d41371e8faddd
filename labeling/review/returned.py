"""What a file that people give back says: answers, and lines about what is wrong with it."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Line(NamedTuple):
    """Something to tell of one place of a file: what is wrong there, and what to do.

    `kept` tells whether the decision there was kept all the same.
    """

    where: str
    what: str
    do: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody decided about one attribute of one photo, in the words of the file.

    `by` and `decided_at` are "" where the file does not say.
    """

    where: str
    image_id: str
    attribute: str
    words: tuple[str, ...]
    by: str
    decided_at: str


@dataclass(slots=True)
class Returned:
    """The answers of a file, what is wrong with the rest, and how many questions have none."""

    answers: list[Answer] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    empty: int = 0


def is_text(word: str) -> bool:
    """Whether a word is whole: no bytes of another encoding, no half of a character."""
    return not any("\ud800" <= letter <= "\udfff" for letter in word)
