"""What the class names of Stanford Cars say: make, model, body type, model year.

The table beside this file has all 196, each read by a person. How it was filled:

- Make and model are written as the maker writes them, but a make in capitals or in small letters
  only is written as a name (Fiat, Hummer, Smart); MINI stays.
- A body word that the name states is kept to: a wagon is an estate, a cab form is a pickup, and an
  SUV stays an SUV where others would say crossover. Where the name states none, the body is that
  of the car sold under it. The XKR was sold as a coupe and as a convertible and the class has
  photos of both: its body type is empty.
- Left out of the model: cab forms, lengths (EL), hybrids of a model, and trims that stand beside
  the model's name (SS, GS, SRT-8, Type R, Z06). Kept: what is sold under a name of its own (M3,
  S4, TT RS, CTS-V, ActiveHybrid 5, Escalade EXT, H2 SUT, Phantom Drophead Coupe).
"""

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from crawlers.records import Box, Notice, Photo, Sighting

SOURCE = "stanford-cars"
PARSED = "class name is not in the table and was parsed by rule"

BODY_WORDS = {
    "sedan": "sedan",
    "hatchback": "hatchback",
    "wagon": "estate",
    "estate": "estate",
    "coupe": "coupe",
    "convertible": "convertible",
    "suv": "suv",
    "crossover": "crossover",
    "minivan": "minivan",
    "van": "van",
    "pickup": "pickup",
    "cab": "pickup",
    "supercab": "pickup",
}
BEFORE_BODY = {"crew", "regular", "extended", "quad", "club", "cargo", "passenger"}

CLASS_WORDS = ("class_name", "make", "model", "body_type", "model_year")
"""What follows from the name of a class, all of it or nothing."""

Words = dict[str, str]


@cache
def load_classes() -> tuple[Words, ...]:
    """The 196 classes in the devkit's order: class_name, make, model, body_type, model_year.

    What the name leaves open is absent.
    """
    table = Path(__file__).with_name("stanford_cars_classes.csv")
    with table.open(encoding="utf-8", newline="") as file:
        return tuple(
            {column: cell for column, cell in row.items() if cell and column != "class_id"}
            for row in csv.DictReader(file)
        )


@cache
def _by_name() -> dict[str, Words]:
    return {plain_name(words["class_name"]): words for words in load_classes()}


def plain_name(name: str) -> str:
    """A class name without case and punctuation: a folder cannot be called `Ram C/V`."""
    return re.sub(r"[\W_]+", " ", name.casefold()).strip()


def is_class(name: str) -> bool:
    """Whether the table has this class name, however a folder may have had to write it."""
    return plain_name(name) in _by_name()


def words_of(name: str) -> Words:
    """A class name as words: the table's, else those that a rule finds in it."""
    return _by_name().get(plain_name(name)) or parse_class_name(name)


def parse_class_name(name: str) -> Words:
    """Read a class name by rule: the year last, the body word before it, a known make first.

    What the rule does not find is absent: a make that the table does not know, and then the model
    too, because nothing says where one ends and the other begins.
    """
    words = {"class_name": name}
    rest = re.split(r"[\s_]+", name.strip())
    if re.fullmatch(r"(19|20)\d\d", rest[-1]):
        words["model_year"] = rest.pop()
    body = [BODY_WORDS.get(word.casefold()) for word in rest]
    if any(body):
        words["body_type"] = next(found for found in reversed(body) if found)
    for make in sorted({row["make"] for row in load_classes()}, key=len, reverse=True):
        length = len(plain_name(make).split())
        start = next((i for i in (1, length) if _same(rest[:i], make)), None)
        if start is not None:
            words["make"] = make
            model = _until_body(rest[start:])
            return words | ({"model": " ".join(model)} if model else {})
    return words


def _same(words: list[str], make: str) -> bool:
    return plain_name(" ".join(words)) == plain_name(make)


def _until_body(words: list[str]) -> list[str]:
    stops = BODY_WORDS.keys() | BEFORE_BODY
    end = next((i for i, word in enumerate(words) if i and word.casefold() in stops), len(words))
    return words[:end]


def photo_of(
    content: bytes | Path,
    source_id: str,
    class_name: str | None,
    split: str | None,
    box: Box | None = None,
) -> Iterator[Photo | Notice]:
    """A photo of the data set with what is known of it, and a notice if a rule had to read it.

    A layout that knows less than another one takes nothing back of what that said.
    """
    words = words_of(class_name) if class_name else {}
    place = Sighting(
        SOURCE,
        source_id,
        dict(words),
        image_url=content.as_uri() if isinstance(content, Path) else None,
        split=split,
        box=box,
        covers=CLASS_WORDS if class_name else (),
    )
    yield Photo(place, content)
    if class_name and not is_class(class_name):
        yield Notice(PARSED, f"{class_name!r} read as {words}")
