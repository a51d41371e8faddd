"""Attributes, their values, and the meanings of words for them.

The vocabulary is data: `vocabulary.toml` and `models.toml` beside this module, and a user's own
file may add to it. A word that it lacks is unknown: it is reported and never guessed.
"""

import hashlib
import json
import re
import unicodedata
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from core.car_names import CarNames
from core.vocabulary_file import (
    RESERVED_COLUMNS,
    AttributeSpec,
    VocabularyError,
    VocabularyFile,
    load_vocabulary_file,
    merge_files,
)

__all__ = [
    "CANNOT_TELL",
    "LEFT_OPEN",
    "NONE",
    "NOTHING",
    "RESERVED_COLUMNS",
    "Attribute",
    "Meaning",
    "Question",
    "Vocabulary",
    "VocabularyError",
    "fold",
    "load_vocabulary",
]

# Part of the version: raise it when this module reads some word differently.
_RULES = 2

_FOLDED_AWAY = {"Mn", "Pd", "Pc", "Cf", "Cc", "Zs", "Zl", "Zp"}
_INTEGER = re.compile(r"(-?[0-9]{1,10})(?:\.0+)?")  # spreadsheets write 2012 as "2012.0"
_DAY = r"(?:0?[1-9]|[12][0-9]|3[01])"
_DATE = re.compile(rf"(?:{_DAY}[./-]){{1,2}}([0-9]{{4}})|([0-9]{{4}})(?:[./-]{_DAY}){{1,2}}")
_SEVERAL = re.compile(r"[;,/&+]|\b(?:and|und|en|et|e)\b")


@dataclass(frozen=True, slots=True)
class Attribute:
    """A property of a photo, such as its color.

    `values` are all values of a closed attribute in order; they are empty for other kinds. With
    `many` a photo has any number of values, or none. `bounds` are the least and greatest number,
    both included. With `dates` the number is a year and may be written as a date.
    """

    name: str
    kind: Literal["closed", "open", "number"]
    many: bool
    values: tuple[str, ...]
    bounds: tuple[int, int] | None = None
    dates: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """How networks are asked about an attribute; the meaning of words does not depend on it.

    `phrases` maps each value that a network may propose to the phrases that fill `templates` and,
    for attributes with `many`, `without`. Without templates the attribute is not asked. `views` are
    the views in which the question makes sense; empty means all. `swatches` maps a value to paints,
    each (red, green, blue) in 0..255.
    """

    templates: tuple[str, ...]
    without: tuple[str, ...]
    phrases: dict[str, tuple[str, ...]]
    views: tuple[str, ...]
    swatches: dict[str, tuple[tuple[int, int, int], ...]]

    def makes_sense(self, view: str | None) -> bool:
        """Whether to ask about a photo that shows `view`; True if the view is unknown."""
        return not self.views or view is None or view in self.views


@dataclass(frozen=True, slots=True)
class Meaning:
    """The meaning of a word: all of `values` hold, or with `one_of` exactly one of them.

    Empty `values` without `one_of` state that no value holds (only for attributes with `many`).
    Empty `values` with `one_of` is `NOTHING`: the word makes no statement.
    """

    values: tuple[str, ...]
    one_of: bool


NOTHING = Meaning((), one_of=True)
"""The meaning of "unknown", "n/a" or an empty cell."""

CANNOT_TELL = "cannot tell"
"""A person's answer that the photo does not show the value."""

NONE = "none"
"""A person's answer that no value of an attribute with `many` holds."""


def fold(word: str) -> str:
    """`word` without case, accents, blanks, hyphens and underscores: the key for lookups."""
    # Case folding can create new composed letters, so decompose again.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", word).casefold())
    return "".join(c for c in plain if unicodedata.category(c) not in _FOLDED_AWAY)


LEFT_OPEN = frozenset(map(fold, (CANNOT_TELL, "can't tell", "?")))
"""All folded words for `CANNOT_TELL`; no value may have such a name."""


class Vocabulary:
    """All attributes, and all known words for their values."""

    def __init__(self, file: VocabularyFile) -> None:
        self.attributes = {name: _attribute(name, spec) for name, spec in file.attributes.items()}
        self._words = {
            name: _read_words(self.attributes[name], spec, file.nothing)
            for name, spec in file.attributes.items()
        }
        self.questions = {name: _question(name, spec) for name, spec in file.attributes.items()}
        views = self.attributes["view"].values if "view" in self.attributes else ()
        for name, question in self.questions.items():
            if strange := [view for view in question.views if view not in views]:
                raise VocabularyError(
                    f"{name}: views names {strange[0]!r}; there are {', '.join(views) or 'none'}"
                )
        self._tables = [file.models, file.codes, sorted(file.alone), sorted(file.ordinary)]
        self.car_names = self._read_tables(file)
        """The tables of makes and models for reading names."""
        self.version = self._fingerprint()
        """Twelve hex digits that change whenever the meaning of some word may have changed."""

    def lookup(self, attribute: str, word: str) -> Meaning | None:
        """The meaning of `word` for `attribute`; None if the word is unknown.

        A word of an open attribute is never unknown: if it is not listed, it is its own value.
        Raises `VocabularyError` if there is no such attribute.
        """
        known = self.attributes.get(attribute)
        if known is None:
            raise VocabularyError(
                f"there is no attribute {attribute!r}; there are: {', '.join(self.attributes)}"
            )
        meaning = self._words[attribute].get(fold(word))
        if meaning is not None:
            return meaning
        if known.kind == "number":
            return _read_number(known, word)
        if known.kind == "open":
            return Meaning((" ".join(unicodedata.normalize("NFC", word).split()),), one_of=False)
        if not known.many:
            return None
        # Several words, such as "man; woman"; unknown if any of them is.
        parts = [part for part in _SEVERAL.split(word.casefold()) if part.strip()]
        found = [self._words[attribute].get(fold(part)) for part in parts]
        if not found or not all(meaning and meaning.values for meaning in found):
            return None
        said = {value for meaning in found if meaning for value in meaning.values}
        return Meaning(tuple(value for value in known.values if value in said), one_of=False)

    def _read_tables(self, file: VocabularyFile) -> CarNames:
        models: dict[str, dict[str, list[str]]] = {}
        codes: dict[str, dict[str, list[str]]] = {}
        for given, names in file.models.items():
            of_make = models.setdefault(self._value("make", given), {})
            for name in names:
                of_make.setdefault(self._value("model", name), []).append(name)
        for given, table in file.codes.items():
            of_make = codes.setdefault(self._value("make", given), {})
            for name, words in table.items():
                of_make.setdefault(self._value("model", name), []).extend(words)
        if strange := [name for name in file.alone if not _makes_of(name, models)]:
            raise VocabularyError(f"alone: {strange[0]!r} is a model of no make: add it to models")
        makes = (
            {
                make: [make, *file.attributes["make"].words.get(make, [])]
                for make in [*models, *codes, *file.attributes["make"].words]
            }
            if "make" in file.attributes
            else {}
        )
        spelled = file.attributes["model"].words if "model" in file.attributes else {}
        for of_make in models.values():
            for name, words in of_make.items():
                words.extend([name, *spelled.get(name, [])])
        alone = {name: (_makes_of(name, models)[0], name) for name in file.alone}
        ordinary = [self._value("make", name) for name in file.ordinary]
        return CarNames(makes, models, codes, alone, ordinary)

    def _value(self, attribute: str, word: str) -> str:
        """The value of a word of an open attribute."""
        meaning = self.lookup(attribute, word) if attribute in self.attributes else None
        return meaning.values[0] if meaning and meaning.values else word

    def _fingerprint(self) -> str:
        content = [
            [asdict(self.attributes[name]), sorted((w, *asdict(m).values()) for w, m in words)]
            for name, words in sorted((n, w.items()) for n, w in self._words.items())
        ]
        return hashlib.sha256(json.dumps([_RULES, content, self._tables]).encode()).hexdigest()[:12]


@cache
def load_vocabulary(extra: Path | None = None) -> Vocabulary:
    """The vocabulary with the additions of the TOML file `extra`; read once per process.

    `extra` has the form of `vocabulary.toml`: an `[attributes.NAME]` table adds an attribute (which
    needs a `kind`), or adds `words`, `one_of` and `nothing` to an existing attribute. `models.toml`
    says how models are added. Raises `VocabularyError` if the file is wrong; the message names the
    place and what to do.
    """
    here = Path(__file__)
    file = merge_files(
        load_vocabulary_file(here.with_name("vocabulary.toml")),
        load_vocabulary_file(here.with_name("models.toml")),
    )
    if extra is not None:
        file = merge_files(file, load_vocabulary_file(extra))
    return Vocabulary(file)


def _makes_of(model: str, models: dict[str, dict[str, list[str]]]) -> list[str]:
    return [make for make, of_make in models.items() if model in of_make]


def _attribute(name: str, spec: AttributeSpec) -> Attribute:
    if spec.kind is None:
        raise VocabularyError(f'{name}: add kind = "closed", "open" or "number"')
    taken = {"", *LEFT_OPEN, *([fold(NONE)] if spec.many else [])}
    if strange := [value for value in spec.words if fold(value) in taken]:
        raise VocabularyError(
            f"{name}: {strange[0]!r} means something else where people decide: name the value "
            "otherwise"
        )
    values = tuple(spec.words) if spec.kind == "closed" else ()
    bounds = (spec.range[0], spec.range[1]) if spec.range else None
    return Attribute(name, spec.kind, spec.many, values, bounds, spec.dates)


def _question(name: str, spec: AttributeSpec) -> Question:
    spec.check_asking(name)
    templates, without = spec.templates, spec.without
    if templates is None:  # a user's closed attribute gets default templates
        templates = ["a photo of a car, {}"] if spec.kind == "closed" else []
        without = without or (["a photo of a car, no {}"] if spec.many else [])
    phrases = {
        value: tuple(spec.prompts.get(value, [value.replace("_", " ")])) for value in spec.words
    }
    return Question(
        tuple(templates),
        tuple(without),
        {value: texts for value, texts in phrases.items() if texts},
        tuple(spec.views),
        {
            value: tuple((int(p[1:3], 16), int(p[3:5], 16), int(p[5:7], 16)) for p in paints)
            for value, paints in spec.swatches.items()
        },
    )


def _read_words(known: Attribute, spec: AttributeSpec, nothing: list[str]) -> dict[str, Meaning]:
    """Each folded word of an attribute, with its meaning.

    `nothing` are the words without meaning in every attribute, such as "n/a". Raises
    `VocabularyError` for a word with two meanings.
    """
    table: dict[str, Meaning] = {}

    def add(words: list[str], meaning: Meaning) -> None:
        for word in words:
            other = table.setdefault(fold(word), meaning)
            if other != meaning:
                raise VocabularyError(
                    f"{known.name}: the word {word!r} would mean both "
                    f"{_spoken(other)} and {_spoken(meaning)}: remove it from one of them"
                )

    for value, words in spec.words.items():
        add([value, *words], Meaning((value,), one_of=False))
    for choice in spec.one_of:
        strange = [value for value in choice.values if value not in known.values]
        if strange or len(set(choice.values)) < 2:
            raise VocabularyError(
                f"{known.name}: one_of {choice.values} must name two or more of: "
                f"{', '.join(known.values)}"
            )
        ordered = tuple(value for value in known.values if value in choice.values)
        add(choice.words, Meaning(ordered, one_of=True))
    if spec.none and not known.many:
        raise VocabularyError(
            f"{known.name}: `none` needs an attribute with many = true: remove it"
        )
    add(spec.none, Meaning((), one_of=False))
    add(spec.nothing, NOTHING)
    return {fold(word): NOTHING for word in ["", *nothing]} | table


def _spoken(meaning: Meaning) -> str:
    if not meaning.values:
        return "nothing" if meaning.one_of else "none"
    return " or ".join(map(repr, meaning.values))


def _read_number(known: Attribute, word: str) -> Meaning | None:
    plain = unicodedata.normalize("NFKC", word).strip()
    match = _INTEGER.fullmatch(plain) or (_DATE.fullmatch(plain) if known.dates else None)
    if match is None or known.bounds is None:
        return None
    number = int(next(group for group in match.groups() if group))
    low, high = known.bounds
    return Meaning((str(number),), one_of=False) if low <= number <= high else None
