"""What a picture takes to unpack, told from its header; a bound on all that is unpacked at once.

A file of a kilobyte can ask for gigabytes, and one of half a megabyte for a minute. So nothing is
unpacked before it is known what that takes, and threads that unpack wait for their share of one
budget: four pictures that fit one by one do not fit side by side.
"""

import ctypes
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO

from PIL import Image

MAX_DECODING_BYTES = 2**30
"""So much memory pictures may take, all together: one that takes more by itself is not unpacked."""

MAX_SCANS = 32
"""A progressive JPEG has up to 26 scans where a library chooses them; every scan passes over all
pixels again, in 0.1 s where there are 89 million. Inside a TIFF libtiff stops at a hundred."""

MAX_READS = 1_000_000
"""Pillow reads what stands beside the pixels part by part, and holds the interpreter meanwhile: 12
MB of empty comments took half a minute. The largest photos take a tenth of this, and what looks for
a second frame behind a large first one two thirds."""

TOO_MUCH_MEMORY = f"over {MAX_DECODING_BYTES // 2**30} GiB of memory to decode"
TOO_MANY_SCANS = f"JPEG of over {MAX_SCANS} scans"
TOO_MANY_PARTS = f"read in over {MAX_READS:,} parts"

_SCAN = b"\xff\xda"
# Between two markers a decoder skips what is none: stuffed zeros, restarts, fill bytes.
_MARKER = re.compile(rb"\xff([\x01-\xcf\xd8-\xfe])")
_END = 0xD9
# The rest have no length: restarts, the start, the end, and what no decoder passes.
_WITH_LENGTH = frozenset({*range(0xC0, 0xD0), *range(0xDB, 0xFF)})

# Bytes a pixel that the reader of a format holds beside the picture until that is closed (kept),
# or while it is unpacked; measured, and rounded up for deeper pixels.
_KEPT = {"WEBP": 13, "AVIF": 16}
_MEANWHILE = {"BMP": 2, "HEIF": 16}


class UnreadableImageError(Exception):
    """A picture that is not read: `reason` is a constant, to be counted; `detail` says the rest."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


class ImageTooCostlyError(UnreadableImageError):
    """A picture that is not unpacked, for one of the reasons above."""


class CountedBytes(BytesIO):
    """The bytes of a picture for `Image.open`, which may ask for them `MAX_READS` times, and so
    may what uses the opened picture: then `ImageTooCostlyError` is raised."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self._left = MAX_READS

    def read(self, size: int | None = -1, /) -> bytes:
        """As any file; raises `ImageTooCostlyError`."""
        self._left -= 1
        if self._left < 0:
            raise ImageTooCostlyError(
                TOO_MANY_PARTS, "comments, texts or profiles are cut into too many"
            )
        return super().read(size)


def check_scans(content: bytes) -> None:
    """Raise `ImageTooCostlyError` for a JPEG that goes over its pixels too often.

    Cheap for every photo: the pair of bytes is counted, and only where there are too many of it are
    those left out that stand in a thumbnail, a profile, or a further picture behind the first.
    """
    if content.startswith(b"\xff\xd8") and content.count(_SCAN) > MAX_SCANS:
        there = sum(1 for _ in scans(content))
        if there > MAX_SCANS:
            raise ImageTooCostlyError(TOO_MANY_SCANS, f"it has {there:,}")


def pixel_bytes(image: Image.Image) -> int:
    """The bytes that Pillow holds the pixels of an image in, be it unpacked or not."""
    return image.width * image.height * _bytes_a_pixel(image.mode)


def open_reader_bytes(image: Image.Image) -> int:
    """The bytes that the reader of an opened file holds beside its pixels as long as it is open."""
    return image.width * image.height * _KEPT.get(image.format or "", 0)


def decoding_reader_bytes(image: Image.Image, content: bytes) -> int:
    """The bytes that the reader of an opened file takes beside its pixels while it unpacks them.

    Ask before `Image.draft`: a JPEG of several scans is held whole in any case.
    """
    pixels = image.width * image.height
    if image.format in {"JPEG", "MPO"}:
        return pixels * 2 * len(image.getbands()) if _of_several_scans(image, content) else 0
    copied = _copied_bytes(image, content)
    if image.format == "TIFF":
        return getattr(image, "meanwhile_bytes", 0) or copied + _tile_bytes(image)
    if image.format == "HEIF":
        pixels = max([pixels, *_heif_areas(content)])
    return copied + open_reader_bytes(image) + pixels * _MEANWHILE.get(image.format or "", 0)


class MemoryBudget:
    """Bytes that threads take and give back; who asks first is served first, so that a large
    picture is not passed by small ones for ever."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._free = most
        self._turns: deque[object] = deque()
        self._changed = threading.Condition()

    @property
    def taken(self) -> int:
        """The bytes that are taken now."""
        return self.most - self._free

    def acquire(self, size: int) -> None:
        """Wait for `size` bytes; `release` returns them. Raises `ImageTooCostlyError` at once if
        the budget is smaller than `size`."""
        if size > self.most:
            raise ImageTooCostlyError(TOO_MUCH_MEMORY, f"it takes {size:,} bytes")
        turn = object()
        with self._changed:
            self._turns.append(turn)
            try:
                self._changed.wait_for(lambda: self._turns[0] is turn and size <= self._free)
                self._free -= size
            finally:  # whoever is interrupted while waiting makes room, too
                self._turns.remove(turn)
                self._changed.notify_all()

    def release(self, size: int) -> None:
        """End the use of `size` bytes."""
        with self._changed:
            self._free += size
            self._changed.notify_all()

    @contextmanager
    def share(self, size: int) -> Iterator[None]:
        """Hold `size` bytes inside the block; raises as `acquire`.

        Not to be asked for again inside: two threads that hold one share and wait for a second
        would wait for ever.
        """
        self.acquire(size)
        try:
            yield
        finally:
            self.release(size)


DECODING_MEMORY = MemoryBudget(MAX_DECODING_BYTES)
"""The budget of this process. Workers that unpack for it in processes of their own take from it."""


def _keep_few_arenas() -> None:
    """glibc gives up to eight threads a core an arena each, and keeps in it what was freed there:
    pictures unpacked in eight threads, two at a time, took three times what two take. With two
    arenas nothing was slower."""
    with suppress(AttributeError, OSError, TypeError):  # another C library, or none to be asked
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


_M_ARENA_MAX = -8  # of malloc.h
_keep_few_arenas()


def scans(content: bytes) -> Iterator[int]:
    """Where the scans of the first picture of a JPEG begin, as a decoder comes to them."""
    at = 2
    while (found := _MARKER.search(content, at)) is not None:
        marker, at = content[found.start() + 1], found.end()
        if marker == _END:
            return
        if marker == _SCAN[1]:
            yield found.start()
        elif marker in _WITH_LENGTH:
            at += int.from_bytes(content[at : at + 2], "big")


def _of_several_scans(image: Image.Image, content: bytes) -> bool:
    """Whether the first scan leaves something to others: some bits, or some of the bands."""
    if image.info.get("progressive"):
        return True
    first = next(scans(content), None)
    return first is not None and content[first + 4 : first + 5] < bytes([len(image.getbands())])


def _copied_bytes(image: Image.Image, content: bytes) -> int:
    """Bytes of a file that was opened with less in it than came."""
    file = getattr(image, "fp", None)
    held = file.getvalue() if isinstance(file, BytesIO) else content
    return 0 if held is content else len(held)


def _heif_areas(content: bytes) -> Iterator[int]:
    """Pixels of each picture inside: a tile may be larger than what is put together of it. One that
    is larger when it is unpacked than is said here is refused by libheif."""
    for found in re.finditer(rb"ispe\0{4}(.{4})(.{4})", content, re.DOTALL):
        width, height = (int.from_bytes(each, "big") for each in found.groups())
        yield width * height


def _tile_bytes(image: Image.Image) -> int:
    """A tile of a TIFF is unpacked whole, and may be larger than the picture; so may a strip be,
    up to all of it."""
    tags = image.tag_v2  # type: ignore[attr-defined]  # of Pillow's reader of TIFF
    width, height = (_number(tags.get(tag)) for tag in (322, 323))
    samples, bits = _number(tags.get(277)) or 1, max(_numbers(tags.get(258)), default=1)
    return max(width, image.width) * max(height, image.height) * samples * bits // 8


def _number(value: object) -> int:
    return max(_numbers(value), default=0)


def _numbers(value: object) -> list[int]:
    values = value if isinstance(value, tuple) else (value,)
    return [each for each in values if isinstance(each, int)]


def _bytes_a_pixel(mode: str) -> int:
    if mode in {"1", "L", "P"}:
        return 1
    return 2 if mode.startswith("I;16") else 4
