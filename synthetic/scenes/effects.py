"""The effects of weather and camera on a picture: fog, rain, snow, tint, uneven light, noise."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from synthetic.scenes.canvas import Canvas
from synthetic.scenes.dice import Dice
from synthetic.scenes.palette import Weather


def draw_weather(canvas: Canvas, weather: Weather, dice: Dice) -> None:
    """Paint rain or snow in front of everything."""
    w, h, unit = canvas.width, canvas.height, canvas.unit
    if weather.name == "rain":
        slant = dice.between(-2, 2)
        for _ in range(60):
            x, y, long = dice.between(0, w), dice.between(0, h), dice.between(3, 7) * unit
            canvas.line([(x, y), (x + slant * unit, y + long)], (225, 232, 240, 90), 0.3)
    elif weather.name == "snow":
        for _ in range(70):
            x, y, r = dice.between(0, w), dice.between(0, h), dice.between(0.3, 0.9) * unit
            canvas.disc(x, y, r, (250, 251, 253, 200))


def grade(canvas: Canvas, weather: Weather, dice: Dice) -> None:
    """Shift the colors of the background at random, and veil it in fog.

    They become paler, darker, warmer or bluer, as by season, hour and film: otherwise a network
    would know a background by its colors alone.
    """
    full, light = dice.between(0.6, 1.1), dice.between(0.8, 1.12)
    rows: list[float] = []
    for i in range(3):
        gain = light * dice.between(0.92, 1.08)
        row = [gain * (1 - full) * share for share in (0.30, 0.59, 0.11)]
        row[i] += gain * full
        rows += [*row, 0.0]
    canvas.image.paste(canvas.image.convert("RGB", tuple(rows)))
    if weather.name == "fog":
        alpha = round(dice.between(90, 150))
        canvas.rectangle(0, 0, canvas.width, canvas.height, (*weather.low, alpha))


def develop(image: Image.Image, weather: Weather | None, dice: Dice) -> Image.Image:
    """The picture with exposure, tint, uneven light, blur and sensor noise of a camera."""
    if dice.chance(0.3):
        image = image.filter(ImageFilter.BoxBlur(dice.between(0.2, 0.9)))
    width, height = image.size
    warm = weather.warm if weather else 0.0
    tint = [dice.between(0.97, 1.03) + 0.05 * warm, 1.0, dice.between(0.97, 1.03) - 0.06 * warm]
    gain = dice.between(0.9, 1.08)
    across = np.linspace(1 + dice.between(-0.07, 0.07), 1.0, width, dtype=np.float32)
    down = np.linspace(1 + dice.between(-0.07, 0.07), 1.0, height, dtype=np.float32)
    # Rows of width x 3 numbers: NumPy is several times slower over a last axis of three.
    pixels = np.asarray(image).reshape(height, width * 3).astype(np.float32)
    pixels *= (across[:, None] * np.array(tint, dtype=np.float32) * np.float32(gain)).reshape(-1)
    pixels *= down[:, None]
    # Noise is cut from one long strip: drawing it for each scene takes as long as painting a car.
    strip = _strip(max(18, (2 * pixels.size).bit_length()))
    start = int(dice.rng.random() * (len(strip) - pixels.size))
    grain = strip[start : start + pixels.size].reshape(pixels.shape)
    pixels += grain * np.float32(dice.between(0.5, 5.0))
    np.clip(pixels, 0, 255, out=pixels)
    return Image.fromarray(pixels.astype(np.uint8).reshape(height, width, 3))


@cache
def _strip(bits: int) -> NDArray[np.float32]:
    """2 ** `bits` numbers of the normal distribution, the same on every call."""
    numbers: NDArray[np.float32] = np.random.default_rng(0).standard_normal(
        2**bits, dtype=np.float32
    )
    return numbers
