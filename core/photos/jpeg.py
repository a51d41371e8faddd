"""JPEGs that lack their end marker, and whether that is all they lack; JPEGs without what other
programs have written into them."""

import re
from collections.abc import Callable
from hashlib import sha256

from PIL import Image

from core.photos.decoding_budget import scans

JPEG_END = b"\xff\xd9"

_FILLING = bytes(16)
"""So many zeros do not stand in what is coded."""

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")

# Pixels to whoever still waits for some; passed over by who has them all. A decoder that comes to
# the end of what there is goes on with zeros: this begins with ones.
_NOISE = bytes(range(251, 37, -11))
_ROWS = 64


def has_all_pixels(content: bytes, bands: int, load: Callable[[bytes], Image.Image]) -> bool:
    """Whether a JPEG of so many bands that has no end holds all of its pixels; `load` decodes one
    from its bytes.

    What follows the last pixel does not change the picture: it is decoded with noise behind it and
    with nothing. One whose later scans are not there looks whole and is not.
    """
    if not _ends_with_all_scans(content, bands):
        return False
    restarts = len(_RESTART.findall(content, content.rfind(b"\xff\xda")))
    parts = [bytes([0xFF, 0xD0 + n % 8]) + _NOISE for n in range(restarts, restarts + 64)]
    noise = b"".join(parts)  # it may end inside a part, or where a restart is waited for
    seen = _digest(load(content + JPEG_END))
    return all(_digest(load(content + each + JPEG_END)) == seen for each in (_NOISE + noise, noise))


def strip_padding(content: bytes) -> bytes:
    """A JPEG that has no end without the zeros that it is filled up with, as a download that broke
    off is: a decoder takes them for pixels, and does not complain."""
    if not content.endswith(_FILLING) or content.rfind(JPEG_END) > content.rfind(b"\xff\xda"):
        return content
    return content.rstrip(b"\0")


def _digest(image: Image.Image) -> bytes:
    """Of the pixels; row by row, as a copy of the largest takes a third of a gigabyte."""
    found = sha256()
    for top in range(0, image.height, _ROWS):
        rows = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
        found.update(rows.tobytes())
    image.close()
    return found.digest()


def _ends_with_all_scans(content: bytes, bands: int) -> bool:
    """Whether the scans that begin tell every coefficient of every band to its last bit."""
    told = set[tuple[int, int]]()
    for at in scans(content):
        # Behind the mark: length (2 bytes), bands, two bytes a band, first and last coefficient,
        # bits told before and bits left.
        count = content[at + 4] if at + 4 < len(content) else 0
        rest = content[at + 5 + 2 * count : at + 8 + 2 * count]
        if len(rest) < 3:
            return False
        if rest[2] & 15 == 0:
            of = content[at + 5 : at + 5 + 2 * count : 2]
            told |= {(band, n) for band in of for n in range(rest[0], min(rest[1], 63) + 1)}
    return len(told) == 64 * bands


def strip_jpeg(content: bytes) -> bytes:
    """A JPEG without the segments that are no picture: only whole ones stay of those that say how
    it is to be shown (Exif, color profile, what Adobe says of its bands)."""
    kept, at, end = [content[:2]], 2, 2
    while content[at : at + 1] == b"\xff" and at + 4 <= len(content):
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        least = next((size for of, sign, size in _SHOWN_BY if _is(content, at, of, sign)), None)
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or (least and end - at - 4 >= least):
            kept.append(content[at:end])
        if marker == _SCAN or end <= at + 2:
            break
        at = end
    return b"".join((*kept, content[end:]))


# Markers of segments, how these begin, and the least bytes that they have.
_SHOWN_BY = ((0xE1, b"Exif\0\0", 14), (0xE2, b"ICC_PROFILE\0", 14), (0xEE, b"Adobe", 12))
_SCAN = 0xDA


def _is(content: bytes, at: int, marker: int, sign: bytes) -> bool:
    return content[at + 1] == marker and content.startswith(sign, at + 4)
