"""Words for scenes: class prompts, captions, and which photos a caption fits.

A photo's labels become a row of small integers (`encode_labels`). A caption is a text with columns
and the values that they must have, so that whether it fits is a comparison of arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthetic.scenes import BACKGROUNDS, BODY_TYPES, SCENE_COLORS, VIEWS, SceneLabels
from synthetic.scenes.dice import Dice
from synthetic.scenes.people import PERSON_AGES, PERSON_KINDS
from synthetic.scenes.scene import DETAILS, article

FLAGS = (*PERSON_KINDS, *PERSON_AGES, "man young", "man old", "woman young", "woman old", "nobody")
VALUES: dict[str, tuple[str, ...]] = {
    "color": SCENE_COLORS,
    "body_type": BODY_TYPES,
    "background": BACKGROUNDS,
    "view": VIEWS,
}
FACT_COLUMNS = {"color": 0, "body_type": 1, "background": 2, "view": 3, "detail": 4}
FLAG_COLUMN = 5

COLOR_WORDS: dict[str, tuple[str, ...]] = {"grey": ("grey", "gray"), "violet": ("violet", "purple")}
BODY_WORDS: dict[str, tuple[str, ...]] = {
    "sedan": ("sedan", "sedan", "saloon"),
    "estate": ("estate", "estate car", "station wagon"),
    "convertible": ("convertible", "convertible", "cabriolet"),
    "suv": ("suv", "suv", "off-roader"),
    "pickup": ("pickup", "pickup truck"),
    "minivan": ("minivan", "minivan", "people carrier"),
    "van": ("van", "van", "delivery van"),
    "coupe": ("coupe", "coupe", "sports coupe"),
}
PLACE_WORDS: dict[str, tuple[str, ...]] = {
    "city": ("in the city", "in town", "on a city street", "in a city"),
    "mountains": ("in the mountains", "in front of mountains", "with mountains"),
    "sea": ("by the sea", "at the sea", "on the beach", "at the seaside", "by the ocean"),
    "nature": ("in nature", "in the countryside", "in the woods", "in a forest"),
    "road": ("on the road", "on a road", "on a country road", "on a highway"),
    "parking": ("on a parking lot", "in a parking lot", "in a car park", "parking"),
    "studio": ("in a studio", "in a photo studio", "in the studio"),
    "indoor": ("indoors", "indoor", "in a garage", "in a showroom"),
}
VIEW_WORDS: dict[str, tuple[str, ...]] = {
    "exterior": ("a photo of a car", "a car from outside", "the exterior of a car", "a whole car"),
    "interior": ("the interior of a car", "inside a car", "a car interior",
                 "the dashboard of a car"),
    "detail": ("a detail of a car", "a close-up of a part of a car", "a car detail"),
    "not_a_car": ("not a car", "a banner or a logo", "no car", "a placeholder or an advertisement"),
}  # fmt: skip
COLOR_TEMPLATES = ("a photo of a {} car", "a {} car", "{} car", "{}")
BODY_TEMPLATES = ("a photo of a {}", "a {}", "{}", "a picture of a {}")
PLACE_TEMPLATES = ("a photo of a car {}", "a car {}", "{}")
CAR_TEMPLATES = ("a photo of {a} {car}", "{a} {car}", "{car}", "a picture of {a} {car}")
PEOPLE_TEMPLATES = ("{who} beside {a} {car}", "{a} {car} with {who}", "{who} next to {a} {car}",
                    "{a} {car} and {who}", "{who}")  # fmt: skip

HELD_OUT_TEMPLATES = ("find me pictures that show {a} {car}", "we are looking for {a} {car} to buy")
"""Wordings that training never shows; evaluation uses them as a control."""


@dataclass(frozen=True, slots=True)
class Caption:
    """A text, and the pairs of column and value that a fitting photo must have."""

    text: str
    wants: tuple[tuple[int, int], ...]


def encode_labels(labels: SceneLabels) -> list[int]:
    """A photo's labels as integers: indexes of values (-1 where there is none), then flags."""
    row = [VALUES[name].index(value) if (value := getattr(labels, name)) else -1 for name in VALUES]
    row.append(DETAILS.index(labels.detail) if labels.view == "detail" and labels.detail else -1)
    said = {p.kind for p in labels.persons} | {p.age for p in labels.persons}
    said |= {f"{p.kind} {p.age}" for p in labels.persons}
    if labels.view == "exterior" and not labels.persons:
        said.add("nobody")
    return row + [int(flag in said) for flag in FLAGS]


def fits(captions: Sequence[Caption], facts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which caption fits which photo, (captions, photos)."""
    table = np.ones((len(captions), len(facts)), dtype=bool)
    for i, caption in enumerate(captions):
        for column, value in caption.wants:
            table[i] &= facts[:, column] == value
    return table


def class_prompts(dice: Dice) -> list[str]:
    """One prompt for every value of VALUES, in order, in words picked by the dice."""
    colors = [dice.pick(COLOR_TEMPLATES).format(_color(c, dice)) for c in SCENE_COLORS]
    bodies = [dice.pick(BODY_TEMPLATES).format(_body(b, dice)) for b in BODY_TYPES]
    places = [dice.pick(PLACE_TEMPLATES).format(dice.pick(PLACE_WORDS[b])) for b in BACKGROUNDS]
    views = [dice.pick(VIEW_WORDS[v]) for v in VIEWS]
    return [_grammar(text) for text in (*colors, *bodies, *places, *views)]


def people_prompts(dice: Dice) -> list[tuple[str, str]]:
    """For every kind and age a prompt that says it is there and one that says it is not."""
    pairs = []
    for word in (*PERSON_KINDS, *PERSON_AGES):
        noun = f"{word} person" if word in PERSON_AGES else word
        yes = dice.pick(("a photo with a {}", "a {}", "a car with a {}", "a photo of a {}"))
        no = dice.pick(
            ("a photo without a {}", "no {}", "a car without a {}", "a photo with no {}")
        )
        pairs.append((_grammar(yes.format(noun)), _grammar(no.format(noun))))
    return pairs


def draw_caption(facts: Sequence[int], dice: Dice) -> Caption:
    """A caption that fits the photo with these facts, of any length from one word to all."""
    view = VIEWS[facts[FACT_COLUMNS["view"]]]
    if view != "exterior":
        return _closeup_caption(facts, view, dice)
    kind = dice.rng.random()
    names = ["color", "body_type"]
    if kind < 0.45:
        return _car_caption(facts, names, dice)
    if kind < 0.60:
        return _car_caption(facts, [*names, "background"], dice)
    if kind < 0.68:
        return _car_caption(facts, [dice.pick(names), "background"], dice)
    if kind < 0.73:
        return _car_caption(facts, [dice.pick((*names, "background"))], dice)
    return _people_caption(facts, dice)


def _closeup_caption(facts: Sequence[int], view: str, dice: Dice) -> Caption:
    wants = [(FACT_COLUMNS["view"], facts[FACT_COLUMNS["view"]])]
    text = dice.pick(VIEW_WORDS[view])
    if view == "detail" and dice.chance(0.6):
        part = DETAILS[facts[FACT_COLUMNS["detail"]]]
        wants = [(FACT_COLUMNS["detail"], facts[FACT_COLUMNS["detail"]])]
        text = dice.pick(("the {} of a {} car", "a {}, detail of a {} car"))
        color = facts[FACT_COLUMNS["color"]]
        if color >= 0 and dice.chance(0.6):
            wants.append((FACT_COLUMNS["color"], color))
            text = text.format(part, _color(SCENE_COLORS[color], dice))
        else:
            text = text.format(part, "").replace("  ", " ")
    return Caption(_grammar(text), tuple(wants))


def _car_words(facts: Sequence[int], names: Sequence[str], dice: Dice) -> str:
    words = []
    if "color" in names:
        words.append(_color(SCENE_COLORS[facts[0]], dice))
    words.append(_body(BODY_TYPES[facts[1]], dice) if "body_type" in names else "car")
    if "background" in names:
        words.append(dice.pick(PLACE_WORDS[BACKGROUNDS[facts[2]]]))
    return " ".join(words)


def _wants(facts: Sequence[int], names: Sequence[str]) -> tuple[tuple[int, int], ...]:
    return tuple((FACT_COLUMNS[name], facts[FACT_COLUMNS[name]]) for name in names)


def _car_caption(facts: Sequence[int], names: Sequence[str], dice: Dice) -> Caption:
    words = _car_words(facts, names, dice)
    text = dice.pick(CAR_TEMPLATES).format(a=article(words), car=words)
    return Caption(text, _wants(facts, names))


def _people_caption(facts: Sequence[int], dice: Dice) -> Caption:
    flags = [
        i for i, flag in enumerate(FLAGS) if facts[FLAG_COLUMN + i] and flag not in PERSON_AGES
    ]
    chosen = FLAGS[dice.pick(flags)]
    names: list[str] = []
    if dice.chance(0.6):
        names = [n for n in ("color", "body_type", "background") if dice.chance(0.5)]
    kind, _, age = chosen.partition(" ")
    if chosen == "nobody":
        who = dice.pick(("nobody", "no people", "no one"))
    elif chosen == "child" and dice.chance(0.2):
        who = dice.pick(("a kid", "a young child"))
    else:
        who = f"{article(age or kind)} {age} {kind}".replace("  ", " ")
    words = _car_words(facts, names, dice)
    template = dice.pick(PEOPLE_TEMPLATES if not names else PEOPLE_TEMPLATES[:-1])
    text = template.format(who=who, a=article(words), car=words)
    wants = (*_wants(facts, names), (FLAG_COLUMN + FLAGS.index(chosen), 1))
    return Caption(text, wants)


def _color(color: str, dice: Dice) -> str:
    return dice.pick(COLOR_WORDS.get(color, (color,)))


def _body(body: str, dice: Dice) -> str:
    return dice.pick(BODY_WORDS.get(body, (body,)))


def _grammar(text: str) -> str:
    """'an' for each 'a' before a vowel."""
    words = text.split()
    for i, word in enumerate(words[:-1]):
        if word == "a":
            words[i] = article(words[i + 1])
    return " ".join(words)
