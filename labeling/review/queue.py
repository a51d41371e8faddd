"""The order in which people see photos: the most useful first, and not one car twenty times."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labeling.review.cases import Case

Array = npt.NDArray[np.float32]

PENALTY = 1.5
"""What a photo's score loses for each one like it that was chosen before: a reason and a half."""

_ALIKE = 0.5
"""From this cosine on, between vectors taken from their mean, two photos begin to be alike."""


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A photo with its cases, the most useful first."""

    image_id: str
    cases: tuple[Case, ...]

    @property
    def score(self) -> float:
        """How useful a look at the photo is: as much as at its best case."""
        return self.cases[0].score

    @property
    def rank(self) -> tuple[float, str]:
        """What photos are sorted by, the most useful first; ids settle ties."""
        return -self.score, self.image_id


def best(waiting: Sequence[ReviewItem], most: int) -> list[ReviewItem]:
    """The `most` photos that are worth most, the best first."""
    return sorted(waiting, key=lambda each: each.rank)[:most]


def diversify(
    scores: Sequence[float], vectors: Array, groups: Sequence[str], limit: int
) -> list[int]:
    """Rows of n photos in the order in which to show them, `limit` of them at most.

    Greedy: each time the photo of the highest score, less `PENALTY` for every photo chosen before
    that is like it. A photo of the same group (a page) is wholly alike; else it counts from none at
    a cosine of a half to wholly at 1, between `vectors` (n, size) taken from their mean. A row of
    zeros is like no other. Ties go to the earlier row.
    """
    left = np.asarray(scores, dtype=np.float64).copy()
    directions = _from_mean(vectors)
    _, group = np.unique(np.asarray(groups, dtype=object).astype(str), return_inverse=True)
    chosen: list[int] = []
    for _ in range(min(limit, len(left))):
        row = int(left.argmax())
        chosen.append(row)
        cosines = directions @ directions[row]
        alike = np.clip((cosines - _ALIKE) / (1 - _ALIKE), 0.0, 1.0)
        alike[group == group[row]] = 1.0
        left -= PENALTY * alike
        left[row] = -np.inf
    return chosen


def _from_mean(vectors: Array) -> Array:
    """The vectors less their mean, of length one; zeros stay zeros.

    Vectors of one model lie in a narrow cone, where any two photos have a high cosine; taken from
    their mean, photos that have nothing in common are near 0.
    """
    there = np.abs(vectors).max(axis=1, initial=0.0) > 0
    centered = np.zeros_like(vectors)
    if there.any():
        centered[there] = vectors[there] - vectors[there].mean(axis=0)
    lengths = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.asarray(
        np.where(lengths > 1e-6, centered / np.maximum(lengths, 1e-6), 0.0), np.float32
    )
