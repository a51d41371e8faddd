"""Backgrounds in a town: city and parking."""

from synthetic.scenes.canvas import Canvas, Rgb, shade
from synthetic.scenes.dice import Dice
from synthetic.scenes.landscapes import draw_ground, draw_sky
from synthetic.scenes.palette import GROUNDS, Weather

WALLS: tuple[Rgb, ...] = (
    (176, 168, 158), (150, 92, 74), (204, 190, 160), (120, 130, 144), (94, 98, 108),
    (214, 210, 202), (168, 140, 120),
)  # fmt: skip


def city_street(canvas: Canvas, weather: Weather, dice: Dice, depth: float) -> None:
    """Rows of houses with windows behind a pavement and a street."""
    draw_sky(canvas, weather, dice)
    draw_ground(canvas, dice.vary(dice.pick(GROUNDS), 10), weather.world)
    base = canvas.camera.project((0, depth + 9, 0))[1]
    for row, scale in ((0, 1.25), (1, 1.0)):
        x = -dice.between(0, 12) * canvas.unit
        while x < canvas.width:
            wide = canvas.unit * dice.between(13, 34)
            tall = canvas.unit * dice.between(20, 62) * scale
            tone = shade(
                dice.vary(dice.pick(WALLS), 14), weather.world * (0.75 if row == 0 else 0.95)
            )
            bottom = base if row else canvas.camera.horizon + 2
            _house(canvas, dice, (x, bottom - tall, x + wide, bottom), tone, weather)
            x += wide + canvas.unit * dice.between(0, 4) * (1 - row)
    canvas.level((-60, 60), (depth + 4.5, depth + 9), 0.0, shade((176, 172, 166), weather.world))
    canvas.level((-60, 60), (depth + 4.4, depth + 4.6), 0.0, shade((210, 208, 202), weather.world))


def _house(
    canvas: Canvas, dice: Dice, box: tuple[float, float, float, float], wall: Rgb, weather: Weather
) -> None:
    x0, y0, x1, y1 = box
    canvas.rectangle(x0, y0, x1, y1, wall)
    canvas.rectangle(x0, y0, x1, y0 + canvas.unit, shade(wall, 0.7))
    dark = shade(wall, 0.5) if dice.chance(0.6) else (96, 116, 138)
    lit = (250, 220, 140) if weather.world < 0.8 else (176, 198, 214)
    stride_x, stride_y = canvas.unit * dice.between(4.5, 6.5), canvas.unit * dice.between(6, 8.5)
    y = y0 + stride_y * 0.5
    while y < y1 - stride_y * 0.5:
        x = x0 + stride_x * 0.3
        while x < x1 - stride_x * 0.6:
            pane = lit if dice.chance(0.25) else dark
            canvas.rectangle(x, y, x + stride_x * 0.5, y + stride_y * 0.55, pane)
            x += stride_x
        y += stride_y


def parking(canvas: Canvas, weather: Weather, dice: Dice, depth: float) -> None:
    """Marked bays on a wide lot, lamp posts and a sign, and a low building behind them."""
    draw_sky(canvas, weather, dice)
    draw_ground(canvas, dice.vary(dice.pick(GROUNDS), 8), weather.world)
    back = depth + 11
    wall = dice.vary(dice.pick(((200, 196, 188), (150, 120, 104), (120, 136, 150))), 12)
    x0, x1 = dice.between(-20, -4), dice.between(6, 22)
    low, high = canvas.seen([(x0, back + 12, 0.0), (x1, back + 12, dice.between(3.0, 4.6))])
    canvas.rectangle(*low, *high, shade(wall, weather.world))
    stripe: Rgb = dice.pick(((190, 40, 40), (40, 90, 160), (60, 130, 80), (90, 90, 96)))
    canvas.rectangle(low[0], high[1], high[0], high[1] + canvas.unit * 2, stripe)
    paint = shade((242, 242, 238), weather.world)
    offset = dice.between(0, 2.7)
    for i in range(-9, 10):
        x = i * 2.7 + offset
        for y0, y1 in ((2.0, depth + 2.6), (depth + 6.5, back + 1)):
            canvas.level((x, x + 0.16), (y0, y1), 0.0, paint)
    canvas.level((-40, 40), (depth + 2.6, depth + 2.85), 0.0, paint)
    for x in (dice.between(-9, -3), dice.between(3, 9)):
        foot, top = canvas.seen([(x, back, 0.0), (x, back, 6.5)])
        canvas.line([foot, top, (top[0] + canvas.unit * 5, top[1])], (70, 72, 76), 0.9)
    _sign(canvas, dice, depth + 3.2)


def _sign(canvas: Canvas, dice: Dice, depth: float) -> None:
    """The blue sign of a parking lot, a P on a pole."""
    blue, white = (30, 80, 180), (250, 250, 250)
    x = dice.pick((-1, 1)) * dice.between(2.6, 3.6)
    foot, low, high = canvas.seen([(x, depth, 0.0), (x, depth, 2.1), (x + 0.75, depth, 2.95)])
    canvas.line([foot, low], (150, 152, 156), 0.9)
    half, tall = (high[0] - low[0]) / 2, low[1] - high[1]
    canvas.rectangle(low[0] - half, high[1], low[0] + half, low[1], blue)
    stem = low[0] - half * 0.35
    canvas.line([(stem, low[1] - tall * 0.15), (stem, high[1] + tall * 0.15)], white, 1.1)
    top = high[1]
    canvas.ellipse(stem, top + tall * 0.12, stem + half * 0.95, top + tall * 0.58, white)
    left, right = stem + half * 0.2, stem + half * 0.65
    canvas.ellipse(left, top + tall * 0.25, right, top + tall * 0.45, blue)
