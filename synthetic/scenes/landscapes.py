"""Backgrounds in the open country: mountains, sea, nature and road.

Each paints the whole canvas, sky and ground; the cars and people are painted over it later.
"""

import math

from synthetic.scenes.canvas import Canvas, Rgb, blend, shade
from synthetic.scenes.dice import Dice
from synthetic.scenes.palette import GROUNDS, SEASONS, Weather


def draw_sky(canvas: Canvas, weather: Weather, dice: Dice) -> None:
    """Fill the canvas above the horizon, with clouds and a sun where the weather has them."""
    horizon = canvas.camera.horizon
    canvas.gradient(0, horizon + 2, weather.top, weather.low)
    if weather.name in {"clear", "bright", "pale", "sunset", "dawn"}:
        cloud = blend(weather.low, (255, 255, 255), 0.55)
        for _ in range(int(dice.between(0, 5))):
            x, y = dice.between(0, canvas.width), dice.between(0, horizon * 0.7)
            for _ in range(4):
                r = canvas.unit * dice.between(2, 6)
                dx = canvas.unit * dice.between(-9, 9)
                canvas.disc(x + dx, y, r * 1.7, cloud, high=r * 0.6)
    if weather.name in {"sunset", "dawn", "clear"} and dice.chance(0.5):
        x, y = dice.between(0, canvas.width), horizon * dice.between(0.3, 0.95)
        r = canvas.unit * dice.between(3, 6)
        canvas.disc(x, y, r, blend(weather.low, (255, 250, 220), 0.8))


def draw_ground(canvas: Canvas, color: Rgb, world: float) -> None:
    """Fill the canvas below the horizon, darker far away; `world` is the brightness of the day."""
    tone = shade(color, world)
    canvas.gradient(canvas.camera.horizon, canvas.height, shade(tone, 0.86), shade(tone, 1.06))


def _track(canvas: Canvas, dice: Dice, world: float, far: float) -> None:
    """A strip of asphalt or gravel across the picture, under the car."""
    color = shade(dice.vary(dice.pick(GROUNDS), 8), world)
    canvas.level((-60, 60), (1.0, far), 0.0, color)


def _ridge(canvas: Canvas, dice: Dice, tall: tuple[float, float], color: Rgb, snow: bool) -> None:
    """A row of peaks on the horizon, each with a shaded right side, some with snow."""
    horizon, x = canvas.camera.horizon + 2, -canvas.width * 0.2
    while x < canvas.width * 1.1:
        wide = canvas.width * dice.between(0.25, 0.5)
        peak = canvas.unit * dice.between(*tall)
        top = (x + wide * dice.between(0.4, 0.6), horizon - peak)
        left, right = (x - wide * 0.12, horizon), (x + wide * 1.12, horizon)
        canvas.polygon([left, top, right], color)
        shoulder = (top[0] + wide * 0.08, horizon)
        canvas.polygon([top, right, shoulder], shade(color, 0.82))
        if snow:
            cap = [top]
            for side, share in ((left, 0.32), (None, 0.22), (right, 0.36)):
                px, py = side or (top[0] + wide * 0.03, horizon)
                cap.append((top[0] + (px - top[0]) * share, top[1] + (py - top[1]) * share))
            canvas.polygon(cap, blend(color, (250, 252, 255), 0.88))
        x += wide * dice.between(0.4, 0.75)


def mountains(canvas: Canvas, weather: Weather, dice: Dice, depth: float) -> None:
    """Two ranges, mostly with snow on the peaks, behind a meadow."""
    draw_sky(canvas, weather, dice)
    rocks = ((92, 104, 130), (112, 108, 106), (86, 110, 116), (132, 112, 96))
    rock = dice.vary(dice.pick(rocks), 10)
    _ridge(canvas, dice, (22, 44), shade(blend(rock, weather.low, 0.3), weather.world), True)
    _ridge(canvas, dice, (9, 22), shade(rock, weather.world * 0.8), dice.chance(0.4))
    season = SEASONS[dice.pick(tuple(SEASONS))]
    draw_ground(canvas, dice.vary(season[0], 10), weather.world)
    if dice.chance(0.6):
        _track(canvas, dice, weather.world, depth + 3.5)


def sea(canvas: Canvas, weather: Weather, dice: Dice, depth: float) -> None:
    """Water up to the horizon, often with sails or an island, behind a beach or a quay."""
    draw_sky(canvas, weather, dice)
    horizon = canvas.camera.horizon
    water = dice.vary(dice.pick(((32, 96, 160), (30, 130, 150), (70, 100, 120), (24, 70, 120))), 12)
    water = shade(blend(water, weather.low, 0.25), weather.world)
    shore = canvas.camera.project((0, depth + dice.between(8.5, 11.0), 0))[1]
    shore = max(shore, horizon + canvas.unit * 9)
    if dice.chance(0.4):
        x, r = dice.between(0, canvas.width), canvas.unit * dice.between(12, 26)
        island = blend((80, 100, 110), weather.low, 0.4)
        canvas.disc(x, horizon, r * 1.6, island, high=r * 0.3)
    beach: Rgb = dice.pick(((224, 204, 156), (206, 190, 160), (168, 166, 162)))
    draw_ground(canvas, beach, weather.world)
    canvas.gradient(horizon, shore, blend(water, weather.low, 0.25), water)
    glint = blend(water, (255, 255, 255), 0.4)
    for _ in range(26):
        y = horizon + (shore - horizon) * dice.between(0.05, 1) ** 1.5
        x, wide = dice.between(0, canvas.width), canvas.unit * dice.between(2, 9)
        canvas.line([(x, y), (x + wide, y)], glint, 0.4)
    for _ in range(int(dice.between(0, 3.6))):
        _sail(canvas, dice, horizon + canvas.unit * dice.between(1, 4))
    foam = [(canvas.width * i / 12, shore + canvas.unit * math.sin(i * 1.7)) for i in range(13)]
    canvas.line(foam, (244, 248, 250), 1.4)


def _sail(canvas: Canvas, dice: Dice, y: float) -> None:
    x, r = dice.between(0, canvas.width), canvas.unit * dice.between(4, 9)
    canvas.polygon([(x, y - r * 0.3), (x, y - r * 2), (x + r, y - r * 0.3)], (250, 250, 248))
    jib = [(x - 0.2 * r, y - r * 0.3), (x - 0.2 * r, y - r * 1.6), (x - 0.8 * r, y - r * 0.3)]
    canvas.polygon(jib, dice.pick(((250, 250, 248), (220, 60, 60), (60, 90, 170))))
    hull = [(x - r, y - r * 0.25), (x + r, y - r * 0.25), (x + r * 0.7, y), (x - r * 0.7, y)]
    canvas.polygon(hull, (70, 50, 44))


def nature(canvas: Canvas, weather: Weather, dice: Dice, depth: float) -> None:
    """A wood behind a meadow with bushes and flowers."""
    draw_sky(canvas, weather, dice)
    ground, leaf = SEASONS[dice.pick(tuple(SEASONS))]
    conifers = dice.chance(0.4)
    edge = canvas.camera.project((0, depth + 9, 0))[1]
    draw_ground(canvas, dice.vary(ground, 10), weather.world)
    for row, (tone, scale) in enumerate(((0.62, 1.15), (0.82, 1.0), (1.0, 0.75))):
        x = -canvas.unit * dice.between(0, 10)
        while x < canvas.width + 10:
            color = shade(dice.vary(leaf, 16), weather.world * tone)
            base = edge - canvas.unit * (2 - row)
            tall = canvas.unit * dice.between(22, 46) * scale
            if row < 2 or dice.chance(0.5):
                _tree(canvas, (x, base), tall, color, conifers)
            x += canvas.unit * dice.between(8, 17)
    for _ in range(24):
        x, y = dice.between(0, canvas.width), dice.between(edge, canvas.height)
        tuft = shade(ground, weather.world * dice.between(0.75, 1.2))
        canvas.line([(x, y), (x + canvas.unit, y - canvas.unit * 2)], tuft, 0.8)
    if dice.chance(0.35):
        _track(canvas, dice, weather.world, depth + 2.5)


def _tree(canvas: Canvas, base: tuple[float, float], tall: float, leaf: Rgb, conifer: bool) -> None:
    x, y = base
    canvas.rectangle(x - tall * 0.04, y - tall * 0.4, x + tall * 0.04, y, (84, 62, 46))
    if conifer:
        for i in range(3):
            low, wide = y - tall * (0.15 + 0.25 * i), tall * (0.30 - 0.07 * i)
            canvas.polygon([(x - wide, low), (x, low - tall * 0.42), (x + wide, low)], leaf)
        return
    for dx, dy, r in ((-0.16, 0.55, 0.24), (0.16, 0.55, 0.24), (0.0, 0.76, 0.26)):
        canvas.disc(x + dx * tall, y - dy * tall, r * tall, leaf)
    light = shade(leaf, 1.15)
    canvas.ellipse(x - 0.14 * tall, y - 0.92 * tall, x + 0.06 * tall, y - 0.7 * tall, light)


def road(canvas: Canvas, weather: Weather, dice: Dice, depth: float) -> None:
    """A straight road into the distance, with lane markings, posts and fields on both sides."""
    draw_sky(canvas, weather, dice)
    ground = SEASONS[dice.pick(tuple(SEASONS))][0]
    if dice.chance(0.5):
        _ridge(canvas, dice, (2, 6), shade(blend(ground, weather.low, 0.5), weather.world), False)
    draw_ground(canvas, dice.vary(ground, 12), weather.world)
    left, right = dice.between(-5.5, -3.5), dice.between(3.5, 5.5)
    asphalt = dice.vary(dice.pick(((84, 86, 92), (104, 104, 108), (70, 72, 78))), 6)
    paint = shade((240, 240, 234), weather.world)
    far = 400.0
    canvas.level((left, right), (1, far), 0.0, shade(asphalt, weather.world))
    for x in (left + 0.35, right - 0.35):
        canvas.level((x - 0.1, x + 0.1), (1, far), 0.0, paint)
    middle = (left + right) / 2
    y = 1.5
    while y < 120:
        canvas.level((middle - 0.1, middle + 0.1), (y, y * 1.25), 0.0, paint)
        y *= 1.6
    for side in (left - 0.8, right + 0.8):
        if dice.chance(0.5):
            rail = canvas.seen([(side, depth * 0.6, 0.75), (side, 200, 0.75)])
            canvas.line(rail, shade((190, 194, 198), weather.world), 1.2)
        for z in (depth + 2, depth + 7, depth + 16, depth + 36):
            foot, top = canvas.seen([(side, z, 0.0), (side, z, 1.0)])
            canvas.line([foot, top], (236, 236, 232), 0.9)
