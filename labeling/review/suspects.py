"""Labels of sources that are probably wrong: confident learning over stored vectors.

Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
JAIR 70 (2021): a label is suspect if a classifier that was not trained on it is as sure of another
class as it is, on average, for photos with that class.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float16] | Array
Values = tuple[str, ...]

FOLDS = 5
LEAST_PHOTOS = 40
"""The least photos; with fewer, the classifiers say little about any of them."""

MOST_CLASSES = 100
MOST_TRAINED_ON = 5_000
"""The most photos, taken evenly from the other folds, that train a fold's classifier."""

# Of 0.001, 0.01 and 0.1, this found wrong colors best on rendered scenes and on 990 real photos.
_REGULARIZATION = 0.01
_PREDICTED = 8_192


@dataclass(frozen=True, slots=True)
class Suspect:
    """A photo, by its row, whose `label` is probably wrong and what it probably is.

    `margin` is the probability of the `proposed` values less that of the label.
    """

    row: int
    label: Values
    proposed: Values
    probability: float
    margin: float


@dataclass(frozen=True, slots=True)
class SuspectReport:
    """The suspects, the surest first; the number of photos that were `judged`; and the values that
    were `left_out` because too few pages show them, with their numbers of photos.
    """

    found: list[Suspect] = field(default_factory=list)
    judged: int = 0
    left_out: dict[Values, int] = field(default_factory=dict)


def find_suspects(
    vectors: Vectors, labels: Sequence[Values], groups: Sequence[str]
) -> SuspectReport:
    """Those of n photos with unit vectors (n, size) whose label is probably wrong.

    Photos of one group (a page, a vehicle) are judged by photos of other groups only. Values in
    fewer than `FOLDS` groups are left out. There are no suspects if fewer than `LEAST_PHOTOS`
    photos, fewer than two values or more than `MOST_CLASSES` are left. The same photos in the same
    order give the same suspects.
    """
    kept, left_out = _enough(labels, groups)
    classes = sorted({labels[row] for row in kept})
    if len(kept) < LEAST_PHOTOS or not 2 <= len(classes) <= MOST_CLASSES:
        return SuspectReport(left_out=left_out)
    numbers = {values: number for number, values in enumerate(classes)}
    given = np.array([numbers[labels[row]] for row in kept])
    folds = deal([groups[row] for row in kept], given.tolist())
    order = np.array(kept)
    chances = _out_of_fold(vectors, order, given, folds, len(classes))
    rows, proposed = confident(chances, given)
    found = [
        Suspect(
            int(order[at]),
            classes[given[at]],
            classes[to],
            float(chances[at, to]),
            float(chances[at, to] - chances[at, given[at]]),
        )
        for at, to in zip(rows.tolist(), proposed.tolist(), strict=True)
    ]
    found.sort(key=lambda each: (-each.margin, each.row))
    judged = int(np.isfinite(chances[:, 0]).sum())
    return SuspectReport(found, judged, left_out)


def confident(
    chances: npt.NDArray[np.float64], given: npt.NDArray[np.int_]
) -> tuple[npt.NDArray[np.int_], npt.NDArray[np.int_]]:
    """Rows of probabilities (n, classes) whose given class is suspect, and their probable classes.

    The threshold of a class is its mean probability over the rows with this given class. A row is
    suspect if its most probable class is another one and reaches that class's threshold. Rows of
    NaN were not judged.
    """
    judged = np.flatnonzero(np.isfinite(chances).all(axis=1))
    known, to = chances[judged], given[judged]
    own = known[np.arange(len(judged)), to]
    total = np.bincount(to, weights=own, minlength=chances.shape[1])
    count = np.bincount(to, minlength=chances.shape[1])
    thresholds = np.where(count > 0, total / np.maximum(count, 1), np.inf)
    best = known.argmax(axis=1)
    suspect = (best != to) & (known.max(axis=1) >= thresholds[best])
    return judged[suspect], best[suspect]


def deal(groups: Sequence[str], given: Sequence[int]) -> npt.NDArray[np.int_]:
    """The fold (n,) of each row: a group is in one fold, and each class is spread over all folds.

    Groups are sorted by their most frequent class and dealt in turn. scikit-learn's
    `StratifiedGroupKFold` does the same and takes 10 s for 20,000 groups, where this takes 0.3 s.
    """
    members: dict[str, Counter[int]] = defaultdict(Counter)
    for group, number in zip(groups, given, strict=True):
        members[group][number] += 1

    def rank(group: str) -> tuple[int, bytes]:
        counts = members[group]
        most = min(counts, key=lambda number: (-counts[number], number))
        return most, hashlib.sha256(group.encode("utf-8", "surrogatepass")).digest()

    dealt = sorted(members, key=rank)
    fold = {group: at % FOLDS for at, group in enumerate(dealt)}
    return np.array([fold[group] for group in groups])


def _enough(labels: Sequence[Values], groups: Sequence[str]) -> tuple[list[int], dict[Values, int]]:
    seen: dict[Values, set[str]] = defaultdict(set)
    for values, group in zip(labels, groups, strict=True):
        seen[values].add(group)
    few = {values for values, pages in seen.items() if len(pages) < FOLDS}
    kept = [row for row, values in enumerate(labels) if values not in few]
    counts = Counter(values for values in labels if values in few)
    return kept, dict(sorted(counts.items()))


def _out_of_fold(
    vectors: Vectors,
    rows: npt.NDArray[np.int_],
    given: npt.NDArray[np.int_],
    folds: npt.NDArray[np.int_],
    classes: int,
) -> npt.NDArray[np.float64]:
    """The probability (n, classes) of each class for each row, by a classifier of the other folds.

    Rows whose own class the other folds lack are NaN.
    """
    from sklearn.linear_model import LogisticRegression

    chances = np.zeros((len(rows), classes))
    for fold in range(FOLDS):
        others = np.flatnonzero(folds != fold)
        some = others[:: -(-len(others) // MOST_TRAINED_ON)]
        mine = np.flatnonzero(folds == fold)
        there = np.unique(given[some])
        if not len(mine) or len(there) < 2:
            chances[mine] = np.nan
            continue
        taught = vectors[rows[some]].astype(np.float32)
        center = taught.mean(axis=0)
        # One scale for all axes, so that their proportions stay.
        scale = max(float((taught - center).std()), 1e-12)
        model = LogisticRegression(C=_REGULARIZATION, max_iter=500)
        model.fit((taught - center) / scale, given[some])
        for start in range(0, len(mine), _PREDICTED):
            part = mine[start : start + _PREDICTED]
            shown = (vectors[rows[part]].astype(np.float32) - center) / scale
            chances[np.ix_(part, there)] = model.predict_proba(shown)
        chances[mine[~np.isin(given[mine], there)]] = np.nan
    return chances
