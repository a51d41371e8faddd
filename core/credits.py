"""Who is to be named for a photo, and how: one line of text, or the credits of many photos as
Markdown, HTML or CSV."""

import html
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from core.licenses import License
from core.spreadsheet import csv_line
from core.text import clean, web_url

NO_LICENSE = "no license known"
NO_TITLE = "This work"


@dataclass(frozen=True, slots=True)
class Credit:
    """What is known of the rights to a photo, each as the source gave it.

    `attribution` is the line to be printed, in the creator's own words where it is `own_words`, and
    `changes` what was done to the photo, such as "scaled". Without `license` nothing is claimed:
    there is no creator then and no line, only where the photo was seen.
    """

    image_id: str
    source: str | None = None
    page_url: str | None = None
    image_url: str | None = None
    title: str | None = None
    creator: str | None = None
    creator_url: str | None = None
    license: str | None = None
    license_url: str | None = None
    attribution: str | None = None
    own_words: bool = False
    changes: str | None = None

    def __post_init__(self) -> None:
        """Clean all words, and keep no address that is none of the web: one of a file would name
        the machine that the photo lies on, and others run what is in them."""
        for name in ("page_url", "image_url", "creator_url", "license_url"):
            object.__setattr__(self, name, web_url(getattr(self, name)))
        for name in ("title", "creator", "license", "attribution", "changes"):
            if given := getattr(self, name):
                object.__setattr__(self, name, clean(given) or None)


def attribution_text(found: License, title: str | None = None, creator: str | None = None) -> str:
    """The line that names a work, its creator and its license with the address, as Openverse
    words it."""
    name = f'"{title}"' if title and title.strip() else NO_TITLE
    by = f"by {creator}" if creator and creator.strip() else ""
    verb, terms = "is marked with", "the terms"
    if found.is_license:
        verb, terms = "is licensed under", "a copy of this license"
    return _one_line(f"{name} {by} {verb} {found.name}. To view {terms}, visit {found.url}.")


def render_credits(form: str, every: Iterable[Credit]) -> Iterator[str]:
    """Credits as the lines of a document, of a form among `FORMS`; those without a license last.

    `every` must come in that order. Every text is escaped as the form wants it, and only
    addresses of the web become links.
    """
    layout = FORMS[form]
    yield layout.head
    apart = False
    for credit in every:
        if credit.license is None and not apart:
            apart = True
            yield from layout.apart
        yield layout.item(credit)
    yield from layout.foot


@dataclass(frozen=True, slots=True)
class _Layout:
    head: str
    item: Callable[[Credit], str]
    apart: tuple[str, ...] = ()
    foot: tuple[str, ...] = ()


Link = Callable[[str, str | None], str]


def _sentence(credit: Credit, link: Link) -> str:
    """A credit in words. `link(text, address)` escapes a text, and links it if it can."""
    # First, for a line that begins with a text of somebody's could be a heading in Markdown.
    photo = f"Photo {link(credit.image_id[:12], credit.image_url)}"
    if credit.license is None:
        return (
            f"{photo}, seen at {link(credit.source, credit.page_url)}" if credit.source else photo
        )
    name = link(credit.title or NO_TITLE, credit.page_url)
    by = f" by {link(credit.creator, credit.creator_url)}" if credit.creator else ""
    changes = [link(credit.changes, None)] if credit.changes else []
    parts = [f"{name}{by}", link(credit.license, credit.license_url), *changes]
    own = f"{link(credit.attribution, None)} — " if credit.own_words and credit.attribution else ""
    return f"{photo}: {own}{', '.join(parts)}"


def _one_line(text: str) -> str:
    return " ".join(clean(text).split())


def _markdown(text: str, url: str | None) -> str:
    escaped = re.sub(r"([\\`*_\[\]<>&~|$])", r"\\\1", _one_line(text))
    target = (url or "").replace("&", r"\&")  # or "&copy" would be a character
    return f"[{escaped}](<{target}>)" if target else escaped


def _html(text: str, url: str | None) -> str:
    escaped = html.escape(_one_line(text))
    return f'<a href="{html.escape(url)}">{escaped}</a>' if url else escaped


_COLUMNS = (
    "image_id",
    "image_url",
    "title",
    "creator",
    "creator_url",
    "page_url",
    "license",
    "license_url",
    "changes",
    "attribution",
    "source",
)


def _csv(credit: Credit) -> str:
    values = {name: getattr(credit, name) or "" for name in _COLUMNS}
    values["license"] = credit.license or NO_LICENSE
    return csv_line(_one_line(values[name]) for name in _COLUMNS)


_HTML_HEAD = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Photo credits</title></head>
<body>
<h1>Photo credits</h1>
<ul>"""

FORMS = {
    "markdown": _Layout(
        "# Photo credits\n",
        lambda credit: f"- {_sentence(credit, _markdown)}",
        ("\n## No license known\n",),
    ),
    "html": _Layout(
        _HTML_HEAD,
        lambda credit: f"<li>{_sentence(credit, _html)}</li>",
        ("</ul>", "<h2>No license known</h2>", "<ul>"),
        ("</ul>", "</body>", "</html>"),
    ),
    "csv": _Layout(csv_line(_COLUMNS), _csv),
}
"""The forms in which credits can be written."""
