"""Trains marque-mask-tiny on scenes rendered as it goes: `python -m synthetic.masks.train`.

The loss is cross-entropy of every pixel and the soft Dice loss of every picture (Milletari et al.
2016, "V-Net"), which does not let a small car count less than a large one.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone gives it
from torch import Tensor

from labeling.masks import MASK_WEIGHTS
from labeling.masks.network import MaskNetwork
from labeling.masks.pictures import to_input
from synthetic.masks.scenes import training_batches
from synthetic.tiny.learning import NetworkTrainer, run_training

TRAINING_BATCH = 48
PEAK_RATE = 3e-3
STEPS = 1800
SMOOTHING = 50.0
"""Pixels added to both sides of Dice's fraction: a few wrong ones where there is no car cost
little, and many cost all."""


def mask_loss(logits: Tensor, car: Tensor) -> Tensor:
    """Cross-entropy plus soft Dice, of logits (n, 2, h, w) and where the car is (n, h, w)."""
    plain = F.cross_entropy(logits, car.long())
    likely = logits.softmax(1)[:, 1]
    both = (likely * car).sum((1, 2))
    dice = (2 * both + SMOOTHING) / (likely.sum((1, 2)) + car.sum((1, 2)) + SMOOTHING)
    return plain + (1 - dice).mean()


class MaskTrainer(NetworkTrainer):
    """marque-mask-tiny, its optimizer and its stream of scenes."""

    module, weights = "synthetic.masks.train", MASK_WEIGHTS
    batch, peak_rate, steps = TRAINING_BATCH, PEAK_RATE, STEPS

    def __init__(self, seed: int, steps: int) -> None:
        super().__init__(seed, steps)
        self.batches = training_batches(seed, TRAINING_BATCH)

    def make_network(self) -> MaskNetwork:
        """The network of `labeling.masks`."""
        return MaskNetwork()

    def loss(self) -> Tensor:
        """The loss of the next batch."""
        pixels, masks = next(self.batches)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.network(to_input(pixels))
        return mask_loss(logits.float(), torch.from_numpy(masks))


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the weights; progress goes to standard error."""
    run_training(MaskTrainer, __doc__, arguments)


if __name__ == "__main__":
    main()
