"""Answers in a person's words become statements about photos, or problems."""

import difflib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

from core.text import clean
from core.vocabulary import (
    LEFT_OPEN,
    NONE,
    NOTHING,
    Attribute,
    Meaning,
    Vocabulary,
    fold,
)
from core.vocabulary_file import LONGEST_VALUE
from labeling.publish.status import ID_PREFIX
from labeling.review.cases import spoken
from labeling.review.moments import HELP, read_moment
from labeling.review.returned import LineProblem, RawAnswer


@dataclass(frozen=True, slots=True)
class Statement:
    """A person's decision: see `core.assertions.Assertion`.

    `at` is the time, and `said_at` its spelling in the file, "" if the file has no time.
    """

    where: str
    image_id: str
    attribute: str
    values: tuple[str, ...]
    one_of: bool
    by: str
    at: datetime
    said_at: str

    @property
    def text(self) -> str:
        """The decided values, for people to read."""
        return spoken(self.values, one_of=self.one_of)


class PhotoIds:
    """Finds ids of photos by their first digits."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._sorted: npt.NDArray[np.bytes_] = np.unique(np.array(list(ids), dtype="S64"))

    def find(self, prefix: str) -> str:
        """The one id that begins with `prefix`; raises `ValueError` with what is wrong."""
        plain = prefix.strip().lower()
        if not ID_PREFIX.fullmatch(plain):
            raise ValueError(
                f"{prefix[:80]!r} is not an image id: give at least 6 of its digits 0-9 a-f"
            )
        ends = np.array([plain, plain + "g"], dtype="S65")
        first, last = np.searchsorted(self._sorted, ends)
        if last - first != 1:
            raise ValueError(f"{last - first} photos have an id that begins with {plain!r}")
        found: bytes = self._sorted[first]
        return found.decode()


def resolve(
    answers: Sequence[RawAnswer], vocabulary: Vocabulary, ids: PhotoIds, now: datetime
) -> tuple[list[Statement], list[LineProblem]]:
    """The statements of the answers, in their order, and the problems of unclear answers.

    A statement without a time of its own gets the time `now`.
    """
    found: list[Statement] = []
    lines: list[LineProblem] = []
    for answer in answers:
        try:
            said = _resolve(answer, vocabulary, ids, now)
        except _FaultError as fault:
            lines.append(LineProblem(answer.where, fault.what, fault.do))
            continue
        found.append(said)
        if said.one_of and said.values:
            what = f"{said.attribute}: {answer.words[0]!r} can be {said.text}"
            lines.append(
                LineProblem(said.where, what, "the label stays open; name one value", kept=True)
            )
    return found, lines


def settle(statements: Sequence[Statement]) -> tuple[list[Statement], list[LineProblem], int]:
    """The statements of one file that count, its problems, and the number of repetitions.

    If a person makes a statement twice, the latest counts. If a person says two things about an
    attribute of a photo, neither counts.
    """
    by_person: dict[tuple[str, str, str], list[Statement]] = defaultdict(list)
    for each in statements:
        by_person[each.image_id, each.attribute, each.by].append(each)
    decided, lines, twice = [], [], 0
    for some in by_person.values():
        if len({(frozenset(each.values), each.one_of) for each in some}) > 1:
            lines += [_torn(each, some) for each in some]
        else:
            decided.append(max(some, key=lambda each: each.at))
            twice += len(some) - 1
    return decided, lines, twice


def _torn(one: Statement, some: Sequence[Statement]) -> LineProblem:
    others = ", ".join(f"{each.text} in {each.where}" for each in some if each.where != one.where)
    others = others or ", ".join(each.text for each in some if each is not one)
    what = f"{one.attribute}: {one.by} says {one.text} here and {others}"
    return LineProblem(one.where, what, "leave one of them")


class _FaultError(Exception):
    def __init__(self, what: str, do: str) -> None:
        super().__init__(what, do)
        self.what, self.do = what, do


def _resolve(answer: RawAnswer, vocabulary: Vocabulary, ids: PhotoIds, now: datetime) -> Statement:
    name = answer.attribute.strip().casefold()
    attribute = vocabulary.attributes.get(name)
    if attribute is None:
        raise _FaultError(
            f"there is no attribute {answer.attribute[:80]!r}", _offer(name, vocabulary.attributes)
        )
    try:
        image_id = ids.find(answer.image_id)
    except ValueError as error:
        raise _FaultError(str(error), "copy the whole id from the export") from error
    meaning = read_words(answer.words, attribute, vocabulary)
    by = " ".join(answer.by.split())
    if not by:
        raise _FaultError("nobody is named who decided it", "fill column by, or give --by NAME")
    _check_plain("by", by)
    at, said_at = now, ""
    if answer.decided_at.strip():
        try:
            at, said_at = read_moment(answer.decided_at, now)
        except ValueError as error:
            raise _FaultError(f"decided_at: {error}", HELP) from error
    return Statement(answer.where, image_id, name, meaning.values, meaning.one_of, by, at, said_at)


def read_words(words: Sequence[str], attribute: Attribute, vocabulary: Vocabulary) -> Meaning:
    """The meaning of a person's words for one attribute; raises a fault with its advice.

    "cannot tell", "?" and the vocabulary's words for that leave it open. "none" means that an
    attribute with several values has no value.
    """
    meanings = [_read_word(word, attribute, vocabulary) for word in words]
    distinct = list(dict.fromkeys(meanings))
    if len(distinct) == 1:
        return distinct[0]
    if not attribute.many or any(each.one_of or not each.values for each in distinct):
        said = " and ".join(map(repr, words))
        raise _FaultError(f"{attribute.name}: it cannot be {said} at once", "leave one of them")
    values = {value for each in distinct for value in each.values}
    ordered = tuple(value for value in attribute.values if value in values)
    return Meaning(ordered or tuple(sorted(values)), one_of=False)


def _read_word(word: str, attribute: Attribute, vocabulary: Vocabulary) -> Meaning:
    if any(unicodedata.category(letter) == "Cc" for letter in " ".join(word.split())):
        what = f"{attribute.name}: {word[:80]!r} has characters that nobody sees"
        raise _FaultError(what, "write the value again")
    folded = fold(word)
    if folded in LEFT_OPEN:
        return NOTHING
    if attribute.many and folded == fold(NONE):
        return Meaning((), one_of=False)
    meaning = vocabulary.lookup(attribute.name, word)
    if meaning is not None:
        for value in meaning.values if attribute.kind == "open" else ():
            _check_plain(attribute.name, value)
        return meaning
    if attribute.kind == "number" and attribute.bounds is not None:
        do = "give a whole number from {} to {}, or ?".format(*attribute.bounds)
    else:
        do = _offer(word, [*attribute.values, *([NONE] if attribute.many else []), "?"])
    raise _FaultError(f"{attribute.name}: {word[:80]!r} is not one of its values", do)


def _check_plain(name: str, text: str) -> None:
    """Raise a fault for a text that cannot be a name, as it is stored and shown to everybody."""
    if len(text) > LONGEST_VALUE:
        what = f"{name}: {text[:40]!r} has {len(text):,} characters"
        raise _FaultError(what, f"write at most {LONGEST_VALUE}")
    if clean(text) != text:
        what = f"{name}: {text[:80]!r} has characters that nobody sees"
        raise _FaultError(what, "write it again without them")


def _offer(word: str, possible: Iterable[str]) -> str:
    every = list(possible)
    near = difflib.get_close_matches(word.strip().casefold(), every, n=1)
    return f"{'did you mean ' + near[0] + '? ' if near else ''}there are: {', '.join(every)}"
