"""Measures marque-mask-tiny on scenes it was not trained on: `python -m synthetic.masks.evaluate`.

The table goes to standard output; with `--card FILE` it also replaces the measured part of the
model card, between its two marks.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from core.errors import UsageMistakeError
from labeling.masks import MASK_WEIGHTS
from labeling.masks.network import load_network
from labeling.masks.pictures import car_masks
from synthetic.scenes import SCENE_SIZE, render
from synthetic.scenes.write import jpeg_photo
from synthetic.tiny.evaluate import run_evaluation
from synthetic.tiny.scenes import EVALUATION_SEED

EVALUATION_SIZES = (SCENE_SIZE, (192, 256), (256, 192), (270, 180), (320, 160))
"""Width and height of the scenes measured on, in turn: the default, 3:4, 4:3, 3:2 and 2:1."""

SCENES_AT_ONCE = 32
WANTED = 0.85
"""The least intersection over union of the car, pooled over all photos and as mean of exteriors."""

GOOD = 0.9
LARGE = 0.1
"""A mask of a larger share of the picture would be taken for a car."""


@dataclass(frozen=True, slots=True)
class MaskScores:
    """How well found and true masks agree, with a number for each scene, in the scene's pixels.

    `both` and `either` are the pixels of intersection and union; `area` is the share of the picture
    that the found mask covers; `whole` is whether a whole car is shown, as only then there is a
    true mask. `rate` is photos in a second of computing time, from decoded pixels to mask; with one
    thread, on a machine that does nothing else, that is a second of the clock.
    """

    both: NDArray[np.int64]
    either: NDArray[np.int64]
    area: NDArray[np.float64]
    whole: NDArray[np.bool_]
    rate: float

    @property
    def pooled(self) -> float:
        """Intersection over union of all pixels of all photos together."""
        return float(self.both.sum() / max(1, self.either.sum()))

    @property
    def overlaps(self) -> NDArray[np.float64]:
        """Intersection over union of each photo that shows a whole car."""
        found: NDArray[np.float64] = self.both[self.whole] / self.either[self.whole]
        return found


def find_cars(network: nn.Module, seed: int, count: int) -> MaskScores:
    """Render `count` scenes from `seed` on, as JPEG files of `EVALUATION_SIZES`, and mask them.

    The view of each is drawn: about one scene in eight shows no whole car.
    """
    both, either, area, whole, spent = [], [], [], [], 0.0
    for start in range(0, count, SCENES_AT_ONCE):
        scenes = [
            render(seed + i, EVALUATION_SIZES[i % len(EVALUATION_SIZES)])
            for i in range(start, min(start + SCENES_AT_ONCE, count))
        ]
        images = [jpeg_photo(scene) for scene in scenes]
        began = time.process_time()
        masks = car_masks(network, images)
        spent += time.process_time() - began
        for scene, mask in zip(scenes, masks, strict=True):
            both.append((mask & scene.mask).sum())
            either.append((mask | scene.mask).sum())
            area.append(mask.mean())
            whole.append(scene.labels.view == "exterior")
    return MaskScores(
        np.array(both), np.array(either), np.array(area), np.array(whole), count / spent
    )


def measured(found: MaskScores) -> str:
    """The measured numbers as Markdown.

    Raises `UsageMistakeError` where the scenes do not have both whole cars and pictures without.
    """
    shares = found.area[~found.whole]
    if not 0 < len(shares) < len(found.whole):
        raise UsageMistakeError(
            f"{len(found.whole)} scenes are too few to have both whole cars and pictures without "
            "one; measure on 50 or more"
        )
    scores = {
        "car IoU, all pixels of all photos together": found.pooled,
        "car IoU, mean over photos with a whole car": float(found.overlaps.mean()),
    }
    rows = [
        f"| {what} | {value:.3f} | {WANTED:.2f} | {'yes' if value >= WANTED else 'NO'} |"
        for what, value in scores.items()
    ]
    good, large = (found.overlaps >= GOOD).mean(), (shares > LARGE).mean()
    more = {
        f"whole car: photos with an IoU of at least {GOOD}": f"{good:.1%}",
        "whole car: the worst photo in twenty, IoU": f"{np.quantile(found.overlaps, 0.05):.3f}",
        "no whole car: pixels said to be a car": f"{shares.mean():.2%}",
        f"no whole car: photos where they are over {LARGE:.0%}": f"{large:.1%}",
        "photos a second of computing time, decoded pixels to mask": f"{found.rate:.0f}",
    }
    rows += [f"| {what} | {value} | - | - |" for what, value in more.items()]
    sizes = ", ".join(f"{width} x {height}" for width, height in EVALUATION_SIZES)
    return "\n".join(
        [
            f"{len(found.whole)} scenes from seed {EVALUATION_SEED} on, as JPEG files of {sizes} "
            f"in turn; none of them was used in training. {found.whole.sum()} show a whole car, "
            f"{len(shares)} an interior, a detail or no car.",
            "",
            "| what | score | wanted | reached |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def evaluate(weights: Path, count: int) -> str:
    """The measured numbers of these weights, on `count` scenes, as Markdown."""
    return measured(find_cars(load_network(weights), EVALUATION_SEED, count))


def main(arguments: Sequence[str] | None = None) -> None:
    """Render, mask, measure, and write the table."""
    run_evaluation("synthetic.masks.evaluate", __doc__, MASK_WEIGHTS, 2000, evaluate, arguments)


if __name__ == "__main__":
    main()
