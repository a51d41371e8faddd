"""Pictures of a car that do not show it whole: the inside, and details."""

import math

from synthetic.scenes.canvas import Canvas, Rgb, blend, shade
from synthetic.scenes.dice import Dice

TRIMS: tuple[Rgb, ...] = (
    (34, 34, 38),
    (60, 58, 60),
    (176, 148, 112),
    (104, 64, 40),
    (140, 30, 34),
    (206, 200, 190),
)


def interior(canvas: Canvas, dice: Dice) -> None:
    """The driver's place, or the seats as seen from the back."""
    trim = dice.vary(dice.pick(TRIMS), 8)
    w, h = canvas.width, canvas.height
    canvas.rectangle(0, 0, w, h, shade(trim, 0.8))
    canvas.gradient(
        h * 0.06,
        h * 0.45,
        dice.pick(((120, 170, 225), (190, 196, 204), (240, 190, 140))),
        (226, 230, 232),
    )
    canvas.polygon(
        [
            (0, h * 0.5),
            (0, h * 0.36),
            (w * 0.3, h * 0.32),
            (w * 0.7, h * 0.34),
            (w, h * 0.36),
            (w, h * 0.5),
        ],
        dice.pick(((96, 130, 80), (130, 130, 130), (180, 160, 120))),
    )
    roof = shade(blend(trim, (200, 198, 194), 0.6), 0.9)
    canvas.polygon(
        [(0, 0), (w, 0), (w, h * 0.1), (w * 0.8, h * 0.07), (w * 0.2, h * 0.07), (0, h * 0.1)], roof
    )
    for a, b in ((0.0, 0.16), (1.0, 0.84)):
        canvas.polygon(
            [(w * a, 0), (w * b, h * 0.05), (w * (a * 0.9 + 0.05), h * 0.5), (w * a, h * 0.5)],
            shade(roof, 0.75),
        )
    canvas.rectangle(w * 0.44, h * 0.07, w * 0.58, h * 0.13, (30, 32, 36))
    _dashboard(canvas, dice, trim)
    side = dice.pick((0.3, 0.7))
    if dice.chance(0.65):
        _steering(canvas, dice, side)
    else:
        _backs(canvas, trim)


def _dashboard(canvas: Canvas, dice: Dice, trim: Rgb) -> None:
    w, h = canvas.width, canvas.height
    top = h * dice.between(0.43, 0.5)
    dash = shade(blend(trim, (40, 40, 44), 0.5), 0.9)
    canvas.polygon(
        [
            (0, top + h * 0.03),
            (w * 0.2, top),
            (w * 0.8, top),
            (w, top + h * 0.03),
            (w, h * 0.78),
            (0, h * 0.78),
        ],
        dash,
    )
    canvas.rectangle(0, h * 0.62, w, h * 0.65, blend(dash, (190, 180, 170), 0.5))
    canvas.rectangle(
        w * 0.42,
        top + h * 0.05,
        w * 0.58,
        h * 0.61,
        dice.pick(((24, 60, 90), (20, 22, 26), (40, 90, 70))),
    )
    for x in (0.08, 0.66, 0.86):
        canvas.ellipse(w * x, h * 0.54, w * (x + 0.07), h * 0.6, (18, 18, 20))
    canvas.polygon(
        [(w * 0.4, h * 0.66), (w * 0.6, h * 0.66), (w * 0.66, h), (w * 0.34, h)], shade(dash, 0.8)
    )
    canvas.ellipse(w * 0.47, h * 0.78, w * 0.53, h * 0.86, (180, 182, 186))
    canvas.line([(w * 0.5, h * 0.82), (w * 0.5, h * 0.92)], (60, 60, 64), 1.6)


def _steering(canvas: Canvas, dice: Dice, side: float) -> None:
    w, h = canvas.width, canvas.height
    x, y, r = w * side, h * dice.between(0.66, 0.74), h * dice.between(0.2, 0.26)
    for dx in (-0.45, 0.1):
        canvas.ellipse(x + dx * r, y - r * 1.15, x + (dx + 0.38) * r, y - r * 0.8, (14, 14, 16))
        canvas.line(
            [(x + (dx + 0.19) * r, y - r * 0.97), (x + (dx + 0.3) * r, y - r * 1.08)],
            (230, 70, 50),
            0.6,
        )
    ring = [
        (x + r * math.cos(t * math.pi / 16), y + r * 0.92 * math.sin(t * math.pi / 16))
        for t in range(33)
    ]
    canvas.line(ring, (20, 20, 22), 4.2)
    for angle in (0.15, math.pi - 0.15, math.pi / 2):
        canvas.line(
            [(x, y), (x + r * math.cos(angle), y + r * 0.92 * math.sin(angle))], (32, 32, 36), 3.4
        )
    canvas.ellipse(x - r * 0.32, y - r * 0.28, x + r * 0.32, y + r * 0.28, (40, 40, 44))
    canvas.ellipse(x - r * 0.1, y - r * 0.1, x + r * 0.1, y + r * 0.1, (190, 192, 196))


def _backs(canvas: Canvas, trim: Rgb) -> None:
    w, h = canvas.width, canvas.height
    for x in (0.08, 0.58):
        x0, x1 = w * x, w * (x + 0.34)
        canvas.rectangle(x0 + w * 0.09, h * 0.36, x1 - w * 0.09, h * 0.5, shade(trim, 1.05))
        canvas.polygon(
            [(x0 + w * 0.03, h * 0.52), (x1 - w * 0.03, h * 0.52), (x1, h), (x0, h)], trim
        )
        canvas.polygon(
            [
                (x0 + w * 0.08, h * 0.57),
                (x1 - w * 0.08, h * 0.57),
                (x1 - w * 0.06, h),
                (x0 + w * 0.06, h),
            ],
            shade(trim, 1.2),
        )
        canvas.line([((x0 + x1) / 2, h * 0.57), ((x0 + x1) / 2, h)], shade(trim, 0.75), 0.7)


def wheel(canvas: Canvas, dice: Dice, paint: Rgb) -> None:
    """A wheel in its arch, close up, with the paint around it."""
    w, h = canvas.width, canvas.height
    canvas.gradient(0, h, shade(paint, 1.08), shade(paint, 0.78))
    canvas.rectangle(0, h * 0.86, w, h, dice.vary((120, 118, 116), 24))
    x, y, r = w * dice.between(0.4, 0.6), h * dice.between(0.54, 0.62), h * dice.between(0.32, 0.4)
    for grow, fill in ((1.16, (14, 14, 16)), (1.0, (30, 30, 32)), (0.72, (90, 92, 96))):
        canvas.ellipse(x - r * grow, y - r * grow, x + r * grow, y + r * grow, fill)
    rim = dice.pick(((196, 198, 202), (150, 152, 158), (70, 72, 76)))
    count = dice.pick((5, 6, 7, 10))
    start = dice.between(0, 1)
    for i in range(count):
        a = start + i * math.tau / count
        spread = 0.9 / count
        canvas.polygon(
            [
                (x + k * r * math.cos(a + d), y + k * r * math.sin(a + d))
                for k, d in ((0.12, -1.0), (0.7, -spread), (0.7, spread), (0.12, 1.0))
            ],
            rim,
        )
    canvas.ellipse(x - r * 0.17, y - r * 0.17, x + r * 0.17, y + r * 0.17, shade(rim, 1.15))


def badge(canvas: Canvas, dice: Dice, paint: Rgb) -> None:
    """A chrome emblem of no make on the bonnet, above a grille."""
    w, h = canvas.width, canvas.height
    canvas.gradient(0, h * 0.62, shade(paint, 1.12), shade(paint, 0.85))
    canvas.rectangle(0, h * 0.62, w, h, (26, 26, 29))
    bars = dice.pick((4, 5, 6))
    for i in range(bars):
        y = h * (0.65 + 0.36 * i / bars)
        canvas.rectangle(0, y, w, y + h * 0.025, (150, 153, 158))
    x, y, r = w * dice.between(0.4, 0.6), h * dice.between(0.36, 0.46), h * dice.between(0.13, 0.2)
    canvas.ellipse(x - r * 1.3, y - r, x + r * 1.3, y + r, (225, 228, 232))
    canvas.ellipse(
        x - r * 1.1,
        y - r * 0.82,
        x + r * 1.1,
        y + r * 0.82,
        dice.pick(((24, 40, 90), (120, 20, 26), (30, 30, 34))),
    )
    canvas.polygon(
        [(x - r * 0.9, y), (x, y - r * 0.5), (x + r * 0.9, y), (x, y + r * 0.5)], (214, 217, 222)
    )


def engine(canvas: Canvas, dice: Dice, paint: Rgb) -> None:
    """The bay under an open bonnet: block, cover, hoses and caps, framed by the wings."""
    w, h = canvas.width, canvas.height
    canvas.rectangle(0, 0, w, h, (34, 35, 38))
    canvas.polygon([(0, 0), (w * 0.08, 0), (w * 0.14, h), (0, h)], shade(paint, 0.95))
    canvas.polygon([(w, 0), (w * 0.92, 0), (w * 0.86, h), (w, h)], shade(paint, 0.85))
    for _ in range(9):
        x, y = dice.between(0.14, 0.72) * w, dice.between(0.05, 0.8) * h
        gray = int(dice.between(50, 120))
        canvas.rectangle(
            x,
            y,
            x + w * dice.between(0.06, 0.16),
            y + h * dice.between(0.06, 0.18),
            (gray, gray, gray + 4),
        )
    cover = dice.pick(((60, 62, 66), (130, 132, 136), (150, 30, 30), (30, 60, 120)))
    canvas.rectangle(w * 0.3, h * 0.3, w * 0.7, h * 0.68, cover)
    for i in range(5):
        x = w * (0.35 + 0.075 * i)
        canvas.line([(x, h * 0.34), (x, h * 0.64)], shade(cover, 1.3), 1.2)
    for _ in range(4):
        points = [(dice.between(0.15, 0.85) * w, dice.between(0.05, 0.95) * h) for _ in range(3)]
        canvas.line(points, (18, 18, 20), 2.4)
    for fill in ((240, 200, 40), (60, 120, 200)):
        x, y, r = dice.between(0.2, 0.8) * w, dice.between(0.1, 0.9) * h, canvas.unit * 4
        canvas.ellipse(x - r, y - r, x + r, y + r, fill)


DETAIL_PAINTERS = (wheel, badge, engine)
