"""What the air and the camera do to a picture: fog, rain, snow, tint, falling light, noise."""

import numpy as np
from PIL import Image, ImageFilter

from crawlers.scenes.canvas import Canvas
from crawlers.scenes.dice import Dice
from crawlers.scenes.palette import Weather


def draw_weather(canvas: Canvas, weather: Weather, dice: Dice) -> None:
    """Paint what falls or hangs in the air, in front of everything."""
    w, h, unit = canvas.width, canvas.height, canvas.unit
    if weather.name == "rain":
        slant = dice.between(-2, 2)
        for _ in range(60):
            x, y, long = dice.between(0, w), dice.between(0, h), dice.between(3, 7) * unit
            canvas.line([(x, y), (x + slant * unit, y + long)], (225, 232, 240, 90), 0.3)
    elif weather.name == "snow":
        for _ in range(70):
            x, y, r = dice.between(0, w), dice.between(0, h), dice.between(0.3, 0.9) * unit
            canvas.ellipse(x - r, y - r, x + r, y + r, (250, 251, 253, 200))


def draw_haze(canvas: Canvas, weather: Weather, dice: Dice) -> None:
    """Veil the background, before the car is painted."""
    if weather.name == "fog":
        alpha = round(dice.between(90, 150))
        canvas.rectangle(0, 0, canvas.width, canvas.height, (*weather.low, alpha))


def develop(image: Image.Image, weather: Weather | None, dice: Dice) -> Image.Image:
    """Exposure, a slight tint, light that falls off to one side, blur and sensor noise."""
    if dice.chance(0.3):
        image = image.filter(ImageFilter.GaussianBlur(dice.between(0.2, 0.7)))
    pixels = np.asarray(image, dtype=np.float32)
    height, width, _ = pixels.shape
    warm = weather.warm if weather else 0.0
    tint = [dice.between(0.97, 1.03) + 0.05 * warm, 1.0, dice.between(0.97, 1.03) - 0.06 * warm]
    gain = dice.between(0.9, 1.08)
    across = np.linspace(1 + dice.between(-0.07, 0.07), 1.0, width, dtype=np.float32)
    down = np.linspace(1 + dice.between(-0.07, 0.07), 1.0, height, dtype=np.float32)
    light = (across[None, :] * down[:, None])[..., None] * np.array(tint, dtype=np.float32) * gain
    noise = dice.rng.standard_normal(pixels.shape, dtype=np.float32) * dice.between(0.5, 5.0)
    return Image.fromarray(np.clip(pixels * light + noise, 0, 255).astype(np.uint8))
