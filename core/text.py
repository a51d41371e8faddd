"""Foreign text: broken characters are repaired or reported, unseen ones are removed when text is
read and escaped when it is shown. No other module does this.

Unseen characters can still act: they move a terminal's cursor, write its clipboard, reverse the
order of a line, or split what looks like one word in two.
"""

import os
import re
import shlex
from pathlib import Path
from urllib.parse import urlsplit

_BREAKS = "\t-\r\x1c-\x1f\x85\u2028\u2029"
"""Line breaks and tabs; in a word they become a blank."""

# Controls, surrogates, Unicode's default ignorable characters (among them those of bidi),
# annotations, and code points that are not characters.
_NEVER = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
    "\U0010fffe\U0010ffff"
)
_JOINERS = "\u180b-\u180f\u200c\u200d"
"""Characters that shape the letter before them in some alphabets, and that join emoji."""

_VARIANTS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Variation selectors: they choose a form of the character before them."""

# Hebrew to Vedic, symbols, scripts that descend from Brahmi, forms of Arabic, and emoji.
_SHAPED = (
    "\u0590-\u180a\u1810-\u1cff\u2190-\u2bff\ua8e0-\uabff\ufb50-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc"
    "\U00010a00-\U00011fff\U0001f000-\U0001faff"
)
_UNSEEN = re.compile(
    f"[{_NEVER}]|(?:^|(?<=[\\s{_NEVER}{_JOINERS}{_VARIANTS}]))[{_VARIANTS}]"
    f"|(?<![{_SHAPED}])(?<![{_SHAPED}][{_VARIANTS}])[{_JOINERS}]"
)
_BREAK = re.compile(f"[{_BREAKS}]+")
_SHORT = {"\t": r"\t", "\n": r"\n", "\r": r"\r"}


def replace_surrogates(text: str) -> str:
    """The text with a question mark for each lone surrogate.

    Sites cut texts in the middle of a character, and no database stores lone surrogates.
    """
    return text.encode("utf-8", "replace").decode()


def escape_bytes(text: str | Path) -> str:
    r"""The text as valid Unicode: bytes of a file name that are not UTF-8 become `\xNN`, and other
    lone surrogates (possible in JSON) `\uNNNN`."""
    given = str(text)
    if given.isascii():
        return given
    try:
        return os.fsencode(given).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:
        return given.encode("utf-8", "backslashreplace").decode()


def is_mojibake(text: str) -> bool:
    """Whether the text is UTF-8 that was decoded with another encoding: `CitroÃ«n`, `Citro├½n`."""
    if text.isascii():
        return False
    given = _CUT_BLANK.sub("\xa0", text)  # the NBSP in a misread Škoda often became a plain blank
    return any(_is_utf8(given, codec) for codec in _MISREAD_AS)


_MISREAD_AS = ("cp1252", "latin-1", "cp1250", "mac-roman", "cp850", "cp437")
_CUT_BLANK = re.compile(r"(?<=[ÂÃÅĹ])(?: |$)")


def _is_utf8(text: str, codec: str) -> bool:
    try:
        meant = text.encode(codec).decode("utf-8")
    except UnicodeError:
        return False
    # A strange but genuine word can decode to Chinese.
    return all(letter < "\u0180" or "\u2000" <= letter < "\u20d0" for letter in meant)


def clean(text: str) -> str:
    """A source's word in one line, without unseen characters.

    Joiners and variation selectors stay where the letter before them uses them.
    """
    if text.isascii() and text.isprintable():
        return text
    spaced = _BREAK.sub(" ", text).strip() if _BREAK.search(text) else text
    # Removing characters can expose a blank at either end.
    kept = _UNSEEN.sub("", replace_surrogates(spaced))
    return kept if kept == spaced else kept.strip()


def visible(text: object) -> str:
    r"""The text in one line for display: what `clean` removes is escaped, as in `\x1b`.

    Applied twice it gives the same text. A byte of a file name that is not UTF-8 becomes `\xNN`.
    """
    said = str(text)
    if said.isascii() and said.isprintable():
        return said
    return _UNSEEN.sub(_escape, said)


def visible_lines(text: str) -> str:
    """As `visible`, for a message of several lines."""
    return "\n".join(map(visible, text.split("\n")))


def visible_json(document: str) -> str:
    """The same JSON document with unseen characters as `\\uNNNN` escapes."""
    return "\n".join(_UNSEEN.sub(_json_escape, line) for line in document.split("\n"))


def _escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    if 0xDC80 <= number <= 0xDCFF:  # a byte, as Python keeps it in a file name
        number -= 0xDC00
    if number < 0x100:
        return _SHORT.get(match[0]) or f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _json_escape(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def shell_word(text: str) -> str:
    """The text as one word of a command that a person may copy: quoted for a POSIX shell. If it
    holds unseen characters, it has the form `$'...'` of bash, ksh and zsh."""
    if visible(text) == text:
        return shlex.quote(text)
    parts = []
    for char in text:
        if char in "\\'":
            parts.append(f"\\{char}")
        elif visible(char) == char:
            parts.append(char)
        else:
            halves = "surrogateescape" if "\udc80" <= char <= "\udcff" else "surrogatepass"
            parts += [f"\\{byte:03o}" for byte in char.encode("utf-8", halves)]
    return f"$'{''.join(parts)}'"


def web_url(url: str | None) -> str | None:
    """The URL if it is http(s), with forbidden characters percent-encoded; None for any other, such
    as `file:`, `javascript:` or `data:`."""
    try:
        parts = urlsplit((url or "").strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return None
    except ValueError:
        return None
    found = replace_surrogates((url or "").strip())
    return re.sub(
        rf'[\s<>"\\^`{{|}}{_NEVER}{_JOINERS}{_VARIANTS}]',
        lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()),
        found,
    )


def counted(count: int, noun: str) -> str:
    """A number and its noun, which takes an "s" unless it is one: "1 photo", "2,000 photos"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
