"""What a file that people give back says: answers, and lines about what is wrong with it."""

from dataclasses import dataclass, field
from typing import NamedTuple


class LineProblem(NamedTuple):
    """What is wrong at one place of a file, and what to do.

    `kept` tells whether the decision there was kept all the same.
    """

    where: str
    what: str
    do: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A person's decision about one attribute of one photo, in the words of the file.

    `by` and `decided_at` are "" where the file does not say.
    """

    where: str
    image_id: str
    attribute: str
    words: tuple[str, ...]
    by: str
    decided_at: str


@dataclass(slots=True)
class ReviewFile:
    """The answers of a file, the problems of the rest, and how many questions have no answer."""

    answers: list[Answer] = field(default_factory=list)
    lines: list[LineProblem] = field(default_factory=list)
    empty: int = 0


def is_text(word: str) -> bool:
    """Whether a word is valid: no bytes of another encoding, no half of a character."""
    return not any("\ud800" <= letter <= "\udfff" for letter in word)
