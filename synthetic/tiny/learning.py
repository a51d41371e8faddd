"""The training of the small networks: the command, the optimizer, the loop."""

import argparse
import hashlib
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from core.files import atomic_write
from synthetic.tiny.scenes import LAST_SEED


class NetworkTrainer:
    """A network and its optimizer; a subclass makes the network and has the `loss` of a batch."""

    module: str
    weights: Path
    batch: int
    peak_rate: float
    steps: int

    def __init__(self, seed: int, steps: int) -> None:
        torch.manual_seed(seed)
        network = self.make_network()
        self.network = network.to(memory_format=torch.channels_last).train()
        self.steps = steps
        decayed = [p for p in network.parameters() if p.ndim > 1]
        plain = [p for p in network.parameters() if p.ndim <= 1]  # biases and the like
        self.optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}],
            lr=self.peak_rate,
        )

    def make_network(self) -> torch.nn.Module:
        """The network with its first weights."""
        raise NotImplementedError

    def loss(self) -> torch.Tensor:
        """The loss of the next batch."""
        raise NotImplementedError

    def step(self, number: int) -> float:
        """Learn from one batch; returns the loss before the update."""
        loss = self.loss()
        for group in self.optimizer.param_groups:
            group["lr"] = rate_at(number, self.steps, self.peak_rate)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())

    def train(self, weights: Path) -> None:
        """Run all steps; progress goes to standard error.

        The weights are written now and then, so that a broken run leaves something.
        """
        losses = []
        for number in range(self.steps):
            losses.append(self.step(number))
            done = number + 1
            if done % 50 == 0:
                mean, spent = np.mean(losses[-50:]), time.process_time() / 60
                sys.stderr.write(f"step {done}/{self.steps} loss {mean:.3f} {spent:.1f} core-min\n")
            if done % 250 == 0 or done == self.steps:
                store_weights(self.network, weights)
        spent = time.process_time() / 60
        sys.stderr.write(f"written: {weights} after {spent:.1f} core-minutes, scenes included\n")


def run_training(
    trainer: type[NetworkTrainer], about: str | None, arguments: Sequence[str] | None
) -> None:
    """The command that trains a network and writes its weights; `about` is its help."""
    parser = argparse.ArgumentParser(prog=f"python -m {trainer.module}", description=about)
    parser.add_argument(
        "--steps", type=int, default=trainer.steps, help=f"batches of {trainer.batch} scenes"
    )
    parser.add_argument("--seed", type=int, default=1, help="of scenes and first weights")
    parser.add_argument("--threads", type=int, default=1, help="threads of torch")
    folder = trainer.weights.parent
    parser.add_argument("--out", type=Path, default=folder, help="folder for the weights")
    options = parser.parse_args(arguments)
    if not 1 <= options.seed < LAST_SEED:
        parser.error(
            f"--seed is {options.seed}; give 1 to {LAST_SEED - 1}, for the scenes of others are "
            "those that the model is evaluated on"
        )
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    trainer(options.seed, options.steps).train(options.out / trainer.weights.name)


def rate_at(step: int, steps: int, peak: float) -> float:
    """The learning rate: a short rise, then half a cosine down to nearly nothing."""
    rise = min(1.0, (step + 1) / 100)
    fall = 0.5 * (1 + math.cos(math.pi * step / steps))
    return peak * rise * (0.01 + 0.99 * fall)


def store_weights(model: torch.nn.Module, path: Path) -> None:
    """Write the weights as float16, and beside them their SHA-256 as `sha256sum -c` reads it.

    Both are written aside first, so that a reader never sees half a file.
    """
    state = {k: v.detach().half().contiguous() if v.is_floating_point() else v
             for k, v in model.state_dict().items()}  # fmt: skip
    content = save(state)  # save_file would leave a file that only its owner can read
    atomic_write(path, content)
    line = f"{hashlib.sha256(content).hexdigest()}  {path.name}\n"
    atomic_write(path.with_name(f"{path.name}.sha256"), line.encode())
