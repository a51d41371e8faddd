"""Pictures that show a part of a car: the interior, and details."""

import math

from synthetic.scenes.canvas import Canvas, Rgb, blend, shade
from synthetic.scenes.dice import Dice

TRIMS: tuple[Rgb, ...] = (
    (34, 34, 38), (60, 58, 60), (176, 148, 112), (104, 64, 40), (140, 30, 34), (206, 200, 190),
)  # fmt: skip


def interior(canvas: Canvas, dice: Dice) -> None:
    """The driver's place, or the seats as seen from the back."""
    trim = dice.vary(dice.pick(TRIMS), 8)
    w, h = canvas.width, canvas.height
    canvas.rectangle(0, 0, w, h, shade(trim, 0.8))
    sky: Rgb = dice.pick(((120, 170, 225), (190, 196, 204), (240, 190, 140)))
    canvas.gradient(h * 0.06, h * 0.45, sky, (226, 230, 232))
    land: Rgb = dice.pick(((96, 130, 80), (130, 130, 130), (180, 160, 120)))
    canvas.patch([(0, 0.5), (0, 0.36), (0.3, 0.32), (0.7, 0.34), (1, 0.36), (1, 0.5)], land)
    roof = shade(blend(trim, (200, 198, 194), 0.6), 0.9)
    canvas.patch([(0, 0), (1, 0), (1, 0.1), (0.8, 0.07), (0.2, 0.07), (0, 0.1)], roof)
    for a, b in ((0.0, 0.16), (1.0, 0.84)):
        pillar = [(a, 0), (b, 0.05), (a * 0.9 + 0.05, 0.5), (a, 0.5)]
        canvas.patch(pillar, shade(roof, 0.75))
    canvas.rectangle(w * 0.44, h * 0.07, w * 0.58, h * 0.13, (30, 32, 36))
    _dashboard(canvas, dice, trim)
    side = dice.pick((0.3, 0.7))
    if dice.chance(0.65):
        _steering_wheel(canvas, dice, side)
    else:
        _seat_backs(canvas, trim)


def _dashboard(canvas: Canvas, dice: Dice, trim: Rgb) -> None:
    w, h = canvas.width, canvas.height
    top = h * dice.between(0.43, 0.5)
    dash = shade(blend(trim, (40, 40, 44), 0.5), 0.9)
    edge = [(0, top + h * 0.03), (w * 0.2, top), (w * 0.8, top), (w, top + h * 0.03)]
    canvas.polygon([*edge, (w, h * 0.78), (0, h * 0.78)], dash)
    canvas.rectangle(0, h * 0.62, w, h * 0.65, blend(dash, (190, 180, 170), 0.5))
    screen: Rgb = dice.pick(((24, 60, 90), (20, 22, 26), (40, 90, 70)))
    canvas.rectangle(w * 0.42, top + h * 0.05, w * 0.58, h * 0.61, screen)
    for x in (0.08, 0.66, 0.86):
        canvas.ellipse(w * x, h * 0.54, w * (x + 0.07), h * 0.6, (18, 18, 20))
    canvas.patch([(0.4, 0.66), (0.6, 0.66), (0.66, 1), (0.34, 1)], shade(dash, 0.8))
    canvas.ellipse(w * 0.47, h * 0.78, w * 0.53, h * 0.86, (180, 182, 186))
    canvas.line([(w * 0.5, h * 0.82), (w * 0.5, h * 0.92)], (60, 60, 64), 1.6)


def _steering_wheel(canvas: Canvas, dice: Dice, side: float) -> None:
    w, h = canvas.width, canvas.height
    x, y, r = w * side, h * dice.between(0.66, 0.74), h * dice.between(0.2, 0.26)
    for dx in (-0.45, 0.1):
        canvas.ellipse(x + dx * r, y - r * 1.15, x + (dx + 0.38) * r, y - r * 0.8, (14, 14, 16))
        needle = [(x + (dx + 0.19) * r, y - r * 0.97), (x + (dx + 0.3) * r, y - r * 1.08)]
        canvas.line(needle, (230, 70, 50), 0.6)
    ring = [
        (x + r * math.cos(t * math.pi / 16), y + r * 0.92 * math.sin(t * math.pi / 16))
        for t in range(33)
    ]
    canvas.line(ring, (20, 20, 22), 4.2)
    for angle in (0.15, math.pi - 0.15, math.pi / 2):
        end = (x + r * math.cos(angle), y + r * 0.92 * math.sin(angle))
        canvas.line([(x, y), end], (32, 32, 36), 3.4)
    canvas.disc(x, y, r * 0.32, (40, 40, 44), high=r * 0.28)
    canvas.disc(x, y, r * 0.1, (190, 192, 196))


def _seat_backs(canvas: Canvas, trim: Rgb) -> None:
    w, h = canvas.width, canvas.height
    for x in (0.08, 0.58):
        x0, x1 = w * x, w * (x + 0.34)
        canvas.rectangle(x0 + w * 0.09, h * 0.36, x1 - w * 0.09, h * 0.5, shade(trim, 1.05))
        top = [(x0 + w * 0.03, h * 0.52), (x1 - w * 0.03, h * 0.52)]
        canvas.polygon([*top, (x1, h), (x0, h)], trim)
        top = [(x0 + w * 0.08, h * 0.57), (x1 - w * 0.08, h * 0.57)]
        middle = [*top, (x1 - w * 0.06, h), (x0 + w * 0.06, h)]
        canvas.polygon(middle, shade(trim, 1.2))
        canvas.line([((x0 + x1) / 2, h * 0.57), ((x0 + x1) / 2, h)], shade(trim, 0.75), 0.7)


def wheel(canvas: Canvas, dice: Dice, paint: Rgb) -> None:
    """A wheel in its arch, close up, with the paint around it."""
    w, h = canvas.width, canvas.height
    canvas.gradient(0, h, shade(paint, 1.08), shade(paint, 0.78))
    canvas.rectangle(0, h * 0.86, w, h, dice.vary((120, 118, 116), 24))
    x, y, r = w * dice.between(0.4, 0.6), h * dice.between(0.54, 0.62), h * dice.between(0.32, 0.4)
    for grow, fill in ((1.16, (14, 14, 16)), (1.0, (30, 30, 32)), (0.72, (90, 92, 96))):
        canvas.disc(x, y, r * grow, fill)
    rim: Rgb = dice.pick(((196, 198, 202), (150, 152, 158), (70, 72, 76)))
    count = dice.pick((5, 6, 7, 10))
    start = dice.between(0, 1)
    for i in range(count):
        a = start + i * math.tau / count
        spread = 0.9 / count
        corners = ((0.12, -1.0), (0.7, -spread), (0.7, spread), (0.12, 1.0))
        canvas.polygon(
            [(x + k * r * math.cos(a + d), y + k * r * math.sin(a + d)) for k, d in corners], rim
        )
    canvas.disc(x, y, r * 0.17, shade(rim, 1.15))


def badge(canvas: Canvas, dice: Dice, paint: Rgb) -> None:
    """An invented chrome emblem on the bonnet, above a grille."""
    w, h = canvas.width, canvas.height
    canvas.gradient(0, h * 0.62, shade(paint, 1.12), shade(paint, 0.85))
    canvas.rectangle(0, h * 0.62, w, h, (26, 26, 29))
    bars = dice.pick((4, 5, 6))
    for i in range(bars):
        y = h * (0.65 + 0.36 * i / bars)
        canvas.rectangle(0, y, w, y + h * 0.025, (150, 153, 158))
    x, y, r = w * dice.between(0.4, 0.6), h * dice.between(0.36, 0.46), h * dice.between(0.13, 0.2)
    canvas.disc(x, y, r * 1.3, (225, 228, 232), high=r)
    enamel: Rgb = dice.pick(((24, 40, 90), (120, 20, 26), (30, 30, 34)))
    canvas.disc(x, y, r * 1.1, enamel, high=r * 0.82)
    diamond = [(x - r * 0.9, y), (x, y - r * 0.5), (x + r * 0.9, y), (x, y + r * 0.5)]
    canvas.polygon(diamond, (214, 217, 222))


def engine(canvas: Canvas, dice: Dice, paint: Rgb) -> None:
    """The bay under an open bonnet: block, cover, hoses and caps, framed by the wings."""
    w, h = canvas.width, canvas.height
    canvas.rectangle(0, 0, w, h, (34, 35, 38))
    canvas.patch([(0, 0), (0.08, 0), (0.14, 1), (0, 1)], shade(paint, 0.95))
    canvas.patch([(1, 0), (0.92, 0), (0.86, 1), (1, 1)], shade(paint, 0.85))
    for _ in range(9):
        x, y = dice.between(0.14, 0.72) * w, dice.between(0.05, 0.8) * h
        gray = int(dice.between(50, 120))
        right, bottom = x + w * dice.between(0.06, 0.16), y + h * dice.between(0.06, 0.18)
        canvas.rectangle(x, y, right, bottom, (gray, gray, gray + 4))
    cover: Rgb = dice.pick(((60, 62, 66), (130, 132, 136), (150, 30, 30), (30, 60, 120)))
    canvas.rectangle(w * 0.3, h * 0.3, w * 0.7, h * 0.68, cover)
    for i in range(5):
        x = w * (0.35 + 0.075 * i)
        canvas.line([(x, h * 0.34), (x, h * 0.64)], shade(cover, 1.3), 1.2)
    for _ in range(4):
        points = [(dice.between(0.15, 0.85) * w, dice.between(0.05, 0.95) * h) for _ in range(3)]
        canvas.line(points, (18, 18, 20), 2.4)
    for fill in ((240, 200, 40), (60, 120, 200)):
        x, y, r = dice.between(0.2, 0.8) * w, dice.between(0.1, 0.9) * h, canvas.unit * 4
        canvas.disc(x, y, r, fill)
