"""Make and model of a car from the names of a photo of Commons: categories, title and items.

Many people keep categories and items in order, one person writes a title. All names must agree: no
car is chosen among several, and names that leave it open are counted.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.car_names import NamedCar, has_year, is_of_cars
from core.records import Sighting, replica_of
from core.vocabulary import Vocabulary
from crawlers.sites.commons.pages.parse import SOURCE

NAMED = frozenset({SOURCE, replica_of(SOURCE)})
"""The sources whose names are read."""

_CATEGORY = re.compile(r"^\s*category\s*:\s*", re.IGNORECASE)
_NO_CAR = re.compile(
    r"\b(?:logos?|emblems?|symbols?|badges?|wordmarks?|signs?|hood ornaments?|model cars?|"
    r"scale models?|model vehicles?|toys?|"
    r"die-?\s?cast|miniatures?|matchbox|hot wheels|lego|pedal cars?|drawings?|paintings?|"
    r"illustrations?|diagrams?|advertisements?|adverts?|brochures?|posters?|video games?|"
    r"postage stamps?|motorraum|gearbox(?:es)?|transmissions?|motorcycles?|motorbikes?|scooters?|"
    r"replicas?|kit cars?|modellautos?|spielzeug\w*|motorr(?:ad|äder))\b|"
    r"^(?!.*\b(?:with|by)\b).*\bengines?\b",
    re.IGNORECASE,
)
"""Words in the names of photos that show no car, or another car than the named one."""

_MIXED = re.compile(r"[A-Za-z][0-9]|[0-9][A-Za-z]")
"""A model with letters and digits, such as "A110", which is not an ordinary word."""


@dataclass(frozen=True, slots=True)
class NameFacts:
    """The facts in names: `words` by attribute, `unknown` names, and `ambiguous` ones that fit
    several cars, both as (attribute, word)."""

    words: dict[str, str]
    unknown: tuple[tuple[str, str], ...] = ()
    ambiguous: tuple[tuple[str, str], ...] = ()


def read_names(sighting: Sighting, vocabulary: Vocabulary) -> NameFacts:
    """Make and model by the names of a photo of Commons; nothing for other sources, or where the
    source itself names the make."""
    if sighting.source not in NAMED or "make" in sighting.words:
        return NameFacts({})
    title, names = sighting.words.get("title", ""), _names(sighting.words)
    if any(_NO_CAR.search(name) for name in [title, *names]):
        return NameFacts({})
    tables = vocabulary.car_names
    readings = [tables.read(name) for name in names]
    cars = [car for reading in readings for car in reading.cars]
    cars += _of_title(title, names, cars, vocabulary)
    unknown = {reading.unknown: None for reading in readings if reading.unknown}
    if not cars:
        found_in = _CATEGORY.sub("", sighting.words.get("found_in", ""))
        words = [("model", word) for word in unknown]
        if not words and _is_category(sighting.words) and not is_of_cars(found_in):
            words = [("make", found_in)]
        return NameFacts({}, tuple(words))
    return _agreed(cars, tuple(unknown))


def _names(words: Mapping[str, str]) -> list[str]:
    found_in = words.get("found_in", "") if _is_category(words) else ""
    several = f"{words.get('categories', '')}; {words.get('depicts', '')}; {found_in}".split("; ")
    return [each for each in dict.fromkeys(_CATEGORY.sub("", name) for name in several) if each]


def _is_category(words: Mapping[str, str]) -> bool:
    return bool(_CATEGORY.match(words.get("found_in", "")))


def _of_title(
    title: str, names: Sequence[str], cars: Sequence[NamedCar], vocabulary: Vocabulary
) -> tuple[NamedCar, ...]:
    """The cars of a title.

    A make that is also a word, a place or a person counts only beside something about cars.
    """
    tables = vocabulary.car_names
    sure = is_of_cars(title) or any(map(is_of_cars, names))
    return tuple(
        car
        for car in tables.read(title, title=True).cars
        if car.make not in tables.ordinary
        or sure
        or _MIXED.search(car.model or "")
        or any(other.make == car.make for other in cars)
        or has_year(title, tables.words_of(car.make))
    )


def _agreed(cars: Sequence[NamedCar], unknown: Sequence[str]) -> NameFacts:
    makes = sorted({car.make for car in cars})
    if len(makes) > 1:
        return NameFacts({}, ambiguous=(("make", " / ".join(makes)),))
    words = {"make": makes[0]}
    named = {car.model for car in cars if car.model and not car.by_code}
    coded = {car.model for car in cars if car.model and car.by_code}
    models = sorted(named or coded)
    if len(models) > 1:
        return NameFacts(words, ambiguous=(("model", f"{makes[0]} {' / '.join(models)}"),))
    if models:
        return NameFacts(words | {"model": models[0]})
    return NameFacts(words, tuple(("model", word) for word in unknown))
