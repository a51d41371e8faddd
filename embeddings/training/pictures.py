"""Pictures in memory: as many as a stated limit allows, made smaller, cropped and mirrored."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from embeddings.training.loop import TrainingError

Pictures = npt.NDArray[np.uint8]
"""n pictures (n, side, side, 3), RGB, as a network's preparation makes them."""

MARGIN = 1.15
"""A picture in memory is this much larger than the part that is cropped out of it."""
_BATCH = 32


def check_memory(count: int, sides: tuple[int, ...], most_mb: int) -> None:
    """Raise `TrainingError` if so many pictures of all these sides would take more memory."""
    needed = sum(count * side * side * 3 for side in sides) / 1e6
    if needed > most_mb:
        fitting = int(count * most_mb / needed)
        raise TrainingError(
            f"{count:,} pictures take {needed:,.0f} MB, and {most_mb:,} MB are allowed; allow more "
            f"memory, or train on at most {fitting:,} photos"
        )


def shrink(pictures: Pictures, side: int) -> Pictures:
    """Pictures (n, side, side, 3), made smaller with antialiasing, or as they are if they fit."""
    if pictures.shape[1] <= side:
        return pictures
    small = np.empty((len(pictures), side, side, 3), np.uint8)
    for start in range(0, len(pictures), _BATCH):
        some = torch.tensor(pictures[start : start + _BATCH]).permute(0, 3, 1, 2)
        done = interpolate(some.float(), (side, side), mode="bilinear", antialias=True)
        small[start : start + _BATCH] = done.round_().clamp_(0, 255).permute(0, 2, 3, 1).numpy()
    return small


def augment(pictures: Pictures, side: int, draw: np.random.Generator) -> Pictures:
    """A random part (n, side, side, 3) of each picture, mirrored as often as not."""
    spare = pictures.shape[1] - side + 1
    places = draw.integers(0, spare, (len(pictures), 2))
    mirrored = draw.random(len(pictures)) < 0.5
    done = np.empty((len(pictures), side, side, 3), np.uint8)
    for at, ((y, x), turned) in enumerate(zip(places, mirrored, strict=True)):
        part = pictures[at, y : y + side, x : x + side]
        done[at] = part[:, ::-1] if turned else part
    return done


def network_input(pictures: Pictures, preprocess: Mapping[str, Any]) -> Tensor:
    """What a network takes (n, 3, side, side), by the mean and deviation of its preprocessing."""
    mean, std = (
        torch.tensor(preprocess[name], dtype=torch.float32).view(-1, 1, 1)
        for name in ("mean", "std")
    )
    values = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div_(255)
    return values.sub_(mean).div_(std).contiguous(memory_format=torch.channels_last)
