"""The link of an offer: only the id at its end names it; the words before it change."""

import re
from urllib.parse import urlsplit

from crawlers.sites.autoscout24.pages.gallery import GUID

_LAST = re.compile(rf".*[/-]({GUID})/?")
_WORDS = re.compile(rf"(?<=/)[^/?#\s]*?-({GUID})")


def offer_guid(url: str) -> str | None:
    """The listing's id at the end of an offer's URL or path; None if there is none."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    found = _LAST.fullmatch(path)
    return found[1] if found else None


def without_words(text: str) -> str:
    """The text with the sellers' words removed from links of offers: they may hold a telephone
    number, and the id is enough to name an offer."""
    return _WORDS.sub(r"\1", text)
