"""Scores become probabilities that hold, and the threshold from which on they become labels.

One temperature for each labeler and attribute (Guo et al. 2017, "On Calibration of Modern Neural
Networks"): the one under which the known labels are the least surprising.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from core.assertions import CONFIDENCE_DIGITS
from labeling.labelers import Calibration
from labeling.linear import Array, answers, log_sum

LEAST: Final = 30
"""With fewer known labels nothing is fitted."""

PASSING: Final = 10
"""The least known labels above a threshold for it to count."""

_COLDEST, _HOTTEST = 1e-3, 1e3


def unfitted(threshold: float | None) -> Calibration:
    """The calibration of a labeler that there are no labels for: the model's own scale."""
    return Calibration(temperature=1.0, threshold=threshold)


def fit(
    scores: Array,
    values: Sequence[str],
    truth: Sequence[Sequence[str]],
    *,
    many: bool,
    precision: float,
) -> Calibration:
    """Calibrate by n photos whose label is known: scores (n, values), and what holds of each.

    The threshold is the lowest confidence from which on at least the share `precision` of the
    answers is right, as if one more of two had been wrong (Laplace's rule of succession), for few
    labels tell little; None where no confidence is enough, or fewer than `PASSING` answers have it.
    A label that is none of `values` counts as missed whatever is answered. Raises `ValueError` for
    fewer than `LEAST` photos.
    """
    if len(scores) < LEAST:
        raise ValueError(f"{len(scores)} labels are too few to calibrate by; {LEAST} are needed")
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
    """The lowest confidence with which at least the share `precision` of the answers that are as
    sure or surer is right; answers of the same confidence pass together. See `fit`."""
    order = np.argsort(-confidences, kind="stable")
    sure, hits = confidences[order], np.cumsum(right[order])
    passed = np.arange(1, len(order) + 1)
    last = np.append(sure[1:] != sure[:-1], True)
    expected = np.minimum(hits / passed, (hits + 1) / (passed + 2))
    good = np.flatnonzero(last & (passed >= PASSING) & (expected >= precision))
    if not len(good):
        return None
    lowest = float(sure[good[-1]])
    # Where all pass, less sure ones than were met are taken too, if they promise the precision.
    return min(lowest, precision) if good[-1] == len(order) - 1 else lowest


def _temperature(scores: Array, holds: npt.NDArray[np.bool_], *, many: bool) -> float:
    from scipy.optimize import minimize_scalar

    wide = scores.astype(np.float64)
    if not many:
        known = holds.any(axis=1)
        wide, holds = wide[known], holds[known]
    if not len(wide):
        return 1.0
    # A few labels that are all right would make anything certain: as if one more were wrong
    # (Platt 1999, "Probabilistic Outputs for Support Vector Machines").
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
