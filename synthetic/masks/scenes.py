"""Scenes for training: rendered on demand, each shown several times and varied each time.

Rendered scenes are cleaner than photos, and their cars and places have few textures. So colors,
light, noise, blur and JPEG artifacts vary, those of the car independently of those behind it.
"""

import io
from collections.abc import Iterator
from itertools import count

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from labeling.classmap import Mask
from labeling.masks import SIDE
from labeling.masks.pictures import Pixels, scaled_size
from synthetic.scenes import render
from synthetic.scenes.dice import Dice
from synthetic.tiny.scenes import SEED_STRIDE, mixed_batches

NARROWEST, WIDEST = 3 / 4, 2.0
"""The bounds of width by height of a picture."""

CLOSEST = 0.55
"""A crop keeps at least this share of a scene's width and of its height."""

FloatPixels = NDArray[np.float32]


def training_batches(seed: int, batch: int, pool: int = 6144) -> Iterator[tuple[Pixels, Mask]]:
    """Endless batches of (n, SIDE, SIDE, 3) pixels and masks (n, SIDE, SIDE), the same for a seed.

    A quarter of a batch is new; the rest is drawn from the last `pool` scenes.
    """
    dice = Dice(seed, 5)
    scenes = (render(number, draw_size(dice)) for number in count(seed * SEED_STRIDE + 1))
    fresh = ((scene.image, Image.fromarray(scene.mask)) for scene in scenes)
    for chosen in mixed_batches(fresh, dice, batch, pool, share=4, filled=pool // 8):
        shown = [vary(*scene, dice) for scene in chosen]
        yield np.stack([pixels for pixels, _ in shown]), np.stack([mask for _, mask in shown])


def draw_size(dice: Dice) -> tuple[int, int]:
    """Width and height of a scene, of any ratio between `NARROWEST` and `WIDEST`."""
    ratio = float(np.exp(dice.between(np.log(NARROWEST), np.log(WIDEST))))
    longer = dice.between(144, 224)
    return round(longer * min(1.0, ratio)), round(longer / max(1.0, ratio))


def vary(image: Image.Image, mask: Image.Image, dice: Dice) -> tuple[Pixels, Mask]:
    """A scene and its mask as a letterboxed picture, varied at random.

    It can be cropped, mirrored, recolored, blurred, and moved from the middle of the square.
    """
    image, mask = _cropped(image, mask, dice)
    size = scaled_size(*image.size)
    how = dice.pick((Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.NEAREST))
    small = np.asarray(image.resize(size, how))
    car = np.asarray(mask.convert("L").resize(size, Image.Resampling.BILINEAR)) > 127
    if dice.chance(0.5):
        small, car = small[:, ::-1], car[:, ::-1]
    small = _recoded(_recolored(small, car, dice), dice)
    share = dice.between(0.0, 1.0) if dice.chance(0.3) else 0.5
    x, y = (int((SIDE - length) * share) for length in size)
    pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    target = np.zeros((SIDE, SIDE), dtype=bool)
    pixels[y : y + size[1], x : x + size[0]] = small
    target[y : y + size[1], x : x + size[0]] = car
    return pixels, target


def _cropped(image: Image.Image, mask: Image.Image, dice: Dice) -> tuple[Image.Image, Image.Image]:
    if dice.chance(0.4):
        return image, mask
    width, height = (length * dice.between(CLOSEST, 1.0) for length in image.size)
    width, height = min(width, height * WIDEST), min(height, width / NARROWEST)
    x, y = dice.between(0, image.width - width), dice.between(0, image.height - height)
    box = (int(x), int(y), int(x + width), int(y + height))
    return image.crop(box), mask.crop(box)


def _recolored(pixels: Pixels, car: Mask, dice: Dice) -> Pixels:
    """The pixels with other light, colors and textures, those of the car sometimes apart."""
    values = pixels.astype(np.float32)
    if dice.chance(0.5):
        values = np.where(car[..., None], _graded(values, dice), _graded(values, dice))
    if dice.chance(0.8):
        values = _graded(values, dice)
    if dice.chance(0.5):
        values += dice.rng.standard_normal(values.shape, dtype=np.float32) * dice.between(1, 12)
    return np.clip(values, 0, 255).astype(np.uint8)


def _graded(values: FloatPixels, dice: Dice) -> FloatPixels:
    """The values with another saturation, contrast, brightness and tint, half of them textured."""
    grey = values.mean(axis=2, keepdims=True)
    full = 0.0 if dice.chance(0.08) else dice.between(0.5, 1.4)
    gain = dice.between(0.6, 1.4)
    tint = np.array([dice.between(0.85, 1.15) for _ in range(3)], dtype=np.float32)
    shift = dice.between(-30, 30)
    found: FloatPixels = (grey + (values - grey) * np.float32(full) - 128) * np.float32(gain) + 128
    found = found * tint + np.float32(shift)
    return found + _texture(values.shape[:2], dice) if dice.chance(0.5) else found


def _texture(shape: tuple[int, int], dice: Dice) -> FloatPixels:
    """Soft grey spots (height, width, 1) of a drawn size, from a fine grain to large shadows."""
    cells = max(2, round(float(np.exp(dice.between(np.log(3), np.log(64))))))
    spots = dice.rng.standard_normal((cells, cells), dtype=np.float32)
    grown = Image.fromarray(spots).resize((shape[1], shape[0]), Image.Resampling.BILINEAR)
    found: FloatPixels = np.asarray(grown)[..., None] * np.float32(dice.between(3, 35))
    return found


def _recoded(pixels: Pixels, dice: Dice) -> Pixels:
    """The pixels, blurred or not, and after JPEG compression or not."""
    image = Image.fromarray(pixels)
    if dice.chance(0.3):
        image = image.filter(ImageFilter.GaussianBlur(dice.between(0.3, 1.5)))
    if dice.chance(0.5):
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=round(dice.between(25, 95)))
        image = Image.open(buffer)
    return np.asarray(image)
