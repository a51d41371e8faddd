"""Filters on labels and on the source of a photo: parsed from text, written as LanceDB's SQL.

A photo with an unknown label meets no condition on it, not even `!=`: "not a Ford" is an answer
only if the make is known. SQL's comparison with NULL does the same.
"""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

from catalog.sql import literal
from core.errors import UsageMistakeError
from core.vocabulary import NOTHING, Attribute, Meaning, Vocabulary

Op = Literal["=", "!=", "in", ">=", "<=", ">", "<", "range"]

PLAIN = ("image_id", "source", "license", "split", "creator")
"""Columns that can be filtered besides attributes; they are compared letter by letter."""

_CONDITION = re.compile(r"\s*([\w-]+)\s*(!=|>=|<=|=|>|<|\bin\b)\s*(.*?)\s*", re.S | re.I)
_QUOTED = r'"(?:[^"]|"")*"|' r"'(?:[^']|'')*'"
_ITEM = re.compile(rf"\s*({_QUOTED}|[^,]*?)\s*(?:,|$)", re.S)
_BARE = re.compile(r"""[^"'=].*""", re.S)
_HELP = "write it as body_type=suv, make!=Ford, 'color in red,blue' or model_year=2008..2012"


class FilterError(UsageMistakeError):
    """A filter cannot be parsed; the message says what is wrong and what is possible."""


@dataclass(frozen=True, slots=True)
class Filter:
    """One condition; a photo must meet all filters that are given.

    "=" has one value; "!=" (none of them) and "in" (any of them) have one or more; "range" has the
    lowest and the highest number; the others have one number. For an attribute with several values
    "=" and "in" ask whether a value is among them, and an empty tuple means the empty label
    (`people=none`). Values are those of the vocabulary; numbers are `int`.
    """

    attribute: str
    op: Op
    values: tuple[str | int, ...]


def parse_filter(text: str, vocabulary: Vocabulary) -> Filter:
    """Parse "body_type=suv", "make!=Ford", "color in red,blue" or "model_year=2008..2012".

    A range may be open at one end. `in` takes values separated by commas; "=" takes one value,
    which may hold commas. Single or double quotes are needed around a value with blanks or commas
    at its ends, with a comma inside `in`, or with a quote or "=" at its start; a quote inside is
    doubled. Words of all languages of the vocabulary work (`color=rot`); a word that means one of
    several values ("4x4") becomes an `in`. Raises `FilterError`.
    """
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise FilterError(f"{text!r} is not a filter: {_HELP}")
    name, op = match[1].casefold().replace("-", "_"), cast("Op", match[2].lower())
    words = _split_words(match[3], text, several=op == "in")
    if name in PLAIN:
        _refuse_order(name, op)
        return Filter(name, op, tuple(words))
    attribute = _known_attribute(name, vocabulary)
    if attribute.kind == "number":
        return _number_filter(attribute, op, words)
    return _label_filter(attribute, op, words, vocabulary)


def to_sql(filters: Sequence[Filter], vocabulary: Vocabulary) -> str | None:
    """All `filters` as one SQL condition for LanceDB's `where` and `count_rows`; None if empty.

    The condition is a string and not a `lancedb.expr.Expr`: in LanceDB 0.40 an Expr can neither
    look into a list nor test for NULL, `count_rows` does not take it, and its `to_sql` garbles
    doubled quotes and a quote after a backslash. Column names come only from the vocabulary, and
    every value is a literal. Raises `FilterError` for an invalid `Filter`.
    """
    return " AND ".join(f"({_condition(each, vocabulary)})" for each in filters) or None


def hide_views(where: str | None, views: Sequence[str]) -> str:
    """`where`, without photos that show one of `views`. Photos of an unknown view stay."""
    hidden = ", ".join(literal(view) for view in views)
    seen = f"(`view` IS NULL OR `view` NOT IN ({hidden}))"
    return seen if where is None else f"{where} AND {seen}"


def _split_words(text: str, whole: str, *, several: bool) -> list[str]:
    items = [text]
    if several:
        items, end = [], 0
        while end <= len(text) and (match := _ITEM.match(text, end)):
            items.append(match[1])
            end = match.end() + (match.end() == len(text) and not match[0].endswith(","))
    words = []
    for item in items:
        if re.fullmatch(_QUOTED, item, re.S):
            words.append(item[1:-1].replace(item[0] * 2, item[0]))
        elif _BARE.fullmatch(item):
            words.append(item)
        else:
            fault = "has no value" if not item else f"has the value {item}, which needs quotes"
            raise FilterError(
                f"""{whole!r} {fault}: write make="Land Rover" or model="'t Hooft\""""
            )
    if any("\ud800" <= letter <= "\udfff" for letter in "".join(words)):
        raise FilterError(f"{whole!r} holds bytes that are not text in UTF-8: type them again")
    return words


def _known_attribute(name: str, vocabulary: Vocabulary) -> Attribute:
    attribute = vocabulary.attributes.get(name)
    if attribute is None:
        possible = [*vocabulary.attributes, *PLAIN]
        raise FilterError(f"there is no attribute {name!r}{_offer(name, possible)}")
    return attribute


def _offer(word: str, possible: Sequence[str]) -> str:
    near = difflib.get_close_matches(word.casefold(), possible, n=1)
    meant = f"; did you mean {near[0]}?" if near else ";"
    return f"{meant} possible are: {', '.join(possible)}"


def _refuse_order(name: str, op: Op) -> None:
    if op not in ("=", "!=", "in"):
        raise FilterError(f"{name} has no order, so {op} says nothing: use =, != or in")


def _number_filter(attribute: Attribute, op: Op, words: list[str]) -> Filter:
    low, dots, high = words[0].partition("..")
    if op != "=" or not dots:
        return Filter(attribute.name, op, tuple(_number(attribute, word) for word in words))
    if not low.strip() and not high.strip():
        raise FilterError(f"{attribute.name}=.. has no end: write 2008..2012, 2008.. or ..2012")
    if not high.strip():
        return Filter(attribute.name, ">=", (_number(attribute, low),))
    if not low.strip():
        return Filter(attribute.name, "<=", (_number(attribute, high),))
    ends = _number(attribute, low), _number(attribute, high)
    if ends[0] > ends[1]:
        raise FilterError(f"{attribute.name}={words[0]} is empty: write {ends[1]}..{ends[0]}")
    return Filter(attribute.name, "range", ends)


def _number(attribute: Attribute, word: str) -> int:
    low, high = attribute.bounds or (0, 0)
    plain = word.strip()
    # No bound has ten digits, and parsing longer numbers wastes time.
    if not re.fullmatch(r"-?[0-9]{1,10}", plain) or not low <= int(plain) <= high:
        raise FilterError(f"{attribute.name} is a whole number from {low} to {high}, not {word!r}")
    return int(plain)


def _label_filter(attribute: Attribute, op: Op, words: list[str], vocabulary: Vocabulary) -> Filter:
    _refuse_order(attribute.name, op)
    meanings = [_meaning(attribute, word, vocabulary) for word in words]
    values = tuple(dict.fromkeys(value for meaning in meanings for value in meaning.values))
    if len(words) > 1 and not all(meaning.values for meaning in meanings):
        raise FilterError(f"{attribute.name}: none and a value exclude each other: ask for one")
    if op == "=" and len(values) > 1:
        if not meanings[0].one_of:
            both = " and ".join(f"{attribute.name}={value}" for value in values)
            raise FilterError(f"{words[0]!r} names several values: give several filters, {both}")
        op = "in"
    if op == "in" and not values:
        op = "="
    return Filter(attribute.name, op, values)


def _meaning(attribute: Attribute, word: str, vocabulary: Vocabulary) -> Meaning:
    meaning = vocabulary.lookup(attribute.name, word)
    if meaning is None:
        offer = _offer(word, attribute.values)
        raise FilterError(f"{attribute.name} has no value {word!r}{offer}")
    if meaning == NOTHING:
        possible = (
            f"possible are: {', '.join(attribute.values)}" if attribute.values else "name one"
        )
        raise FilterError(f"{word!r} names no value of {attribute.name}; {possible}")
    return meaning


def _condition(condition: Filter, vocabulary: Vocabulary) -> str:
    name, op, values = condition.attribute, condition.op, condition.values
    attribute = None if name in PLAIN else _known_attribute(name, vocabulary)
    number = attribute is not None and attribute.kind == "number"
    many = attribute is not None and attribute.many
    if any(type(value) is not (int if number else str) for value in values):
        wanted = "numbers" if number else "text"
        raise FilterError(f"{name} is compared with {wanted}, not with {values!r}")
    if not _sound(op, len(values), number=number, many=many):
        raise FilterError(f"{name} {op} cannot have the values {values!r}: see Filter")
    column = f"`{name}`"  # quoted, since `view` and `order` are SQL keywords
    literals = [literal(value) for value in values]
    if many and literals:
        found = " OR ".join(f"array_has({column}, {each})" for each in literals)
        return f"NOT ({found})" if op == "!=" else found
    if many:
        return f"array_length({column}) {'>' if op == '!=' else '='} 0"
    if op == "range":
        return f"{column} >= {literals[0]} AND {column} <= {literals[1]}"
    if op in ("in", "!="):
        return f"{column} {'IN' if op == 'in' else 'NOT IN'} ({', '.join(literals)})"
    return f"{column} {op} {literals[0]}"


def _sound(op: Op, count: int, *, number: bool, many: bool) -> bool:
    """Whether `op` may have `count` values on a column of that kind."""
    if op == "in":
        return count > 0
    if op == "!=":
        return count > 0 or many
    if op == "=":
        return count == 1 or (many and count == 0)
    return op in get_args(Op) and number and count == (2 if op == "range" else 1)
