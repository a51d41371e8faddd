"""People beside the car: men, women and children, young and old."""

from dataclasses import dataclass

from synthetic.scenes.canvas import Canvas, Point2D, Rgb, shade
from synthetic.scenes.dice import Dice

PERSON_KINDS = ("man", "woman", "child")
PERSON_AGES = ("young", "old")

SKINS: tuple[Rgb, ...] = ((244, 208, 178), (226, 176, 138), (176, 120, 82), (112, 72, 48))
YOUNG_HAIR: tuple[Rgb, ...] = ((34, 24, 20), (84, 52, 28), (150, 98, 44), (222, 186, 104))
OLD_HAIR: tuple[Rgb, ...] = ((238, 238, 238), (214, 216, 220))
CLOTHES: tuple[Rgb, ...] = (
    (196, 44, 52), (44, 92, 172), (60, 140, 92), (240, 240, 236), (232, 180, 60),
    (140, 70, 150), (236, 132, 160), (70, 74, 84), (60, 170, 180), (236, 120, 50),
)  # fmt: skip
TROUSERS: tuple[Rgb, ...] = ((38, 44, 66), (52, 50, 50), (110, 96, 76), (70, 86, 120))
HEIGHTS = {"man": 1.82, "woman": 1.70, "child": 1.22}


@dataclass(frozen=True, slots=True)
class Person:
    """A person in a scene, of `PERSON_KINDS` and `PERSON_AGES`; a child is always young."""

    kind: str
    age: str


def draw_person(canvas: Canvas, person: Person, place: Point2D, dice: Dice) -> None:
    """Paint a person at (X, Y) on the ground, facing the camera; the car's mask ends there."""
    foot = canvas.camera.project((place[0], place[1], 0.0))
    height = canvas.camera.focal / place[1] * HEIGHTS[person.kind] * dice.between(0.96, 1.04)
    painter = _Painter(canvas, person, foot, height, dice)
    canvas.marking = 0
    canvas.disc(*foot, 0.16 * height, (8, 8, 14, 90), high=0.03 * height)
    {"man": painter.man, "woman": painter.woman, "child": painter.child}[person.kind]()
    if person.age == "old":
        painter.cane()


class _Painter:
    """Paints in shares of the person's height: x from the middle, y up from the feet."""

    def __init__(
        self, canvas: Canvas, person: Person, foot: Point2D, height: float, dice: Dice
    ) -> None:
        self.canvas, self.foot, self.height = canvas, foot, height
        self.old = person.age == "old"
        self.lean = (0.07 if self.old else 0.0) * (1 if dice.chance(0.5) else -1)
        self.skin = dice.pick(SKINS)
        self.hair = dice.pick(OLD_HAIR if self.old else YOUNG_HAIR)
        self.cloth, self.legs = dice.vary(dice.pick(CLOTHES), 12), dice.pick(TROUSERS)
        self.second = dice.pick(CLOTHES)
        self.arm = dice.between(0.02, 0.12)

    def _at(self, x: float, y: float) -> Point2D:
        return (
            self.foot[0] + (x + self.lean * y * y) * self.height,
            self.foot[1] - y * self.height,
        )

    def _shape(self, points: list[Point2D], fill: Rgb) -> None:
        self.canvas.polygon([self._at(*p) for p in points], fill)

    def _mirrored(self, points: list[Point2D], fill: Rgb) -> None:
        for sign in (-1, 1):
            self._shape([(sign * x, y) for x, y in points], fill)

    def _round(self, x: float, y: float, rx: float, ry: float, fill: Rgb) -> None:
        (x0, y0), (x1, y1) = self._at(x - rx, y + ry), self._at(x + rx, y - ry)
        self.canvas.ellipse(x0, y0, x1, y1, fill)

    def _eyes(self, y: float, gap: float) -> None:
        for side in (-gap, gap):
            self._round(side, y, 0.009, 0.011, (30, 26, 26))

    def man(self) -> None:
        """Broad shoulders, trousers, short hair; when old, bald with a white beard."""
        self._mirrored([(0.005, 0.5), (0.105, 0.5), (0.10, 0.0), (0.03, 0.0)], self.legs)
        self._mirrored([(0.02, 0.0), (0.12, 0.0), (0.12, 0.025), (0.02, 0.03)], (28, 24, 22))
        self._mirrored([(0.11, 0.82), (0.165, 0.79), (0.15 + self.arm, 0.46),
                        (0.10 + self.arm, 0.46)], shade(self.cloth, 0.82))  # fmt: skip
        self._shape([(-0.15, 0.82), (0.15, 0.82), (0.115, 0.47), (-0.115, 0.47)], self.cloth)
        self._mirrored([(0.10 + self.arm, 0.47), (0.15 + self.arm, 0.47),
                        (0.14 + self.arm, 0.42), (0.11 + self.arm, 0.42)], self.skin)  # fmt: skip
        self._shape([(-0.03, 0.86), (0.03, 0.86), (0.03, 0.8), (-0.03, 0.8)], self.skin)
        if not self.old:
            self._round(0, 0.935, 0.072, 0.068, self.hair)
        self._round(0, 0.91, 0.064, 0.076, self.skin)
        if self.old:
            self._mirrored([(0.045, 0.94), (0.075, 0.93), (0.07, 0.88), (0.055, 0.88)], self.hair)
            self._shape([(-0.062, 0.905), (0.062, 0.905), (0.035, 0.80), (-0.035, 0.80)], self.hair)
        else:
            self._shape([(-0.068, 0.93), (0.068, 0.93), (0.05, 0.99), (-0.05, 0.99)], self.hair)
        self._eyes(0.918, 0.026)

    def woman(self) -> None:
        """A wide dress, bare legs, long hair; when old, a white bun and a longer dress."""
        hem = 0.16 if self.old else 0.34
        self._mirrored([(0.02, 0.4), (0.075, 0.4), (0.055, 0.0), (0.03, 0.0)], self.skin)
        self._mirrored([(0.02, 0.0), (0.075, 0.0), (0.07, 0.03), (0.025, 0.03)], self.second)
        if self.old:
            self._round(0, 0.99, 0.04, 0.036, self.hair)
        else:
            self._shape([(-0.09, 0.95), (0.09, 0.95), (0.115, 0.68), (-0.115, 0.68)], self.hair)
        self._mirrored([(0.085, 0.80), (0.12, 0.78), (0.12 + self.arm, 0.46),
                        (0.09 + self.arm, 0.46)], self.skin)  # fmt: skip
        self._shape([(-0.11, 0.81), (0.11, 0.81), (0.07, 0.60), (-0.07, 0.60)], self.cloth)
        self._shape([(-0.07, 0.61), (0.07, 0.61), (0.20, hem), (-0.20, hem)], self.cloth)
        self._shape([(-0.026, 0.86), (0.026, 0.86), (0.026, 0.8), (-0.026, 0.8)], self.skin)
        self._round(0, 0.935, 0.078, 0.068, self.hair)
        self._round(0, 0.905, 0.058, 0.070, self.skin)
        self._shape([(-0.062, 0.93), (0.062, 0.93), (0.05, 0.975), (-0.05, 0.975)], self.hair)
        self._eyes(0.908, 0.024)
        self._shape([(-0.02, 0.872), (0.02, 0.872), (0.0, 0.860)], (196, 50, 60))

    def child(self) -> None:
        """A large head with a cap, a striped shirt, shorts."""
        self._mirrored([(0.02, 0.4), (0.10, 0.4), (0.085, 0.0), (0.035, 0.0)], self.skin)
        self._mirrored([(0.005, 0.42), (0.125, 0.42), (0.125, 0.26), (0.02, 0.26)], self.second)
        self._mirrored([(0.02, 0.0), (0.12, 0.0), (0.11, 0.045), (0.025, 0.045)], (240, 240, 240))
        self._mirrored([(0.10, 0.70), (0.16, 0.67), (0.16 + self.arm, 0.42),
                        (0.11 + self.arm, 0.42)], self.skin)  # fmt: skip
        self._shape([(-0.14, 0.71), (0.14, 0.71), (0.12, 0.40), (-0.12, 0.40)], self.cloth)
        for y in (0.63, 0.52):
            self._shape(
                [(-0.13, y), (0.13, y), (0.13, y - 0.05), (-0.13, y - 0.05)], (248, 248, 244)
            )
        self._round(0, 0.86, 0.125, 0.125, self.hair)
        self._round(0, 0.835, 0.115, 0.115, self.skin)
        self._shape([(-0.13, 0.885), (0.13, 0.885), (0.10, 0.985), (-0.10, 0.985)], self.second)
        self._shape([(-0.05, 0.90), (0.20, 0.895), (0.20, 0.87), (-0.05, 0.875)],
                    shade(self.second, 0.7))  # fmt: skip
        self._eyes(0.835, 0.045)

    def cane(self) -> None:
        """The stick of an old person, beside the hand."""
        side = 1 if self.lean > 0 else -1
        top, bottom = self._at(side * 0.20, 0.46), self._at(side * 0.24, 0.0)
        self.canvas.line([top, bottom], (92, 58, 30), max(0.6, self.height / 150))
        self.canvas.line([self._at(side * 0.13, 0.47), top], (92, 58, 30), 0.8)
