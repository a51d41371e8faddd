"""The side views of the body types, in metres: x forward, z up, the ground at z = 0."""

from dataclasses import dataclass, replace

from synthetic.scenes.canvas import Point2D
from synthetic.scenes.dice import Dice


@dataclass(frozen=True, slots=True)
class Shape:
    """The body of a car: a lower part up to the belt line, and a cabin with windows on it.

    `lower` runs from the rear bumper over the top to the front bumper; `cabin` has rear base, rear
    roof edge, front roof edge and front base. `windows` begin and end at these shares of the
    cabin's length, from its rear; `doors` are the x of the gaps between doors; `bed` and `cockpit`
    are the range of x that is open from above.
    """

    lower: tuple[Point2D, ...]
    cabin: tuple[Point2D, Point2D, Point2D, Point2D]
    width: float
    wheel: float
    axles: tuple[float, float]
    windows: tuple[Point2D, ...]
    doors: tuple[float, ...]
    rails: bool = False
    cladding: bool = False
    tall_lamps: bool = False
    bed: Point2D | None = None
    cockpit: Point2D | None = None


def varied(shape: Shape, dice: Dice) -> Shape:
    """The same body a little longer, higher or wider, with other wheels."""
    long, high = dice.between(0.96, 1.04), dice.between(0.97, 1.04)
    a, b, c, d = ((x * long, z * high) for x, z in shape.cabin)
    return replace(
        shape,
        lower=tuple((x * long, z * high) for x, z in shape.lower),
        cabin=(a, b, c, d),
        width=shape.width * dice.between(0.97, 1.03),
        wheel=shape.wheel * dice.between(0.96, 1.06),
        axles=(shape.axles[0] * long, shape.axles[1] * long),
        doors=tuple(x * long for x in shape.doors),
        bed=shape.bed and (shape.bed[0] * long, shape.bed[1] * long),
        cockpit=shape.cockpit and (shape.cockpit[0] * long, shape.cockpit[1] * long),
    )


SHAPES: dict[str, Shape] = {
    "sedan": Shape(
        lower=((-2.32, 0.32), (-2.38, 0.62), (-2.30, 0.97), (-1.40, 1.02), (1.00, 0.96),
               (2.08, 0.82), (2.33, 0.64), (2.34, 0.30)),
        cabin=((-1.62, 1.01), (-1.00, 1.43), (0.12, 1.45), (1.02, 0.96)),
        width=1.80, wheel=0.33, axles=(-1.40, 1.42),
        windows=((0.10, 0.49), (0.53, 0.93)), doors=(-1.02, -0.12, 0.92),
    ),
    "hatchback": Shape(
        lower=((-1.84, 0.34), (-1.93, 0.60), (-1.87, 0.98), (0.92, 0.96), (1.72, 0.84),
               (1.94, 0.62), (1.94, 0.30)),
        cabin=((-1.86, 0.98), (-1.48, 1.50), (0.06, 1.52), (1.00, 0.96)),
        width=1.72, wheel=0.31, axles=(-1.24, 1.24),
        windows=((0.14, 0.48), (0.52, 0.93)), doors=(-0.95, -0.10, 0.88), tall_lamps=True,
    ),
    "estate": Shape(
        lower=((-2.50, 0.34), (-2.58, 0.64), (-2.52, 1.00), (1.00, 0.96), (2.10, 0.82),
               (2.36, 0.62), (2.36, 0.30)),
        cabin=((-2.51, 1.00), (-2.28, 1.43), (0.12, 1.46), (1.02, 0.96)),
        width=1.80, wheel=0.33, axles=(-1.42, 1.42),
        windows=((0.06, 0.32), (0.36, 0.62), (0.66, 0.95)), doors=(-1.02, -0.12, 0.92),
        rails=True, tall_lamps=True,
    ),
    "coupe": Shape(
        lower=((-2.06, 0.28), (-2.16, 0.58), (-2.08, 0.92), (-1.60, 0.94), (0.62, 0.85),
               (1.98, 0.70), (2.26, 0.50), (2.24, 0.22)),
        cabin=((-1.95, 0.92), (-0.62, 1.21), (-0.12, 1.23), (0.72, 0.84)),
        width=1.84, wheel=0.34, axles=(-1.30, 1.40),
        windows=((0.34, 0.94),), doors=(-0.55, 0.66),
    ),
    "convertible": Shape(
        lower=((-2.06, 0.30), (-2.16, 0.58), (-2.08, 0.90), (-1.15, 0.96), (0.64, 0.90),
               (1.94, 0.76), (2.18, 0.56), (2.18, 0.26)),
        cabin=((0.12, 1.27), (0.12, 1.27), (0.16, 1.29), (0.66, 0.90)),
        width=1.78, wheel=0.33, axles=(-1.30, 1.34),
        windows=(), doors=(-0.60, 0.56), cockpit=(-1.12, 0.58),
    ),
    "suv": Shape(
        lower=((-2.18, 0.50), (-2.26, 0.80), (-2.20, 1.14), (1.02, 1.12), (1.98, 1.06),
               (2.22, 0.84), (2.20, 0.44)),
        cabin=((-2.19, 1.14), (-2.06, 1.76), (0.30, 1.80), (0.98, 1.12)),
        width=1.92, wheel=0.41, axles=(-1.34, 1.36),
        windows=((0.06, 0.31), (0.35, 0.62), (0.66, 0.95)), doors=(-0.92, 0.00, 0.94),
        rails=True, cladding=True, tall_lamps=True,
    ),
    "pickup": Shape(
        lower=((-2.70, 0.52), (-2.76, 0.70), (-2.74, 1.12), (1.22, 1.10), (2.28, 1.06),
               (2.56, 0.84), (2.54, 0.44)),
        cabin=((-0.72, 1.12), (-0.58, 1.78), (0.52, 1.80), (1.20, 1.10)),
        width=1.92, wheel=0.41, axles=(-1.66, 1.66),
        windows=((0.08, 0.44), (0.50, 0.93)), doors=(-0.62, 0.18, 1.12), cladding=True,
        tall_lamps=True, bed=(-2.66, -0.80),
    ),
    "minivan": Shape(
        lower=((-2.30, 0.34), (-2.40, 0.66), (-2.34, 1.00), (1.52, 0.98), (2.10, 0.86),
               (2.34, 0.62), (2.34, 0.30)),
        cabin=((-2.34, 1.00), (-2.16, 1.74), (0.42, 1.78), (1.78, 0.96)),
        width=1.86, wheel=0.32, axles=(-1.48, 1.52),
        windows=((0.05, 0.30), (0.33, 0.60), (0.63, 0.94)), doors=(-1.00, 0.14, 1.10),
        tall_lamps=True,
    ),
    "van": Shape(
        lower=((-2.66, 0.42), (-2.72, 0.80), (-2.70, 1.20), (1.78, 1.20), (2.44, 1.08),
               (2.66, 0.80), (2.64, 0.38)),
        cabin=((-2.70, 1.20), (-2.64, 2.42), (1.00, 2.44), (1.94, 1.18)),
        width=1.98, wheel=0.35, axles=(-1.66, 1.74),
        windows=((0.77, 0.96),), doors=(-0.60, 0.66, 1.66), tall_lamps=True,
    ),
}  # fmt: skip
"""They have the usual proportions of each body type and copy no real car."""
