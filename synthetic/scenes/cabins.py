"""The upper part of a car: a cabin with windows, or the seats of a convertible."""

import math

from synthetic.scenes.canvas import Point2D, Point3D, blend, shade
from synthetic.scenes.faces import GLASS, Faces


class CabinPainter(Faces):
    """Paints all above the belt line."""

    def paint_open(self) -> None:
        """A convertible's two rows of seats, the far ones first, and its windscreen."""
        spots = [(x, y) for x in (-0.95, -0.12) for y in (-0.36, 0.36)]
        spots.sort(key=lambda s: -math.dist(s, self.eye))
        tone = self.look.seats
        for x, y in spots:
            wide, top = 0.25, 1.10
            back = [(x, y - wide, 0.8), (x - 0.1, y - wide, top), (x - 0.1, y + wide, top),
                    (x, y + wide, 0.8)]  # fmt: skip
            self.fill_face(back, tone)
            self.fill_face([(x + d, y - 0.1 * s, z) for d, s, z in (
                (-0.1, 1, top), (-0.12, 1, top + 0.15), (-0.12, -1, top + 0.15),
                (-0.1, -1, top))], shade(tone, 0.8))  # fmt: skip
            self.fill_face([(x, y - wide, 0.8), (x - 0.1, y - wide, top), (x - 0.24, y - wide, top),
                        (x - 0.2, y - wide, 0.8)], shade(tone, 0.65))  # fmt: skip
        _, _, (xt, zt), (xb, zb) = self.shape.cabin
        wide, narrow = self.shape.width / 2 * 0.88, self.shape.width / 2 * 0.74
        frame = [(xb, -wide, zb), (xt, -narrow, zt), (xt, narrow, zt), (xb, wide, zb)]
        points = self.canvas.seen(self.look.world(*p) for p in frame)
        self.canvas.polygon(points, (120, 150, 170, 90))
        self.canvas.line([*points, points[0]], shade(self.look.paint, 0.55), 1.0)

    def paint_closed(self) -> None:
        """Front and rear window, the roof with its rails, and the near side with its windows."""
        cabin = self.shape.cabin
        for i, glass in ((0, True), (2, True), (1, False)):
            a, b = cabin[i], cabin[i + 1]
            if self.faces_camera(a, b):
                self._strip(a, b, i, glass)
        self._side()
        if self.shape.rails:
            for side in (-self.near, self.near):
                y = side * self._half(1.0) * 0.96
                rail = [(cabin[1][0] + 0.15, y, cabin[1][1] + 0.05),
                        (cabin[2][0] - 0.1, y, cabin[2][1] + 0.05)]  # fmt: skip
                points = self.canvas.seen(self.look.world(*p) for p in rail)
                self.canvas.line(points, (52, 52, 56), 0.9)

    def _half(self, height: float) -> float:
        """Half the cabin's width at a share of its height; it narrows towards the roof."""
        lean = 0.10 if self.shape.cabin[1][1] > 2 else 0.20
        return self.shape.width / 2 * (0.97 - lean * height)

    def _strip(self, a: Point2D, b: Point2D, index: int, glass: bool) -> None:
        """The strip of the cabin from (x, z) `a` to `b`: 0 the rear, 1 the roof, 2 the front."""
        ha, hb = (0.0, 1.0) if index == 0 else (1.0, 0.0) if index == 2 else (1.0, 1.0)
        ya, yb = self._half(ha), self._half(hb)
        length = math.hypot(b[0] - a[0], b[1] - a[1]) or 1.0
        tone = self.tone_of((-(b[1] - a[1]) / length, 0.0, (b[0] - a[0]) / length))
        quad = [(a[0], -ya, a[1]), (a[0], ya, a[1]), (b[0], yb, b[1]), (b[0], -yb, b[1])]
        self.fill_face(quad, tone)
        if not glass:
            return
        low = 0.55 if index == 0 and len(self.shape.windows) == 1 and a[1] > 1.15 else 0.14
        s0, s1 = (low, 0.88) if index == 0 else (0.10, 1 - 0.08)
        pane = []
        for share, side in ((s0, -1), (s0, 1), (s1, 1), (s1, -1)):
            y = (ya + (yb - ya) * share) * 0.88 * side
            pane.append((a[0] + (b[0] - a[0]) * share, y, a[1] + (b[1] - a[1]) * share))
        self.fill_face(pane, GLASS if index == 0 else blend(GLASS, (150, 180, 205), 0.25))

    def _point(self, along: float, height: float) -> Point3D:
        """A place on the near side, by shares of the cabin's length and of its height."""
        (x0, z0), (x1, z1), (x2, z2), (x3, z3) = self.shape.cabin
        rear, front = x0 + (x1 - x0) * height, x3 + (x2 - x3) * height
        low, high = z0 + (z3 - z0) * along, z1 + (z2 - z1) * along
        y = self.near * self._half(height)
        return rear + (front - rear) * along, y, low + (high - low) * height

    def _side(self) -> None:
        tone = self.tone_of((0.0, self.near, 0.25))
        corners = ((0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0))
        self.fill_face([self._point(*c) for c in corners], tone)
        for start, end in self.shape.windows:
            pane = ((start, 0.06), (start, 0.86), (end, 0.86), (end, 0.06))
            self.fill_face([self._point(*c) for c in pane], GLASS)
            gleam = ((start, 0.5), (start, 0.86), (start + (end - start) * 0.5, 0.86))
            self.fill_face([self._point(*c) for c in gleam], blend(GLASS, (170, 195, 215), 0.3))

    def paint_mirror(self) -> None:
        """The near outside mirror."""
        x, z = self.shape.cabin[3]
        y = self.near * (self.shape.width / 2 + 0.08)
        box = [(x - 0.3, y, z + 0.02), (x - 0.12, y, z + 0.02), (x - 0.12, y, z + 0.17),
               (x - 0.3, y, z + 0.17)]  # fmt: skip
        self.fill_face(box, shade(self.look.paint, 0.7))
