"""Finds makes and models in names that people gave: categories, titles, labels of items.

Only the tables of the vocabulary decide; a name that they lack is never guessed. A model counts
only directly after its make, or joined to another model of that make. Whole words are matched, and
the longest match wins.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

Entry = TypeVar("Entry")
Tokens = tuple[str, ...]

_PARTS = re.compile(r"[^\W\d_]+|[0-9]+|&")
# What may separate a make from its model, and the words of either.
_OPEN = re.compile(r"[\s_.'\u2019!/\u2013-]*")
_YEARS = range(1885, 2100)
_COUNTED = frozenset({"years", "year", "jahre", "let", "lat", "ans", "anni", "anos", "jaar", "km"})
_VEHICLES = frozenset(
    """automobile automobiles car cars vehicle vehicles automobil auto autos coupe coupes sedan
    sedans saloon saloons hatchback hatchbacks convertible convertibles cabriolet cabrio roadster
    roadsters estate wagon wagons limousine suv suvs pickup pickups van vans minivan minivans taxi
    taxis taxicabs fahrzeuge pkw oldtimer voiture voitures""".split()  # noqa: SIM905 - shorter than a list by far
)
"""Folded words that show that a name is about cars."""

_JOINS = frozenset({"and", "e", "et", "or", "oder", "und", "versus", "vs", "y"})
"""Words between two cars; the second car may lack its make."""

_SURE = frozenset({"automobile", "automobiles"})
_ENDS = re.compile(r"\s*[(\[,;:]|\s+(?:by|in|at|on|of|with|from|and|during)\s+", re.IGNORECASE)
_PEOPLE = re.compile(
    r"\b(?:surname|given name|disambiguation|people|persons?|drivers?|owners?|clubs?|"
    r"employees|summit)\b",
    re.IGNORECASE,
)
_PLACES = re.compile(
    r"\b(?:stadiums?|arenas?|zoo|museums?|factory|factories|plants?|dealerships?|dealers?|buildings?|"
    r"headquarters|logos?|events?|companies)\b",
    re.IGNORECASE,
)
_LONGEST = 8


@dataclass(frozen=True, slots=True)
class NamedCar:
    """A car found in a name. `model` is None if only the make is named; `by_code` says that a code
    stands for the model."""

    make: str
    model: str | None
    by_code: bool = False


@dataclass(frozen=True, slots=True)
class CarNameReading:
    """The result of reading one name: its `cars`, and the `unknown` name after a known make."""

    cars: tuple[NamedCar, ...] = ()
    unknown: str | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    """A folded run of letters or of digits, and how it follows the token before it.

    `glued`: directly. `open`: after something that a name may contain, such as a blank. `bracket`
    and `slash`: after an opening bracket or a slash.
    """

    text: str
    at: int
    glued: bool
    open: bool
    bracket: bool
    slash: bool


class CarNames:
    """Tables of `makes` and of each make's models and codes, with all words for each."""

    def __init__(
        self,
        makes: Mapping[str, Iterable[str]],
        models: Mapping[str, Mapping[str, Iterable[str]]],
        codes: Mapping[str, Mapping[str, Iterable[str]]],
        alone: Mapping[str, tuple[str, str]],
        ordinary: Iterable[str],
    ) -> None:
        self.ordinary = frozenset(ordinary)
        self._words = {make: tuple(words) for make, words in makes.items()}
        self._makes = {key: make for make, words in makes.items() for key in _keys(words)}
        self._codes = {
            make: {key: model for model, words in table.items() for key in _keys(words)}
            for make, table in codes.items()
        }
        self._cars = {key: NamedCar(*car) for word, car in alone.items() for key in _keys([word])}
        self._of_make: dict[str, dict[Tokens, NamedCar]] = {}
        # Models that are named overwrite codes that read the same.
        for tables, by_code in ((codes, True), (models, False)):
            for make, table in tables.items():
                named = {
                    key: NamedCar(make, model, by_code)
                    for model, words in table.items()
                    for key in _keys(words)
                }
                self._of_make.setdefault(make, {}).update(named)
                for start in _keys(makes[make]):
                    self._cars |= {start + key: car for key, car in named.items()}

    def words_of(self, make: str) -> tuple[str, ...]:
        """All words for a make."""
        return self._words.get(make, ())

    def read(self, name: str, *, title: bool = False) -> CarNameReading:
        """The cars in a name. With `title` (free text for one file) a make alone does not count,
        nor does a number that may be a year or a count."""
        if _PEOPLE.search(name):
            return CarNameReading()
        cars = tuple(dict.fromkeys(self._find(name, title)))
        if cars or title or _PLACES.search(name):
            return CarNameReading(cars)
        # The name up to the first separator, if it begins with a make that is not an ordinary word.
        tokens = _tokens(name)
        end, make = _longest(self._makes, tokens, 0)
        if make is None or make in self.ordinary or end >= len(tokens) or not tokens[end].open:
            return CarNameReading()
        stop = _ENDS.search(name, tokens[end].at)
        unknown = " ".join(name[: stop.start() if stop else None].replace("_", " ").split())
        return CarNameReading(unknown=unknown or None)

    def _find(self, name: str, title: bool) -> Iterator[NamedCar]:
        tokens = _tokens(name)
        at = 0
        while at < len(tokens):
            end, car = self._car_at(tokens, at, title)
            while car is not None:
                yield car
                end, car = self._joined(car.make, tokens, end)
            at = max(end, at + 1)

    def _car_at(
        self, tokens: Sequence[_Token], at: int, title: bool
    ) -> tuple[int, NamedCar | None]:
        """The car whose name begins at a token, and where it ends."""
        end, car = _longest(self._cars, tokens, at)
        if car is not None:
            return end, None if title and _counts(car, tokens, end) else car
        end, make = _longest(self._makes, tokens, at)
        if make is None:
            return at, None
        coded = self._in_brackets(make, tokens, end)
        if coded is not None:
            return end, NamedCar(make, coded, by_code=True)
        following = tokens[end].text if end < len(tokens) and tokens[end].open else ""
        sure = following in (_SURE if make in self.ordinary else _VEHICLES)
        return end, NamedCar(make, None) if sure and not title else None

    def _joined(self, make: str, tokens: Sequence[_Token], at: int) -> tuple[int, NamedCar | None]:
        """The next car of the same make and where it ends, as in "Dodge Charger and Challenger". A
        number is a model only directly after the first car."""
        for start in range(at, len(tokens)):
            if _longest(self._makes, tokens, start)[1] is not None:
                break
            joined = tokens[start].text in _JOINS
            if not joined and not (start == at and tokens[start].slash):
                continue
            end, car = _longest(self._of_make.get(make, {}), tokens, start + joined)
            if car is not None and (start == at or not (car.model or "").isdecimal()):
                return end, car
        return at, None

    def _in_brackets(self, make: str, tokens: Sequence[_Token], start: int) -> str | None:
        """The model of a code such as "(E46)" that comes before the next make."""
        codes = self._codes.get(make, {})
        for at in range(start, len(tokens)):
            if _longest(self._makes, tokens, at)[1] is not None:
                return None
            end, model = _longest(codes, tokens, at)
            if model and tokens[at].bracket and end - at > 1:
                return model
        return None


def is_of_cars(name: str) -> bool:
    """Whether a name has a word for cars, such as "automobiles" or "coupé"."""
    return any(token.text in _VEHICLES for token in _tokens(name))


def has_year(name: str, make_words: Iterable[str]) -> bool:
    """Whether a year comes directly before the make, as in "1999 Mercury Sable"."""
    tokens, keys = _tokens(name), dict.fromkeys(_keys(make_words), True)
    return any(
        before.text.isdecimal() and int(before.text) in _YEARS and _longest(keys, tokens, at)[1]
        for at, before in enumerate(tokens[:-1], 1)
    )


def _counts(car: NamedCar, tokens: Sequence[_Token], end: int) -> bool:
    """Whether a model that is a number may be a year, a count or the photo's number in a title:
    "Peugeot 2008", "Mazda 3.jpg", "Škoda 120 let"."""
    last = tokens[end - 1].text
    if not (car.model or "").isdecimal() or not last.isdecimal():
        return False
    after = tokens[end : end + 2]
    if int(last) in _YEARS or (after and after[0].text in _COUNTED):
        return True
    number = after and after[0].text.isdecimal() and not any(each.glued for each in after[1:])
    return int(last) < 100 and (not after or bool(number))


def _longest(
    table: Mapping[Tokens, Entry], tokens: Sequence[_Token], at: int
) -> tuple[int, Entry | None]:
    """The longest entry that begins at a token, and where it ends. Plurals match too."""
    if at >= len(tokens) or tokens[at].glued:
        return at, None
    found: tuple[int, Entry | None] = (at, None)
    key: Tokens = ()
    for end in range(at, min(at + _LONGEST, len(tokens))):
        if end > at and not tokens[end].open:
            break
        last = tokens[end].text
        key = (*key, last)
        if end + 1 < len(tokens) and tokens[end + 1].glued:
            continue
        entry = table.get(key)
        if entry is None and len(last) > 4 and last.endswith("s"):
            entry = table.get((*key[:-1], last[:-1]))
        # A letter set off from its number is a version: "Fiat 500 L" is no 500L.
        version = found[0] == end > at and len(last) == 1 and tokens[end - 1].text.isdecimal()
        if entry is not None and not (version and not tokens[end].glued):
            found = (end + 1, entry)
    return found


def _tokens(name: str) -> list[_Token]:
    found: list[_Token] = []
    plain = "".join(
        c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c)
    )
    end = 0
    for match in _PARTS.finditer(plain):
        between = plain[end : match.start()]
        glued = not between and bool(found)
        found.append(
            _Token(
                match[0].replace("&", "and"), match.start(), glued,
                glued or bool(_OPEN.fullmatch(between)), between.endswith(("(", "[")),
                between.strip() == "/",
            )
        )  # fmt: skip
        end = match.end()
    return found


def _keys(words: Iterable[str]) -> Iterator[Tokens]:
    for word in words:
        if key := tuple(token.text for token in _tokens(word)):
            yield key
