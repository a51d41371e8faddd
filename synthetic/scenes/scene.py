"""A car scene from a seed: first its labels are drawn, then the picture is painted after them."""

from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.records import Box
from synthetic.scenes.bodies import SHAPES
from synthetic.scenes.dice import Dice
from synthetic.scenes.palette import PAINT_COLORS
from synthetic.scenes.people import Person

View = Literal["exterior", "interior", "detail", "not_a_car"]

BACKGROUNDS = ("city", "mountains", "sea", "nature", "road", "parking", "studio", "indoor")
BODY_TYPES = tuple(SHAPES)
SCENE_COLORS = tuple(PAINT_COLORS)
VIEWS: tuple[View, ...] = ("exterior", "interior", "detail", "not_a_car")
TURNS = {
    "side": ((-9, 9), (171, 189)),
    "front_three_quarter": ((-60, -22), (-158, -120)),
    "rear_three_quarter": ((22, 60), (120, 158)),
    "front": ((-86, -64), (-116, -94)),
    "rear": ((64, 86), (94, 116)),
}
"""Of each viewpoint the ranges of the car's turn in degrees; 0 shows the front to the right."""

VIEWPOINTS = tuple(TURNS)
_VIEW_ODDS: tuple[View, ...] = ("exterior",) * 22 + ("interior", "detail", "not_a_car")


class Choices(TypedDict, total=False):
    """What of a scene may be given instead of drawn; the words are those of the vocabulary."""

    view: View
    color: str
    body_type: str
    background: str
    viewpoint: str
    people: tuple[Person, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SceneLabels:
    """What a scene shows. Values that the picture does not tell are None or empty.

    `color` is kept for details too where they show paint; `body_type`, `background` and
    `viewpoint` only for exteriors. `others` are the colors of the cars that stand behind, in a
    third of the exteriors; none of them has the color of the car that the scene is about.
    """

    view: View
    color: str | None = None
    body_type: str | None = None
    background: str | None = None
    viewpoint: str | None = None
    persons: tuple[Person, ...] = ()
    detail: str | None = None
    others: tuple[str, ...] = ()

    @property
    def people(self) -> tuple[str, ...]:
        """The kinds of people in the scene, each once, in the order man, woman, child."""
        return tuple(k for k in ("man", "woman", "child") if any(p.kind == k for p in self.persons))

    @property
    def age(self) -> tuple[str, ...]:
        """The ages of people in the scene, each once."""
        return tuple(a for a in ("young", "old") if any(p.age == a for p in self.persons))


@dataclass(frozen=True, slots=True)
class Scene:
    """A rendered picture and what is true of it.

    `mask` is (height, width), True where the car is seen; `box` is the mask's tight rectangle, and
    None where no whole car is shown.
    """

    seed: int
    image: Image.Image
    labels: SceneLabels
    mask: NDArray[np.bool_]
    box: Box | None
    caption: str


def draw_labels(seed: int, **choices: Unpack[Choices]) -> SceneLabels:
    """The labels of the scene with this seed, without painting it.

    A choice replaces what was drawn and changes no other draw. Raises `ValueError` for a word that
    the renderer does not know.
    """
    _check(choices)
    dice = Dice(seed, 1)
    view = dice.pick(_VIEW_ODDS)
    color, body_type = dice.pick(SCENE_COLORS), dice.pick(BODY_TYPES)
    background, viewpoint = dice.pick(BACKGROUNDS), dice.pick((*VIEWPOINTS[:3], *VIEWPOINTS))
    persons = _draw_people(dice)
    detail = dice.pick(("wheel", "badge", "engine"))
    view = choices.get("view", view)
    if view == "detail":
        shown = None if detail == "engine" else choices.get("color", color)
        return SceneLabels(view, color=shown, detail=detail)
    if view != "exterior":
        return SceneLabels(view)
    color = choices.get("color", color)
    others = _draw_others(dice, color)
    return SceneLabels(
        view,
        color,
        choices.get("body_type", body_type),
        choices.get("background", background),
        choices.get("viewpoint", viewpoint),
        choices.get("people", persons),
        others=choices.get("others", others),
    )


def _draw_people(dice: Dice) -> tuple[Person, ...]:
    """Nobody in half of the scenes, else one to three people, mostly of different kinds."""
    count = dice.pick((0, 0, 0, 0, 0, 1, 1, 1, 2, 3))
    kinds = [dice.pick(("man", "woman", "child")) for _ in range(count)]
    return tuple(
        Person(kind, "young" if kind == "child" or dice.chance(0.5) else "old") for kind in kinds
    )


def _draw_others(dice: Dice, color: str) -> tuple[str, ...]:
    """No other car in two scenes of three, else one or two of other colors."""
    rest = [c for c in SCENE_COLORS if c != color]
    count = dice.pick((0, 0, 0, 0, 1, 2))
    return tuple(dice.pick(rest) for _ in range(count))


def _check(choices: Choices) -> None:
    known = {
        "view": VIEWS, "color": SCENE_COLORS, "body_type": BODY_TYPES, "background": BACKGROUNDS,
        "viewpoint": VIEWPOINTS,
    }  # fmt: skip
    for name, value in choices.items():
        if name in known and value not in known[name]:
            raise ValueError(
                f"{name}={value!r} cannot be rendered; choose one of {', '.join(known[name])}"
            )
        if name not in known and name not in {"people", "others"}:
            raise ValueError(
                f"{name!r} is not a choice; known are {', '.join([*known, 'people', 'others'])}"
            )
    for value in choices.get("others", ()):
        if value not in SCENE_COLORS:
            raise ValueError(
                f"others={value!r} cannot be rendered; choose of {', '.join(SCENE_COLORS)}"
            )


def caption_of(labels: SceneLabels) -> str:
    """The scene in one English sentence."""
    if labels.view == "not_a_car":
        return "not a car: a banner, a logo, a placeholder or a plan"
    if labels.view == "interior":
        return "the interior of a car"
    if labels.view == "detail":
        paint = f" of a {labels.color} car" if labels.color else " of a car"
        return f"a detail{paint}: {labels.detail}"
    where = BACKGROUND_PHRASES[labels.background or ""]
    words = f"{article(labels.color or '')} {labels.color} {labels.body_type} {where}"
    if labels.persons:
        people = " and ".join(f"{article(p.age)} {p.age} {p.kind}" for p in labels.persons)
        words += f", {people} beside it"
    return words


BACKGROUND_PHRASES = {
    "city": "in the city", "mountains": "in the mountains", "sea": "by the sea",
    "nature": "in nature", "road": "on the road", "parking": "on a parking lot",
    "studio": "in a studio", "indoor": "indoors",
}  # fmt: skip
"""Of each background the words that follow a car."""


def article(word: str) -> str:
    """'an' before a vowel, else 'a'."""
    return "an" if word[:1] in "aeiou" else "a"
