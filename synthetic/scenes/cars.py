"""Paints a car of any body type from any side, with its shadow."""

import math
from itertools import pairwise

from synthetic.scenes.cabins import CabinPainter
from synthetic.scenes.canvas import Point2D, Rgb, blend, shade
from synthetic.scenes.faces import DARK, RUBBER, Faces
from synthetic.scenes.palette import Weather


class CarPainter(Faces):
    """One car on one canvas; `paint` draws it from the ground up."""

    def paint(self) -> None:
        """Paint the visible parts, the far ones first."""
        low = self.shape.lower
        x0, x1 = low[0][0] * 0.84, low[-1][0] * 0.84
        floor = min(low[0][1], low[-1][1]) * 0.7
        for side in (-0.86, 0.86):  # the underside
            y = side * self.shape.width / 2
            self.fill_face([(x0, y, floor), (x1, y, floor), (x1, y, 0.8), (x0, y, 0.8)], DARK)
        for axle in self.shape.axles:
            self._wheel(axle, -self.near)
        self._skin()
        self._openings()
        self._flank()
        self._ends()
        for axle in self.shape.axles:
            self._wheel(axle, self.near)
        cabin = CabinPainter(self.canvas, self.look)
        if self.shape.cockpit:
            cabin.paint_open()
        else:
            cabin.paint_closed()
        cabin.paint_mirror()

    def shadow(self, weather: Weather) -> None:
        """Paint the shadow on the ground, below and beside the car."""
        x0, x1 = self.shape.lower[0][0], self.shape.lower[-1][0]
        for grow, alpha in ((0.35, 0.4), (0.12, 0.8)):
            half = self.shape.width / 2 + grow
            # A rectangle with its corners cut off has eight.
            outline = [
                (x * k, y * j)
                for x, y, order in (
                    (x0 - grow, -half, ((0.88, 1.0), (1.0, 0.75))),
                    (x0 - grow, half, ((1.0, 0.75), (0.88, 1.0))),
                    (x1 + grow, half, ((0.88, 1.0), (1.0, 0.75))),
                    (x1 + grow, -half, ((1.0, 0.75), (0.88, 1.0))),
                )
                for k, j in order
            ]
            points = self.canvas.seen(self.look.world(x, y, 0.0) for x, y in outline)
            self.canvas.polygon(points, (8, 8, 14, round(weather.shadow * alpha)))

    def _skin(self) -> None:
        """The strips across the car: bumper, tail, deck, bonnet and nose."""
        floor = self.shape.lower[0][1]
        for a, b in pairwise(self.shape.lower):
            if not self.faces_camera(a, b):
                continue
            length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
            normal = (-(b[1] - a[1]) / length, 0.0, (b[0] - a[0]) / length)
            ya, yb = self.look.half(a[0]), self.look.half(b[0])
            tone = self.tone_of(normal)
            if self.shape.cladding and min(a[1], b[1]) <= floor + 0.1:
                tone = blend(tone, (44, 44, 46), 0.75)
            strip = [(a[0], -ya, a[1]), (a[0], ya, a[1]), (b[0], yb, b[1]), (b[0], -yb, b[1])]
            self.fill_face(strip, tone)

    def _flank(self) -> None:
        """The near side: its outline without the wheel arches, its crease and its doors."""
        shape = self.shape
        base = min(shape.lower[0][1], shape.lower[-1][1])
        arch = shape.wheel * 1.16
        start = math.asin(max(-1.0, min(1.0, (base - shape.wheel) / arch)))
        sill = []
        for axle in sorted(shape.axles, reverse=True):
            for i in range(9):
                angle = start + (math.pi - 2 * start) * i / 8
                sill.append((axle + arch * math.cos(angle), shape.wheel + arch * math.sin(angle)))
        outline = [*shape.lower, *sill]
        tone = self.tone_of((0.0, self.near, 0.12))
        self.fill_face([(x, self.near * self.look.half(x), z) for x, z in outline], tone)
        self._bands(base, arch)
        gap, y = shade(tone, 0.55), self.near * shape.width / 2
        top = max(z for _, z in shape.lower)
        for x in shape.doors:
            line = [self.look.world(x, y, z) for z in (base + 0.06, top - 0.02)]
            self.canvas.line(self.canvas.seen(line), gap, 0.5)
        for x in shape.doors[:-1]:  # a handle on each door
            ends = ((x + 0.62, top - 0.16), (x + 0.84, top - 0.16), (x + 0.84, top - 0.21),
                    (x + 0.62, top - 0.21))  # fmt: skip
            self.fill_face([(x, y, z) for x, z in ends], gap)

    def _bands(self, base: float, arch: float) -> None:
        """The light crease below the windows, and the dark sill, of plastic on an off-roader."""
        shape, y = self.shape, self.near * self.shape.width / 2
        rear, front = shape.axles[0] + arch, shape.axles[1] - arch
        x0, x1 = shape.lower[1][0] * 0.94, shape.lower[-2][0] * 0.86
        tone = self.tone_of((0.0, self.near, 0.12))
        crease = max(z for _, z in shape.lower) - 0.25
        self.fill_face([(x0, y, crease + 0.07), (x1, y, crease - 0.01), (x1, y, crease - 0.05),
                    (x0, y, crease + 0.01)], blend(tone, (255, 255, 255), 0.28))  # fmt: skip
        low = (44, 44, 46) if shape.cladding else shade(tone, 0.74)
        high = base + (0.14 if shape.cladding else 0.12)
        self.fill_face([(rear, y, base), (front, y, base), (front, y, high), (rear, y, high)], low)

    def _wheel(self, axle: float, side: float) -> None:
        """A wheel; a far one shows its tyre alone."""
        y = side * (self.shape.width / 2 - 0.03)
        if side != self.near:
            self._disc(axle, y, 1.0, RUBBER)
            return
        self._disc(axle, y, 1.16, DARK, points=10)
        self._disc(axle, y, 1.0, RUBBER)
        self._disc(axle, y, 0.68, shade(self.look.rim, 0.8))
        self._disc(axle, y, 0.62, self.look.rim)
        r = self.shape.wheel * 0.58
        for i in range(5):  # the gaps between the spokes
            a = i * math.tau / 5 + 0.6
            ends = [
                (axle + k * r * math.cos(a + d), y, self.shape.wheel + k * r * math.sin(a + d))
                for k, d in ((0.3, 0.0), (1.0, -0.3), (1.0, 0.3))
            ]
            self.fill_face(ends, shade(self.look.rim, 0.35))

    def _disc(self, axle: float, y: float, share: float, fill: Rgb, points: int = 18) -> None:
        """A disc with a share of the wheel's radius; 10 of its 18 points give the upper half."""
        wheel, r = self.shape.wheel, self.shape.wheel * share
        angles = [i * math.pi / 9 for i in range(points)]
        ring = [(axle + r * math.cos(a), y, wheel + r * math.sin(a)) for a in angles]
        self.fill_face(ring, fill)

    def _openings(self) -> None:
        """The bed of a pickup, or the open interior of a convertible."""
        shape = self.shape
        span = shape.bed or shape.cockpit
        if span is None:
            return
        z = max(z for _, z in shape.lower) + (0.0 if shape.bed else -0.01)
        y = shape.width / 2 * 0.84
        inside = (40, 40, 43) if shape.bed else shade(self.look.seats, 0.35)
        x0, x1 = span
        self.fill_face([(x0, -y, z), (x1, -y, z), (x1, y, z), (x0, y, z)], inside)

    def _ends(self) -> None:
        """Lamps, grille and plates on the visible end of the car."""
        low, plate = self.shape.lower, (232, 232, 226)
        if self.eye[0] > low[-2][0]:
            mid, bottom, top = low[-2], low[-1], low[-3]
            start, upper = _between(mid, top, 0.1), _between(mid, top, 0.9)
            for side in (-1, 1):
                self._panel(start, upper, 0.55 * side, 0.97 * side, (240, 242, 236))
            self._panel(mid, upper, -0.45, 0.45, (30, 30, 33))
            start, end = _between(mid, bottom, 0.25), _between(mid, bottom, 0.8)
            self._panel(start, end, -0.8, 0.8, (26, 26, 28))
            start, end = _between(mid, bottom, 0.1), _between(mid, bottom, 0.42)
            self._panel(start, end, -0.26, 0.26, plate)
        if self.eye[0] < low[1][0]:
            mid, top, bottom = low[1], low[2], low[0]
            tall = self.shape.tall_lamps
            start, end = _between(mid, top, 0.05 if tall else 0.45), _between(mid, top, 0.92)
            for side in (-1, 1):
                inner = (0.80 if tall else 0.52) * side
                self._panel(start, end, inner, 0.98 * side, (176, 14, 20))
            start, end = _between(mid, top, 0.15), _between(mid, top, 0.55)
            self._panel(start, end, -0.27, 0.27, plate)
            start, end = _between(mid, bottom, 0.5), _between(mid, bottom, 1.0)
            self._panel(start, end, -0.85, 0.85, (34, 34, 37))

    def _panel(self, a: Point2D, b: Point2D, y0: float, y1: float, fill: Rgb) -> None:
        """A panel on an end of the car, between two (x, z) and two shares of half its width."""
        push = 0.02 if a[0] > 0 else -0.02
        ya, yb = self.look.half(a[0]), self.look.half(b[0])
        self.fill_face([(a[0] + push, y0 * ya, a[1]), (a[0] + push, y1 * ya, a[1]),
                    (b[0] + push, y1 * yb, b[1]), (b[0] + push, y0 * yb, b[1])], fill)  # fmt: skip


def _between(a: Point2D, b: Point2D, share: float) -> Point2D:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share
