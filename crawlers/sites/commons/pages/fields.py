"""Every path of a page that is read, declared once, and the functions that read it.

Only declared paths can be read, so the declaration is complete.
"""

from collections.abc import Mapping
from typing import Any

from core.text import replace_surrogates

Page = dict[str, Any]
"""A page as the API answers it, in either of its two formats."""

SAID = (
    "License",
    "LicenseShortName",
    "LicenseUrl",
    "UsageTerms",
    "Artist",
    "Attribution",
    "AttributionRequired",
    "Credit",
    "Copyrighted",
    "Restrictions",
    "NonFree",
    "DeletionReason",
    "ObjectName",
    "DateTimeOriginal",
    "ImageDescription",
    "Categories",
    "AuthorCount",
)
"""The fields of a file's description that are read: templates filled by people, as HTML."""

PATHS: Mapping[str, tuple[type, ...]] = {
    "pageid": (int,),
    "title": (str,),
    "missing": (str, bool),
    "invalid": (str, bool),
    "invalidreason": (str,),
    "imageinfo": (list,),
    "imageinfo.0.url": (str,),
    "imageinfo.0.thumburl": (str,),
    "imageinfo.0.descriptionurl": (str,),
    "imageinfo.0.width": (int,),
    "imageinfo.0.height": (int,),
    "imageinfo.0.sha1": (str,),
    "imageinfo.0.mime": (str,),
    "imageinfo.0.mediatype": (str,),
    # A text, but a number where MediaWiki counts, and an object of texts by language at times.
    **{f"imageinfo.0.extmetadata.{name}.value": (str, int, float, dict) for name in SAID},
    "categoryinfo.files": (int,),
    # Structured data, which is JSON in a text.
    "revisions.0.slots.mediainfo.content": (str,),
}
"""Path -> the JSON types its value may have. Numbers in a path are places in a list; the first
`imageinfo` is the current version of a file."""


ANSWER_PATHS: Mapping[str, tuple[type, ...]] = {
    "batchcomplete": (str, bool),
    "continue": (dict,),
    "error": (dict,),
    "error.code": (str,),
    "error.info": (str,),
    "error.lag": (int, float),
    "entities": (dict,),
    "query": (dict,),
    "query.pages": (dict, list),
    "query.categorymembers": (list,),
    "query.searchinfo": (dict,),
    "query.searchinfo.totalhits": (int,),
}
"""The same for the parts of an answer around its pages."""


def value_at(data: Any, path: str) -> Any:
    """The value at a path, or None."""
    value = data
    for step in path.split("."):
        if isinstance(value, list):
            value = value[int(step)] if step.isdigit() and len(value) > int(step) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def read(page: Page, path: str) -> Any:
    """The value at a declared path of a page, or None where it is absent or of another type."""
    types = PATHS[path]
    value = value_at(page, path)
    if isinstance(value, str):
        value = replace_surrogates(value)
    if isinstance(value, bool) and bool not in types:
        return None  # a bool is an int in Python
    return value if isinstance(value, types) else None


def info(page: Page, name: str) -> str:
    """A text of the file itself, such as its `url`; empty if there is none."""
    return str(read(page, f"imageinfo.0.{name}") or "")


def said(page: Page, name: str) -> str:
    """A field of a file's description, as HTML; empty if it is absent."""
    value = read(page, f"imageinfo.0.extmetadata.{name}.value")
    if isinstance(value, dict):  # of several languages English first, then the first there is
        texts = {key: text for key, text in value.items() if not key.startswith("_")}
        value = texts.get("en", next(iter(texts.values()), None))
    if value is None or isinstance(value, bool | dict | list):
        return ""
    return replace_surrogates(str(value)).strip()
