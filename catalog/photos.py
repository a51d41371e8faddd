"""Bytes of a photo -> what the catalogue keeps of it, or a `RejectedError` with its reason.

The stored bytes stay as they came. Everything that is looked at (size, perceptual hash,
thumbnail, what is embedded) is the photo as shown: first frame, EXIF orientation applied, RGB.
EXIF itself (place, camera) goes into no column, and thumbnails are written without it.
"""

import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import imagehash
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, UnidentifiedImageError

from crawlers.records import Box
from crawlers.unpacking import (
    MEMORY,
    CountedBytes,
    TooMuchError,
    check_scans,
    kept_bytes,
    pixel_bytes,
    reader_bytes,
)

MIN_SIDE = 64
MAX_PIXELS = 89_478_485  # Pillow's own limit: 256 MiB of RGB
THUMBNAIL_SIDE = 256

# Only formats that a photo comes in: Pillow would also run Ghostscript for an EPS. JPEG 2000 is
# not among them: 200 bytes of it can take 12 GB, which only a parser of its own would foresee.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

STRIP_PIXELS = 2**18
"""What turns pixels into RGB by way of further copies does so for as many at a time."""

_JPEG_2000 = (b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  \r\n\x87\n")

# What a file of one of these begins with, be it cut off before Pillow can tell its kind.
_BEGINS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\0", b"MM\0*")
# Atomic, or a page of many comments would be tried in every way they can be cut.
_SVG = re.compile(
    rb"(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^\[>]*(?:\[.*?\]\s*)?>)*+<(?:[a-z]+:)?svg\b",
    re.IGNORECASE | re.DOTALL,
)
_SVG_WITHIN = 65_536  # drawing programs put long comments and name lists before the picture

# EXIF orientation -> what makes the photo upright. Pillow's own `exif_transpose` also writes the
# EXIF anew, and fails where a camera wrote some other part of it badly.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

EMPTY = "empty file"
NOT_AN_IMAGE = "not an image"
SVG = "SVG is not a photo"
JPEG_2000 = "JPEG 2000 is not read"
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
        super().__init__(reason, detail)  # both, or it would change on its way between processes
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}" if self.detail else self.reason


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
    """Decode a photo once and say what it is; raises `RejectedError`.

    Photos that are decoded at the same time share one budget of memory: this waits for its share.
    """
    with _share(decoding_bytes(content)):
        kind, size, small, animated = _examined(content)
    return PhotoFacts(
        image_id(content), kind, *size, perceptual_hash(small), encode_jpeg(small), animated
    )


def _examined(content: bytes) -> tuple[str, tuple[int, int], Image.Image, bool]:
    with open_photo(content) as image:
        kind, animated = image.format or "?", _is_animation(image)
        shown = to_shown(image)
    size = shown.size
    shown.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), reducing_gap=3.0)
    return kind, size, shown, animated


def decode(content: bytes, box: Box | None = None, *, side: int | None = None) -> Image.Image:
    """A photo to be kept, as `decoded` gives it, for who keeps one at a time."""
    with decoded(content, box, side=side) as shown:
        return shown


@contextmanager
def decoded(
    content: bytes, box: Box | None = None, *, side: int | None = None
) -> Iterator[Image.Image]:
    """The photo as shown, RGB, cut to `box` (pixels as shown) if given; raises `RejectedError`.

    With `side` a large JPEG may come smaller, decoded by a half, a quarter or an eighth, which is
    several times faster: the shorter side of what is returned is then still at least `side`
    pixels, or as many as the photo has. This waits for its share of the memory in which photos
    are decoded, and holds it inside the block: make the photo small there.
    """
    with _share(decoding_bytes(content, box, side=side)):
        yield _decoded(content, box, side)


def _decoded(content: bytes, box: Box | None, side: int | None) -> Image.Image:
    with open_photo(content) as image:
        scale = 1 if side is None else _reduce(image, min(_sides(image, box)) // side)
        shown = to_shown(image)
    if box is None:
        return shown
    x0, y0, x1, y1 = box
    return shown.crop((x0 // scale, y0 // scale, -(-x1 // scale), -(-y1 // scale)))


def decoding_bytes(content: bytes, box: Box | None = None, *, side: int | None = None) -> int:
    """The memory that `decoded` takes for the same arguments, `examine` for the bytes alone; of
    both, what is read before the pixels. Raises `RejectedError`."""
    with open_photo(content) as image:
        meanwhile = reader_bytes(image, content)
        if side is not None:
            _reduce(image, min(_sides(image, box)) // side)
        return _needed(image, meanwhile, cut=box is not None)


@contextmanager
def _share(size: int) -> Iterator[None]:
    try:
        MEMORY.take(size)
    except TooMuchError as error:
        raise RejectedError(error.reason, error.detail) from error
    try:
        yield
    finally:
        MEMORY.give_back(size)


def _needed(image: Image.Image, meanwhile: int, *, cut: bool) -> int:
    """Bytes that an opened photo takes: with `meanwhile` beside it while it is unpacked, then with
    copies of it as RGB, turned and cut, of which two are there at a time."""
    source, rgb = pixel_bytes(image), 4 * image.width * image.height
    copies = min(2, (not _is_plain_rgb(image)) + _may_be_turned(image) + cut)
    return max(source + meanwhile, source + kept_bytes(image) + copies * rgb)


def _may_be_turned(image: Image.Image) -> bool:
    return image.format == "PNG" or _orientation(image) in _TURNS  # its EXIF may stand at its end


def _sides(image: Image.Image, box: Box | None) -> tuple[int, int]:
    return image.size if box is None else (box.x1 - box.x0, box.y1 - box.y0)


def _reduce(image: Image.Image, most: int) -> int:
    """Have a JPEG decoded smaller, by a whole number up to `most`; returns by which."""
    before = image.width
    scale = next((each for each in (8, 4, 2) if each <= most), 1)
    if scale > 1:
        image.draft(None, (image.width // scale, image.height // scale))
    return 1 if image.width == before else scale


def open_photo(content: bytes) -> Image.Image:
    """Open without decoding and check kind and size; raises `RejectedError`."""
    if not content:
        raise RejectedError(EMPTY)
    try:
        check_scans(content)
        image = Image.open(CountedBytes(content), formats=FORMATS)
    except TooMuchError as error:
        raise RejectedError(error.reason, error.detail) from error
    except UnidentifiedImageError as error:
        raise _unknown_kind(content) from error
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


def to_shown(image: Image.Image) -> Image.Image:
    """The first frame as a person sees it: orientation applied, on white, 8-bit RGB.

    Raises `RejectedError` when the data ends early or cannot be decoded.
    """
    try:
        image.load()
        rgb = _to_rgb(image)
    except TooMuchError as error:
        raise RejectedError(error.reason, error.detail) from error
    except MemoryError:
        raise
    except Exception as error:  # decoders given damaged bytes raise nearly anything
        raise RejectedError(TRUNCATED, str(error)) from error
    turn = _TURNS.get(_orientation(image))
    return rgb if turn is None else rgb.transpose(turn)


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


def _unknown_kind(content: bytes) -> RejectedError:
    if content.startswith(_BEGINS) or content[4:12] == b"ftypavif":
        return RejectedError(TRUNCATED, f"its {len(content):,} bytes do not tell its size")
    if content.startswith(_JPEG_2000):
        return RejectedError(JPEG_2000, "take it as JPEG, PNG, WebP or AVIF")
    head = content[:_SVG_WITHIN].removeprefix(b"\xef\xbb\xbf")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode()
    if _SVG.match(head):
        return RejectedError(SVG)
    return RejectedError(NOT_AN_IMAGE, f"begins with {content[:12]!r}")


def _is_animation(image: Image.Image) -> bool:
    if image.format in {"MPO", "TIFF"}:
        return False  # several photos, or pages, in one file
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # a damaged second frame is no reason against the first
        return True


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF is damaged more often than the photo it comes with
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    if _is_plain_rgb(image):
        return image
    # Strip by strip: each copy of the largest photo takes a third of a gigabyte.
    white = _white_value(image) if _is_deep(image) else 0.0
    rgb = Image.new("RGB", image.size)
    for top, strip in _strips(image):
        rgb.paste(_strip_to_rgb(strip, white), (0, top))
    return rgb


def _strips(image: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _strip_to_rgb(image: Image.Image, white: float) -> Image.Image:
    if _is_deep(image):
        # convert("RGB") clips values at 255, which turns a 16-bit photo white. Not 255 itself:
        # rounding would make white 254.
        image = Image.fromarray((_values(image) * (255.001 / white)).astype(np.uint8))
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return image.convert("RGB")


def _is_plain_rgb(image: Image.Image) -> bool:
    return image.mode == "RGB" and "transparency" not in image.info


def _is_deep(image: Image.Image) -> bool:
    return image.mode.startswith("I") or image.mode == "F"


def _white_value(image: Image.Image) -> float:
    """What is shown white in a deep photo. One of over 16 bits does not say it: its brightest."""
    if image.mode.startswith("I;16"):
        return 65535.0
    return max(1e-9, *(float(_values(strip).max()) for _, strip in _strips(image)))


def _values(image: Image.Image) -> npt.NDArray[np.float32]:
    values = np.array(image, np.float32)
    np.nan_to_num(values, copy=False, posinf=0.0)
    return np.maximum(values, 0, out=values)
