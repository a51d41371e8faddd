"""Bytes of a photo -> the facts that the catalog keeps, or a `RejectedError` with its reason.

The stored bytes stay unchanged. Size, perceptual hash, thumbnail and embedding are made from the
displayed photo: first frame, EXIF orientation applied, sRGB. EXIF itself (place, camera) goes into
no column, and thumbnails are written without it.
"""

import hashlib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import imagehash
import numpy as np
from PIL import Image, UnidentifiedImageError

from core.errors import ReasonedError
from core.photos.decoding_budget import (
    DECODING_MEMORY,
    ImageTooCostlyError,
    UnreadableImageError,
    decoding_reader_bytes,
    open_reader_bytes,
    pixel_bytes,
)
from core.photos.display import display_pixels, is_plain_rgb, may_be_turned
from core.photos.file_types import EMPTY_FILE, TRUNCATED, unknown_type_reason
from core.photos.open_image import open_image
from core.records import Box

MIN_SIDE = 64
MAX_PIXELS = 89_478_485  # Pillow's own limit: 256 MiB of RGB
THUMBNAIL_SIDE = 256

# Only formats of photos: for an EPS Pillow would run Ghostscript. JPEG 2000 is left out because 200
# bytes of it can take 12 GB, which only a parser of our own could foresee.
CATALOG_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")

SHOWN_AS = "sRGB"
"""How pixels are prepared before they are embedded. Change it when that changes: it is part of a
vector's record, so vectors of differently prepared pixels are not mixed."""

TOO_SMALL = f"under {MIN_SIDE} px"
TOO_LARGE = f"over {MAX_PIXELS:,} pixels"
PHOTO_UNREADABLE = "file cannot be read"
FIRST_FRAME = "animation: the first frame was taken"

# `open_photo` refuses photos over the limit; Pillow's warning would only repeat that.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class RejectedError(ReasonedError):
    """A photo that is refused."""


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """Facts from one decode of a photo; `width` and `height` are displayed pixels."""

    image_id: str
    format: str
    width: int
    height: int
    phash: bytes  # 8 bytes: the 64 bits of ImageHash's `phash`, the first bit first
    thumbnail: bytes  # JPEG, longest side at most 256
    notices: tuple[str, ...]  # remarks for a person

    @property
    def animated(self) -> bool:
        """Whether it has more frames than the first, which alone is used."""
        return FIRST_FRAME in self.notices


def image_id(content: bytes) -> str:
    """The key of a photo: sha256 of its bytes, hex."""
    return hashlib.sha256(content).hexdigest()


def decode_facts(content: bytes) -> PhotoFacts:
    """Decode a photo once and return its facts; raises `RejectedError`.

    Photos that are decoded at the same time share one memory budget; this waits for its share.
    """
    with _share(decoding_bytes(content)):
        kind, size, small, notices = _examined(content)
    bits: Any = imagehash.phash(small, hash_size=8).hash
    phash = np.packbits(bits.ravel()).tobytes()
    return PhotoFacts(image_id(content), kind, *size, phash, encode_jpeg(small), notices)


def _examined(content: bytes) -> tuple[str, tuple[int, int], Image.Image, tuple[str, ...]]:
    with open_photo(content) as image:
        kind, animated = image.format or "?", _is_animation(image)
        shown, told = _shown(image)
    size = shown.size
    shown.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=3.0)
    notices = (FIRST_FRAME if animated else None, told)
    return kind, size, shown, tuple(each for each in notices if each)


def decode(content: bytes, box: Box | None = None, *, side: int | None = None) -> Image.Image:
    """The photo as `decoded` yields it, for callers that keep one photo at a time."""
    with decoded(content, box, side=side) as shown:
        return shown


@contextmanager
def decoded(
    content: bytes, box: Box | None = None, *, side: int | None = None
) -> Iterator[Image.Image]:
    """The displayed photo in sRGB, cropped to `box` (displayed pixels); raises `RejectedError`.

    With `side` a large JPEG may be decoded at a half, a quarter or an eighth of its size, which is
    several times faster. Its shorter side is then still at least `side` pixels, or the photo's own
    if that is less. This waits for its share of the decoding memory and holds it inside the block:
    shrink the photo there.
    """
    with _share(decoding_bytes(content, box, side=side)):
        yield _decoded(content, box, side)


def _decoded(content: bytes, box: Box | None, side: int | None) -> Image.Image:
    with open_photo(content) as image:
        scale = _reduce(image, box, side)
        shown, _ = _shown(image)
    if box is None:
        return shown
    x0, y0, x1, y1 = box
    return shown.crop((x0 // scale, y0 // scale, -(-x1 // scale), -(-y1 // scale)))


def decoding_bytes(content: bytes, box: Box | None = None, *, side: int | None = None) -> int:
    """The bytes of memory that `decoded` takes for the same arguments, and `decode_facts` for
    `content` alone. Reads only what comes before the pixels. Raises `RejectedError`."""
    with open_photo(content) as image:
        meanwhile = decoding_reader_bytes(image, content)
        _reduce(image, box, side)
        return _needed(image, meanwhile, cut=box is not None)


@contextmanager
def _share(size: int) -> Iterator[None]:
    try:
        DECODING_MEMORY.acquire(size)
    except ImageTooCostlyError as error:
        raise RejectedError(error.reason, error.detail) from error
    try:
        yield
    finally:
        DECODING_MEMORY.release(size)


def _needed(image: Image.Image, meanwhile: int, *, cut: bool) -> int:
    """The bytes of memory that an opened photo needs. While decoding: its pixels and `meanwhile`.
    Then: its pixels and at most two copies at a time (RGB, turned, cropped)."""
    source, rgb = pixel_bytes(image), 4 * image.width * image.height
    copies = min(2, (not is_plain_rgb(image)) + may_be_turned(image) + cut)
    return max(source + meanwhile, source + open_reader_bytes(image) + copies * rgb)


def _reduce(image: Image.Image, box: Box | None, side: int | None) -> int:
    """Let a JPEG be decoded smaller, as `decoded` says; returns the factor."""
    if side is None:
        return 1
    before = image.width
    most = min(image.size if box is None else (box.x1 - box.x0, box.y1 - box.y0)) // side
    scale = next((each for each in (8, 4, 2) if each <= most), 1)
    if scale > 1:
        image.draft(None, (image.width // scale, image.height // scale))
    return 1 if image.width == before else scale


def open_photo(content: bytes) -> Image.Image:
    """Open a photo without decoding it and check its type and size; raises `RejectedError`."""
    if not content:
        raise RejectedError(EMPTY_FILE)
    try:
        image = open_image(content, CATALOG_FORMATS)
    except UnreadableImageError as error:
        raise RejectedError(error.reason, error.detail) from error
    except UnidentifiedImageError as error:
        raise RejectedError(*unknown_type_reason(content)) from error
    except Image.DecompressionBombError as error:
        raise RejectedError(TOO_LARGE, str(error)) from error
    except MemoryError:
        raise  # the machine's fault, not the photo's
    except Exception as error:  # readers given damaged bytes raise nearly anything
        raise RejectedError(TRUNCATED, str(error)) from error
    size = f"{image.width}x{image.height}"
    if image.width * image.height > MAX_PIXELS:
        raise RejectedError(TOO_LARGE, size)
    if min(image.size) < MIN_SIDE:
        raise RejectedError(TOO_SMALL, size)
    return image


def _shown(image: Image.Image) -> tuple[Image.Image, str | None]:
    try:
        return display_pixels(image)
    except UnreadableImageError as error:
        raise RejectedError(error.reason, error.detail) from error
    except MemoryError:
        raise
    except Exception as error:  # decoders given damaged bytes raise nearly anything
        raise RejectedError(TRUNCATED, str(error)) from error


def encode_jpeg(image: Image.Image) -> bytes:
    """A JPEG of the pixels alone: no EXIF, no color profile, no comment."""
    bare = Image.fromarray(np.asarray(image))
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=85)
    return out.getvalue()


def box_fits(box: Box, width: int, height: int) -> bool:
    """Whether a box has an area and lies inside a photo of this size."""
    return 0 <= box.x0 < box.x1 <= width and 0 <= box.y0 < box.y1 <= height


def _is_animation(image: Image.Image) -> bool:
    if image.format in {"MPO", "TIFF", "HEIF"}:
        return False  # one file with several photos or pages
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a damaged second frame does not spoil the first
        return True
