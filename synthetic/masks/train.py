"""Trains marque-mask-tiny on scenes rendered as it goes: `python -m synthetic.masks.train`.

The loss is cross-entropy of every pixel and the soft Dice loss of every picture (Milletari et al.
2016, "V-Net"), which does not let a small car count less than a large one.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone gives it
from torch import Tensor

from labeling.masks import WEIGHTS
from labeling.masks.network import MaskNetwork
from labeling.masks.pictures import to_input
from synthetic.masks.scenes import training_batches
from synthetic.tiny.learning import learn, make_optimizer, rate_at, update
from synthetic.tiny.scenes import LAST_SEED

BATCH = 48
PEAK_RATE = 3e-3
STEPS = 1800
SEED = 1
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


class Trainer:
    """The network, its optimizer and its stream of scenes."""

    def __init__(self, seed: int, steps: int) -> None:
        torch.manual_seed(seed)
        self.network = MaskNetwork().to(memory_format=torch.channels_last).train()
        self.steps = steps
        self.batches = training_batches(seed, BATCH)
        self.optimizer = make_optimizer(self.network, PEAK_RATE)

    def step(self, number: int) -> float:
        """Learn from one batch; the loss before the update."""
        pixels, masks = next(self.batches)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = self.network(to_input(pixels))
        loss = mask_loss(logits.float(), torch.from_numpy(masks))
        rate = rate_at(number, self.steps, PEAK_RATE)
        update(self.optimizer, self.network, loss, rate)
        return float(loss.detach())


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and write the weights; progress goes to standard error."""
    parser = argparse.ArgumentParser(prog="python -m synthetic.masks.train", description=__doc__)
    parser.add_argument("--steps", type=int, default=STEPS, help=f"batches of {BATCH} scenes")
    parser.add_argument("--seed", type=int, default=SEED, help="of scenes and first weights")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent, help="folder for the weights")
    options = parser.parse_args(arguments)
    if not 1 <= options.seed < LAST_SEED:
        parser.error(
            f"--seed is {options.seed}; give 1 to {LAST_SEED - 1}, for the scenes of others are "
            "those that the network is evaluated on"
        )
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(options.seed, options.steps)
    learn(trainer.step, options.steps, trainer.network, options.out / WEIGHTS.name)


if __name__ == "__main__":
    main()
