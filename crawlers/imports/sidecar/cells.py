"""Reads a cell and undoes what a spreadsheet did to it.

Some changes can be undone: quotes and formulas around a text, `.0` after a number. Others cannot: a
model that became a date, a number in powers of ten, lost letters. Such cells are reported and not
used.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from core.spreadsheet import unguarded
from core.text import is_mojibake

NAME_TARGETS = ("make", "model")
YEAR_TARGETS = ("model_year", "first_registration")

DATE_FOR_NAME = (
    "sidecar value is a date where a name is wanted, as spreadsheets make of 9-3; not taken"
)
SERIAL_FOR_NAME = (
    "sidecar value is a spreadsheet's number of a day where a name is wanted; not taken"
)
SCIENTIFIC_NUMBER = "sidecar value is a number in powers of ten, which lacks digits; not taken"
BOOLEAN_FOR_NAME = "sidecar value is true or false where a name is wanted; not taken"
LOST_LETTERS = (
    "sidecar value has a question mark or a replacement sign in place of a letter; not taken"
)
DECODED_TWICE = "sidecar value is UTF-8 that was read in another encoding, such as Ã«; not taken"
CELL_IS_FORMULA = "sidecar value is a formula, not its result; not taken"
CELL_IS_ERROR = "sidecar value is a spreadsheet's error; not taken"
READ_AS_INTEGER = "sidecar value is a whole number with decimals or thousands marked; read without"

_EMPTY = frozenset(
    (
        *("#n/a", "#na", "#n/a n/a", "n/a", "na", "null", "nan", "-nan", "<na>", "nat", "\\n"),
        *("1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan", "(null)", "[null]", "#nv", "undefined"),
    )
)
_FAILED = re.compile(
    r"#(?:REF|VALUE|DIV/0|NAME|NUM|NULL|SPILL|CALC|WERT|BEZUG|ZAHL|VALEUR|NOM|NOMBRE|VALOR|VALORE"
    r"|NOME|RIF|WAARDE|VERW|NAAM|GETAL|REFERENZ)[!?]?|#{3,}",
    re.IGNORECASE,
)
_TEXT_FORMULA = re.compile(r'=\s*(?:T\()?"((?:[^"]|"")*)"\)?')
_FORMULA = re.compile(r"[=@+-][A-Za-z_.]+\(.*\)|=.+", re.DOTALL)
_APOSTROPHE = re.compile(r"'(?=\d)(?!\d\d(?:\D|$))")  # '68 Camaro is said of a year
# English, German, French, Italian, Spanish, Portuguese and Dutch, as spreadsheets write them.
_SHORT_MONTH = (
    "(?:jan|janv|jän|gen|ene|feb|fev|fév|févr|mar|mars|mär|mrz|mrt|apr|abr|avr|may|mai|mag|mei|maio"
    "|jun|juin|giu|jul|juil|lug|aug|ago|août|sep|sept|set|oct|okt|ott|out|nov|dec|dez|dic|déc)"
)
_LONG_MONTH = (
    "(?:january|januar|janvier|gennaio|enero|januari|february|februar|februari|march|märz"
    "|marzo|maart|april|avril|aprile|abril|mayo|maggio|june|juni|giugno|junio|july|juli|juillet"
    "|luglio|julio|august|agosto|augustus|september|septembre|settembre|septiembre|october|oktober"
    "|octobre|ottobre|octubre|november|novembre|noviembre|december|dezember|décembre|dicembre"
    "|diciembre)"
)
_BETWEEN = r"[.\-/ ]{1,2}"
_DATE = re.compile(
    rf"\d{{1,2}}{_BETWEEN}(?:{_SHORT_MONTH}|{_LONG_MONTH})\.?(?:{_BETWEEN}\d{{2,4}})?"
    rf"|{_SHORT_MONTH}\.?{_BETWEEN}\d\d(?:\d\d)?|{_LONG_MONTH}{_BETWEEN}\d{{4}}"
    r"|\d{1,2}([./-])\d{1,2}\1(?:\d\d){1,2}|\d{4}([./-])\d\d?\2\d\d?"
    r"|0\d[./-](?:0\d|1[0-2])\.?|(?:0\d|[12]\d|3[01])[./](?:0\d|1[0-2])\.",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"[T ]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?: ?[AP]M)?Z?$", re.IGNORECASE)
_SERIAL = re.compile(r"[34]\d{4}(?:[.,]\d+)?")
_POWER = re.compile(r"-?\d(?:[.,]\d+)?E[+-]\d+", re.IGNORECASE)
_DECIMALS = re.compile(r"(\d+)[.,]0+")
_THOUSANDS = re.compile(r"([12])[.,'\u2019\xa0\u202f ](\d{3})(?:[.,]0+)?")
_TRUTH = frozenset(
    ("true", "false", "wahr", "falsch", "vrai", "faux", "vero", "falso", "verdadero", "waar")
)
_LOST = re.compile(r"\ufffd|\w\?(?:\w|\s|$)|(?:^|\s)\?\w")  # Coup? is Coupé, and BMW? a guess


class CellValue(NamedTuple):
    """The word in a cell ("" for none), and a remark about the cell, if any.

    `unsure` says that the cell is damaged: its original word is unknown.
    """

    value: str
    remark: str = ""
    unsure: bool = False


@lru_cache(maxsize=10_000)
def read_cell(target: str, cell: str) -> CellValue:
    """A cell of Unicode text as the word for `target`, an attribute or a field of a sighting."""
    value = cell.strip()
    while len(value) > 1 and (bare := _unwrapped(value)) != value:
        value = bare.strip()
    if value.casefold() in _EMPTY or not value:
        return CellValue("")
    if _FAILED.fullmatch(value):
        return CellValue("", CELL_IS_ERROR, unsure=True)
    if remark := _spoilt(target, value):
        return CellValue("", remark, unsure=True)
    return _number(target, value)


def _unwrapped(value: str) -> str:
    """The text in `="text"`, or after the apostrophe that marks a number as text."""
    if found := _TEXT_FORMULA.fullmatch(value):
        return found[1].replace('""', '"')
    return _APOSTROPHE.sub("", unguarded(value), count=1)


def _spoilt(target: str, value: str) -> str:
    """Why the cell's original word is unknown; "" if it is intact."""
    if is_mojibake(value):
        return DECODED_TWICE
    if target in NAME_TARGETS + YEAR_TARGETS and _POWER.fullmatch(value):
        return SCIENTIFIC_NUMBER
    if target not in NAME_TARGETS:
        return LOST_LETTERS if "\ufffd" in value else ""
    tests = {
        DATE_FOR_NAME: _DATE.fullmatch(_CLOCK.sub("", value)),
        SERIAL_FOR_NAME: _SERIAL.fullmatch(value),
        BOOLEAN_FOR_NAME: value.casefold() in _TRUTH,
        LOST_LETTERS: _LOST.search(value),
        CELL_IS_FORMULA: _FORMULA.fullmatch(value),
    }
    return next((remark for remark, found in tests.items() if found), "")


def _number(target: str, value: str) -> CellValue:
    if target == "model" and (found := _DECIMALS.fullmatch(value)):
        return CellValue(found[1], READ_AS_INTEGER)
    if target == "model_year" and (found := _THOUSANDS.fullmatch(value)):
        return CellValue(found[1] + found[2], READ_AS_INTEGER)
    if target == "model_year" and (found := _DECIMALS.fullmatch(value)):
        return CellValue(found[1])
    return CellValue(value)
