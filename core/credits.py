"""Credits of photos: the attribution line of one photo, or the credits of many photos as Markdown,
HTML or CSV."""

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
    """The known rights to a photo, in the words of the source.

    `attribution` is the line to print; `own_words` says that the creator worded it. `changes` says
    what was done to the photo, such as "scaled". Without `license` there is no creator and no
    attribution, only the place where the photo was seen.
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
        """Clean all words and drop every URL that is not http(s): a `file:` URL would reveal the
        machine's paths, and a `javascript:` or `data:` URL would run."""
        for name in ("page_url", "image_url", "creator_url", "license_url"):
            object.__setattr__(self, name, web_url(getattr(self, name)))
        for name in ("title", "creator", "license", "attribution", "changes"):
            if given := getattr(self, name):
                object.__setattr__(self, name, clean(given) or None)


def attribution_text(found: License, title: str | None = None, creator: str | None = None) -> str:
    """The attribution line in Openverse's wording: work, creator, license and its URL."""
    name = f'"{title}"' if title and title.strip() else NO_TITLE
    by = f"by {creator}" if creator and creator.strip() else ""
    verb, terms = "is marked with", "the terms"
    if found.is_license:
        verb, terms = "is licensed under", "a copy of this license"
    return _one_line(f"{name} {by} {verb} {found.name}. To view {terms}, visit {found.url}.")


def render_credits(form: str, every: Iterable[Credit]) -> Iterator[str]:
    """The lines of a document with these credits; `form` is a key of `FORMS`.

    `every` must have the credits without a license last. Every text is escaped for the form, and
    only http(s) URLs become links.
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
    """A credit as a sentence. `link(text, url)` escapes the text and links it if `url` is set."""
    # "Photo" comes first: a line that begins with foreign text could be a heading in Markdown.
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
"""The forms of a credits document."""
