"""Scenes for training: rendered as they are needed, each shown a few times in other crops."""

from collections.abc import Iterator
from itertools import count, islice
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from synthetic.scenes import BACKGROUNDS, BODY_TYPES, SCENE_COLORS, SceneLabels, draw_labels, render
from synthetic.scenes.dice import Dice
from synthetic.tiny.captions import encode_labels

EVALUATION_SEED = 1_000_000_000
"""Scenes from this seed on are for evaluation; training takes its own from far below."""

SEED_STRIDE = 10_000_000
"""A training's own scenes begin at its seed times this."""

LAST_SEED = EVALUATION_SEED // 2 // SEED_STRIDE
"""The first seed of training whose scenes the evaluation uses."""

CROP_SIDE = 96
TRAINING_SIZES = ((115, 96), (120, 100), (126, 105))

RgbPixels = NDArray[np.uint8]
Facts = NDArray[np.int64]
Shown = TypeVar("Shown")


def is_withheld(labels: SceneLabels) -> bool:
    """Whether training skips this combination of color, body type and background: one in five."""
    if labels.view != "exterior" or not (labels.color and labels.body_type and labels.background):
        return False
    color, body = SCENE_COLORS.index(labels.color), BODY_TYPES.index(labels.body_type)
    return (2 * color + body + 3 * BACKGROUNDS.index(labels.background)) % 5 == 0


def training_batches(seed: int, batch: int, pool: int = 6144) -> Iterator[tuple[RgbPixels, Facts]]:
    """Endless batches of (n, 96, 96, 3) pixels and their facts, the same for the same seed.

    A third of a batch is new; the rest is drawn from the last `pool` scenes, cropped and mirrored
    afresh, since painting a scene costs about as much as learning from it.
    """
    dice = Dice(seed, 3)
    numbers = count(seed * SEED_STRIDE + 1)
    kept = (number for number in numbers if not is_withheld(draw_labels(number)))
    scenes = (render(number, dice.pick(TRAINING_SIZES)) for number in kept)
    fresh = ((np.asarray(scene.image), encode_labels(scene.labels)) for scene in scenes)
    for chosen in mixed_batches(fresh, dice, batch, pool, share=3, filled=pool // 4):
        yield (
            np.stack([_cropped(pixels, dice) for pixels, _ in chosen]),
            np.array([facts for _, facts in chosen]),
        )


def mixed_batches(
    fresh: Iterator[Shown], dice: Dice, batch: int, pool: int, *, share: int, filled: int
) -> Iterator[list[Shown]]:
    """Endless batches: one scene in `share` is new, the others are drawn from the last `pool`.

    Until `filled` scenes are there to draw from, all of a batch is new.
    """
    store: list[Shown] = []
    while True:
        recent = list(islice(fresh, batch if len(store) < filled else batch // share))
        again = [dice.pick(store) for _ in range(batch - len(recent))]
        store = (store + recent)[-pool:]
        yield recent + again


def _cropped(pixels: RgbPixels, dice: Dice) -> RgbPixels:
    """A square near the middle, mirrored every other time, a little brighter or darker."""
    height, width, _ = pixels.shape
    x = int((width - CROP_SIDE + 1) * dice.between(0.2, 0.8))
    y = int((height - CROP_SIDE + 1) * dice.between(0.0, 0.999))
    cut = pixels[y : y + CROP_SIDE, x : x + CROP_SIDE]
    cut = cut[:, ::-1] if dice.chance(0.5) else cut
    bright: RgbPixels = np.minimum(cut * dice.between(0.96, 1.03), 255).astype(np.uint8)
    return bright
