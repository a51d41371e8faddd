"""The labels of a scene, which are drawn from its seed before the picture is painted."""

from dataclasses import dataclass
from typing import Literal, TypedDict, Unpack

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from core.records import Box
from synthetic.scenes.bodies import SHAPES
from synthetic.scenes.dice import Dice
from synthetic.scenes.palette import PAINT_COLORS
from synthetic.scenes.people import PERSON_AGES, PERSON_KINDS, Person

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
"""The ranges of the car's turn for each viewpoint, in degrees: see `CarPose`."""

VIEWPOINTS = tuple(TURNS)
DETAILS = ("wheel", "badge", "engine")
_VIEW_ODDS: tuple[View, ...] = ("exterior",) * 22 + ("interior", "detail", "not_a_car")


class Choices(TypedDict, total=False):
    """Labels of a scene that a caller may choose; the words are those of the vocabulary."""

    view: View
    color: str
    body_type: str
    background: str
    viewpoint: str
    people: tuple[Person, ...]
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SceneLabels:
    """The labels of a scene. A label that the picture does not show is None or empty.

    Exteriors have `body_type`, `background` and `viewpoint`; they and details with paint have a
    `color`. `others` are the colors of the cars behind, in a third of the exteriors; each differs
    from the color of the scene's own car.
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
        return tuple(k for k in PERSON_KINDS if any(p.kind == k for p in self.persons))

    @property
    def age(self) -> tuple[str, ...]:
        """The ages of people in the scene, each once."""
        return tuple(a for a in PERSON_AGES if any(p.age == a for p in self.persons))


@dataclass(frozen=True, slots=True)
class Scene:
    """A rendered picture and its labels.

    `mask` is (height, width), True where the car is; `box` is the smallest rectangle around it,
    None where no whole car is shown.
    """

    seed: int
    image: Image.Image
    labels: SceneLabels
    mask: NDArray[np.bool_]
    box: Box | None
    caption: str


def draw_labels(seed: int, **choices: Unpack[Choices]) -> SceneLabels:
    """The labels of the scene with this seed, without its picture.

    A choice replaces the drawn label and changes no other draw. Raises `ValueError` for a word
    that the renderer does not know.
    """
    _check(choices)
    dice = Dice(seed, 1)
    view = dice.pick(_VIEW_ODDS)
    color, body_type = dice.pick(SCENE_COLORS), dice.pick(BODY_TYPES)
    background, viewpoint = dice.pick(BACKGROUNDS), dice.pick((*VIEWPOINTS[:3], *VIEWPOINTS))
    # Nobody in half of the scenes, else one to three people, mostly of different kinds.
    count = dice.pick((0, 0, 0, 0, 0, 1, 1, 1, 2, 3))
    kinds = [dice.pick(PERSON_KINDS) for _ in range(count)]
    persons = tuple(
        Person(kind, "young" if kind == "child" or dice.chance(0.5) else "old") for kind in kinds
    )
    detail = dice.pick(DETAILS)
    view = choices.get("view", view)
    if view == "detail":
        shown = None if detail == "engine" else choices.get("color", color)
        return SceneLabels(view, color=shown, detail=detail)
    if view != "exterior":
        return SceneLabels(view)
    color = choices.get("color", color)
    # No other car in two scenes of three, else one or two of other colors.
    rest = [c for c in SCENE_COLORS if c != color]
    others = tuple(dice.pick(rest) for _ in range(dice.pick((0, 0, 0, 0, 1, 2))))
    return SceneLabels(
        view,
        color,
        choices.get("body_type", body_type),
        choices.get("background", background),
        choices.get("viewpoint", viewpoint),
        choices.get("people", persons),
        others=choices.get("others", others),
    )


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
"""The words after the car for each background."""


def article(word: str) -> str:
    """'an' before a vowel, else 'a'."""
    return "an" if word[:1] in "aeiou" else "a"
