"""The canvas of a scene: a picture in RGB, the mask of the car, and a camera.

The world is in metres: X to the right of the camera, Y away from it, Z up from the ground. The
camera looks along Y and is not tilted, so that upright edges stay upright.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw

Rgb = tuple[int, int, int]
Rgba = tuple[int, int, int, int]
Point2D = tuple[float, float]
Point3D = tuple[float, float, float]


def shade(color: Rgb, factor: float) -> Rgb:
    """The color made darker (`factor` under 1) or brighter, kept within 0..255."""
    r, g, b = (min(255, max(0, round(c * factor))) for c in color)
    return r, g, b


def blend(a: Rgb, b: Rgb, share: float) -> Rgb:
    """The color between `a` (share 0) and `b` (share 1)."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera: focal length and principal point in pixels, height in metres."""

    focal: float
    center: float
    horizon: float
    height: float

    def project(self, place: Point3D) -> Point2D:
        """The pixel of a place of the world; a place behind the camera is moved in front of it."""
        x, y, z = place
        depth = max(y, 0.3)
        return (
            self.center + self.focal * x / depth,
            self.horizon + self.focal * (self.height - z) / depth,
        )


class Canvas:
    """An unfinished picture, twice as large as the scene that it becomes."""

    def __init__(self, width: int, height: int, camera: Camera) -> None:
        self.width, self.height, self.camera = width, height, camera
        self.image = Image.new("RGB", (width, height))
        self.mask = Image.new("L", (width, height))
        self.draw = ImageDraw.Draw(self.image)
        self.glaze = ImageDraw.Draw(self.image, "RGBA")
        self._mask_draw = ImageDraw.Draw(self.mask)
        self.marking: int | None = None

    @property
    def unit(self) -> float:
        """A hundredth of the picture's height, in which lines and small things are measured."""
        return self.height / 100

    def line_width(self, units: float) -> int:
        """A line's width in whole pixels, at least one."""
        return max(1, round(units * self.unit))

    def polygon(self, points: Sequence[Point2D], fill: Rgb | Rgba) -> None:
        """Fill a polygon; while `marking` is set, the mask of the car takes that value there.

        A translucent fill adds to the mask, as glass belongs to the car, and never removes from
        it, as a shadow on the car leaves it there.
        """
        solid = len(fill) == 3
        (self.draw if solid else self.glaze).polygon(points, fill=fill)
        if self.marking is not None and (solid or self.marking):
            self._mask_draw.polygon(points, fill=self.marking)

    def ellipse(self, x0: float, y0: float, x1: float, y1: float, fill: Rgb | Rgba) -> None:
        """Fill the ellipse in a box of pixels; the corners may be given in any order."""
        box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        (self.draw if len(fill) == 3 else self.glaze).ellipse(box, fill=fill)
        if self.marking is not None and len(fill) == 3:
            self._mask_draw.ellipse(box, fill=self.marking)

    def disc(
        self, x: float, y: float, r: float, fill: Rgb | Rgba, *, high: float | None = None
    ) -> None:
        """Fill a disc of radius `r` around a pixel; an ellipse if its radius upward is `high`."""
        high = r if high is None else high
        self.ellipse(x - r, y - high, x + r, y + high, fill)

    def patch(self, points: Sequence[Point2D], fill: Rgb | Rgba) -> None:
        """Fill a polygon whose points are in shares of the width and of the height."""
        self.polygon([(self.width * x, self.height * y) for x, y in points], fill)

    def rectangle(self, x0: float, y0: float, x1: float, y1: float, fill: Rgb | Rgba) -> None:
        """Fill a rectangle of pixels; the corners may be given in any order."""
        box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        (self.draw if len(fill) == 3 else self.glaze).rectangle(box, fill=fill)

    def line(self, points: Sequence[Point2D], fill: Rgb | Rgba, units: float) -> None:
        """Draw a line through points, `units` hundredths of the height wide."""
        draw = self.draw if len(fill) == 3 else self.glaze
        draw.line(points, fill=fill, width=self.line_width(units))
        if self.marking is not None and len(fill) == 3:
            self._mask_draw.line(points, fill=self.marking, width=self.line_width(units))

    def gradient(self, top: float, bottom: float, upper: Rgb, lower: Rgb) -> None:
        """Fill the whole width between two heights, in pixels, with a vertical gradient."""
        y0, y1 = max(0, round(top)), min(self.height, round(bottom))
        if y1 <= y0:
            return
        strip = Image.new("RGB", (1, 16))
        strip.putdata([blend(upper, lower, i / 15) for i in range(16)])
        column = strip.resize((1, y1 - y0), Image.Resampling.BILINEAR)
        # Widened in a step of its own: else the bilinear filter runs over every pixel of the band.
        band = column.resize((self.width, y1 - y0), Image.Resampling.NEAREST)
        self.image.paste(band, (0, y0))

    def seen(self, places: Iterable[Point3D]) -> list[Point2D]:
        """The pixels of places of the world."""
        return [self.camera.project(place) for place in places]

    def level(self, across: Point2D, away: Point2D, height: float, fill: Rgb | Rgba) -> None:
        """Fill a horizontal rectangle between two X and two Y at one Z, in metres."""
        (x0, x1), (y0, y1) = across, away
        corners = ((x0, y0), (x1, y0), (x1, y1), (x0, y1))
        self.polygon(self.seen((x, y, height) for x, y in corners), fill)
