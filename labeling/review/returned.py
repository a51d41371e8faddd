"""What a file that people give back says: answers, and lines about what is wrong with it."""

<<<<<<< HEAD
Here the file is only read; `labeling.review.resolve` finds the meaning of its words.
"""

import codecs
=======
>>>>>>> w/docs13
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


<<<<<<< HEAD
def load_returned(path: Path, by: str | None = None) -> ReviewFile:
    """Read a file that a person gives back; `lines` has the problems of what cannot be read.

    `by` is the person where the file names none, or names one user of Label Studio by number.
    """
    from labeling.review.returned_csv import read_csv
    from labeling.review.returned_json import read_json

    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        why = f"it cannot be read: {error.strerror or error}"
        return ReviewFile(lines=[LineProblem("file", why, "check the path and its permissions")])
    except UnicodeDecodeError as error:
        return ReviewFile(
            lines=[LineProblem("file", f"it is no text: {error}", "save it as UTF-8")]
        )
    is_json = text.lstrip()[:1] in {"[", "{"}
    return read_json(text, by) if is_json else read_csv(text, by)


=======
>>>>>>> w/docs13
def is_text(word: str) -> bool:
    """Whether a word is valid: no bytes of another encoding, no half of a character."""
    return not any("\ud800" <= letter <= "\udfff" for letter in word)
