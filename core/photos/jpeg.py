"""JPEGs without an end marker: whether all pixels are there. JPEGs stripped of other segments."""

import re
from collections.abc import Callable
from hashlib import sha256

from PIL import Image

from core.photos.decoding_budget import scans

JPEG_END = b"\xff\xd9"

_FILLING = bytes(16)
"""Entropy-coded data never has this many zeros in a row."""

_RESTART = re.compile(rb"\xff[\xd0-\xd7]")

# A decoder that still waits for data takes this for pixels; one that has all pixels skips it. At
# the end of the data a decoder continues with zeros, so the noise begins with ones.
_NOISE = bytes(range(251, 37, -11))
_ROWS = 64


def has_all_pixels(content: bytes, bands: int, load: Callable[[bytes], Image.Image]) -> bool:
    """Whether a JPEG with `bands` bands and without an end marker holds all of its pixels.

    `load` decodes a JPEG from its bytes. Data after the last pixel does not change the picture, so
    the JPEG is decoded with noise appended and with nothing appended, and compared. A JPEG that
    lacks later scans would pass that test; it is recognized by its scan headers.
    """
    if not _ends_with_all_scans(content, bands):
        return False
    restarts = len(_RESTART.findall(content, content.rfind(b"\xff\xda")))
    parts = [bytes([0xFF, 0xD0 + n % 8]) + _NOISE for n in range(restarts, restarts + 64)]
    noise = b"".join(parts)  # the data may end inside a segment or before a restart marker
    seen = _digest(load(content + JPEG_END))
    return all(_digest(load(content + each + JPEG_END)) == seen for each in (_NOISE + noise, noise))


def strip_padding(content: bytes) -> bytes:
    """A JPEG without an end marker, stripped of trailing zeros, with which interrupted downloads
    are padded: a decoder would take the zeros for pixels without an error."""
    if not content.endswith(_FILLING) or content.rfind(JPEG_END) > content.rfind(b"\xff\xda"):
        return content
    return content.rstrip(b"\0")


def _digest(image: Image.Image) -> bytes:
    """A digest of the pixels, by rows: a copy of the largest photo takes a third of a gigabyte."""
    found = sha256()
    for top in range(0, image.height, _ROWS):
        rows = image.crop((0, top, image.width, min(top + _ROWS, image.height)))
        found.update(rows.tobytes())
    image.close()
    return found.digest()


def _ends_with_all_scans(content: bytes, bands: int) -> bool:
    """Whether the scan headers cover every bit of every coefficient of every band."""
    told = set[tuple[int, int]]()
    for at in scans(content):
        # After the marker: length (2 bytes), bands, two bytes for each band, first and last
        # coefficient, bits sent before and bits left.
        count = content[at + 4] if at + 4 < len(content) else 0
        rest = content[at + 5 + 2 * count : at + 8 + 2 * count]
        if len(rest) < 3:
            return False
        if rest[2] & 15 == 0:
            of = content[at + 5 : at + 5 + 2 * count : 2]
            told |= {(band, n) for band in of for n in range(rest[0], min(rest[1], 63) + 1)}
    return len(told) == 64 * bands


def strip_jpeg(content: bytes) -> bytes:
    """A JPEG without segments that are not part of the picture. Complete segments that say how to
    display it stay (Exif, color profile, Adobe's color transform)."""
    kept, at, end = [content[:2]], 2, 2
    while content[at : at + 1] == b"\xff" and at + 4 <= len(content):
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        least = next(
            (
                size
                for of, sign, size in _SHOWN_BY
                if marker == of and content.startswith(sign, at + 4)
            ),
            None,
        )
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or (least and end - at - 4 >= least):
            kept.append(content[at:end])
        if marker == _SCAN or end <= at + 2:
            break
        at = end
    return b"".join((*kept, content[end:]))


# Marker, signature and least bytes of each segment that stays.
_SHOWN_BY = ((0xE1, b"Exif\0\0", 14), (0xE2, b"ICC_PROFILE\0", 14), (0xEE, b"Adobe", 12))
_SCAN = 0xDA
