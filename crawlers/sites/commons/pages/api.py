"""Parameters of the requests to the API of Commons, at the path `API` of the host `API_HOST`.

To continue, a request is repeated with `ApiAnswer.more` added to its parameters.
"""

import re
from collections.abc import Sequence

from core.errors import UsageMistakeError
from crawlers.sites.commons.pages.fields import SAID

API_HOST = "commons.wikimedia.org"
API = "/w/api.php"

THUMB_WIDTHS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)
"""The widths in pixels of the thumbnails that Commons makes; it refuses all others."""

FILES_A_REQUEST = 50
"""The most files of an answer, where thumbnails are asked for."""

SUBCATEGORIES_A_REQUEST = 500

Parameters = dict[str, str]

_COMMON = {"action": "query", "format": "json", "formatversion": "2", "maxlag": "5"}
_NOT_IN_TITLES = re.compile(r"[#<>\[\]|{}\x00-\x1f]")


def category_files(title: str, width: int) -> Parameters:
    """The files of a category with all facts that are read."""
    return {
        **_COMMON,
        "generator": "categorymembers",
        "gcmtitle": category_title(title),
        "gcmtype": "file",
        "gcmlimit": str(FILES_A_REQUEST),
        **_file_parameters(width),
    }


def search_files(text: str, width: int) -> Parameters:
    """The files that a search finds, pictures only, with all facts that are read."""
    return {
        **_COMMON,
        "generator": "search",
        "gsrnamespace": "6",
        "gsrlimit": str(FILES_A_REQUEST),
        "gsrsearch": _pictures(text),
        **_file_parameters(width),
    }


def files_by_id(pageids: Sequence[str], width: int) -> Parameters:
    """Up to 50 files by the ids of their pages, with all facts that are read."""
    return {**_COMMON, "pageids": "|".join(pageids), **_file_parameters(width)}


def item_labels(items: Sequence[str]) -> Parameters:
    """The names of up to 50 items of Wikidata; Commons answers for them too."""
    asked = {name: value for name, value in _COMMON.items() if name != "action"}
    ids = {"action": "wbgetentities", "ids": "|".join(items)}
    return {**asked, **ids, "props": "labels", "languages": "en|mul"}


def subcategories(title: str) -> Parameters:
    """The direct subcategories of a category."""
    return {
        **_COMMON,
        "list": "categorymembers",
        "cmtitle": category_title(title),
        "cmtype": "subcat",
        "cmlimit": str(SUBCATEGORIES_A_REQUEST),
    }


def category_sizes(titles: Sequence[str]) -> Parameters:
    """The number of files directly in each of up to 50 categories, by the site's own count."""
    if not 1 <= len(titles) <= FILES_A_REQUEST:
        raise UsageMistakeError(f"{len(titles)} categories; ask for 1 to {FILES_A_REQUEST} at once")
    names = "|".join(category_title(title) for title in titles)
    return {**_COMMON, "prop": "categoryinfo", "titles": names}


def search_total(text: str) -> Parameters:
    """The number of files that a search finds, by the site's own count."""
    return {
        **_COMMON,
        "list": "search",
        "srnamespace": "6",
        "srlimit": "1",
        "srinfo": "totalhits",
        "srprop": "",
        "srsearch": _pictures(text),
    }


def category_title(title: str) -> str:
    """The full title of a category, with or without `Category:` before it."""
    plain = " ".join(title.replace("_", " ").split())
    name = re.sub(r"^category\s*:\s*", "", plain, flags=re.IGNORECASE)
    if not name or _NOT_IN_TITLES.search(name):
        raise UsageMistakeError(
            f"{title!r} is not the title of a category: write it as on Commons, such as "
            "'Ford Mustang'"
        )
    return f"Category:{name}"


def _file_parameters(width: int) -> Parameters:
    if width not in THUMB_WIDTHS:
        raise UsageMistakeError(
            f"Commons makes no thumbnails {width} pixels wide; choose among "
            + ", ".join(map(str, THUMB_WIDTHS))
        )
    return {
        "prop": "imageinfo|revisions",
        "rvprop": "content",
        "rvslots": "mediainfo",
        "iiprop": "url|size|mime|mediatype|sha1|timestamp|user|extmetadata",
        "iiurlwidth": str(width),
        "iiextmetadatalanguage": "en",
        "iiextmetadatafilter": "|".join(SAID),
    }


def _pictures(text: str) -> str:
    if not text.strip():
        raise UsageMistakeError("the search is empty; say what to look for, such as 'red Ford'")
    return f"filetype:bitmap {' '.join(text.split())}"
