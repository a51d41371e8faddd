"""Paints the scene of a seed."""

import math
from dataclasses import replace
from typing import Unpack

import numpy as np
from PIL import Image

from core.records import Box
from synthetic.scenes import closeups, effects, graphics, landscapes, rooms, streets
from synthetic.scenes.bodies import SHAPES, Shape, varied
from synthetic.scenes.canvas import Camera, Canvas, Point3D
from synthetic.scenes.cars import CarPainter
from synthetic.scenes.dice import Dice
from synthetic.scenes.faces import CarPose
from synthetic.scenes.palette import PAINT_COLORS, WEATHERS, Weather
from synthetic.scenes.people import draw_person
from synthetic.scenes.scene import (
    BODY_TYPES,
    TURNS,
    Choices,
    Scene,
    SceneLabels,
    caption_of,
    draw_labels,
)

SCENE_SIZE = (240, 200)
"""Width and height in pixels; nearly square, so that a model's center crop keeps the car."""

SETTINGS = {
    "city": streets.city_street, "mountains": landscapes.mountains, "sea": landscapes.sea,
    "nature": landscapes.nature, "road": landscapes.road, "parking": streets.parking,
    "studio": rooms.studio, "indoor": rooms.indoor,
}  # fmt: skip

ROOM_LIGHTS = tuple(w for w in WEATHERS if w.name not in {"rain", "snow", "fog"})
"""The light of scenes under a roof, where no rain, snow or fog is."""

SEATS = ((150, 110, 70), (40, 40, 44), (150, 34, 36), (214, 204, 184))
RIMS = ((206, 208, 212), (172, 174, 180), (120, 122, 128), (62, 64, 68))


def render(seed: int, size: tuple[int, int] = SCENE_SIZE, **choices: Unpack[Choices]) -> Scene:
    """The scene of this seed: the same seed, size and choices give the same pixels.

    `size` is (width, height) in pixels, at least 48 each. Raises `ValueError` for a smaller size or
    a choice that the renderer does not know.
    """
    if min(size) < 48:
        raise ValueError(f"size {size} is too small to show a car; give at least 48 x 48")
    labels = draw_labels(seed, **choices)
    dice = Dice(seed, 2)
    paint = dice.vary(PAINT_COLORS[labels.color or "grey"], 7)
    if labels.view == "exterior":
        canvas, weather = paint_exterior(labels, dice, size)
    else:
        weather = None
        canvas = Canvas(size[0] * 2, size[1] * 2, Camera(1, 0, 0, 1))
        if labels.view == "interior":
            closeups.interior(canvas, dice)
        elif labels.view == "detail":
            getattr(closeups, labels.detail or "wheel")(canvas, dice, paint)
        else:
            dice.pick(graphics.GRAPHICS)(canvas, dice)
    image = effects.develop(canvas.image.reduce(2), weather, dice)
    mask = np.asarray(canvas.mask.reduce(2)) > 127
    tight = Image.fromarray(mask).getbbox()
    return Scene(seed, image, labels, mask, tight and Box(*tight), caption_of(labels))


def paint_exterior(
    labels: SceneLabels, dice: Dice, size: tuple[int, int]
) -> tuple[Canvas, Weather]:
    """A whole car in its place: the canvas, twice as large as `size`, and the weather on it."""
    background = labels.background or "road"
    under_roof = background in {"studio", "indoor"}
    weather = dice.pick(ROOM_LIGHTS if under_roof else WEATHERS)
    look = _look(dice, SHAPES[labels.body_type or "sedan"], labels.color or "grey")
    ranges = TURNS[labels.viewpoint or "side"]
    depth = dice.between(7.5, 11.0)
    place = (dice.between(-0.3, 0.3), depth)
    look = replace(look, place=place, turn=dice.between(*dice.pick(ranges)))
    camera = _frame(look, dice, size[0] * 2, size[1] * 2)
    canvas = Canvas(size[0] * 2, size[1] * 2, camera)
    SETTINGS[background](canvas, weather, dice, depth)
    effects.grade(canvas, weather, dice)
    _distractors(canvas, labels, dice, look, weather)
    painter = CarPainter(canvas, look)
    painter.shadow(weather)
    canvas.marking = 255
    painter.paint()
    _people(canvas, labels, dice, look)
    canvas.marking = None
    effects.draw_weather(canvas, weather, dice)
    return canvas, weather


def _look(dice: Dice, shape: Shape, color: str) -> CarPose:
    """A car of this color under a drawn light; the caller places it."""
    azimuth, high = dice.between(0, math.tau), dice.between(0.5, 0.9)
    flat = math.sqrt(1 - high * high)
    # The sun is behind the photographer, as in most photos: its Y points to the camera.
    light: Point3D = (flat * math.cos(azimuth), -abs(flat * math.sin(azimuth)), high)
    shape, paint = varied(shape, dice), dice.vary(PAINT_COLORS[color], 7)
    return CarPose(shape, paint, color, dice.pick(RIMS), dice.pick(SEATS), (0.0, 0.0), 0.0, light)


def _frame(look: CarPose, dice: Dice, width: int, height: int) -> Camera:
    """A camera that shows the whole car, large or small, at the left or at the right."""
    high = dice.between(1.45, 2.3)
    points = [
        look.world(x, side * look.shape.width / 2, z)
        for x, z in (*look.shape.lower, *look.shape.cabin)
        for side in (-1, 1)
    ]
    probe = [Camera(1.0, 0.0, 0.0, high).project(p) for p in points]
    x0, x1 = min(p[0] for p in probe), max(p[0] for p in probe)
    y0, y1 = min(p[1] for p in probe), max(p[1] for p in probe)
    share = dice.between(0.58, 0.80)
    focal = min(share * width / (x1 - x0), share * 0.80 * height / (y1 - y0))
    slack = max(0.0, width * 0.84 - focal * (x1 - x0)) / 2
    center = width / 2 - focal * (x0 + x1) / 2 + dice.between(-slack, slack)
    horizon = height * dice.between(0.80, 0.93) - focal * y1
    return Camera(focal, center, horizon, high)


def _distractors(
    canvas: Canvas, labels: SceneLabels, dice: Dice, main: CarPose, weather: Weather
) -> None:
    """Paint the cars of other colors, farther away: one on each side of the first."""
    side = dice.pick((-1, 1))
    for i, color in enumerate(labels.others):
        spot = side * (-1) ** i * dice.between(0.4, 0.95)
        look = _look(dice, SHAPES[dice.pick(BODY_TYPES)], color)
        near = 3.2 if labels.background == "indoor" else 5.5
        away = main.place[1] + near + dice.between(0.0, 1.6)
        across = spot * canvas.width * 0.5 / canvas.camera.focal * away
        turn = dice.pick((0, 180, -30, -90, 90, 150)) + dice.between(-10, 10)
        car = replace(look, place=(across, away), turn=turn, light=main.light)
        painter = CarPainter(canvas, car)
        painter.shadow(weather)
        painter.paint()


def _people(canvas: Canvas, labels: SceneLabels, dice: Dice, look: CarPose) -> None:
    """Paint people in front of the car, apart from each other and whole in the picture."""
    camera, depth = canvas.camera, look.place[1]
    count = len(labels.persons)
    lanes = [0.17, 0.83, 0.5, 0.33, 0.67] if count < 3 else [0.16, 0.5, 0.84]
    if dice.chance(0.5):
        lanes[:2] = [lanes[1], lanes[0]]
    floor = camera.focal * camera.height / (canvas.height * 0.985 - camera.horizon)
    for i, person in enumerate(labels.persons):
        y = max(depth * dice.between(0.52, 0.70), floor)
        u = canvas.width * (lanes[i % len(lanes)] + dice.between(-0.03, 0.03))
        draw_person(canvas, person, ((u - camera.center) * y / camera.focal, y), dice)
