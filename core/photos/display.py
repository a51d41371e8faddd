"""An opened photo -> its pixels for display: first frame, upright, on white, sRGB."""

import numpy as np
from PIL import ExifTags, Image

from core.photos.colors import Colors, colors_of
from core.photos.open_image import load_image

STRIP_PIXELS = 2**18
"""Pixels that are converted to RGB at a time, where the conversion makes further copies."""

# EXIF orientation -> the transposition that turns the photo upright. Pillow's own `exif_transpose`
# also rewrites the EXIF, and fails if a camera wrote another part of it wrongly.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def display_pixels(image: Image.Image) -> tuple[Image.Image, str | None]:
    """The first frame for display (orientation applied, on white, 8-bit sRGB), and a remark for a
    person, if any.

    Raises what readers raise for data that ends early or cannot be decoded.
    """
    loaded, told = load_image(image)
    with loaded:
        rgb = _to_rgb(loaded)
        turn = _TURNS.get(orientation(loaded))
    return (rgb if turn is None else rgb.transpose(turn)), told


def is_plain_rgb(image: Image.Image) -> bool:
    """Whether the pixels can be displayed without a converted copy."""
    return image.mode == "RGB" and "transparency" not in image.info


def may_be_turned(image: Image.Image) -> bool:
    """Whether an opened photo may have to be turned. A PNG says so only at its end."""
    return image.format == "PNG" or orientation(image) in _TURNS


def orientation(image: Image.Image) -> int:
    """The EXIF orientation; 1 if the photo has none."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF is damaged more often than its photo
        return 1


def _to_rgb(image: Image.Image) -> Image.Image:
    colors = colors_of(image)
    plain = is_plain_rgb(image)
    if plain and colors is None:
        return image
    # By strips: each copy of the largest photo takes a third of a gigabyte.
    rgb = image if plain else Image.new("RGB", image.size)
    rows = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        rgb.paste(_strip_to_rgb(strip, colors), (0, top))
    return rgb


def _strip_to_rgb(image: Image.Image, colors: Colors | None) -> Image.Image:
    if image.mode.startswith("I;16"):
        # convert("RGB") clips values at 255, which would turn the photo white.
        image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        rgba = image.convert("RGBA")
        if colors:
            rgba = Image.merge("RGBA", (*colors.shown(rgba).split(), rgba.getchannel("A")))
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
        return image.convert("RGB")
    return colors.shown(image) if colors else image.convert("RGB")
