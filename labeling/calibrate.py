"""Scores become calibrated probabilities, and a threshold says which become labels.

Each labeler has a temperature for each attribute (Guo et al. 2017, "On Calibration of Modern Neural
Networks"): the one under which the known labels are the most likely.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from core.assertions import CONFIDENCE_DIGITS
from labeling.labelers import Calibration
from labeling.linear import Array, answers, log_sum

LEAST_KNOWN: Final = 30
"""The least known labels to calibrate by."""

PASSING: Final = 10
"""The least known labels at or above a threshold."""

_COLDEST, _HOTTEST = 1e-3, 1e3


def unfitted(threshold: float | None) -> Calibration:
    """The calibration of a labeler without known labels: the model's own scale."""
    return Calibration(temperature=1.0, threshold=threshold)


def fit(
    scores: Array,
    values: Sequence[str],
    truth: Sequence[Sequence[str]],
    *,
    many: bool,
    precision: float,
) -> Calibration:
    """Calibrate by n photos with known labels `truth` and scores (n, values).

    The threshold is the lowest confidence at or above which the share `precision` of the answers is
    right. One right and one wrong answer are added to the counts (Laplace's rule of succession), as
    few labels are weak evidence. It is None where no confidence is enough, or fewer than `PASSING`
    answers have it. A label that is not among `values` counts as a wrong answer. Raises
    `ValueError` for fewer than `LEAST_KNOWN` photos.
    """
    if len(scores) < LEAST_KNOWN:
        raise ValueError(
            f"{len(scores)} labels are too few to calibrate by; {LEAST_KNOWN} are needed"
        )
    holds = np.array([[value in said for value in values] for said in truth])
    temperature = _temperature(scores, holds, many=many)
    found = answers(scores, values, temperature, many=many)
    right = np.array([set(a) == set(b) for a, b in zip(found.values, truth, strict=True)])
    sure = np.array([round(each, CONFIDENCE_DIGITS) for each in found.confidences.tolist()])
    threshold = least_confidence(sure, right, precision)
    passing = sure >= (2.0 if threshold is None else threshold)
    return Calibration(
        temperature=temperature,
        threshold=threshold,
        photos=len(scores),
        accuracy=round(float(right.mean()), 4),
        coverage=round(float(passing.mean()), 4),
    )


def least_confidence(
    confidences: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], precision: float
) -> float | None:
    """The lowest confidence at or above which the share `precision` of the answers is right.

    Answers of the same confidence pass together. See `fit`.
    """
    order = np.argsort(-confidences, kind="stable")
    sure, hits = confidences[order], np.cumsum(right[order])
    passed = np.arange(1, len(order) + 1)
    last = np.append(sure[1:] != sure[:-1], True)
    expected = np.minimum(hits / passed, (hits + 1) / (passed + 2))
    good = np.flatnonzero(last & (passed >= PASSING) & (expected >= precision))
    if not len(good):
        return None
    lowest = float(sure[good[-1]])
    # Where all pass, the threshold can be lower than the lowest confidence, down to the precision.
    return min(lowest, precision) if good[-1] == len(order) - 1 else lowest


def _temperature(scores: Array, holds: npt.NDArray[np.bool_], *, many: bool) -> float:
    from scipy.optimize import minimize_scalar

    wide = scores.astype(np.float64)
    if not many:
        known = holds.any(axis=1)
        wide, holds = wide[known], holds[known]
    if not len(wide):
        return 1.0
    # A few right answers would give certainty, so a wrong one is added (Platt 1999, "Probabilistic
    # Outputs for Support Vector Machines").
    doubt = 1 / (len(wide) + 2)

    def surprise(log_temperature: float) -> float:
        scaled = wide / np.exp(log_temperature)
        if many:
            wanted = np.where(holds, 1 - doubt, doubt)
            return float((np.logaddexp(0, scaled) - wanted * scaled).mean())
        of_truth = np.where(holds, scaled, -np.inf).max(axis=1)
        expected = (1 - doubt) * of_truth + doubt * scaled.mean(axis=1)
        return float((log_sum(scaled) - expected).mean())

    bounds = (float(np.log(_COLDEST)), float(np.log(_HOTTEST)))
    return round(float(np.exp(minimize_scalar(surprise, bounds=bounds, method="bounded").x)), 6)
