"""Text and links of a file's description, which is HTML, and absolute URLs."""

import re
from contextlib import suppress
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

LONGEST_DESCRIPTION = 10_000
"""The most characters of a description that are parsed: Python's parser takes quadratic time over
an open tag that is repeated."""

_BASE = "https://commons.wikimedia.org/wiki/"

_BREAKS = frozenset({"br", "dd", "div", "dl", "dt", "li", "ol", "p", "table", "td", "tr", "ul"})
_VOID = frozenset({"area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"})
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)


def plain_text(html: str) -> str:
    """The text that a reader sees, on one line.

    Notices of the site itself, such as that a file lacks its author, are left out.
    """
    return " ".join("".join(_read(html).parts).split())


def first_link(html: str) -> str | None:
    """The first http(s) link, or None."""
    return _read(html).link


def web_address(url: str) -> str | None:
    """An absolute URL without click-counting parameters; None if it is not http(s).

    It may begin with `//`, or be a path of Commons.
    """
    try:
        whole = urljoin(_BASE, url.strip())
        parts = urlsplit(whole)
    except ValueError:
        return None
    ok = parts.scheme in {"http", "https"} and parts.hostname
    return strip_tracking(whole) if url.strip() and ok else None


def strip_tracking(url: str) -> str:
    """The URL without parameters named `utm_...`, which only count clicks."""
    before, mark, fragment = url.partition("#")
    path, _, query = before.partition("?")
    kept = [each for each in query.split("&") if not each.lower().startswith("utm_")]
    return path + ("?" + "&".join(kept) if any(kept) else "") + mark + fragment


def _read(html: str) -> "_Reader":
    reader = _Reader()
    with suppress(AssertionError):  # Python's parser gives up on some declarations
        reader.feed(html[:LONGEST_DESCRIPTION])
        reader.close()
    return reader


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.link: str | None = None
        self.parts: list[str] = []
        self._unseen: list[str] = []  # open elements from the first unseen one on

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _BREAKS:
            self.parts.append(" ")
        if tag in _VOID:
            return
        given = {name: value or "" for name, value in attrs}
        is_hidden = tag in {"script", "style"} or _HIDDEN.search(given.get("style", ""))
        if self._unseen or is_hidden or "boilerplate" in given.get("class", "").split():
            self._unseen.append(tag)
        elif tag == "a" and self.link is None:
            self.link = web_address(given.get("href", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self.parts.append(" ")
        if tag in self._unseen:
            while self._unseen.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.parts.append(data)
