"""Bytes of a photo -> what the catalogue keeps of it, or a `RejectedError` with its reason.

The stored bytes stay as they came. Everything that is looked at (size, perceptual hash,
thumbnail, what is embedded) is the photo as shown: first frame, EXIF orientation applied, RGB.
EXIF itself (place, camera) goes into no column, and thumbnails are written without it.
"""

import hashlib
import io
import warnings
from dataclasses import dataclass
from typing import Any

import imagehash
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from crawlers.records import Box

MIN_SIDE = 64
MAX_PIXELS = 89_478_485  # Pillow's own limit: 256 MiB of RGB
THUMBNAIL_SIDE = 256

# Only formats that a photo comes in: Pillow would also run Ghostscript for an EPS.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000")

EMPTY = "empty file"
NOT_AN_IMAGE = "not an image"
SVG = "SVG is not a photo"
TRUNCATED = "truncated or damaged"
TOO_SMALL = f"under {MIN_SIDE} px"
TOO_LARGE = f"over {MAX_PIXELS:,} pixels"
UNREADABLE = "file cannot be read"
FIRST_FRAME = "animation: the first frame was taken"

Image.init()  # Pillow loads the readers of its rarer formats late, and fails on their names before

# `examine` refuses what is over the limit itself; Pillow's warning would only be printed twice.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


class RejectedError(Exception):
    """A photo that is not taken: `reason` is one of the constants above, `detail` says the rest."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class PhotoFacts:
    """What one decode of a photo tells; `width` and `height` are as shown, in pixels."""

    image_id: str
    format: str
    width: int
    height: int
    phash: bytes  # 8 bytes
    thumbnail: bytes  # JPEG, longest side at most 256
    animated: bool


def image_id(content: bytes) -> str:
    """The key of a photo: sha256 of its bytes, hex."""
    return hashlib.sha256(content).hexdigest()


def examine(content: bytes) -> PhotoFacts:
    """Decode a photo once and say what it is; raises `RejectedError`."""
    with open_photo(content) as image:
        animated = image.format != "MPO" and bool(getattr(image, "is_animated", False))
        kind = image.format or "?"
        shown = to_shown(image)
    small = shown.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=3.0)
    return PhotoFacts(
        image_id(content),
        kind,
        shown.width,
        shown.height,
        perceptual_hash(small),
        encode_jpeg(small),
        animated,
    )


def decode(content: bytes, box: Box | None = None) -> Image.Image:
    """The photo as shown, RGB, cut to `box` (pixels as shown) if given; raises `RejectedError`."""
    with open_photo(content) as image:
        shown = to_shown(image)
    return shown if box is None else shown.crop(box)


def open_photo(content: bytes) -> Image.Image:
    """Open without decoding and check kind and size; raises `RejectedError`."""
    if not content:
        raise RejectedError(EMPTY)
    try:
        image = Image.open(io.BytesIO(content), formats=FORMATS)
    except UnidentifiedImageError as error:
        head = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        if head.startswith(b"<svg") or (head.startswith(b"<?xml") and b"<svg" in content[:4096]):
            raise RejectedError(SVG) from error
        raise RejectedError(NOT_AN_IMAGE, f"begins with {content[:12]!r}") from error
    except Image.DecompressionBombError as error:
        raise RejectedError(TOO_LARGE, str(error)) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise RejectedError(TRUNCATED, str(error)) from error
    size = f"{image.width}x{image.height}"
    if image.width * image.height > MAX_PIXELS:
        raise RejectedError(TOO_LARGE, size)
    if min(image.size) < MIN_SIDE:
        raise RejectedError(TOO_SMALL, size)
    return image


def to_shown(image: Image.Image) -> Image.Image:
    """The first frame as a person sees it: orientation applied, on white, 8-bit RGB.

    Raises `RejectedError` when the data ends early or cannot be decoded.
    """
    try:
        image.load()
        turned: Image.Image = ImageOps.exif_transpose(image)
    # Pillow's decoders raise all of these on damaged data, struct.error among the ValueErrors'
    # neighbours; MemoryError is not caught: it is the machine's, not the photo's.
    except (OSError, SyntaxError, ValueError, TypeError, EOFError, IndexError) as error:
        raise RejectedError(TRUNCATED, str(error)) from error
    if turned.mode.startswith("I") or turned.mode == "F":
        turned = _to_8_bit(turned)
    if turned.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in turned.info:
        rgba = turned.convert("RGBA")
        turned = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return turned.convert("RGB")


def perceptual_hash(image: Image.Image) -> bytes:
    """The 64-bit DCT hash of ImageHash's `phash`, as 8 bytes, first bit first."""
    bits: Any = imagehash.phash(image, hash_size=8).hash
    return np.packbits(bits.ravel()).tobytes()


def encode_jpeg(image: Image.Image) -> bytes:
    """A JPEG of the pixels alone: no EXIF, no colour profile, no comment."""
    bare = Image.fromarray(np.asarray(image))
    out = io.BytesIO()
    bare.save(out, "JPEG", quality=85)
    return out.getvalue()


def fits(box: Box, width: int, height: int) -> bool:
    """Whether a box has an area and lies inside a photo of this size."""
    return 0 <= box.x0 < box.x1 <= width and 0 <= box.y0 < box.y1 <= height


def _to_8_bit(image: Image.Image) -> Image.Image:
    # convert("RGB") clips 16-bit values at 255, which turns a 16-bit photo white
    values = np.asarray(image).astype(np.float64)
    top = 65535.0 if values.max() > 255 else 255.0
    return Image.fromarray((values.clip(0, top) * (255.0 / top)).astype(np.uint8))
