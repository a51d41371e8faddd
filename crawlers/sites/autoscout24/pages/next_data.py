"""Finds the script `__NEXT_DATA__` of a page."""

import json
import re
from typing import Any

from crawlers.sites.autoscout24.pages.paths import MalformedPageError, PageData

_MARK = re.compile(r"""\bid\s*=\s*["']?__NEXT_DATA__\b""")
_TAG_LENGTH = 500  # how far before its id a tag may begin


def next_data(html: str) -> PageData | None:
    """The JSON of a page's `__NEXT_DATA__`; None if the page has no such script.

    The tag is searched for as text: pages have up to a megabyte, and an HTML parser would take
    longer than everything else. Raises `MalformedPageError` if the script is not a JSON object.
    """
    for mark in _MARK.finditer(html):
        start = html.rfind("<", max(0, mark.start() - _TAG_LENGTH), mark.start())
        if start < 0 or not re.match(r"<script\b[^>]*$", html[start : mark.start()]):
            continue
        opened = html.find(">", mark.end()) + 1
        closed = html.find("</script", opened)
        if not opened or closed < 0:
            raise MalformedPageError("the script __NEXT_DATA__ does not end: the page was cut off")
        return _parse_object(html[opened:closed])
    return None


def _parse_object(text: str) -> PageData:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedPageError(
            f"the script __NEXT_DATA__ of {len(text)} characters is not JSON: {error}"
        ) from error
    if not isinstance(data, dict):
        raise MalformedPageError(f"the script __NEXT_DATA__ is not an object but {text[:80]!r}")
    return data


def page_props(data: PageData) -> PageData:
    """`props.pageProps` of a page's `__NEXT_DATA__`; empty where it has none."""
    found: Any = data
    for key in ("props", "pageProps"):
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}
