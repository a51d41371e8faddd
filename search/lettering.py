"""Lines of text in a picture: any script, wrapped and shortened between whole characters.

Letters come from the usual fonts of the machine, and from the one that Pillow brings, which has
little more than ASCII. A letter that no font has is written without its accent, or named, as in
"[3 CJK letters]": a reader would not take an empty box for a name.
"""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from itertools import groupby

from PIL import ImageDraw, ImageFont

from core.text import clean

LONGEST_DRAWN = 1200  # characters of a text that are looked at: a credit can be a page long

_PILLOW = ""  # the name that stands for Pillow's own font
_FONTS = (
    # With many alphabets, before Pillow's: a name half in one font and half in another is hard to
    # read.
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf"),
    *("Arial Unicode.ttf", "Arial.ttf", "arial.ttf"),
    _PILLOW,
    # Of East and South Asia.
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "DroidSansFallbackFull.ttf"),
    *("wqy-zenhei.ttc", "msyh.ttc", "malgun.ttf"),
    *("NotoSansDevanagari-Regular.ttf", "NotoSansThai-Regular.ttf"),
)
"""Fonts of Linux, macOS and Windows, in the order in which a letter is looked for."""

_JOINERS = "\u200c\u200d"  # they shape letters and emoji; other format characters only reorder text
_CJK = {"CJK", "HIRAGANA", "KATAKANA"}  # one text mixes them
_NO_LETTER = "\U0010ffff"  # in no font: it is drawn as every missing glyph is


def drawable(text: str) -> str:
    """`text` in one line; letters that no font has are named in brackets."""
    line = " ".join(unicodedata.normalize("NFC", clean(text[:LONGEST_DRAWN])).split())
    kept = "".join(map(_without_accent, "".join(map(_plain, line))))
    parts: list[str] = []
    for kind, some in groupby(_clusters(kept), _missing_kind):
        run = list(some)
        parts += run if not kind else [f"[{len(run)} {kind}{'s' if len(run) > 1 else ''}]"]
    return "".join(parts)


def line_height(size: int) -> int:
    """Pixels from one line to the next, room for accents and descenders included."""
    return round(size * 1.32)


def text_width(text: str, size: int) -> float:
    """How many pixels wide a `drawable` text is."""
    return sum(_font(at, size).getlength(run) for at, run in _runs(text))


def wrap(text: str, size: int, width: int, lines: int = 1) -> list[str]:
    """A `drawable` text as at most `lines` lines of `width` pixels; the last one ends with an
    ellipsis where something was left out. Only a word wider than a line is broken."""
    words = [list(_clusters(word)) for word in text.split(" ") if word]
    done: list[str] = []
    while words and len(done) < lines:
        taken, line = _first_line(words, size, width)
        if not line:
            break  # not even one character fits
        done.append(line)
        words = taken
    if words and done:
        kept = list(_clusters(done[-1]))
        while kept and text_width("".join(kept).rstrip() + "…", size) > width:
            kept.pop()
        done[-1] = "".join(kept).rstrip() + "…"
    return done


def write(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, ink: str) -> None:
    """Draw one line of `drawable` text with its upper left corner at `at`."""
    x: float = at[0]
    baseline = at[1] + round(size * 0.97)
    for which, run in _runs(text):
        font = _font(which, size)
        pen.text((x, baseline), run, font=font, fill=ink, anchor="ls")
        x += font.getlength(run)


def _first_line(words: list[list[str]], size: int, width: int) -> tuple[list[list[str]], str]:
    """(the words that are left, the line): as many words as fit, or the part of one that does."""
    line = ""
    taken = 0
    for word in words:
        longer = f"{line} {''.join(word)}".lstrip()
        if text_width(longer, size) > width:
            break
        line, taken = longer, taken + 1
    if taken:
        return words[taken:], line
    part = ""
    for many, cluster in enumerate(words[0]):
        if text_width(part + cluster, size) > width:
            return [words[0][many:], *words[1:]], part
        part += cluster
    return words[1:], part


def _plain(char: str) -> str:
    kind = unicodedata.category(char)
    if kind in {"Cf", "Cc"}:
        return char if char in _JOINERS else ""
    return "\ufffd" if kind in {"Cs", "Co", "Cn"} else char


def _without_accent(char: str) -> str:
    """The letter without an accent or a stroke that no font has: "e" for "é", "l" for "ł"."""
    if unicodedata.category(char)[0] != "L" or _font_of(char) is not None:
        return char
    name = unicodedata.name(char, "")
    if name.startswith("LATIN") and " WITH " in name:
        with suppress(KeyError):  # of some letters there is no plain one
            return unicodedata.lookup(name.partition(" WITH ")[0])
    return "ss" if char == "ß" else char


def _clusters(text: str) -> Iterator[str]:
    """Grapheme clusters, which people see as one character: a letter with its accents, an emoji."""
    cluster = ""
    for char in text:
        goes_on = unicodedata.category(char)[0] == "M" or char in _JOINERS
        if cluster and not goes_on and cluster[-1] != "\u200d":
            yield cluster
            cluster = ""
        cluster += char
    if cluster:
        yield cluster


def _missing_kind(cluster: str) -> str:
    """The kind of a character that no font has, such as "CJK letter"; empty if a font has it."""
    if _font_of(cluster[0]) is not None:
        return ""
    if unicodedata.category(cluster[0])[0] != "L":
        return "symbol"
    script = re.split(r"[ -]", unicodedata.name(cluster[0], "UNKNOWN"))[0]
    return f"{'CJK' if script in _CJK else script.capitalize()} letter"


def _runs(text: str) -> Iterator[tuple[int, str]]:
    """(font, part of the text) from left to right; joiners and accents stay with their letter."""
    fonts = ((_font_of(cluster[0]) or 0, cluster) for cluster in _clusters(text))
    for font, clusters in groupby(fonts, lambda each: each[0]):
        yield font, "".join(cluster for _, cluster in clusters)


@lru_cache(maxsize=8192)
def _font_of(char: str) -> int | None:
    """The first font that has this character."""
    return next((at for at in range(len(_fonts())) if _has(at, char)), None)


def _has(at: int, char: str) -> bool:
    font = _font(at, 16)
    missing, drawn = font.getmask(_NO_LETTER), font.getmask(char)
    return drawn.size != missing.size or bytes(drawn) != bytes(missing)


@lru_cache(maxsize=256)
def _font(at: int, size: int) -> ImageFont.FreeTypeFont:
    return _load(_fonts()[at], size)


def _load(name: str, size: int) -> ImageFont.FreeTypeFont:
    if name != _PILLOW:
        return ImageFont.truetype(name, size)
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont)  # it is, where a size is given
    return font


@lru_cache(maxsize=1)
def _fonts() -> tuple[str, ...]:
    """The fonts of the list that this machine has."""
    here = []
    for name in _FONTS:
        with suppress(OSError):
            _load(name, 16)
            here.append(name)
    return tuple(here)
