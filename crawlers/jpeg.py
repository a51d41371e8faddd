"""JPEGs that lack their end marker: whether that is all they lack."""

from collections.abc import Callable
from hashlib import sha256

from PIL import Image

from crawlers.unpacking import scans

END = b"\xff\xd9"

# Pixels of noise to whoever still waits for some; passed over by who has them all. Restarts are in
# it, as a picture may end before one.
_NOISE = b"".join(bytes([*range(37, 251, 11), 0xFF, 0xD0 + n % 8]) for n in range(64))
_ROWS = 64


def is_whole(content: bytes, bands: int, load: Callable[[bytes], Image.Image]) -> bool:
    """Whether a JPEG of so many bands that has no end holds all of its pixels; `load` decodes one
    from its bytes.

    What follows the last pixel does not change the picture: it is decoded with noise behind it and
    with nothing. One whose later scans are not there looks whole and is not.
    """
    if not _ends_with_all_scans(content, bands):
        return False
    return _digest(load(content + _NOISE + END)) == _digest(load(content + END))


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
