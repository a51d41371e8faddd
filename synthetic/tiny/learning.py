"""What the trainings of the project's small networks share: optimizer, learning rate, the loop."""

import hashlib
import math
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save

from core.files import atomic_write


def make_optimizer(network: torch.nn.Module, peak: float) -> torch.optim.AdamW:
    """AdamW over a network's parameters; biases and the like do not decay."""
    decayed = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}],
        lr=peak,
    )


def rate_at(step: int, steps: int, peak: float) -> float:
    """The learning rate: a short rise, then half a cosine down to nearly nothing."""
    rise = min(1.0, (step + 1) / 100)
    fall = 0.5 * (1 + math.cos(math.pi * step / steps))
    return peak * rise * (0.01 + 0.99 * fall)


def update(
    optimizer: torch.optim.Optimizer, network: torch.nn.Module, loss: torch.Tensor, rate: float
) -> None:
    """One step down the gradient of a loss, at this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    optimizer.step()


def learn(step: Callable[[int], float], steps: int, network: torch.nn.Module, path: Path) -> None:
    """All steps, each of which gives its loss; progress goes to standard error. The weights are
    written now and then, so that a broken run leaves something."""
    losses = []
    for number in range(steps):
        losses.append(step(number))
        if (number + 1) % 50 == 0:
            mean, spent = np.mean(losses[-50:]), time.process_time() / 60
            sys.stderr.write(f"step {number + 1}/{steps} loss {mean:.3f} {spent:.1f} core-min\n")
        if (number + 1) % 250 == 0 or number + 1 == steps:
            store_weights(network, path)
    spent = time.process_time() / 60
    sys.stderr.write(f"written: {path} after {spent:.1f} core-minutes, scenes included\n")


def store_weights(model: torch.nn.Module, path: Path) -> None:
    """Write the weights as float16, and beside them their SHA-256 as `sha256sum -c` reads it.

    Both are written aside first, so that a reader never sees half a file.
    """
    state = {k: v.detach().half().contiguous() if v.is_floating_point() else v
             for k, v in model.state_dict().items()}  # fmt: skip
    atomic_write(path, save(state))  # save_file would leave a file that only its owner can read
    store_checksum(path)


def store_checksum(path: Path) -> Path:
    """Write `<path>.sha256`, a line in the format of sha256sum; the file written."""
    beside = path.with_name(f"{path.name}.sha256")
    line = f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
    atomic_write(beside, line.encode())
    return beside
