"""Make, model, body type and model year of the class names of Stanford Cars.

The table beside this file has all 196 classes, each read by a person. Its rules:

- Make and model are spelled as the maker spells them. A make in capitals only or in small letters
  only is spelled as a name (Fiat, Hummer, Smart); MINI stays.
- A body word in the name counts: a wagon is an estate, a cab form is a pickup, and an SUV stays an
  SUV even if others say crossover. Without a body word the body is that of the car sold under the
  name. The XKR was sold as a coupe and as a convertible, and the class has photos of both: its body
  type is empty.
- The model leaves out cab forms, lengths (EL), hybrids of a model, and trims beside the model's
  name (SS, GS, SRT-8, Type R, Z06). It keeps what is sold under a name of its own (M3, S4, TT RS,
  CTS-V, ActiveHybrid 5, Escalade EXT, H2 SUT, Phantom Drophead Coupe).
"""

import csv
import re
from collections.abc import Iterator
from functools import cache
from itertools import takewhile
from pathlib import Path
from unicodedata import combining, normalize

from core.records import Box, Notice, Photo, Sighting
from crawlers.imports.copies import without_mark

STANFORD_CARS = "stanford-cars"
PARSED = "class name is not in the table and was parsed by rule"
NO_YEAR = "class name has no year; what the classes of that name have in common is used"

CLASS_BODY_WORDS = {
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
"""The words that a class name determines; a photo has all of them or none."""

Words = dict[str, str]


@cache
def load_classes() -> tuple[Words, ...]:
    """The 196 classes in the devkit's order: class_name, make, model, body_type, model_year.

    A word that the name leaves open is absent.
    """
    table = Path(__file__).with_name("cars_classes.csv")
    with table.open(encoding="utf-8", newline="") as file:
        return tuple(
            {column: cell for column, cell in row.items() if cell and column != "class_id"}
            for row in csv.DictReader(file)
        )


@cache
def _by_name() -> dict[str, Words]:
    """The classes by name, with the year last (as published) and with the year first."""
    found = {}
    for words in load_classes():
        car, _, year = words["class_name"].rpartition(" ")
        found[_letters(f"{car} {year}")] = found[_letters(f"{year} {car}")] = words
    return found


@cache
def _without_year() -> dict[str, Words]:
    """The common words of classes that differ only in the year, by their name without the year."""
    found: dict[str, Words] = {}
    for words in load_classes():
        car = words["class_name"].rpartition(" ")[0]
        common = found.setdefault(_letters(car), words | {"class_name": car})
        for key in common.keys() - {"class_name"}:
            if key == "model_year" or words.get(key) != common[key]:
                del common[key]
    return found


def plain_name(name: str) -> str:
    """A class name without case, accents and punctuation: no folder can have the name `Ram C/V`."""
    plain = "".join(c for c in normalize("NFKD", name.casefold()) if not combining(c))
    return re.sub(r"[\W_]+", " ", plain).strip()


def _letters(name: str) -> str:
    return plain_name(name).replace(" ", "")


def is_class(name: str) -> bool:
    """Whether the table has this class name, in any spelling that a folder may need."""
    return _in_table(_by_name(), name) is not None


def is_known_class(name: str) -> bool:
    """Whether the table has this class name, or classes with this name and any year."""
    return is_class(name) or _in_table(_without_year(), name) is not None


def _in_table(table: dict[str, Words], name: str) -> Words | None:
    """The entry of a name: unchanged, as a copy (`... 2012 (1)`), or after a number
    (`001.AM General ...`)."""
    unmarked = without_mark(name)
    for spelling in (name, unmarked, re.sub(r"^\s*\d{1,3}[\s._-]+", "", unmarked)):
        if found := table.get(_letters(spelling)):
            return found
    return None


def words_of(name: str) -> Words:
    """The words of a class name: from the table, otherwise parsed by rule."""
    found = _in_table(_by_name(), name) or _in_table(_without_year(), name)
    return found or parse_class_name(name)


def parse_class_name(name: str) -> Words:
    """Parse a class name by rule: the year first or last, a known make, and the body word last.

    Words that the rule does not find are absent. If the table lacks the make, the model is absent
    too, because nothing says where the make ends.
    """
    name = without_mark(name)
    words = {"class_name": name}
    rest = [word.strip("()[],;") for word in re.split(r"[\s_]+", name.strip())]
    if _is_year(rest[0]) and len(rest) > 1:
        words["model_year"] = rest.pop(0)
    make, length = _make_of(rest)
    # `BMW 2002` and `Peugeot 2008` name a model: a year follows one.
    if "model_year" not in words and _is_year(rest[-1]) and len(rest) > length + 1:
        words["model_year"] = rest.pop()
    body = [CLASS_BODY_WORDS.get(word.casefold()) for word in rest]
    if any(body):
        words["body_type"] = next(found for found in reversed(body) if found)
    if make:
        words["make"] = make
        stops, model = CLASS_BODY_WORDS.keys() | BEFORE_BODY, rest[length : length + 1]
        model += takewhile(lambda word: word.casefold() not in stops, rest[length + 1 :])
        if model:
            words["model"] = " ".join(model)
    return words


def _is_year(word: str) -> bool:
    return re.fullmatch(r"(19|20)\d\d", word) is not None


def _make_of(words: list[str]) -> tuple[str | None, int]:
    """The make at the start of a name, and its number of words (one if the make is unknown)."""
    for length in (3, 2, 1):
        start = _letters(" ".join(words[:length]))
        if make := _makes().get(start):
            return make, length
    return None, 1


@cache
def _makes() -> dict[str, str]:
    return {_letters(words["make"]): words["make"] for words in load_classes()}


def photo_of(
    content: bytes | Path,
    source_id: str,
    class_name: str | None,
    split: str | None,
    box: Box | None = None,
) -> Iterator[Photo | Notice]:
    """A photo of the data set with its words, and a notice if `class_name` is not in the table.

    A layout that knows fewer facts than another does not withdraw the facts of the other.
    """
    words = words_of(class_name) if class_name else {}
    place = Sighting(
        STANFORD_CARS,
        source_id,
        dict(words),
        image_url=content.as_uri() if isinstance(content, Path) else None,
        split=split,
        box=box,
        covers=CLASS_WORDS if class_name else (),
    )
    yield Photo(place, content)
    if class_name and not is_class(class_name):
        text = NO_YEAR if is_known_class(class_name) else PARSED
        yield Notice(text, f"{class_name!r} read as {words}")
