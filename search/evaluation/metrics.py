"""Retrieval metrics with intervals: Recall@k, precision@k and MAP@R over vectors and classes.

A photo is a question; the photos of the gallery that share its class are its right answers. Where
there is no gallery of its own, every photo is asked against all others (leave-one-out). Photos of a
question's own group, such as those of one listing, are no answers: that they are alike says nothing
of the space.

Recall@k is meant as metric learning uses the word (Jegou et al. 2011; Oh Song et al. 2016): the
share of questions with at least one right photo among the first k. That is a hit rate, and not the
share of all right photos that are found. MAP@R is that of Musgrave et al. 2020, "A Metric Learning
Reality Check": of a question with R right photos, the mean over the first R places of the precision
up to the place where that place is right, and of 0 where it is wrong.

At the same distance a wrong photo comes first. A network that gives one vector to everything would
otherwise be scored by the order in which photos happen to lie.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import UsageMistakeError

AnyArray = npt.NDArray[Any]
Distance = str | Callable[[AnyArray, AnyArray], AnyArray]
"""`cosine`, a name that scipy's `cdist` knows (`euclidean`, `cityblock`, ...), or a function of
questions (n, size) and photos (m, size) that gives distances (n, m), small where they are alike."""
Labels = npt.NDArray[np.intp]

LEVEL = 0.95
DRAWS = 1000
_BLOCK_CELLS = 16_000_000  # of distances at a time: 128 MB, and as much again for their order
_MOST_QUESTIONS = 2_000  # at a time: the library compares the labels of all pairs of them
_DIGITS = 6  # of a cosine in float32; what differs by less counts as equally near


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over questions, and the bounds between which it lies in 95 of 100 resamples."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """n photos: vectors (n, size), of each its class, and its group where there are groups."""

    vectors: AnyArray
    classes: Sequence[str]
    groups: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class QuestionScores:
    """The scores of each question that has a right answer.

    `rows` (n,) are the rows of these questions; `recall` and `precision` have for every k the
    values (n,) of Recall@k, 0 or 1, and of precision@k; `average_precision` (n,) is AP@R.
    `left_out` counts the questions without a right answer: their class has no other photo.
    """

    rows: npt.NDArray[np.intp]
    recall: Mapping[int, AnyArray]
    precision: Mapping[int, AnyArray]
    average_precision: AnyArray
    left_out: int


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Means over `questions`, with intervals; `left_out` more had no right answer to find."""

    questions: int
    left_out: int
    recall: Mapping[int, Interval]
    precision: Mapping[int, Interval]
    map_at_r: Interval


def measure_retrieval(
    photos: Photos,
    gallery: Photos | None = None,
    *,
    ks: Sequence[int] = (1, 5, 10),
    distance: Distance = "cosine",
    seed: int = 0,
) -> Retrieval:
    """The metrics of photos as questions to a gallery, or leave-one-out.

    Intervals are percentile bootstraps (Efron 1979) at 95 % over questions, by `DRAWS` resamples
    that `seed` decides. Raises `UsageMistakeError` as `score_questions` does.
    """
    scores = score_questions(photos, gallery, ks=ks, distance=distance)
    return Retrieval(
        len(scores.rows),
        scores.left_out,
        {k: bootstrap(values, seed) for k, values in scores.recall.items()},
        {k: bootstrap(values, seed) for k, values in scores.precision.items()},
        bootstrap(scores.average_precision, seed),
    )


def score_questions(
    photos: Photos,
    gallery: Photos | None = None,
    *,
    ks: Sequence[int] = (1, 5, 10),
    distance: Distance = "cosine",
) -> QuestionScores:
    """The scores of every question alone, against a gallery or leave-one-out.

    Raises `UsageMistakeError` where the numbers of vectors, classes and groups differ, a vector
    cannot be compared, a k is not from 1 to the number of photos to choose from, or no question has
    a right answer.
    """
    _check("questions", photos, distance)
    _check("gallery", gallery or photos, distance)
    asked, known = _labels(photos, gallery)
    among = (gallery or photos).vectors
    right = _count_same(asked[:, :1], known[:, :1]) - _count_same(asked, known)
    rows = np.flatnonzero(right)
    if not len(rows):
        raise UsageMistakeError(
            f"none of the {len(asked)} questions has a right answer: no class has another photo "
            "among those to choose from; take at least two photos of a class"
        )
    choice = len(known) - int(_count_same(asked[:, 1:], known[:, 1:]).max())
    if wrong := [k for k in ks if not 1 <= k <= choice]:
        raise UsageMistakeError(
            f"the first {wrong[0]} photos cannot be looked at where there are {choice} to choose "
            f"from; take k from 1 to {choice}"
        )
    depth = max(*ks, int(right.max()))
    hits, precise = [], []
    step = max(1, min(_MOST_QUESTIONS, _BLOCK_CELLS // len(known)))
    for some in np.split(rows, range(step, len(rows), step)):
        far = _distances(photos.vectors[some], among, distance)
        order = _order(far, asked[some], known)[:, :depth]
        hits.append(_is_right(asked[some, None], known[order])[:, : max(ks)])
        precise.append(_average_precision(order, asked[some], known))
    found = np.concatenate(hits)
    return QuestionScores(
        rows,
        {k: found[:, :k].any(axis=1).astype(float) for k in ks},
        {k: found[:, :k].mean(axis=1) for k in ks},
        np.concatenate(precise),
        len(asked) - len(rows),
    )


def bootstrap(values: AnyArray, seed: int) -> Interval:
    """The mean of values (n,) of n questions, with its percentile bootstrap interval at 95 %."""
    draw = np.random.default_rng(seed)
    means = [values[draw.integers(0, len(values), len(values))].mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def _check(name: str, photos: Photos, distance: Distance) -> None:
    count = len(photos.vectors)
    for what, said in (("classes", photos.classes), ("groups", photos.groups)):
        if not count or (said is not None and len(said) != count):
            raise UsageMistakeError(
                f"the {name} are {count} vectors with {len(said or ())} {what}; give one of these "
                "for each vector, and at least one vector"
            )
    bad = ~np.isfinite(photos.vectors).all(axis=1)
    if distance == "cosine":
        bad |= ~np.any(photos.vectors, axis=1)
    if bad.any():
        raise UsageMistakeError(
            f"vector {int(np.argmax(bad))} of the {name} is NaN, infinite or all zeros, so it is "
            "near to nothing; leave that photo out, or look at the network that made it"
        )


def _labels(photos: Photos, gallery: Photos | None) -> tuple[Labels, Labels]:
    """Of questions and of photos the class and the group as numbers (n, 2)."""
    both = [photos, gallery or photos]
    _, classes = np.unique([name for each in both for name in each.classes], return_inverse=True)
    if all(each.groups is not None for each in both):
        names = [name for each in both for name in each.groups or ()]
        _, groups = np.unique(names, return_inverse=True)
    elif gallery is None:  # each photo for itself: it is not asked against itself
        groups = np.tile(np.arange(len(photos.vectors)), 2)
    else:
        groups = np.arange(len(classes))
    labels = np.stack([classes, groups], axis=1)
    return labels[: len(photos.vectors)], labels[len(photos.vectors) :]


def _count_same(asked: Labels, known: Labels) -> npt.NDArray[np.intp]:
    """Of each row of `asked` (n, columns) how many rows of `known` (m, columns) are the same."""
    values, counts = np.unique(known, axis=0, return_counts=True)
    table = {tuple(value): count for value, count in zip(values.tolist(), counts, strict=True)}
    return np.array([table.get(tuple(each), 0) for each in asked.tolist()], np.intp)


def _is_right(asked: Any, known: Any) -> Any:
    """Whether photos are answers: of the question's class, and not of its group."""
    return (asked[..., -2] == known[..., -2]) & (asked[..., -1] != known[..., -1])


def _distances(questions: AnyArray, among: AnyArray, distance: Distance) -> AnyArray:
    if distance == "cosine":
        units = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (questions, among)]
        return np.asarray(-np.round(units[0] @ units[1].T, _DIGITS))
    if callable(distance):
        return np.array(distance(questions, among))
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(questions, among, distance))


def _order(far: AnyArray, asked: Labels, known: Labels) -> npt.NDArray[np.intp]:
    """The photos of each question (b, m), nearest first, wrong before right at the same distance;
    those of its own group are last."""
    own = asked[:, None, 1] == known[None, :, 1]
    return np.lexsort((_is_right(asked[:, None], known[None]), np.where(own, np.inf, far)), axis=-1)


def _average_precision(order: npt.NDArray[np.intp], asked: Labels, known: Labels) -> AnyArray:
    """AP@R of each question (b,), of its nearest photos (b, depth), by pytorch-metric-learning.

    The library gives means by class. Its labels may have several columns and be compared by a
    function: here the first column is the question's number, so that each question is a class.
    """
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    calculator = AccuracyCalculator(
        include=("mean_average_precision_at_r",),
        return_per_class=True,
        k="max_bin_count",
        label_comparison_fn=_is_right,
        knn_func=lambda *_: (None, order),  # what is near is already known
    )
    unused = np.zeros((max(len(asked), len(known)), 1))  # vectors, for a search that is not made
    found = calculator.get_accuracy(
        unused[: len(asked)],
        np.column_stack([np.arange(len(asked)), asked]),
        unused[: len(known)],
        np.column_stack([np.full(len(known), -1), known]),
    )
    return np.array(found["mean_average_precision_at_r"])
