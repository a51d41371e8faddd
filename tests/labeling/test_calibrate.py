import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core.assertions import CONFIDENCE_DIGITS
from labeling.calibrate import LEAST_KNOWN, PASSING, fit, least_confidence, unfitted
from labeling.linear import Array, answers

VALUES = ("red", "green", "blue", "grey")
Truth = list[tuple[str, ...]]
Judged = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]


def drawn(temperature: float, *, many: bool, count: int = 6_000) -> tuple[Array, Truth]:
    """Scores, and labels that are as probable as the scores say once divided by `temperature`."""
    dice = np.random.default_rng(5)
    scores = dice.normal(size=(count, len(VALUES))).astype(np.float32) * 3 * temperature
    if many:
        holds = dice.random(scores.shape) < 1 / (1 + np.exp(-scores / temperature))
        truth = [tuple(v for v, held in zip(VALUES, row, strict=True) if held) for row in holds]
    else:
        noise = dice.gumbel(size=scores.shape)  # the largest is drawn as softmax says
        best = (scores / temperature + noise).argmax(axis=1)
        truth = [(VALUES[at],) for at in best]
    return scores, truth


def right(found: Sequence[tuple[str, ...]], truth: Truth) -> npt.NDArray[np.bool_]:
    return np.array([set(a) == set(b) for a, b in zip(found, truth, strict=True)])


def as_stored(sure: Array) -> npt.NDArray[np.float64]:
    return np.array([round(each, CONFIDENCE_DIGITS) for each in sure.astype(float).tolist()])


def calibration_error(sure: Array, hits: npt.NDArray[np.bool_], bins: int = 15) -> float:
    """How far confidence and the share that is right differ, over bins of confidence (Naeini et
    al. 2015, "Obtaining Well Calibrated Probabilities Using Bayesian Binning")."""
    at = np.minimum((sure * bins).astype(int), bins - 1)
    gaps = [
        abs(float(sure[at == each].mean()) - float(hits[at == each].mean())) * (at == each).sum()
        for each in np.unique(at)
    ]
    return float(sum(gaps)) / len(sure)


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
@pytest.mark.parametrize("temperature", [0.25, 1.0, 4.0, 20.0])
def test_the_temperature_of_known_probabilities_is_found(temperature: float, many: bool) -> None:
    scores, truth = drawn(temperature, many=many)
    found = fit(scores, VALUES, truth, many=many, precision=0.9)
    assert found.temperature == pytest.approx(temperature, rel=0.1)
    assert found.photos == 6_000


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
@pytest.mark.parametrize("temperature", [0.2, 5.0])
def test_calibrated_confidences_are_nearer_to_the_truth(temperature: float, many: bool) -> None:
    scores, truth = drawn(temperature, many=many)
    half = len(scores) // 2
    found = fit(scores[:half], VALUES, truth[:half], many=many, precision=0.9)
    errors = []
    for divisor in (1.0, found.temperature):
        said = answers(scores[half:], VALUES, divisor, many=many)
        errors.append(calibration_error(said.confidences, right(said.values, truth[half:])))
    assert errors[1] < errors[0] / 3
    assert errors[1] < 0.03


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
@pytest.mark.parametrize("precision", [0.5, 0.8, 0.9, 0.95])
def test_what_passes_is_as_often_right_as_was_asked(precision: float, many: bool) -> None:
    scores, truth = drawn(3.0, many=many)
    found = fit(scores, VALUES, truth, many=many, precision=precision)
    said = answers(scores, VALUES, found.temperature, many=many)
    hits = right(said.values, truth)
    assert found.accuracy == pytest.approx(float(hits.mean()), abs=1e-4)
    assert found.threshold is not None
    passing = as_stored(said.confidences) >= found.threshold
    assert hits[passing].mean() >= precision
    assert found.coverage == pytest.approx(float(passing.mean()), abs=1e-3)


@st.composite
def judged(draw: st.DrawFn) -> Judged:
    """Confidences as they are stored, with many ties, and which of the answers are right."""
    count = draw(st.integers(1, 60))
    digits = st.integers(0, 10_000) if draw(st.booleans()) else st.integers(9_990, 10_000)
    sure = draw(hnp.arrays(np.int64, count, elements=digits)) / 10_000
    return sure, draw(hnp.arrays(np.bool_, count))


def expected(hits: npt.NDArray[np.bool_]) -> float:
    """The share that is right, as if one more of two had been wrong where that is less."""
    return min(float(hits.mean()), (float(hits.sum()) + 1) / (len(hits) + 2))


PRECISION = st.sampled_from([0.0, 0.5, 0.7, 0.9, 0.95, 1.0])


@given(judged(), PRECISION)
def test_the_threshold_holds_what_it_promises(case: Judged, precision: float) -> None:
    sure, hits = case
    threshold = least_confidence(sure, hits, precision)
    if threshold is not None:
        passing = sure >= threshold
        assert passing.sum() >= PASSING
        assert hits[passing].mean() >= precision
        assert expected(hits[passing]) >= precision
    else:  # then no confidence would do
        for least in np.unique(sure):
            passing = sure >= least
            assert passing.sum() < PASSING or expected(hits[passing]) < precision


@given(judged(), PRECISION, PRECISION)
def test_who_asks_for_more_gets_no_lower_threshold(case: Judged, one: float, other: float) -> None:
    low, high = (least_confidence(*case, each) for each in sorted((one, other)))
    assert high is None or (low is not None and low <= high)


@given(judged(), PRECISION, st.randoms(use_true_random=False))
def test_the_order_of_photos_does_not_matter(case: Judged, precision: float, dice: object) -> None:
    sure, hits = case
    order = list(range(len(sure)))
    dice.shuffle(order)  # type: ignore[attr-defined]
    assert least_confidence(sure[order], hits[order], precision) == least_confidence(
        sure, hits, precision
    )


def test_answers_that_differ_by_less_than_is_stored_pass_together() -> None:
    """Else what is kept with four digits passes a threshold that it was measured to fail."""
    scores = np.zeros((80, 2), np.float32)
    scores[:, 0] = [9.0 + at / 1_000 for at in range(80)]
    truth: Truth = [("a",) if at >= 40 else ("b",) for at in range(80)]
    found = fit(scores, ("a", "b"), truth, many=False, precision=0.9)
    sure = as_stored(answers(scores, ("a", "b"), found.temperature, many=False).confidences)
    hits = np.array([each == ("a",) for each in truth])
    passing = sure >= (2.0 if found.threshold is None else found.threshold)
    assert not passing.any() or hits[passing].mean() >= 0.9


def test_a_precision_that_is_never_reached_gives_no_threshold() -> None:
    dice = np.random.default_rng(1)
    scores = dice.normal(size=(400, len(VALUES))).astype(np.float32)
    truth: Truth = [(VALUES[at],) for at in dice.integers(0, len(VALUES), 400)]
    found = fit(scores, VALUES, truth, many=False, precision=0.95)
    assert (found.threshold, found.coverage) == (None, 0.0)
    assert found.accuracy == pytest.approx(0.25, abs=0.08)


def test_a_threshold_is_not_believed_for_a_handful_of_answers() -> None:
    sure = np.round(np.linspace(0.99, 0.1, 100), 4)
    few, enough = (np.arange(100) < count for count in (PASSING - 1, PASSING))
    assert least_confidence(sure, few, 0.9) is None
    threshold = least_confidence(sure, enough, 0.9)
    assert threshold is not None
    assert (sure >= threshold).sum() == PASSING
    # Ten of ten tell that nine of ten are right, and not that nineteen of twenty are.
    assert least_confidence(sure, enough, 0.95) is None


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
@pytest.mark.parametrize("count", [LEAST_KNOWN, 100, 1_000])
def test_labels_that_are_all_right_make_nothing_certain(count: int, many: bool) -> None:
    at = np.random.default_rng(0).integers(0, len(VALUES), count)
    scores = np.where(np.eye(len(VALUES))[at] > 0, 5.0, -5.0).astype(np.float32)
    truth: Truth = [(VALUES[each],) for each in at]
    found = fit(scores, VALUES, truth, many=many, precision=0.95)
    sure = answers(scores, VALUES, found.temperature, many=many).confidences
    assert (found.accuracy, found.coverage) == (1.0, 1.0)
    # As if one more photo had been there, and wrong.
    assert float(sure.max()) < 1 - 0.5 / (count + 2)
    assert float(sure.min()) > 1 - 5 / (count + 2)


def test_where_all_are_right_those_who_are_less_sure_pass_too() -> None:
    sure, hits = np.full(50, 0.99), np.ones(50, np.bool_)
    assert least_confidence(sure, hits, 0.9) == 0.9
    hits[:2] = False
    assert least_confidence(sure, hits, 0.97) is None


@pytest.mark.parametrize("many", [False, True], ids=["one", "many"])
def test_too_few_labels_are_an_error(many: bool) -> None:
    scores, truth = drawn(1.0, many=many, count=LEAST_KNOWN - 1)
    with pytest.raises(
        ValueError, match=f"{LEAST_KNOWN - 1} labels are too few .* {LEAST_KNOWN} are needed"
    ):
        fit(scores, VALUES, truth, many=many, precision=0.9)


def test_a_label_that_cannot_be_answered_counts_as_missed() -> None:
    scores, truth = drawn(2.0, many=False)
    whole = fit(scores, VALUES, truth, many=False, precision=0.8)
    strange: Truth = [("mauve",) if at % 2 else said for at, said in enumerate(truth)]
    found = fit(scores, VALUES, strange, many=False, precision=0.8)
    assert whole.accuracy is not None
    assert found.accuracy == pytest.approx(whole.accuracy / 2, abs=0.02)
    assert found.threshold is None
    assert found.temperature == pytest.approx(2.0, rel=0.1), "the others say how sure to be"


def test_labels_of_which_none_can_be_answered_are_no_error() -> None:
    scores, _ = drawn(2.0, many=False, count=50)
    found = fit(scores, VALUES, [("mauve",)] * 50, many=False, precision=0.8)
    assert (found.temperature, found.threshold, found.accuracy) == (1.0, None, 0.0)


def test_nothing_can_hold_of_several_values() -> None:
    """Scores under zero say "none", which is an answer that can be right."""
    dice = np.random.default_rng(3)
    scores = -np.abs(dice.normal(size=(200, 2))).astype(np.float32) - 1
    found = fit(scores, ("man", "woman"), [()] * 200, many=True, precision=0.9)
    assert (found.accuracy, found.coverage) == (1.0, 1.0)
    assert found.threshold is not None


def test_extreme_scores_give_numbers() -> None:
    scores = np.array([[300.0, -300.0], [-300.0, 300.0]] * 20, np.float32)
    truth: Truth = [("a",), ("b",)] * 20
    for many in (False, True):
        found = fit(scores, ("a", "b"), truth, many=many, precision=0.9)
        assert math.isfinite(found.temperature)
        assert found.accuracy == 1.0
        assert found.threshold is not None


def test_what_was_not_fitted_says_so() -> None:
    assert unfitted(0.9).temperature == 1.0
    assert (unfitted(0.9).photos, unfitted(0.9).accuracy, unfitted(0.9).coverage) == (0, None, None)
    assert (unfitted(0.9).threshold, unfitted(None).threshold) == (0.9, None)
