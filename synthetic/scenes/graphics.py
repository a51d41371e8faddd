"""Pictures without a car, as they occur among car photos: banners, logos, placeholders, plans."""

import math
from functools import cache

from PIL import ImageFont

from synthetic.scenes.canvas import Canvas, Rgb, shade
from synthetic.scenes.dice import Dice

INKS: tuple[Rgb, ...] = (
    (200, 30, 40), (30, 80, 170), (30, 130, 80), (240, 190, 30), (30, 30, 36), (120, 50, 150),
    (240, 120, 30),
)  # fmt: skip
SLOGANS = ("SALE", "-20 %", "NEW", "TOP DEAL", "HOT", "0 % RATE", "CALL US", "OPEN", "BEST PRICE")


@cache
def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _write(canvas: Canvas, text: str, middle: tuple[float, float], units: float, fill: Rgb) -> None:
    font = _font(max(6, round(units * canvas.unit)))
    canvas.draw.text(middle, text, fill=fill, font=font, anchor="mm")


def banner(canvas: Canvas, dice: Dice) -> None:
    """An advertisement: slogans on a bright ground with a star or stripes."""
    w, h = canvas.width, canvas.height
    ground, ink = dice.pick(INKS), dice.pick(((255, 255, 255), (255, 240, 120)))
    canvas.rectangle(0, 0, w, h, ground)
    if dice.chance(0.5):
        for x in (w * i / 6 for i in range(-2, 8)):
            stripe = [(x, 0), (x + w / 12, 0), (x - w / 12, h), (x - w / 6, h)]
            canvas.polygon(stripe, shade(ground, 0.85))
    else:
        x, y, star = w * dice.between(0.3, 0.7), h * 0.5, []
        for i in range(24):
            r = h * 0.45 * (1.0 if i % 2 else 0.78)
            star.append((x + r * math.cos(i * math.pi / 12), y + r * math.sin(i * math.pi / 12)))
        canvas.polygon(star, shade(ground, 0.7))
    _write(canvas, dice.pick(SLOGANS), (w / 2, h * dice.between(0.36, 0.5)), 22, ink)
    canvas.rectangle(w * 0.15, h * 0.72, w * 0.85, h * 0.88, ink)
    _write(canvas, dice.pick(SLOGANS), (w / 2, h * 0.8), 11, ground)


def logo(canvas: Canvas, dice: Dice) -> None:
    """An invented logo on a plain ground."""
    w, h = canvas.width, canvas.height
    ground: Rgb = dice.pick(((255, 255, 255), (244, 244, 246), (24, 26, 30)))
    canvas.rectangle(0, 0, w, h, ground)
    x, y, r = w / 2, h * 0.42, h * dice.between(0.2, 0.28)
    ink = dice.pick(INKS)
    form = dice.pick(("disc", "shield", "diamond"))
    if form == "disc":
        canvas.disc(x, y, r, ink)
        canvas.disc(x, y, r * 0.7, ground)
    elif form == "shield":
        shield = [(x - r, y - r), (x + r, y - r), (x + r, y), (x, y + r * 1.1), (x - r, y)]
        canvas.polygon(shield, ink)
    else:
        canvas.polygon([(x - r * 1.4, y), (x, y - r), (x + r * 1.4, y), (x, y + r)], ink)
    letters = "".join(dice.pick("ABDEGKLMNORSTUVXZ") for _ in range(dice.pick((1, 2, 3))))
    _write(canvas, letters, (x, y), 16, ink if form == "disc" else ground)
    canvas.rectangle(w * 0.3, h * 0.78, w * 0.7, h * 0.84, ink)


def placeholder(canvas: Canvas, dice: Dice) -> None:
    """The placeholder of a missing photo: a grey camera or picture frame."""
    w, h = canvas.width, canvas.height
    gray = int(dice.between(200, 240))
    ground: Rgb = (gray, gray, gray + 3)
    ink = shade(ground, dice.between(0.6, 0.8))
    canvas.rectangle(0, 0, w, h, ground)
    x, y, r = w / 2, h * 0.44, h * dice.between(0.16, 0.24)
    if dice.chance(0.5):
        canvas.rectangle(x - r * 1.5, y - r * 0.8, x + r * 1.5, y + r, ink)
        canvas.rectangle(x - r * 0.5, y - r * 1.1, x + r * 0.5, y - r * 0.8, ink)
        canvas.ellipse(x - r * 0.65, y - r * 0.55, x + r * 0.65, y + r * 0.75, ground)
        canvas.ellipse(x - r * 0.4, y - r * 0.3, x + r * 0.4, y + r * 0.5, ink)
    else:
        canvas.rectangle(x - r * 1.5, y - r, x + r * 1.5, y + r, ink)
        canvas.rectangle(x - r * 1.35, y - r * 0.85, x + r * 1.35, y + r * 0.85, ground)
        hills = ((-1.2, 0.8), (-0.3, -0.2), (0.3, 0.4), (0.6, 0), (1.2, 0.8))
        canvas.polygon([(x + r * dx, y + r * dy) for dx, dy in hills], ink)
    _write(canvas, dice.pick(("NO PHOTO", "NO IMAGE", "COMING SOON")), (x, h * 0.78), 9, ink)


def plan(canvas: Canvas, dice: Dice) -> None:
    """A map of streets with a mark, or the floor plan of a hall."""
    w, h = canvas.width, canvas.height
    ground: Rgb = dice.pick(((252, 252, 250), (236, 240, 228), (228, 236, 246)))
    canvas.rectangle(0, 0, w, h, ground)
    ink: Rgb = dice.pick(((60, 66, 76), (40, 70, 130), (120, 120, 120)))
    if dice.chance(0.5):
        for _ in range(7):
            a = (dice.between(-0.1, 1.1) * w, dice.pick((-0.05, 1.05)) * h)
            b = (dice.between(-0.1, 1.1) * w, dice.between(0.1, 0.9) * h)
            canvas.line([a, b, (dice.pick((-0.05, 1.05)) * w, b[1])], ink, dice.between(1, 3))
        x, y, r = dice.between(0.3, 0.7) * w, dice.between(0.3, 0.6) * h, h * 0.07
        canvas.polygon([(x - r, y), (x + r, y), (x, y + r * 2)], (210, 40, 40))
        canvas.disc(x, y, r, (210, 40, 40))
        return
    x0, y0, x1, y1 = w * 0.12, h * 0.14, w * 0.88, h * 0.86
    canvas.line([(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)], ink, 1.6)
    for _ in range(4):
        x, y = dice.between(0.25, 0.75) * w, dice.between(0.28, 0.72) * h
        canvas.line([(x, y0), (x, y)], ink, 1.0)
        canvas.line([(x, y), (dice.pick((x0, x1)), y)], ink, 1.0)


GRAPHICS = (banner, logo, placeholder, plan)
