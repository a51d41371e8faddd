"""Random choices from a seed, in the forms that painting needs."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

Option = TypeVar("Option")


class Dice:
    """A random generator; the same seed gives the same draws on every machine."""

    def __init__(self, *seed: int) -> None:
        self.rng = np.random.default_rng(seed)

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return bool(self.rng.random() < probability)

    def between(self, low: float, high: float) -> float:
        """A number of the uniform distribution over [low, high)."""
        return low + (high - low) * float(self.rng.random())

    def pick(self, options: Sequence[Option]) -> Option:
        """One of the options; all are equally likely."""
        return options[int(self.rng.random() * len(options))]

    def vary(self, color: tuple[int, int, int], by: float) -> tuple[int, int, int]:
        """The color with each channel changed by up to `by`, within 0..255."""
        r, g, b = (min(255, max(0, round(c + self.between(-by, by)))) for c in color)
        return r, g, b
