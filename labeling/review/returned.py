"""The content of a file with decisions: answers, and problems of its lines."""

from dataclasses import dataclass, field
from typing import NamedTuple


class LineProblem(NamedTuple):
    """A problem at one place of a file, and what to do.

    `kept` is true if the decision was stored nevertheless.
    """

    where: str
    what: str
    do: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A person's decision about one attribute of one photo, in the words of the file.

    `by` and `decided_at` are "" if the file has none.
    """

    where: str
    image_id: str
    attribute: str
    words: tuple[str, ...]
    by: str
    decided_at: str


@dataclass(slots=True)
class ReviewFile:
    """The answers of a file, its problems, and the number of questions without an answer."""

    answers: list[RawAnswer] = field(default_factory=list)
    lines: list[LineProblem] = field(default_factory=list)
    empty: int = 0


def is_text(word: str) -> bool:
    """Whether a word is valid text, without surrogates of undecoded bytes or half a character."""
    return not any("\ud800" <= letter <= "\udfff" for letter in word)
