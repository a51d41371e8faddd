"""Color management: the colors of a photo -> sRGB, by the profile or codes in its file."""

import io
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageCms

from core.photos.icc_profiles import coded_profile, png_profile
from core.photos.strip_metadata import MAX_PROFILE_BYTES

_SAME = 2
"""A profile that moves no color by more than this (of 255) is some form of sRGB: pixels stay."""

_LEAST_CONTRAST = 64
"""A profile is useless unless its white is at least this much (of 255) brighter than its black."""

_MOST_TINT = 48
"""A profile is useless if the bands of a grey differ by more than this."""

_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}
_LEVELS = (0, 32, 64, 96, 128, 160, 192, 224, 255)
_LAB = b"LAB"


class Colors(NamedTuple):
    """The conversion of one photo to sRGB: `transform`, for pixels of `mode`."""

    mode: str
    transform: ImageCms.ImageCmsTransform

    def shown(self, pixels: Image.Image) -> Image.Image:
        """Pixels of any mode with the same colors -> RGB without transparency."""
        if pixels.mode != self.mode:
            pixels = pixels.convert(self.mode)
        done = ImageCms.applyTransform(pixels, self.transform)
        assert done is not None, "it was not asked to work in place"
        return done


def colors_of(image: Image.Image) -> Colors | None:
    """The color conversion that an opened photo needs; None for sRGB and for senseless profiles.

    A photo's profile is often damaged or belongs to another photo; the photo is read anyway.
    """
    profile = _LAB if image.mode == "LAB" else _profile(image)
    return None if profile is None else _colors(profile, image.mode)


def _profile(image: Image.Image) -> bytes | None:
    """The ICC profile that counts. PNG's specification orders them: code (cICP), profile, sRGB,
    coordinates. In other formats a profile comes before the code."""
    icc, code = image.info.get("icc_profile"), image.info.get("cicp")
    if isinstance(icc, bytes) and icc and not (code and image.format == "PNG"):
        return icc if len(icc) <= MAX_PROFILE_BYTES else None
    if code:
        return coded_profile(code[0], code[1])
    if image.format != "PNG" or "srgb" in image.info:
        return None
    return png_profile(image.info.get("gamma"), image.info.get("chromaticity"))


@lru_cache(maxsize=8)
def _colors(profile: bytes, mode: str) -> Colors | None:
    try:
        source = ImageCms.ImageCmsProfile(
            ImageCms.createProfile("LAB") if profile == _LAB else io.BytesIO(profile)
        )
        theirs = _SPACES.get(source.profile.xcolor_space, "")
        is_grey = mode in {"1", "L", "LA", "La"} or mode.startswith("I")
        fitting = {mode} if mode in {"CMYK", "LAB"} else {"L", "RGB"} if is_grey else {"RGB"}
        if theirs not in fitting:
            return None
        # As browsers do: perceptual intent, which falls back to relative colorimetric if the
        # profile lacks it. NOCACHE because threads share the transform.
        transform = ImageCms.buildTransform(
            source, ImageCms.createProfile("sRGB"), theirs, "RGB",
            ImageCms.Intent.PERCEPTUAL, ImageCms.Flags.NOCACHE,
        )  # fmt: skip
        colors = Colors(theirs, transform)
        return colors if _is_of_use(colors) else None
    except MemoryError:
        raise  # the machine's fault, not the profile's
    except Exception:  # a damaged profile raises nearly anything
        return None


def _is_of_use(colors: Colors) -> bool:
    """Whether it changes colors and keeps greys grey from black to white, none darker than the one
    before."""
    if colors.mode == "LAB":
        return True
    if colors.mode == "CMYK":
        inks = (Image.new("CMYK", (1, 1), (each,) * 4) for each in (0, 255))
        white, black = (np.asarray(colors.shown(ink), float).mean() for ink in inks)
        return bool(white - black >= _LEAST_CONTRAST)
    levels = np.array(_LEVELS, np.uint8)
    given = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(1, -1, 3)
    if colors.mode == "L":
        given = np.repeat(levels, 3).reshape(1, -1, 3)
    shown = np.asarray(colors.shown(Image.fromarray(given)), int)
    moved = np.abs(shown - given).max()
    greys = shown[np.ptp(given, axis=-1) == 0]
    light = greys.mean(axis=-1)
    rising = np.diff(light).min() >= -_SAME and light[-1] - light[0] >= _LEAST_CONTRAST
    is_grey = 24 < light[len(light) // 2] < 232 and np.ptp(greys, axis=-1).max() <= _MOST_TINT
    return bool(moved > _SAME and rising and is_grey)
