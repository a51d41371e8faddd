"""A stored photo -> the picture that a model looks at: decode, resize and crop, in Pillow alone.

No torch is imported, so processes that decode start fast and stay small. The geometry is that of
open_clip's `image_transform_v2` for inference, pixel for pixel (a test compares them). Its last
step, scaling the values, is done for a whole batch where the model runs (`embeddings.network`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.photos.decode import decoded, decoding_bytes
from core.records import Box

LONGEST_STRIP = 8
"""Of a photo longer than this many times its width only the middle is looked at: resized as a
whole, a strip of 64 pixels that passes the size limit would take gigabytes."""

MARGIN = 1.5
"""With no margin a vector was up to 0.0053 (cosine) from that of the photo decoded whole."""

Picture = npt.NDArray[np.uint8]

_BLACK = (0, 0, 0)


@dataclass(frozen=True, slots=True)
class Preparation:
    """How a model wants its pictures: size in pixels, and open_clip's names for the rest."""

    height: int
    width: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    interpolation: str
    resize_mode: str
    fill: tuple[int, ...]

    @staticmethod
    def of(config: Mapping[str, Any]) -> "Preparation":
        """From the `preprocess_cfg` of an open_clip model."""
        size = config["size"]
        height, width = (size, size) if isinstance(size, int) else size[-2:]
        fill = config.get("fill_color") or 0
        return Preparation(
            height,
            width,
            _three(config["mean"]),
            _three(config["std"]),
            config.get("interpolation") or "bicubic",
            config.get("resize_mode") or "shortest",
            (fill,) * 3 if isinstance(fill, int) else tuple(fill),
        )

    def picture(self, content: bytes, box: Box | None = None) -> Picture:
        """A photo's bytes -> what the model sees of it (height, width, 3); `RejectedError`.

        A large JPEG is decoded at a half, a quarter or an eighth of its size where that is still
        `MARGIN` times the size that the model takes.
        """
        with decoded(content, box, side=self._side) as image:
            return self.fit(image)

    def decoding_bytes(self, content: bytes, box: Box | None = None) -> int:
        """The memory that `picture` takes; raises `RejectedError`."""
        return decoding_bytes(content, box, side=self._side)

    @property
    def _side(self) -> int:
        return round(MARGIN * max(self.height, self.width))

    def fit(self, image: Image.Image) -> Picture:
        """An RGB photo, resized and cropped (height, width, 3)."""
        if self.resize_mode == "squash":
            return np.asarray(self._resize(image, self.width, self.height))
        if max(image.size) > (most := LONGEST_STRIP * min(image.size)):
            x, y = (max(length - most, 0) // 2 for length in image.size)
            image = image.crop((x, y, image.width - x, image.height - y))
        ratios = (image.height / self.height, image.width / self.width)
        if self.resize_mode == "longest":
            return self._crop(self._scale(image, max(ratios)), self.fill)
        if self.height != self.width:
            return self._crop(self._scale(image, min(ratios)), _BLACK)
        short, long = sorted(image.size)
        side = int(self.width * long / short)  # cut off, not rounded, as torchvision does
        wide = image.width > image.height
        size = (side, self.height) if wide else (self.width, side)
        return self._crop(self._resize(image, *size), _BLACK)

    def _scale(self, image: Image.Image, ratio: float) -> Image.Image:
        return self._resize(image, round(image.width / ratio), round(image.height / ratio))

    def _resize(self, image: Image.Image, width: int, height: int) -> Image.Image:
        bilinear = self.interpolation == "bilinear" and (
            self.resize_mode != "shortest" or self.height == self.width
        )  # open_clip forgets the interpolation for pictures that are not square
        how = Image.Resampling.BILINEAR if bilinear else Image.Resampling.BICUBIC
        return image.resize((width, height), how)

    def _crop(self, image: Image.Image, fill: tuple[int, ...]) -> Picture:
        left, right = _margins(image.width, self.width)
        top, bottom = _margins(image.height, self.height)
        if left or right or top or bottom:
            padded = Image.new(
                "RGB", (image.width + left + right, image.height + top + bottom), fill
            )
            padded.paste(image, (left, top))
            image = padded
        x = round((image.width - self.width) / 2)
        y = round((image.height - self.height) / 2)
        return np.asarray(image.crop((x, y, x + self.width, y + self.height)))


def _margins(length: int, wanted: int) -> tuple[int, int]:
    missing = max(wanted - length, 0)
    return missing // 2, (missing + 1) // 2


def _three(values: Any) -> tuple[float, ...]:
    return tuple(values) if isinstance(values, (list, tuple)) else (float(values),) * 3
