"""Reads the page of a file on Commons: a listing with one photo, or the reason to leave it out."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import chain

from core.credits import attribution_text
from core.licenses import (
    ACCEPTED,
    NOT_STATED,
    License,
    license_refusal,
    parse_code,
    parse_license,
)
from core.records import Drop, Listing, PhotoLink
from crawlers.sites.commons.pages.fields import Page, info, read, said
from crawlers.sites.commons.pages.items import depicted
from crawlers.sites.commons.pages.markup import first_link, plain_text, web_address

SOURCE = "commons"

MISSING = "page does not exist"
INVALID = "title is invalid"
NO_INFO = "page has no file"
NOT_A_PICTURE = "file is no picture"
NOT_A_PHOTO = "picture is in a format without photos"
NON_FREE = "file is not free"
TO_BE_DELETED = "file is to be deleted"
NO_ADDRESS = "file has no address"

SEEN_AT = ("LicenseUrl", "License")
"""The only fields in which the license is read: its URL, or its code if no URL is given. A name for
people grants nothing."""

_FORMATS = ("image/jpeg", "image/png", "image/webp", "image/tiff")
_NO = ("", "0", "false")
_WORDS = {
    "title": "ObjectName",
    "description": "ImageDescription",
    "taken": "DateTimeOriginal",
    "credit": "Credit",
    "usage_terms": "UsageTerms",
    "restrictions": "Restrictions",
    "copyrighted": "Copyrighted",
    "attribution_required": "AttributionRequired",
    "license_slug": "License",
    "author_count": "AuthorCount",
}
"""Word -> the name of its field in a file's description."""


def parse_file(page: Page, *, accepted: Sequence[str] = ACCEPTED) -> Listing | Drop:
    """Read a whole page of a file; `accepted` as in `core.licenses.license_refusal`."""
    # If a URL is given it counts, whatever the code says.
    url = said(page, "LicenseUrl")
    found = parse_license(url) if url else parse_code(said(page, "License"))
    fault = next(chain(_file_faults(page), _license_faults(page, found, accepted)), None)
    if fault is not None:
        place = read(page, "pageid") or read(page, "title") or "a page without a name"
        return Drop(SOURCE, str(place), *fault)
    assert found is not None  # otherwise there is a fault
    return _listing(page, found)


def _file_faults(page: Page) -> Iterator[tuple[str, str]]:
    """The reasons to leave a file out, each with a detail, the plainest first."""
    name = str(read(page, "title") or "")
    if read(page, "invalid") not in {None, False}:
        yield INVALID, str(read(page, "invalidreason") or name)
    if read(page, "missing") not in {None, False} or (read(page, "pageid") or 0) <= 0:
        yield MISSING, name
    if not read(page, "imageinfo"):
        yield NO_INFO, name
    # Answers of some years ago name neither kind nor format.
    if (kind := info(page, "mediatype")) not in {"", "BITMAP"}:
        yield NOT_A_PICTURE, kind
    if (mime := info(page, "mime")) not in {"", *_FORMATS}:
        yield NOT_A_PHOTO, mime
    if not _addresses(page):
        yield NO_ADDRESS, info(page, "url")


def _license_faults(
    page: Page, found: License | None, accepted: Sequence[str]
) -> Iterator[tuple[str, str]]:
    raw, name = _raw_license(page), read(page, "title")
    if said(page, "NonFree").lower() not in _NO:
        yield NON_FREE, f"{name} is marked as non-free; {raw}"
    if why := plain_text(said(page, "DeletionReason")):
        yield TO_BE_DELETED, f"{name}: {why}"
    # The code `pd` names no license: it says that none is needed, and that may be wrong.
    code = said(page, "License").lower()
    if not said(page, "LicenseUrl") and not code.startswith(("cc", "pdm")):
        said_so = raw or "nothing"
        yield NOT_STATED, f"{name}: {said_so} is said, without the address or code of a license"
    if (reason := license_refusal(found, accepted)) is not None:
        yield reason, f"{name}: {raw}"


def _addresses(page: Page) -> list[str]:
    """The URL of the thumbnail, if there is one, then that of the uploaded file."""
    found = (web_address(info(page, name)) for name in ("thumburl", "url"))
    return [address for address in found if address]


def _listing(page: Page, found: License) -> Listing:
    pageid = str(read(page, "pageid"))
    artist = said(page, "Artist")
    creator = plain_text(artist) or None
    words = _words(page, found, creator and first_link(artist))
    addresses = _addresses(page)
    if addresses[0] != addresses[-1]:
        words["changes"] = "scaled"
    own_line = plain_text(said(page, "Attribution"))
    width = re.search(r"/[^/]*?(\d+)px-[^/]*$", addresses[0])
    # A file that was replaced is fetched again.
    version = f"{info(page, 'sha1')}/{width[1] if width else 'original'}"
    short_url = f"https://commons.wikimedia.org/w/index.php?curid={pageid}"
    listing = Listing(
        source=SOURCE,
        listing_id=pageid,
        page_url=web_address(info(page, "descriptionurl")) or short_url,
        stamp="",
        words=words,
        photos=(PhotoLink(pageid, addresses[0], version),),
        license=found.name,
        license_url=found.url,
        creator=creator,
        attribution=own_line or attribution_text(found, words.get("title"), creator),
    )
    digest = hashlib.sha256(json.dumps(asdict(listing), sort_keys=True).encode()).hexdigest()
    return replace(listing, stamp=f"{info(page, 'sha1')}-{digest[:16]}")


def _words(page: Page, found: License, creator_url: str | None) -> dict[str, str]:
    """The words that have a value, as text without markup."""
    words = {word: plain_text(said(page, name)) for word, name in _WORDS.items()}
    if not words["title"]:  # the file's without its namespace and its suffix
        title = str(read(page, "title") or "")
        words["title"] = title.partition(":")[2].rpartition(".")[0]
    words["creator_url"] = creator_url or ""
    categories = said(page, "Categories").split("|")
    words["categories"] = "; ".join(each.strip() for each in categories if each.strip())
    words["depicts_items"] = "; ".join(depicted(page))
    words["license_raw"] = _raw_license(page)
    seen = next(name for name in SEEN_AT if said(page, name))
    words["license_seen_at"] = f"imageinfo.extmetadata.{seen}"
    words["share_alike"] = "yes" if found.share_alike else ""
    for side in ("width", "height"):
        words[side] = info(page, side)
    return {word: text for word, text in words.items() if text}


def _raw_license(page: Page) -> str:
    where = said(page, "LicenseUrl") or said(page, "License")
    return f"{plain_text(said(page, 'LicenseShortName'))} {where}".strip()
