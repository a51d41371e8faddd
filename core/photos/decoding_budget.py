"""The memory that decoding an image takes, estimated from its header, and a budget for all images
that are decoded at once.

A file of a kilobyte can ask for gigabytes, and one of half a megabyte for a minute. So the cost of
an image is known before it is decoded, and threads wait for their share of one budget: four images
that fit one by one may not fit side by side.
"""

import ctypes
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO

from PIL import Image

from core.errors import ReasonedError

MAX_DECODING_BYTES = 2**30
"""Most memory of all images that are decoded at once; an image that needs more is refused."""

MAX_SCANS = 32
"""Libraries write progressive JPEGs with up to 26 scans. Every scan passes over all pixels again,
which takes 0.1 s for 89 million pixels. Inside a TIFF, libtiff stops at a hundred scans."""

MAX_READS = 1_000_000
"""Most reads of one file. Pillow reads metadata part by part and holds the interpreter lock: 12 MB
of empty comments took half a minute. The largest photos need a tenth of this limit; the search for
a second frame after a large first one needs two thirds."""

TOO_MUCH_MEMORY = f"over {MAX_DECODING_BYTES // 2**30} GiB of memory to decode"
TOO_MANY_SCANS = f"JPEG of over {MAX_SCANS} scans"
TOO_MANY_PARTS = f"read in over {MAX_READS:,} parts"

_SCAN = b"\xff\xda"
# Between two markers a decoder skips stuffed zeros, restart markers and fill bytes.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_END = 0xD9
# Other markers have no length: restarts, the start, the end, and those that stop every decoder.
_WITH_LENGTH = frozenset({*range(0xC0, 0xD0), *range(0xDB, 0xFF)})

# Bytes per pixel that the reader of a format holds besides the image: until the image is closed
# (kept), or while it is decoded (meanwhile). Measured, and rounded up for deeper pixels.
_KEPT = {"WEBP": 13, "AVIF": 16}
_MEANWHILE = {"BMP": 2, "HEIF": 16}


class UnreadableImageError(ReasonedError):
    """An image that cannot be read."""


class ImageTooCostlyError(UnreadableImageError):
    """An image that takes too much to decode, for one of the reasons above."""


class CountedBytes(BytesIO):
    """The bytes of an image for `Image.open`. After `MAX_READS` reads, by `Image.open` or later,
    it raises `ImageTooCostlyError`."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """Read as any file does; raises `ImageTooCostlyError`."""
        self._left -= 1
        if self._left < 0:
            raise ImageTooCostlyError(
                TOO_MANY_PARTS, "comments, texts or profiles are cut into too many"
            )
        return super().read(size)


def check_scans(content: bytes) -> None:
    """Raise `ImageTooCostlyError` for a JPEG with too many scans.

    The check is cheap for most photos, because it first counts the two bytes of the marker. Only if
    there are too many, it parses the segments, to leave out markers in a thumbnail, a profile or a
    second picture.
    """
    if content.startswith(b"\xff\xd8") and content.count(_SCAN) > MAX_SCANS:
        count = sum(1 for _ in scans(content))
        if count > MAX_SCANS:
            raise ImageTooCostlyError(TOO_MANY_SCANS, f"it has {count:,}")


def pixel_bytes(image: Image.Image) -> int:
    """The bytes of an image's pixels in Pillow, whether it is decoded yet or not."""
    deep = 2 if image.mode.startswith("I;16") else 4
    return image.width * image.height * (1 if image.mode in {"1", "L", "P"} else deep)


def open_reader_bytes(image: Image.Image) -> int:
    """The bytes that the reader of an opened file holds besides the pixels until it is closed."""
    return image.width * image.height * _KEPT.get(image.format or "", 0)


def decoding_reader_bytes(image: Image.Image, content: bytes) -> int:
    """The bytes that the reader of an opened file takes besides the pixels while it decodes them.

    Call it before `Image.draft`: a JPEG of several scans is held in full size in any case.
    """
    pixels = image.width * image.height
    if image.format in {"JPEG", "MPO"}:
        # The first scan may leave some bits or some bands to later scans.
        bands, first = len(image.getbands()), next(scans(content), None)
        some = first is not None and content[first + 4 : first + 5] < bytes([bands])
        return pixels * 2 * bands if some or image.info.get("progressive") else 0
    file = getattr(image, "fp", None)
    held = file.getvalue() if isinstance(file, BytesIO) else content
    copied = 0 if held is content else len(held)  # the file was stripped before it was opened
    if image.format == "TIFF":
        return getattr(image, "meanwhile_bytes", 0) or copied + _tile_bytes(image)
    if image.format == "HEIF":
        pixels = max([pixels, *_heif_areas(content)])
    return copied + open_reader_bytes(image) + pixels * _MEANWHILE.get(image.format or "", 0)


class MemoryBudget:
    """A number of bytes that threads acquire and release, first come, first served, so that small
    images cannot overtake a large one forever."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._free = most
        self._turns: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def taken(self) -> int:
        """The bytes that are acquired now."""
        return self.most - self._free

    def acquire(self, size: int) -> None:
        """Wait for `size` bytes; `release` gives them back. Raises `ImageTooCostlyError` at once if
        the budget is smaller than `size`."""
        if size > self.most:
            raise ImageTooCostlyError(TOO_MUCH_MEMORY, f"it takes {size:,} bytes")
        turn = object()
        with self._changed:
            self._turns.append(turn)
            try:
                self._changed.wait_for(lambda: self._turns[0] is turn and size <= self._free)
                self._free -= size
            finally:  # a thread that is interrupted while it waits leaves the queue too
                self._turns.remove(turn)
                self._changed.notify_all()

    def release(self, size: int) -> None:
        """Give `size` bytes back."""
        with self._changed:
            self._free += size
            self._changed.notify_all()

    @contextmanager
    def share(self, size: int) -> Iterator[None]:
        """Hold `size` bytes inside the block; raises as `acquire`.

        Do not nest it: two threads that each hold a share and wait for another would deadlock.
        """
        self.acquire(size)
        try:
            yield
        finally:
            self.release(size)


DECODING_MEMORY = MemoryBudget(MAX_DECODING_BYTES)
"""The budget of this process. It also pays for worker processes that decode for this one."""


# Let glibc use two malloc arenas. By default it has up to eight per core and keeps freed memory in
# each: images decoded in eight threads, two at a time, took three times the memory of two. With two
# arenas nothing was slower.
_M_ARENA_MAX = -8  # of malloc.h
with suppress(AttributeError, OSError, TypeError):  # another C library, or none to call
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def scans(content: bytes) -> Iterator[int]:
    """The offsets of the scans of a JPEG's first picture, in the order of decoding."""
    at = 2
    while (found := _MARKER.search(content, at)) is not None:
        marker, at = content[found.start() + 1], found.end()
        if marker == _END:
            return
        if marker == _SCAN[1]:
            yield found.start()
        elif marker in _WITH_LENGTH:
            at += int.from_bytes(content[at : at + 2], "big")


def _heif_areas(content: bytes) -> Iterator[int]:
    """The pixels of each picture inside; a tile may be larger than the image that it is part of.
    libheif refuses a tile that turns out larger than stated here."""
    for found in re.finditer(rb"ispe\0{4}(.{4})(.{4})", content, re.DOTALL):
        width, height = (int.from_bytes(each, "big") for each in found.groups())
        yield width * height


def _tile_bytes(image: Image.Image) -> int:
    """The bytes of one tile or strip of a TIFF, which is decoded as a whole. A tile may be larger
    than the image, and a strip may be all of it."""
    tags = image.tag_v2  # type: ignore[attr-defined]  # of Pillow's reader of TIFF
    given = (tags.get(tag) for tag in (322, 323, 277, 258))
    several = (value if isinstance(value, tuple) else (value,) for value in given)
    width, height, samples, bits = (
        max((each for each in values if isinstance(each, int)), default=0) for values in several
    )
    area = max(width, image.width) * max(height, image.height)
    return area * (samples or 1) * (bits or 1) // 8
