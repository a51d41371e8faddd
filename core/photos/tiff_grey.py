"""Grey pixels of a TIFF of any depth. Pillow misreads some depths, inverts some, and cannot read
most. Here Pillow only decompresses the bytes, and this module turns them into numbers."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from core.photos.decoding_budget import UnreadableImageError

PIXELS = "TIFF of a kind of pixels that is not read"

UNSIGNED, SIGNED, FLOAT = 1, 2, 3
"""Sample formats."""

_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC = 256, 257, 258, 259, 262
_SAMPLES, _PREDICTOR, _TILE_WIDTH, _FORMAT = 277, 317, 322, 339
_MOST_VALUE, _LEAST_REAL, _MOST_REAL = 281, 340, 341

_WHOLE_BYTES = {1, 5, 8, 32773, 32946, 34925, 50000}  # compressions of bytes, not of pixels
_UNKNOWN = 4
_ROWS_BYTES = 2**17  # converting them takes fifty times as much memory
_USUAL_BITS = (8, 10, 12, 14, 15, 16, 24, 31, 32)


class GreyTiff(Image.Image):
    """An opened grey TIFF; once loaded it has 8 bits."""

    format = "TIFF"

    def __init__(
        self, packed: Image.Image, samples: "Samples", orientation: int, meanwhile_bytes: int
    ) -> None:
        super().__init__()
        self._mode, self._size = "L", samples.size
        self._packed, self._samples, self._orientation = packed, samples, orientation
        self.meanwhile_bytes = meanwhile_bytes  # besides the pixels, while they are decoded

    def load(self) -> Any:
        """Decode the pixels once; raises `UnreadableImageError` and what Pillow raises."""
        if self._im is None:
            self._packed.load()
            self.im = Image.fromarray(self._samples.values(self._packed)).im
            self._packed.close()
        return super().load()

    def getexif(self) -> Image.Exif:
        """The orientation alone."""
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = self._orientation
        return exif


def is_grey(tags: ImageFileDirectory_v2) -> bool:
    """Whether the pixels are grey and must be decoded by this module."""
    if number(tags, _SAMPLES, 1) != 1 or number(tags, _PHOTOMETRIC) > 1:
        return False
    bytewise = number(tags, _COMPRESSION, 1) in _WHOLE_BYTES
    if _PHOTOMETRIC not in tags and bytewise:
        return True  # Pillow would swap black and white
    plain = number(tags, _BITS, 1) in {1, 2, 4, 8} and number(tags, _FORMAT, 1) == UNSIGNED
    return not plain


class Samples(NamedTuple):
    """The layout of grey values in bytes, and which value is white."""

    size: tuple[int, int]
    bits: int
    kind: int
    order: str
    predictor: int
    tile_width: int  # 0: rows are whole
    white_is_zero: bool
    span: tuple[float, float] | None  # black and white, if the file states them

    @classmethod
    def of(cls, tags: ImageFileDirectory_v2, order: str) -> "Samples | None":
        """The layout that the tags state; None if it is not supported."""
        bits, kind = number(tags, _BITS, 1), number(tags, _FORMAT, 1)
        kind = UNSIGNED if kind == _UNKNOWN else kind
        width = number(tags, _TILE_WIDTH)
        predictor = number(tags, _PREDICTOR, 1)
        known = bits in {16, 32, 64} if kind == FLOAT else 1 <= bits <= 32
        known = known and kind in {UNSIGNED, SIGNED, FLOAT}
        known = known and (kind != SIGNED or bits in {8, 16, 32})
        known = known and predictor in ({1} if bits not in {8, 16, 32, 64} else {1, 2, 3})
        known = known and (predictor != 3 or kind == FLOAT) and width * bits % 8 == 0
        if not known or number(tags, _COMPRESSION, 1) not in _WHOLE_BYTES:
            return None
        return cls(
            (number(tags, _WIDTH), number(tags, _HEIGHT)), bits, kind, order, predictor, width,
            number(tags, _PHOTOMETRIC, 1) == 0, _span(tags, bits, kind),
        )  # fmt: skip

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, with the padding of the last tile."""
        values = self.size[0]
        if self.tile_width:
            values = -(-values // self.tile_width) * self.tile_width
        return -(-values * self.bits // 8)

    def values(self, packed: Image.Image) -> npt.NDArray[np.uint8]:
        """The bytes -> grey values (height, width), white is 255.

        Raises `UnreadableImageError` if signed values are negative: nothing says what is black.
        """
        width, height = self.size
        rows = max(1, _ROWS_BYTES // self.row_bytes)
        tops = range(0, height, rows)
        parts = [(0, top, packed.width, min(top + rows, height)) for top in tops]
        black, white = self.span or self._ends(self._read(packed.crop(part)) for part in parts)
        out = np.empty((height, width), np.uint8)
        for part in parts:
            scaled = (self._read(packed.crop(part)) - black) * (255 / (white - black))
            scaled = np.clip(scaled, 0, 255)
            if self.white_is_zero:
                scaled = 255 - scaled
            out[part[1] : part[3]] = np.ceil(scaled - 0.5)
        return out

    def _read(self, packed: Image.Image) -> npt.NDArray[np.float64]:
        """The values, with 0 for NaN and infinity."""
        data = np.asarray(packed)
        # The predictor restarts with each tile.
        part_bytes = self.tile_width * self.bits // 8 or self.row_bytes
        parts = np.split(data, data.shape[1] // part_bytes, axis=1)
        joined = np.hstack([self._part(each) for each in parts])
        values = joined[:, : self.size[0]].astype(np.float64)
        return np.nan_to_num(values, posinf=0.0, neginf=0.0)

    def _part(self, data: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        rows, size = len(data), self.bits // 8
        if self.predictor == 3:  # differences of bytes, stored in planes: all first bytes first
            data = np.cumsum(data, axis=1, dtype=np.uint8)
            data = data.reshape(rows, size, -1).transpose(0, 2, 1)
            return np.ascontiguousarray(data).reshape(rows, -1).view(f">f{size}")
        if self.bits not in {8, 16, 32, 64}:
            count = data.shape[1] * 8 // self.bits
            bits = np.unpackbits(data, axis=1, count=count * self.bits)
            weights = 2.0 ** np.arange(self.bits - 1, -1, -1)
            found: npt.NDArray[Any] = bits.reshape(rows, count, self.bits) @ weights
            return found
        letter = {UNSIGNED: "u", SIGNED: "i", FLOAT: "f"}[self.kind]
        data = np.ascontiguousarray(data)
        if self.predictor == 2:
            whole = data.view(f"{self.order}u{size}")
            data = np.cumsum(whole, axis=1, dtype=whole.dtype.newbyteorder("=")).view(np.uint8)
            return data.view(f"={letter}{size}")
        return data.view(f"{self.order}{letter}{size}")

    def _ends(self, parts: Iterable[npt.NDArray[np.float64]]) -> tuple[float, float]:
        """Black and white from the values: white is the least usual white that holds them, or the
        brightest value if that is far below it."""
        least, most, over, count = 0.0, 1e-9, 0, 0
        for values in parts:
            least, most = min(least, float(values.min())), max(most, float(values.max()))
            over, count = over + int((values > 1).sum()), count + values.size
        if self.kind == SIGNED and least < 0:
            raise UnreadableImageError(
                PIXELS, f"signed, from {least:,.0f}; convert it to unsigned values"
            )
        if self.kind == FLOAT and over <= count / 100:
            return 0.0, 1.0  # a few highlights may exceed it
        white = next((2.0**n - 1 for n in _USUAL_BITS if most < 2.0**n), most)
        return 0.0, white if most > white / 8 else most


def _span(tags: ImageFileDirectory_v2, bits: int, kind: int) -> tuple[float, float] | None:
    """Black and white from the tags or the depth; None for 32 bits, which files never use fully.

    The greatest pixel value that a file states is a statistic and does not count, unless it says
    how many of the bits are used.
    """
    least, most = _real(tags, _LEAST_REAL), _real(tags, _MOST_REAL)
    if most is not None and most > (least or 0.0):
        return least or 0.0, most
    if kind != UNSIGNED or bits > 24:
        return None
    stated = number(tags, _MOST_VALUE)
    used = bits > 8 and 255 <= stated < 2**bits and stated & (stated + 1) == 0
    return 0.0, float(stated if used else 2**bits - 1)


def _real(tags: ImageFileDirectory_v2, tag: int) -> float | None:
    value = tags.get(tag)
    value = value[0] if isinstance(value, tuple) and value else value
    return float(value) if isinstance(value, (int, float)) and np.isfinite(value) else None


def number(tags: ImageFileDirectory_v2, tag: int, otherwise: int = 0) -> int:
    """The first whole number of a tag."""
    return next(iter(numbers(tags, tag)), otherwise)


def numbers(tags: ImageFileDirectory_v2, tag: int) -> list[int]:
    """The whole numbers of a tag; empty if it is absent or holds others."""
    value = tags.get(tag)
    values = value if isinstance(value, tuple) else (value,)
    return [each for each in values if isinstance(each, int)]
