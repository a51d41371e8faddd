"""The colors of paint, sky and ground."""

from dataclasses import dataclass

from synthetic.scenes.canvas import Rgb

PAINT_COLORS: dict[str, Rgb] = {
    "black": (24, 24, 28),
    "white": (246, 247, 248),
    "silver": (182, 187, 194),
    "grey": (104, 107, 112),
    "blue": (28, 72, 190),
    "red": (202, 22, 30),
    "green": (24, 126, 56),
    "yellow": (250, 214, 24),
    "orange": (244, 120, 14),
    "brown": (92, 54, 30),
    "beige": (222, 202, 164),
    "gold": (206, 164, 48),
    "bronze": (152, 104, 62),
    "violet": (112, 44, 164),
    "pink": (242, 128, 180),
}
"""The typical paint of each color of the vocabulary; a scene's paint is close to it."""

METALLIC = frozenset({"silver", "grey", "gold", "bronze"})
"""Metallic paints: brighter than others where they face the light, darker elsewhere."""


@dataclass(frozen=True, slots=True)
class Weather:
    """The light of a scene: the sky's colors at the top and at the horizon, and the brightness of
    all below it."""

    name: str
    top: Rgb
    low: Rgb
    world: float
    shadow: int
    warm: float = 0.0


WEATHERS = (
    Weather("clear", (70, 130, 215), (190, 218, 242), 1.0, 130),
    Weather("bright", (110, 170, 235), (225, 236, 246), 1.05, 140),
    Weather("pale", (168, 190, 212), (226, 230, 234), 0.95, 90),
    Weather("overcast", (150, 156, 164), (206, 208, 211), 0.85, 60),
    Weather("rain", (112, 120, 130), (172, 178, 184), 0.75, 50),
    Weather("snow", (176, 182, 190), (222, 226, 230), 0.9, 50),
    Weather("fog", (190, 194, 198), (212, 214, 216), 0.9, 40),
    Weather("sunset", (84, 84, 150), (250, 168, 104), 0.85, 110, 0.6),
    Weather("dawn", (120, 140, 190), (248, 206, 190), 0.9, 90, 0.4),
    Weather("dusk", (34, 42, 86), (120, 104, 140), 0.6, 70),
)

SEASONS: dict[str, tuple[Rgb, Rgb]] = {
    "summer": ((92, 136, 62), (44, 92, 44)),
    "spring": ((126, 166, 84), (84, 138, 66)),
    "autumn": ((158, 140, 78), (184, 104, 38)),
    "dry": ((184, 164, 108), (122, 122, 66)),
    "winter": ((226, 230, 236), (84, 104, 98)),
}
"""The colors of the ground and of the leaves in each season."""

GROUNDS: tuple[Rgb, ...] = (
    (112, 114, 118), (134, 134, 136), (92, 94, 100), (158, 154, 148), (176, 166, 150),
)  # fmt: skip
"""Asphalt, concrete and gravel."""
