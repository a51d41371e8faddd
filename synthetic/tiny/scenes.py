"""Scenes for training: rendered as they are needed, each shown a few times in other crops."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from synthetic.scenes import BACKGROUNDS, BODY_TYPES, SCENE_COLORS, SceneLabels, draw_labels, render
from synthetic.scenes.dice import Dice
from synthetic.tiny.captions import facts_of

EVALUATION_SEED = 1_000_000_000
"""Scenes from this seed on are for evaluation; training takes its own from far below."""

SEED_STRIDE = 10_000_000
"""A training's own scenes begin at its seed times this."""

LAST_SEED = EVALUATION_SEED // 2 // SEED_STRIDE
"""The first seed of training whose scenes the evaluation uses."""

SIDE = 96
SIZES = ((115, 96), (120, 100), (126, 105))

Pixels = NDArray[np.uint8]
Facts = NDArray[np.int64]


def is_withheld(labels: SceneLabels) -> bool:
    """Whether training skips this combination of color, body type and background: one in five."""
    if labels.view != "exterior" or not (labels.color and labels.body_type and labels.background):
        return False
    color, body = SCENE_COLORS.index(labels.color), BODY_TYPES.index(labels.body_type)
    return (2 * color + body + 3 * BACKGROUNDS.index(labels.background)) % 5 == 0


def training_batches(seed: int, batch: int, pool: int = 6144) -> Iterator[tuple[Pixels, Facts]]:
    """Endless batches of (n, 96, 96, 3) pixels and their facts, the same for the same seed.

    A third of a batch is new; the rest is drawn from the last `pool` scenes, cropped and mirrored
    afresh, since painting a scene costs about as much as learning from it.
    """
    dice = Dice(seed, 3)
    store: list[tuple[Pixels, list[int]]] = []
    number = seed * SEED_STRIDE
    while True:
        fresh = batch if len(store) < pool // 4 else batch // 3
        recent: list[tuple[Pixels, list[int]]] = []
        while len(recent) < fresh:
            number += 1
            if not is_withheld(draw_labels(number)):
                scene = render(number, dice.pick(SIZES))
                recent.append((np.asarray(scene.image), facts_of(scene.labels)))
        again = [dice.pick(store) for _ in range(batch - fresh)]
        store = (store + recent)[-pool:]
        chosen = recent + again
        yield (
            np.stack([_cropped(pixels, dice) for pixels, _ in chosen]),
            np.array([facts for _, facts in chosen]),
        )


def _cropped(pixels: Pixels, dice: Dice) -> Pixels:
    """A square near the middle, mirrored every other time, a little brighter or darker."""
    height, width, _ = pixels.shape
    x = int((width - SIDE + 1) * dice.between(0.2, 0.8))
    y = int((height - SIDE + 1) * dice.between(0.0, 0.999))
    cut = pixels[y : y + SIDE, x : x + SIDE]
    cut = cut[:, ::-1] if dice.chance(0.5) else cut
    bright: Pixels = np.minimum(cut * dice.between(0.96, 1.03), 255).astype(np.uint8)
    return bright
