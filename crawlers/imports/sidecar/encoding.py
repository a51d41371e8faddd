"""Detects the encoding of the words of a table that are not UTF-8.

Tables are short, and detectors need long texts: `charset-normalizer` alone takes the Danish `grøn`
for a Czech `grřn`, and Mac Roman for Windows-1250. So every encoding of Latin letters is tested by
the spelling of its words (`spelling`), and the detector decides only about other scripts. If two
encodings fit equally well, none is chosen.
"""

import itertools
import os
import re
from collections.abc import Iterable
from typing import NamedTuple

from charset_normalizer import from_bytes

from crawlers.imports.sidecar.spelling import ANY, SIGNS, languages_of
from crawlers.imports.sidecar.table import is_foreign

MOST_CELLS = 5_000
"""Most distinct cells that are tested: enough to decide, with little work."""

_WEST = ("German", "French", "Dutch", "Italian", "Spanish", "Portuguese", "Danish", "Swedish")
_EAST = ("German", "Czech", "Slovak", "Polish", "Hungarian", "Croatian", "Romanian")
_LATIN = {
    "cp1252": ("Windows-1252", _WEST),
    "iso8859-15": ("ISO-8859-15", _WEST),
    "cp1250": ("Windows-1250", _EAST),
    "iso8859-2": ("ISO-8859-2", _EAST),
    "cp1254": ("Windows-1254", ("Turkish", "German")),
    "cp1257": ("Windows-1257", ("Lithuanian", "Latvian", "Estonian")),
    "mac-roman": ("Mac Roman", _WEST),
    "mac-latin2": ("Mac Central European", _EAST),
    "cp850": ("the DOS encoding 850", _WEST),
    "cp852": ("the DOS encoding 852", _EAST),
}
_COMMON = "cp1252"
"""The most common encoding besides UTF-8. Cells with signs only, such as a dash, are read in it."""

_RARE = ("mac-latin2", "cp852")
"""Tested but never chosen: few tables use them, and words of other encodings fit them too."""

_USUAL = ("cp1252", "cp1250")
"""Chosen if they need the fewest languages. Any other encoding is chosen only if no other is
possible or if all words are names of cars."""

_SCRIPTS = {
    "cp932": ("Shift JIS", "[\u3041-\u30ff\u4e00-\u9fff\u3005]+"),
    "gb18030": ("GBK", "[\u4e00-\u9fff]+"),
    "big5": ("Big5", "[\u4e00-\u9fff]+"),
    "cp949": ("the Korean encoding 949", "[\uac00-\ud7a3]+"),
    "cp1251": ("Windows-1251", "[\u0410-\u044f\u0401\u0451\u0406\u0456\u0407\u0457\u0404\u0454]+"),
    "koi8-r": ("KOI8-R", "[\u0410-\u044f\u0401\u0451]+"),
    "cp1253": ("Windows-1253", "[\u0386-\u03ce]+"),
}
# First bytes of the characters in daily use, which come first in these character sets.
_DAILY = {
    "gb18030": (0xB0, 0xD7),
    "big5": (0xA4, 0xC6),
    "cp932": (0x81, 0x98),
    "cp949": (0xB0, 0xC8),
}
_SPOKEN = re.compile("[аеёиоуыэюяєіїαεηιουωάέήίόύώϊϋΐΰ]", re.IGNORECASE)
_FEWEST = 6
"""Least letters of another script in a table if several encodings are possible."""


class Encoding(NamedTuple):
    """The encoding of words that are not UTF-8: Python's name for it and a name for people."""

    codec: str | None
    name: str = ""

    def read(self, cell: str) -> str | None:
        """The decoded cell; None if that is not certain."""
        if not is_foreign(cell):  # in such sets two bytes may happen to be a letter in UTF-8
            return None if self.codec in _DAILY and not cell.isascii() else cell
        if self.codec is None:
            return None
        try:
            return os.fsencode(cell).decode(self.codec)
        except UnicodeError:
            return None


def detect_encoding(cells: Iterable[str]) -> Encoding:
    """The encoding of the cells that are not UTF-8; without a codec if it is not certain."""
    strange: set[str] = set()
    for cell in cells:
        if not cell.isascii():
            strange.add(cell)
            if len(strange) == MOST_CELLS:
                break
    try:
        foreign = sorted({os.fsencode(cell) for cell in strange if is_foreign(cell)})
    except UnicodeEncodeError:  # half a character, which JSON can write
        return Encoding(None)
    if not foreign:
        return Encoding(None)
    if (found := _latin(foreign)) is not None:
        return found
    if len(foreign) * 4 < len(strange) * 3:  # two encodings, of which one is UTF-8
        return Encoding(None)
    return _other_script(foreign)


class _Reading(NamedTuple):
    """The words read in one encoding of Latin letters; the least is the best.

    `odd` counts words of no language; `cost` is the least number of languages that has the others.
    """

    odd: int
    cost: int
    codec: str
    is_word: bool


def _latin(foreign: list[bytes]) -> Encoding | None:
    """The best encoding of Latin letters; None if none is possible."""
    words = {word for cell in foreign for word in re.findall(rb"[A-Za-z\x80-\xff]+", cell)}
    strange = sorted(word for word in words if not word.isascii())
    readings: dict[tuple[str, ...], _Reading] = {}
    for codec in _LATIN:
        try:
            read = tuple(word.decode(codec) for word in strange)
        except UnicodeDecodeError:
            continue
        each = [languages_of(word, _LATIN[codec][1]) for word in read]
        fits = set(each) - {frozenset()}
        is_word = any(fit != {SIGNS} for fit in fits)
        reading = _Reading(each.count(frozenset()), _cost(fits), codec, is_word)
        if reading.odd * 20 <= len(read):  # names of people are of all languages
            readings.setdefault(read, reading)
    if not readings:
        return None
    least = min(reading[:2] for reading in readings.values())
    best = [reading for reading in readings.values() if reading[:2] == least]
    codec = best[0].codec
    is_sure = len(best) == 1 and codec not in _RARE and (best[0].is_word or codec == _COMMON)
    if codec not in _USUAL and best[0].cost:
        is_sure = is_sure and all(other is best[0] or other.odd for other in readings.values())
    return Encoding(codec, _LATIN[codec][0]) if is_sure else Encoding(None)


def _cost(fits: set[frozenset[str]]) -> int:
    """The least number of languages that has all words; three stands for more."""
    kinds = [fit for fit in fits if ANY not in fit]
    names = sorted(frozenset().union(*kinds)) if kinds else []
    for number in range(3):
        for some in itertools.combinations(names, number):
            if all(fit.intersection(some) for fit in kinds):
                return number
    return 3


def _other_script(foreign: list[bytes]) -> Encoding:
    text = b"\n".join(foreign)
    possible = [codec for codec in _SCRIPTS if _is_script(text, codec)]
    if len(possible) > 1:
        if sum(byte > 0x7F for byte in text) < _FEWEST * 2:
            return Encoding(None)
        best = from_bytes(text, cp_isolation=possible, enable_fallback=False).best()
        name = best.encoding.replace("-", "_") if best else None
        possible = [codec for codec in possible if codec.replace("-", "_") == name]
    return Encoding(possible[0], _SCRIPTS[possible[0]][0]) if possible else Encoding(None)


def _is_script(text: bytes, codec: str) -> bool:
    """Whether all letters beyond ASCII are of one script and in daily use."""
    try:
        words = re.findall(r"[^\x00-\x7f\u3000-\u303f\uff01-\uff5e]+", text.decode(codec))
    except UnicodeDecodeError:
        return False
    if len("".join(words)) < 2 or not all(re.fullmatch(_SCRIPTS[codec][1], word) for word in words):
        return False
    if re.search(r"[a-z][^\x00-\x7f]|[^\x00-\x7f][a-z]", text.decode(codec)):
        return False
    if codec not in _DAILY:
        return all(map(_could_be_spoken, words))
    low, high = _DAILY[codec]
    return all(low <= letter.encode(codec)[0] <= high for letter in "".join(words))


def _could_be_spoken(word: str) -> bool:
    """Whether a Cyrillic or Greek word has vowels and no capital after a small letter."""
    if re.search("[а-яёα-ω][А-ЯЁΑ-Ω]", word) or len(word) < 2:  # noqa: RUF001
        return False
    return len(word) < 3 or _SPOKEN.search(word) is not None
