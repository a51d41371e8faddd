"""Retrieval metrics with intervals: Recall@k, precision@k and MAP@R over vectors and classes.

A photo is a question; the photos of the gallery that share its class are its right answers. Where
there is no gallery of its own, every photo is asked against all others (leave-one-out).

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

Array = npt.NDArray[Any]
Distance = str | Callable[[Array, Array], Array]
"""`cosine`, a name that scipy's `cdist` knows (`euclidean`, `cityblock`, ...), or a function of
questions (n, size) and photos (m, size) that gives distances (n, m), small where they are alike."""

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
class QuestionScores:
    """The scores of each question that has a right answer.

    `rows` (n,) are the rows of these questions; `recall` and `precision` have for every k the
    values (n,) of Recall@k, 0 or 1, and of precision@k; `average_precision` (n,) is AP@R.
    `left_out` counts the questions without a right answer: their class has no other photo.
    """

    rows: npt.NDArray[np.intp]
    recall: Mapping[int, Array]
    precision: Mapping[int, Array]
    average_precision: Array
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
    vectors: Array,
    classes: Sequence[str],
    gallery: tuple[Array, Sequence[str]] | None = None,
    *,
    ks: Sequence[int] = (1, 5, 10),
    distance: Distance = "cosine",
    seed: int = 0,
) -> Retrieval:
    """The metrics of questions (n, size) of these classes against a gallery, or leave-one-out.

    Intervals are percentile bootstraps (Efron 1979) at 95 % over questions, by `DRAWS` resamples
    that `seed` decides. Raises `UsageMistakeError` as `score_questions` does.
    """
    scores = score_questions(vectors, classes, gallery, ks=ks, distance=distance)
    return Retrieval(
        len(scores.rows),
        scores.left_out,
        {k: bootstrap(values, seed) for k, values in scores.recall.items()},
        {k: bootstrap(values, seed) for k, values in scores.precision.items()},
        bootstrap(scores.average_precision, seed),
    )


def score_questions(
    vectors: Array,
    classes: Sequence[str],
    gallery: tuple[Array, Sequence[str]] | None = None,
    *,
    ks: Sequence[int] = (1, 5, 10),
    distance: Distance = "cosine",
) -> QuestionScores:
    """The scores of every question (n, size) alone, against a gallery or leave-one-out.

    Raises `UsageMistakeError` where the numbers of vectors and classes differ, a vector cannot be
    compared, a k is not from 1 to the number of photos to choose from, or no question has a right
    answer.
    """
    alone = gallery is None
    among, among_classes = (vectors, classes) if gallery is None else gallery
    for name, some, said in (("questions", vectors, classes), ("gallery", among, among_classes)):
        _check_vectors(name, some, said, distance)
    choice = len(among) - alone
    if wrong := [k for k in ks if not 1 <= k <= choice]:
        raise UsageMistakeError(
            f"the first {wrong[0]} photos cannot be looked at where there are {choice} to choose "
            f"from; take k from 1 to {choice}"
        )
    _, codes = np.unique(np.array([*classes, *among_classes]), return_inverse=True)
    asked, known = codes[: len(classes)], codes[len(classes) :]
    answers = np.bincount(known, minlength=codes.max() + 1)[asked] - alone
    rows = np.flatnonzero(answers)
    if not len(rows):
        raise UsageMistakeError(
            f"none of the {len(vectors)} questions has a right answer: no class has another photo "
            "among those to choose from; take at least two photos of a class"
        )
    depth = max(*ks, int(answers.max()))
    blocks = []
    step = max(1, min(_MOST_QUESTIONS, _BLOCK_CELLS // len(among)))
    for start in range(0, len(rows), step):
        some = rows[start : start + step]
        order = _order(vectors[some], asked[some], among, known, distance, some if alone else None)
        right = known[order[:, :depth]] == asked[some, None]
        precise = _average_precision(order[:, :depth], asked[some], known, some if alone else None)
        blocks.append((right[:, : max(ks)], precise))
    right = np.concatenate([block[0] for block in blocks])
    return QuestionScores(
        rows,
        {k: right[:, :k].any(axis=1).astype(float) for k in ks},
        {k: right[:, :k].mean(axis=1) for k in ks},
        np.concatenate([block[1] for block in blocks]),
        len(vectors) - len(rows),
    )


def bootstrap(values: Array, seed: int) -> Interval:
    """The mean of values (n,) of n questions, with its percentile bootstrap interval at 95 %."""
    draw = np.random.default_rng(seed)
    means = [values[draw.integers(0, len(values), len(values))].mean() for _ in range(DRAWS)]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values.mean()), float(low), float(high))


def _check_vectors(name: str, vectors: Array, classes: Sequence[str], distance: Distance) -> None:
    if len(vectors) != len(classes) or not len(vectors):
        raise UsageMistakeError(
            f"the {name} are {len(vectors)} vectors with {len(classes)} classes; give one class "
            "for each vector, and at least one"
        )
    bad = ~np.isfinite(vectors).all(axis=1)
    if distance == "cosine":
        bad |= ~np.any(vectors, axis=1)
    if bad.any():
        raise UsageMistakeError(
            f"vector {int(np.argmax(bad))} of the {name} is NaN, infinite or all zeros, so it is "
            "near to nothing; leave that photo out, or look at the network that made it"
        )


def _order(
    questions: Array,
    asked: Array,
    among: Array,
    known: Array,
    distance: Distance,
    own: npt.NDArray[np.intp] | None,
) -> npt.NDArray[np.intp]:
    """The photos (b, m), nearest first and wrong before right; a question's `own` photo is last."""
    if distance == "cosine":
        units = [each / np.linalg.norm(each, axis=1, keepdims=True) for each in (questions, among)]
        far = -np.round(units[0] @ units[1].T, _DIGITS)
    elif callable(distance):
        far = np.array(distance(questions, among))
    else:
        from scipy.spatial.distance import cdist

        far = cdist(questions, among, distance)
    if own is not None:
        far[np.arange(len(own)), own] = np.inf
    return np.lexsort((known == asked[:, None], far), axis=-1)


def _average_precision(
    order: npt.NDArray[np.intp], asked: Array, known: Array, own: npt.NDArray[np.intp] | None
) -> Array:
    """AP@R of each question (b,), of its nearest photos (b, depth), by pytorch-metric-learning.

    The library gives means by class. Its labels may have several columns and be compared by a
    function: here one column is the question's number, so that each question is a class, and the
    other the class, which is what the function compares.
    """
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator

    count = len(asked)
    questions = np.stack([np.arange(count), asked], axis=1)
    photos, place = np.stack([np.full(len(known), -1), known], axis=1), order
    if own is not None:  # the library wants the questions to be the first photos
        rest = np.setdiff1d(np.arange(len(known)), own)
        now_at = np.empty(len(known), np.intp)
        now_at[np.concatenate([own, rest])] = np.arange(len(known))
        photos, place = np.concatenate([questions, photos[rest]]), now_at[order]
    calculator = AccuracyCalculator(
        include=("mean_average_precision_at_r",),
        return_per_class=True,
        k="max_bin_count",
        label_comparison_fn=lambda a, b: a[..., 1] == b[..., 1],
        knn_func=lambda *_: (None, place),  # what is near is already known
    )
    unused = np.zeros((len(known), 1))  # the vectors, which only the search for neighbors reads
    found = calculator.get_accuracy(
        unused[:count], questions, unused, photos, ref_includes_query=own is not None
    )
    return np.array(found["mean_average_precision_at_r"])
