"""Links to the photos of a listing: which belong to it, and in which size they are fetched."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from core.errors import UsageMistakeError

GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"

PHOTO_SIZES = ("250x188", "360x270", "480x360", "720x540", "1080x810", "1280x960", "1920x1080")
"""Widths and heights in pixels that the site's pages themselves ask for."""

# Logos of dealers lie on the same host, under /dealer-info/.
_PHOTO = re.compile(
    rf"(https?://[^/?#\s]+/listing-images/({GUID})_({GUID})\.(?:jpg|png))/\d+x\d+\.(?:webp|jpg)"
)


class GalleryPhoto(NamedTuple):
    """A photo of a listing: its own id, and its URL up to the size."""

    guid: str
    stem: str


def read_gallery(links: Iterable[str], listing_id: str) -> tuple[GalleryPhoto, ...]:
    """The listing's own photos, each once, in the order of the page."""
    photos: dict[str, GalleryPhoto] = {}
    for link in links:
        found = _PHOTO.fullmatch(link)
        if found and found[2] == listing_id:
            photos.setdefault(found[3], GalleryPhoto(found[3], found[1]))
    return tuple(photos.values())


def photo_url(photo: GalleryPhoto, size: str) -> str:
    """The URL of a photo as JPEG; raises `UsageMistakeError` if there is no such size."""
    if size not in PHOTO_SIZES:
        raise UsageMistakeError(f"there is no size {size!r}; there are: {', '.join(PHOTO_SIZES)}")
    return f"{photo.stem}/{size}.jpg"
