"""Words of strangers: what is taken out when they are read, and escaped where they are shown.

Characters that nobody sees can still act: they move a terminal's cursor, write its clipboard, turn
the order of a line around, or make two words of what looks like one.
"""

import re
import shlex
from urllib.parse import urlsplit

_BREAKS = "\t-\r\x1c-\x1f\x85\u2028\u2029"
"""What ends a line or jumps along it: a blank in a word."""

# Controls, halves of characters, what Unicode calls default ignorable (the directions of bidi among
# it), annotations, and code points that are no characters.
_NEVER = (
    "\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f"
    "\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
    "\U0010fffe\U0010ffff"
)
_JOINERS = "\u180b-\u180f\u200c\u200d"
"""Characters that shape the letter before them, in alphabets that need it, and join emoji."""

_VARIANTS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
"""Characters that choose a form of the one before them: of an emoji, or a letter of a name."""

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


def whole(text: str) -> str:
    """The text with a question mark for each half of a character: sites cut texts anywhere, and no
    database takes such halves."""
    return text.encode("utf-8", "replace").decode()


def clean(text: str) -> str:
    """A source's word in one line, without characters that nobody sees and that might act.

    Joiners and variants stay where the letter before them has a use for them.
    """
    if text.isascii() and text.isprintable():
        return text
    spaced = _BREAK.sub(" ", text).strip() if _BREAK.search(text) else text
    # A blank at either end can come to light only now.
    kept = _UNSEEN.sub("", whole(spaced))
    return kept if kept == spaced else kept.strip()


def visible(text: object) -> str:
    r"""The text in one line as it can be shown: what `clean` takes out is written as in `\x1b`.

    What is shown this way once is shown alike a second time. A byte of a file name that is no
    character is `\xNN`.
    """
    said = str(text)
    if said.isascii() and said.isprintable():
        return said
    return _UNSEEN.sub(_escape, said)


def visible_lines(text: str) -> str:
    """As `visible`, of a message that may have several lines."""
    return "\n".join(map(visible, text.split("\n")))


def visible_json(document: str) -> str:
    """The same JSON document, in which characters that nobody sees are written by their numbers."""
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
    """The text as one word of a command that a person may copy: quoted for a POSIX shell, and where
    it holds what nobody sees, in the form `$'...'` of bash, ksh and zsh."""
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
    """The address if it is one of the web, with what no address may hold percent-encoded; None for
    any other: a file of this machine, a script, data."""
    try:
        parts = urlsplit((url or "").strip())
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return None
    except ValueError:
        return None
    found = whole((url or "").strip())
    return re.sub(rf'[\s<>"\\^`{{|}}{_NEVER}{_JOINERS}{_VARIANTS}]', _percent, found)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())


def counted(count: int, noun: str) -> str:
    """A number and its noun, which takes an "s" unless it is one: "1 photo", "2,000 photos"."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
