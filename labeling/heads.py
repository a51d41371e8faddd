"""Trained heads: a small classifier for each attribute on frozen vectors, from known labels.

A head is kept only if it is better than zero-shot on photos that it never saw, by McNemar's exact
test (McNemar 1947; Dietterich 1998, "Approximate Statistical Tests for Comparing Supervised
Classification Learning Algorithms"). Photos of one page resemble each other, so each page has one
vote, for the one that is right on more of its photos. The head must win enough votes that a head
that is not better would do so with a probability of at most `SIGNIFICANCE`.
"""

import hashlib
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from embeddings.registry import SPACE, SpaceRecord
from labeling.calibrate import LEAST_KNOWN, fit
from labeling.labelers import HEAD_PREFIX, Calibration, Labeler
from labeling.linear import Array, Classifier, answers, pack

SIGNIFICANCE = 0.05
LEAST_PHOTOS = 200
LEAST_OF_VALUE = 4
STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
"""Inverse strengths of the penalty on weights, tried by cross-validation."""

_PARTS = 5
_ITERATIONS = 400


@dataclass(frozen=True, slots=True)
class Examples:
    """Photos whose label is known: unit vectors (n, size), what holds of each, and its group.

    Photos of a group, such as the pictures of one advert, are never on both sides of a split.
    `rival` are the vectors that the rival reads, where those are others.
    """

    vectors: Array
    values: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    rival: Array | None = None

    def take(self, rows: npt.NDArray[np.intp]) -> "Examples":
        """The same with these rows only."""
        at = rows.tolist()
        return Examples(
            self.vectors[rows],
            tuple(self.values[row] for row in at),
            tuple(self.groups[row] for row in at),
            None if self.rival is None else self.rival[rows],
        )


@dataclass(frozen=True, slots=True)
class Trial:
    """The result of training one head: its accuracy and that of zero-shot on photos held out, and
    whether it is kept. Where no head was trained, `labeler` is None and `why` says why. `checked`
    is its accuracy on the photos that it was calibrated by, by which a space is chosen."""

    attribute: str
    photos: int
    held_out: int = 0
    accuracy: float | None = None
    zero_shot: float | None = None
    chance: float | None = None
    kept: bool = False
    why: str = ""
    labeler: Labeler | None = None
    space: str = SPACE
    checked: float = 0.0


def train_head(
    attribute: str,
    examples: Examples,
    *,
    many: bool,
    rival: Classifier | None,
    space: SpaceRecord,
    precision: float,
) -> Trial:
    """Train a head on three fifths of the photos, calibrate it on one and compare it on the last.

    The rival is zero-shot, or else the most frequent value. The part of a photo follows from its
    group alone, so a photo held out once is never trained on.
    """
    part = np.array([_part(group) for group in examples.groups])
    training = examples.take(np.flatnonzero(part < _PARTS - 2))
    values = learnable(training, many=many)
    if len(examples.values) < LEAST_PHOTOS or len(values) + many < 2:
        why = f"too few labels, {len(values)} values: it takes {LEAST_PHOTOS} photos, 2 values"
        return Trial(attribute, len(examples.values), why=why, space=space.space)
    checking = examples.take(np.flatnonzero(part == _PARTS - 2))
    held_out = examples.take(np.flatnonzero(part == _PARTS - 1))
    if min(len(checking.values), len(held_out.values)) < LEAST_KNOWN:
        fewest = min(len(checking.values), len(held_out.values))
        why = f"too few photos on other pages to check by: {fewest}, it takes {LEAST_KNOWN}"
        return Trial(attribute, len(examples.values), why=why, space=space.space)
    head = fit_classifier(attribute, training, values, many=many)
    right = _right(head, held_out)
    if rival is None:
        commonest = set(Counter(training.values).most_common(1)[0][0])
        beaten = np.array([set(truth) == commonest for truth in held_out.values])
    else:
        beaten = _right(rival, held_out, held_out.rival)
    chance = better_by_chance(right, beaten, held_out.groups)
    kept = chance <= SIGNIFICANCE
    scores = head.scores(checking.vectors)
    calibration = fit(scores, values, checking.values, many=many, precision=precision)
    trial = (len(held_out.values), float(right.mean()), float(beaten.mean()), chance)
    labeler = _labeler(head, calibration, space.version, space.is_tryout, trial)
    why = "kept" if kept else "not clearly better"
    checked = float(_right(head, checking).mean())
    return Trial(attribute, len(examples.values), *trial, kept, why, labeler, space.space, checked)


def learnable(examples: Examples, *, many: bool) -> tuple[str, ...]:
    """The values that enough photos have, and with `many` that enough photos lack."""
    counts = Counter(value for said in examples.values for value in said)
    most = len(examples.values) - LEAST_OF_VALUE if many else len(examples.values)
    return tuple(sorted(v for v, n in counts.items() if LEAST_OF_VALUE <= n <= most))


def fit_classifier(
    attribute: str, examples: Examples, values: Sequence[str], *, many: bool
) -> Classifier:
    """A multinomial logistic regression over `values` on the photos that have one, or with `many`
    one for each value over all photos; the strength of the penalty by cross-validation."""
    if many:
        there = [np.array([value in said for said in examples.values]) for value in values]
        fitted = [_regression(examples.vectors, each, examples.groups) for each in there]
        weight = np.concatenate([each.coef_ for each in fitted])
        bias = np.concatenate([each.intercept_ for each in fitted])
    else:
        known = set(values)
        rows = np.array([at for at, said in enumerate(examples.values) if said[0] in known])
        some = examples.take(rows)
        target = np.array([values.index(said[0]) for said in some.values])
        fitted_all = _regression(some.vectors, target, some.groups)
        weight, bias = fitted_all.coef_, fitted_all.intercept_
        if len(values) == 2:  # scikit-learn then keeps the second value's scores only
            weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    return Classifier(
        attribute, tuple(values), many, weight.astype(np.float32), bias.astype(np.float32)
    )


def better_by_chance(
    right: npt.NDArray[np.bool_], rival: npt.NDArray[np.bool_], groups: Sequence[str]
) -> float:
    """The probability that a head that is not better would win as many groups as this one does:
    McNemar's exact test, one-sided, with one vote for each group.

    `right` and `rival` (n,) say which of n photos the head and its rival label correctly; `groups`
    has the group of each photo.
    """
    from scipy.stats import binomtest

    lead: Counter[str] = Counter()
    for group, mine, its in zip(groups, right.tolist(), rival.tolist(), strict=True):
        lead[group] += mine - its
    ahead, behind = (sum(sign * each > 0 for each in lead.values()) for sign in (1, -1))
    if ahead + behind == 0:
        return 1.0
    return float(binomtest(ahead, ahead + behind, 0.5, alternative="greater").pvalue)


def is_held_out(group: str) -> bool:
    """Whether no training learns from photos of this group."""
    return _part(group) == _PARTS - 1


def _regression(vectors: Array, target: npt.NDArray[Any], groups: Sequence[str]) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold

    parts = min(3, len(set(groups)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the strength is chosen by the result
        warnings.simplefilter("ignore", UserWarning)  # values with fewer photos than folds
        splitter = StratifiedGroupKFold(parts) if parts > 1 else None
        folds = list(splitter.split(vectors, target, groups)) if splitter else []

        def fitted(strength: float, rows: Any) -> Any:
            model = LogisticRegression(C=strength, max_iter=_ITERATIONS)
            return model.fit(vectors[rows], target[rows])

        def quality(strength: float) -> float:
            return float(np.mean([
                fitted(strength, train).score(vectors[test], target[test])
                for train, test in folds if len(np.unique(target[train])) > 1
            ] or [0.0]))  # fmt: skip

        return fitted(max(STRENGTHS, key=quality), slice(None))


def _right(
    classifier: Classifier, examples: Examples, vectors: Array | None = None
) -> npt.NDArray[np.bool_]:
    scores = classifier.scores(examples.vectors if vectors is None else vectors)
    found = answers(scores, classifier.values, 1.0, many=classifier.many)
    pairs = zip(found.values, examples.values, strict=True)
    return np.array([set(said) == set(truth) for said, truth in pairs])


def _part(group: str) -> int:
    return int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) % _PARTS


def _labeler(
    head: Classifier,
    calibration: Calibration,
    space_version: str,
    is_tryout: bool,
    trial: tuple[int, float, float, float],
) -> Labeler:
    weights = pack([head])
    digest = hashlib.sha256(weights + repr(calibration).encode()).hexdigest()[:8]
    held_out, accuracy, zero_shot, chance = trial
    return Labeler(
        f"{HEAD_PREFIX}{head.attribute}",
        f"{space_version}+{digest}",
        space_version,
        is_tryout,
        {head.attribute: calibration},
        {"held_out": held_out, "accuracy": accuracy, "zero_shot": zero_shot, "chance": chance},
        weights,
    )
