"""A car to paint: its shape, paint and place, and the painting of its faces."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from synthetic.scenes.bodies import Shape
from synthetic.scenes.canvas import Canvas, Point2D, Point3D, Rgb, blend, shade
from synthetic.scenes.palette import METALLIC

GLASS: Rgb = (38, 48, 60)
RUBBER: Rgb = (22, 22, 24)
DARK: Rgb = (16, 16, 18)


@dataclass(frozen=True, slots=True)
class CarPose:
    """A car's shape, paint and trim, and where it is.

    `turn` is in degrees: at 0 its front points to the right, at -90 to the camera.
    """

    shape: Shape
    paint: Rgb
    paint_name: str
    rim: Rgb
    seats: Rgb
    place: Point2D
    turn: float
    light: Point3D

    def world(self, x: float, y: float, z: float) -> Point3D:
        """From the car's own metres (forward, left, up) to the world's."""
        c, s = math.cos(math.radians(self.turn)), math.sin(math.radians(self.turn))
        return self.place[0] + c * x - s * y, self.place[1] + s * x + c * y, z

    def half(self, x: float) -> float:
        """Half the body's width at `x`; the body is a little narrower at its ends."""
        ends = max(abs(self.shape.lower[0][0]), abs(self.shape.lower[-1][0]))
        return self.shape.width / 2 * (1 - 0.13 * (abs(x) / ends) ** 6)


class Faces:
    """Paints faces of a car, given in the car's own metres (forward, left, up), with their light.

    `eye` is the camera in the car's own metres; `near` is 1 if it sees the left flank, else -1.
    """

    def __init__(self, canvas: Canvas, look: CarPose) -> None:
        self.canvas, self.look, self.shape = canvas, look, look.shape
        cx, cy = look.place
        c, s = math.cos(math.radians(-look.turn)), math.sin(math.radians(-look.turn))
        self.eye = (-c * cx + s * cy, -s * cx - c * cy)
        self.near = 1.0 if self.eye[1] > 0 else -1.0
        self._cos, self._sin = c, -s

    def tone_of(self, normal: Point3D) -> Rgb:
        """The paint's color on a face that looks along `normal` (the car's own metres)."""
        (x, y, nz), c, s = normal, self._cos, self._sin
        nx, ny = c * x - s * y, s * x + c * y
        lx, ly, lz = self.look.light
        lit = max(0.0, nx * lx + ny * ly + nz * lz)
        metal = self.look.paint_name in METALLIC
        tone = shade(self.look.paint, (0.68 if metal else 0.76) + (0.36 if metal else 0.28) * lit)
        return blend(tone, (255, 255, 255), 0.08 * max(0.0, nz) + 0.06 * lit**4)

    def fill_face(self, places: Sequence[Point3D], fill: Rgb) -> None:
        """Fill a polygon given in the car's own metres."""
        # `CarPose.world` and `Camera.project` in one step: half of the painting's time is here.
        (cx, cy), c, s, camera = self.look.place, self._cos, self._sin, self.canvas.camera
        focal, center, horizon, high = camera.focal, camera.center, camera.horizon, camera.height
        points = []
        for x, y, z in places:
            scale = focal / max(cy + s * x + c * y, 0.3)
            points.append((center + scale * (cx + c * x - s * y), horizon + scale * (high - z)))
        self.canvas.polygon(points, fill)

    def faces_camera(self, a: Point2D, b: Point2D) -> bool:
        """Whether the camera sees the outside of a strip across the car from (x, z) `a` to `b`."""
        dx, dz = b[0] - a[0], b[1] - a[1]
        ex, ez = self.eye[0] - a[0], self.canvas.camera.height - a[1]
        return -dz * ex + dx * ez > 0
