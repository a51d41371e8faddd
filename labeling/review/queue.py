"""The order in which people see photos: the most useful first, and different cars."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labeling.review.cases import Case

Array = npt.NDArray[np.float32]

PENALTY = 1.5
"""Subtracted from a photo's score for each similar photo before it: one and a half reasons."""

_ALIKE = 0.5
"""Photos whose centered vectors have a higher cosine than this are similar."""


@dataclass(frozen=True, slots=True)
class ReviewItem:
    """A photo with its cases, the most useful first."""

    image_id: str
    cases: tuple[Case, ...]

    @property
    def score(self) -> float:
        """How useful a look at the photo is: the score of its best case."""
        return self.cases[0].score

    @property
    def rank(self) -> tuple[float, str]:
        """The sorting key of photos, the most useful first; ids settle ties."""
        return -self.score, self.image_id


def best(waiting: Sequence[ReviewItem], most: int) -> list[ReviewItem]:
    """The `most` photos with the highest scores, the best first."""
    return sorted(waiting, key=lambda each: each.rank)[:most]


def diversify(
    scores: Sequence[float], vectors: Array, groups: Sequence[str], limit: int
) -> list[int]:
    """Rows of n photos in the order in which to show them, `limit` of them at most.

    Greedy: the next photo is the one with the highest score, less `PENALTY` for every similar photo
    before it. The similarity of photos of one group (a page) is 1; else it rises from 0 to 1 with
    the cosine of the centered `vectors` (n, size), from a half to 1. A row of zeros is not similar
    to any other. Ties go to the earlier row.
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

    Vectors of one model lie in a narrow cone, where any two photos have a high cosine. Without the
    mean, the cosine of photos that have nothing in common is near 0.
    """
    there = np.abs(vectors).max(axis=1, initial=0.0) > 0
    centered = np.zeros_like(vectors)
    if there.any():
        centered[there] = vectors[there] - vectors[there].mean(axis=0)
    lengths = np.linalg.norm(centered, axis=1, keepdims=True)
    return np.asarray(
        np.where(lengths > 1e-6, centered / np.maximum(lengths, 1e-6), 0.0), np.float32
    )
