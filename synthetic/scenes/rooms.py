"""Backgrounds under a roof: a photo studio, and halls such as garages and showrooms."""

from synthetic.scenes.canvas import Canvas, Rgb, blend, shade
from synthetic.scenes.dice import Dice
from synthetic.scenes.palette import Weather


def studio(canvas: Canvas, weather: Weather, dice: Dice, depth: float) -> None:
    """A seamless backdrop in one color, lit from above, with a bright spot on the floor."""
    plain: tuple[Rgb, ...] = ((226, 228, 232), (120, 124, 132), (60, 62, 70), (196, 186, 170))
    vivid: tuple[Rgb, ...] = (
        (120, 160, 200), (180, 120, 110), (130, 170, 140), (150, 130, 180), (214, 190, 120),
        (60, 90, 130),
    )  # fmt: skip
    tone = shade(dice.vary(dice.pick(plain if dice.chance(0.5) else vivid), 16), weather.world)
    sweep = canvas.camera.horizon + canvas.unit * dice.between(-4, 14)
    canvas.gradient(0, sweep, shade(tone, dice.between(0.7, 0.9)), shade(tone, 1.1))
    canvas.gradient(sweep, canvas.height, shade(tone, 1.1), shade(tone, 0.85))
    x, y = canvas.camera.project((0, depth, 0))
    for grow in (1.0, 0.8, 0.6):
        across, high = canvas.width * 0.55 * grow, canvas.unit * 20 * grow
        canvas.disc(x, y, across, (255, 255, 255, 22), high=high)
    if dice.chance(0.4):
        wide = canvas.width * dice.between(0.2, 0.4)
        canvas.rectangle(x - wide, 0, x + wide, canvas.unit * 5, blend(tone, (255, 255, 255), 0.85))


WALLS: tuple[Rgb, ...] = (
    (206, 204, 200), (172, 180, 188), (190, 170, 150), (140, 146, 152), (214, 206, 184),
)  # fmt: skip
FLOORS: tuple[Rgb, ...] = ((150, 150, 152), (176, 170, 162), (112, 116, 122), (190, 184, 176))
HALL_START = 0.8
"""The distance from the camera to the front end of a hall, in metres."""


def indoor(canvas: Canvas, weather: Weather, dice: Dice, depth: float) -> None:
    """A hall with a back wall, pillars, rows of lamps under the ceiling and a tiled floor."""
    back, wide = depth + dice.between(5.8, 8.0), dice.between(6.5, 9.0)
    tall = dice.between(3.6, 4.6)
    wall = shade(dice.vary(dice.pick(WALLS), 12), 0.75 + 0.25 * weather.world)
    floor = dice.vary(dice.pick(FLOORS), 10)
    canvas.rectangle(0, 0, canvas.width, canvas.height, shade(wall, 0.82))
    canvas.level((-wide, wide), (HALL_START, back), tall, shade(wall, 0.62))
    canvas.level((-wide, wide), (HALL_START, back), 0.0, floor)
    seam = shade(floor, 0.86)
    for i in range(-6, 7):
        x = i * wide / 6
        canvas.line(canvas.seen([(x, HALL_START, 0), (x, back, 0)]), seam, 0.4)
    for i in range(8):
        y = HALL_START + 1 + (back - HALL_START - 1) * i / 7
        canvas.line(canvas.seen([(-wide, y, 0), (wide, y, 0)]), seam, 0.4)
    (x0, y0), (x1, y1) = canvas.seen([(-wide, back, tall), (wide, back, 0.0)])
    canvas.rectangle(x0, y0, x1, y1, wall)
    _back_wall(canvas, dice, wall, (wide, back, tall))
    for y in (depth * 0.55, depth * 0.85, depth + 2.5):
        for x in (-wide * 0.45, wide * 0.45):
            canvas.level((x - 0.8, x + 0.8), (y, y + 0.35), tall - 0.02, (255, 255, 246))


def _back_wall(canvas: Canvas, dice: Dice, wall: Rgb, size: tuple[float, float, float]) -> None:
    """A roller gate or a window, a colored stripe, and pillars."""
    wide, back, tall = size
    stripe = dice.pick(((190, 50, 44), (40, 90, 160), (220, 170, 40), (60, 64, 72), (70, 140, 100)))
    (x0, y0), (x1, y1) = canvas.seen([(-wide, back, 1.15), (wide, back, 0.95)])
    canvas.rectangle(x0, y0, x1, y1, stripe)
    start = dice.between(-wide * 0.8, wide * 0.2)
    gate = dice.chance(0.5)
    (x0, y0), (x1, y1) = canvas.seen([(start, back, tall * 0.8), (start + 3.4, back, 0.0)])
    canvas.rectangle(x0, y0, x1, y1, shade(wall, 0.75) if gate else (186, 208, 222))
    for i in range(1, 8):
        share = i / 8
        if gate:
            y = y0 + (y1 - y0) * share
            canvas.line([(x0, y), (x1, y)], shade(wall, 0.6), 0.5)
        elif i % 2 == 0:
            x = x0 + (x1 - x0) * share
            canvas.line([(x, y0), (x, y1)], (80, 84, 90), 0.7)
    for x in (-wide * 0.95, -wide * 0.35, wide * 0.35, wide * 0.95):
        (px, py), (qx, qy) = canvas.seen([(x - 0.2, back - 0.3, tall), (x + 0.2, back - 0.3, 0.0)])
        canvas.rectangle(px, py, qx, qy, shade(wall, 0.88))
        canvas.rectangle((px + qx) / 2, py, qx, qy, shade(wall, 0.78))
