"""Class maps: the number of the class of every pixel, as a small PNG; no torch here."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from core.errors import MarqueError, UsageMistakeError
from core.records import Box
from embeddings.preparation import LONGEST_STRIP

THRESHOLD = 0.5
CAR = "car"

Numbers = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Number = TypeVar("Number", np.uint8, np.bool_)


class ClassMapError(MarqueError):
    """A stored class map cannot be read."""


@dataclass(frozen=True, slots=True)
class Part:
    """All pixels of one class: how many, their share, the box around them, and their mean
    probability, which is None in a stored map."""

    label: str
    area_pixels: int
    share: float
    box: Box
    confidence: float | None


@dataclass(frozen=True, slots=True, eq=False)
class ClassMap:
    """The number (h, w) of every pixel's class among `classes`; 0 is the background.

    `confidence` (h, w) is the probability of that class, times 255.
    """

    numbers: Numbers
    classes: tuple[str, ...]
    confidence: Numbers | None = None

    @staticmethod
    def of(
        output: Numbers,
        classes: Sequence[str],
        photo_size: tuple[int, int],
        threshold: float = THRESHOLD,
    ) -> "ClassMap":
        """The map of a photo of `photo_size` (width, height), as large as the network saw it.

        `output` (2, H, W) is the output of a `Segmenter` for the letterboxed photo. Pixels with a
        probability under `threshold` are background; so are the ends of a long strip, which the
        network did not see. Raises `UsageMistakeError` for the threshold.
        """
        check_threshold(threshold)
        numbers = np.where(output[1] >= threshold * 255, output[0], np.uint8(0))
        inner, around = _letterbox(photo_size, numbers.shape)
        return ClassMap(
            np.pad(numbers[inner], around), tuple(classes), np.pad(output[1][inner], around)
        )

    @staticmethod
    def from_png(png: bytes, classes: Sequence[str]) -> "ClassMap":
        """The map that `to_png` wrote, without confidence; raises `ClassMapError`."""
        try:
            with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
                numbers = np.array(image)
        except Exception as error:  # Pillow raises nearly anything for damaged bytes
            raise _unreadable("it is not a complete PNG") from error
        if numbers.ndim != 2 or numbers.max() >= len(classes):
            raise _unreadable(f"its pixels are not numbers of {len(classes)} classes")
        return ClassMap(numbers, tuple(classes))

    def to_png(self) -> bytes:
        """A PNG whose pixels are the numbers, with the colors of Pascal VOC as its palette."""
        image = Image.fromarray(self.numbers)
        image.putpalette(voc_palette(len(self.classes)))
        return _png(image)

    def resized(self, size: tuple[int, int]) -> "ClassMap":
        """The map in another size (width, height), each pixel as the nearest one was."""
        confidence = self.confidence
        return ClassMap(
            _resized(self.numbers, size),
            self.classes,
            None if confidence is None else _resized(confidence, size),
        )

    def parts(self) -> list[Part]:
        """The classes in the map except the background, the largest first.

        Areas and boxes are in pixels of the map; for those of the photo, use `resized` first.
        """
        from scipy import ndimage  # half a second, and not every run looks at segments

        flat = self.numbers.ravel()
        areas = np.bincount(flat, minlength=len(self.classes))
        sums = None if self.confidence is None else np.bincount(flat, self.confidence.ravel())
        found = [
            Part(
                label=self.classes[number],
                area_pixels=int(areas[number]),
                share=float(areas[number] / flat.size),
                box=Box(across.start, down.start, across.stop, down.stop),
                confidence=None if sums is None else float(sums[number] / areas[number] / 255),
            )
            for number, place in enumerate(ndimage.find_objects(self.numbers), start=1)
            if place is not None  # as it is for a number that is nowhere
            for down, across in (place,)
        ]
        return sorted(found, key=lambda part: -part.area_pixels)

    def mask(self, label: str, size: tuple[int, int] | None = None) -> Mask:
        """The mask of a class (h, w), in the map's own size or in another (width, height).

        Raises `UsageMistakeError` for a class that the network does not know.
        """
        if label not in self.classes:
            known = ", ".join(self.classes[1:])
            raise UsageMistakeError(f"the network knows no {label!r}; it knows {known}")
        mask = self.numbers == self.classes.index(label)
        return mask if size is None else _resized(mask, size)


def car_mask(class_map: ClassMap, size: tuple[int, int] | None = None) -> Mask:
    """The mask of cars (h, w); buses and motorbikes are classes of their own."""
    return class_map.mask(CAR, size)


def main_part(mask: Mask) -> Mask:
    """The largest connected part of a mask: the main one of several cars.

    Pixels are connected by their sides; of two equally large parts the upper one is taken.
    """
    from scipy import ndimage

    labeled, count = ndimage.label(mask)
    if count == 0:
        return mask
    return np.asarray(labeled == 1 + np.bincount(labeled.ravel())[1:].argmax())


def mask_png(mask: Mask) -> bytes:
    """A mask as a PNG of one bit a pixel, white where it holds."""
    return _png(Image.fromarray(mask))


def check_threshold(threshold: float) -> None:
    """Raise `UsageMistakeError` for a threshold that is not a probability."""
    if not 0 <= threshold <= 1:
        raise UsageMistakeError(f"the threshold is {threshold}; give a probability from 0 to 1")


def voc_palette(count: int) -> list[int]:
    """The colors of the first `count` classes, red, green and blue of each, as the development
    kit of Pascal VOC (Everingham et al. 2010) shows them: bits of the number, spread."""
    return [
        sum((number >> 3 * bit + channel & 1) << 7 - bit for bit in range(8))
        for number in range(count)
        for channel in range(3)
    ]


def _letterbox(
    photo_size: tuple[int, int], shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], list[tuple[int, int]]]:
    """The place of the photo in a letterboxed picture, and the rows and columns that it lacks.

    It reverses `Preparation.fit`, which leaves out the ends of a long strip. A JPEG that was
    decoded smaller can differ by one row or column.
    """
    most = LONGEST_STRIP * min(photo_size)
    left_out = [max(side - most, 0) // 2 for side in reversed(photo_size)]
    seen = [side - 2 * out for side, out in zip(reversed(photo_size), left_out, strict=True)]
    ratio = max(side / length for side, length in zip(seen, shape, strict=True))
    inside: list[slice] = []
    for side, length in zip(seen, shape, strict=True):
        begin = (length - round(side / ratio)) // 2
        inside.append(slice(begin, begin + round(side / ratio)))
    return (inside[0], inside[1]), [(round(out / ratio),) * 2 for out in left_out]


def _resized(pixels: npt.NDArray[Number], size: tuple[int, int]) -> npt.NDArray[Number]:
    return np.array(Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST))


def _png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _unreadable(why: str) -> ClassMapError:
    return ClassMapError(f"a stored class map cannot be read ({why}); segment its photo again")
