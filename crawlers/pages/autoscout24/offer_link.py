"""The link of an offer: only the id at its end names it, the words before it change."""

import re
from urllib.parse import urlsplit

from crawlers.pages.autoscout24.gallery import GUID

_LAST = re.compile(rf".*[/-]({GUID})/?")


def offer_guid(url: str) -> str | None:
    """The listing's id at the end of an offer's address or path; None if it has none there."""
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    found = _LAST.fullmatch(path)
    return found[1] if found else None
