"""The quality of statements and labels, compared with decisions of people: pure functions."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from core.errors import UsageMistakeError

BINS = 15
PER_BIN = 10  # confidences; a bin with fewer shows mostly chance

_Z = 1.959963984540054  # the standard normal's 97.5 % quantile
_Values = frozenset[str]
_Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Claim:
    """A statement about one photo, or with origin `label` what the catalog shows of it.

    `confidence` is the probability, 0..1, that `values` as a whole are right, if there is one;
    `passed` is whether the statement could become a label.
    """

    image_id: str
    attribute: str
    origin: Literal["source", "model", "label"]
    by: str
    values: tuple[str, ...]
    confidence: float | None
    passed: bool


@dataclass(frozen=True, slots=True)
class Share:
    """`right` of `of`, as a share, 0..1, with the ends of its 95 % interval."""

    right: int
    of: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Claims with confidences from `low` to `high`: their mean confidence and accuracy.

    `mean_confidence` and `accuracy` are 0..1, and `count` is at least 1.
    """

    low: float
    high: float
    mean_confidence: float
    accuracy: float
    count: int


@dataclass(frozen=True, slots=True)
class Reliability:
    """How reliable `count` confidences are.

    `error` is the expected calibration error over `bins`. `brier` is the Brier score, the mean
    square of the difference between the confidence and 1 for a right claim, 0 for a wrong one
    (Brier, 1950). Both are 0..1, and 0 is best.
    """

    count: int
    error: float
    brier: float
    bins: tuple[Bin, ...]


@dataclass(frozen=True, slots=True)
class ValueQuality:
    """One value among the claims that passed: `n` are about photos that have it according to a
    person, `said` name it, `right` do both.

    Precision is None where nothing was said, recall where no photo has the value. The balanced
    accuracy is the mean of the recalls of having it and of not having it (Brodersen et al., 2010),
    None where one of the two never occurs.
    """

    value: str
    n: int
    said: int
    right: int
    precision: float | None
    recall: float | None
    balanced_accuracy: float | None


@dataclass(frozen=True, slots=True)
class Confusion:
    """How many claims that passed said `said` of photos that show `truth`."""

    truth: tuple[str, ...]
    said: tuple[str, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of a source, of a model or of the catalog's labels for one attribute.

    `photos` have a truth; for the share `coverage` of them a claim passed. `accuracy` is that of
    the claims that passed, `accuracy_of_all` that of all; None without such a claim. A claim is
    right if it names exactly the values that hold. `calibration` is that of all claims with a
    confidence. `values` are in alphabetical order, `confusion` has the most frequent pairs first.
    """

    origin: str
    by: str
    attribute: str
    photos: int
    coverage: float
    accuracy: Share | None
    accuracy_of_all: Share | None
    calibration: Reliability | None
    values: tuple[ValueQuality, ...]
    confusion: tuple[Confusion, ...]


def label_quality(
    claims: Iterable[Claim],
    truth: Mapping[tuple[str, str], tuple[str, ...]],
    many: Collection[str],
) -> list[Quality]:
    """The quality of each (attribute, origin, by) of `claims`, in this order.

    `truth` has the decisions of people, by (image_id, attribute). `many` names the attributes that
    can have several values or none; for the others, a truth or a claim without exactly one value is
    ignored. Attributes without any truth are left out. The claims should not include labels that
    people made, as these are always right.
    """
    photos: dict[str, dict[str, _Values]] = defaultdict(dict)
    for (image_id, attribute), values in truth.items():
        if _settles(attribute, values, many):
            photos[attribute][image_id] = frozenset(values)
    made: dict[tuple[str, str, str], list[Claim]] = defaultdict(list)
    for claim in claims:
        if claim.attribute in photos:
            group = made[claim.attribute, claim.origin, claim.by]
            if _settles(claim.attribute, claim.values, many):
                group.append(claim)
    return [_quality(key, made[key], photos[key[0]]) for key in sorted(made)]


def wilson_interval(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of the share `right` of `of`; 0..1 where `of` is 0.

    The score interval of Wilson, "Probable inference, the law of succession, and statistical
    inference", 1927: it keeps to its 95 % also where few were seen or nearly all were right, where
    the usual one does not (Brown, Cai and DasGupta, 2001).
    """
    if not 0 <= right <= of:
        raise UsageMistakeError(
            f"{right} of {of} is not a share: give a first number from 0 to the second"
        )
    if not of:
        return 0.0, 1.0
    share = right / of
    middle = share + _Z**2 / (2 * of)
    half = _Z * (share * (1 - share) / of + (_Z / (2 * of)) ** 2) ** 0.5
    scale = 1 + _Z**2 / of
    # The interval includes 0 or 1 exactly, which the sums above miss by a rounding.
    low = 0.0 if right == 0 else (middle - half) / scale
    return low, 1.0 if right == of else (middle + half) / scale


def reliability(
    confidences: Sequence[float],
    correct: Sequence[bool],
    bins: int = BINS,
    *,
    equal_count: bool = False,
) -> list[Bin]:
    """Confidences, 0..1, sorted into `bins`, the lowest first, without empty bins.

    Bins are equally wide and include their upper end, the first one its lower end too (Guo et al.,
    "On calibration of modern neural networks", 2017). With `equal_count` they hold equally many
    confidences, but equal ones stay together, and go from the least to the greatest of these
    (Nguyen and O'Connor, 2015). Raises `UsageMistakeError` for what is not a probability.
    """
    sure, right = _checked(confidences, correct)
    if bins < 1:
        raise UsageMistakeError(f"confidences cannot be sorted into {bins} bins: 1 is the least")
    edges = np.linspace(0, 1, bins + 1)
    if equal_count:
        place = np.searchsorted(sure, sure) * bins // max(1, len(sure))
    else:
        place = np.maximum(np.digitize(sure, edges, right=True) - 1, 0)
    found = []
    for at in np.unique(place):
        inside = sure[place == at]
        low, high = (inside[0], inside[-1]) if equal_count else edges[at : at + 2]
        accuracy = float(right[place == at].mean())
        # By rounding, a mean can lie outside its numbers.
        mean = min(max(float(inside.mean()), float(inside[0])), float(inside[-1]))
        found.append(Bin(float(low), float(high), mean, accuracy, len(inside)))
    return found


def calibration_error(bins: Sequence[Bin]) -> float:
    """The expected calibration error, 0..1: the difference between the accuracy and the mean
    confidence of a bin, averaged over all claims (Naeini et al., 2015; Guo et al., 2017)."""
    count = sum(each.count for each in bins)
    if not count:
        raise UsageMistakeError("no bin has a confidence in it: there is no calibration to measure")
    return sum(each.count * abs(each.accuracy - each.mean_confidence) for each in bins) / count


def calibration(confidences: Sequence[float], correct: Sequence[bool]) -> Reliability | None:
    """The reliability of confidences, 0..1, given what was `correct`; None for no confidences.

    Over `BINS` equally wide bins, or where these would hold fewer than `PER_BIN` on average, over
    fewer ones that hold equally many: the error by chance alone grows with the number of bins.
    """
    sure, right = _checked(confidences, correct)
    count = len(sure)
    if not count:
        return None
    few = count < BINS * PER_BIN
    bins = reliability(
        confidences, correct, max(1, count // PER_BIN) if few else BINS, equal_count=few
    )
    brier = float(np.mean((sure - right) ** 2))
    return Reliability(count, calibration_error(bins), brier, tuple(bins))


def _checked(confidences: Sequence[float], correct: Sequence[bool]) -> tuple[_Array, _Array]:
    """Both as float arrays (n,), sorted together, so that sums do not depend on the given order.

    Raises `UsageMistakeError` for different lengths, and for a confidence outside 0 to 1.
    """
    sure, right = np.asarray(confidences, np.float64), np.asarray(correct, np.float64)
    if sure.shape != right.shape or sure.ndim != 1:
        raise UsageMistakeError(
            f"there are {len(sure)} confidences and {len(right)} verdicts: give one verdict for "
            "each confidence"
        )
    outside = sure[~((sure >= 0) & (sure <= 1))]
    if len(outside):
        raise UsageMistakeError(f"a confidence is {outside[0]}: give a probability from 0 to 1")
    order = np.lexsort((right, sure))
    return sure[order], right[order]


def _settles(attribute: str, values: Iterable[str], many: Collection[str]) -> bool:
    return attribute in many or len(set(values)) == 1


def _quality(
    key: tuple[str, str, str], made: Sequence[Claim], photos: Mapping[str, _Values]
) -> Quality:
    attribute, origin, by = key
    known = [claim for claim in made if claim.image_id in photos]
    right = [frozenset(claim.values) == photos[claim.image_id] for claim in known]
    passed = [claim for claim in known if claim.passed]
    pairs = Counter((photos[claim.image_id], frozenset(claim.values)) for claim in passed)
    sure = [
        (claim.confidence, good)
        for claim, good in zip(known, right, strict=True)
        if claim.confidence is not None
    ]
    confusion = [
        Confusion(tuple(sorted(truth)), tuple(sorted(said)), count)
        for (truth, said), count in pairs.items()
    ]
    return Quality(
        origin=origin,
        by=by,
        attribute=attribute,
        photos=len(photos),
        coverage=len({claim.image_id for claim in passed}) / len(photos),
        accuracy=_share(sum(n for (truth, said), n in pairs.items() if truth == said), len(passed)),
        accuracy_of_all=_share(sum(right), len(known)),
        calibration=calibration([confidence for confidence, _ in sure], [good for _, good in sure]),
        values=tuple(
            _value_quality(value, pairs)
            for value in sorted({value for pair in pairs for some in pair for value in some})
        ),
        confusion=tuple(sorted(confusion, key=lambda e: (-e.count, e.truth, e.said))),
    )


def _share(right: int, of: int) -> Share | None:
    return Share(right, of, right / of, *wilson_interval(right, of)) if of else None


def _value_quality(value: str, pairs: Mapping[tuple[_Values, _Values], int]) -> ValueQuality:
    every = sum(pairs.values())
    n = sum(count for (truth, _), count in pairs.items() if value in truth)
    said = sum(count for (_, said), count in pairs.items() if value in said)
    right = sum(count for (truth, said), count in pairs.items() if value in truth & said)
    balanced = None
    if 0 < n < every:
        rightly_not = every - n - (said - right)
        balanced = (right / n + rightly_not / (every - n)) / 2
    precision = right / said if said else None
    return ValueQuality(value, n, said, right, precision, right / n if n else None, balanced)
