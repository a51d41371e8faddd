"""The measures are those of scipy, scikit-learn and the papers, whatever the order of claims."""

import random
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import balanced_accuracy_score, brier_score_loss, precision_score, recall_score

from core.errors import UsageMistakeError
from labeling.quality import (
    BINS,
    PER_BIN,
    Claim,
    Confusion,
    Share,
    calibration,
    calibration_error,
    label_quality,
    reliability,
    wilson_interval,
)

MANY = frozenset({"people"})
Truth = dict[tuple[str, str], tuple[str, ...]]


def claim(
    image_id: str,
    *values: str,
    attribute: str = "color",
    by: str = "clip",
    confidence: float | None = None,
    passed: bool = True,
) -> Claim:
    return Claim(image_id, attribute, "model", by, values, confidence, passed)


TRUTH: Truth = {
    ("a", "color"): ("red",),
    ("b", "color"): ("red",),
    ("c", "color"): ("blue",),
    ("d", "color"): ("white",),
    ("e", "color"): (),  # the person could not tell either
    ("a", "people"): ("man", "woman"),
    ("b", "people"): (),
}


def test_a_small_case_by_hand() -> None:
    claims = [
        claim("a", "red", confidence=0.9),
        claim("b", "blue", confidence=0.6),
        claim("c", "blue", confidence=0.8),
        claim("d", "white", confidence=0.3, passed=False),
        claim("e", "white", confidence=0.7),
        claim("elsewhere", "red", confidence=0.9),
    ]
    (found,) = label_quality(claims, TRUTH, MANY)
    assert (found.origin, found.by, found.attribute) == ("model", "clip", "color")
    assert found.photos == 4
    assert found.coverage == 0.75
    assert found.accuracy == Share(2, 3, 2 / 3, *wilson_interval(2, 3))
    assert found.accuracy_of_all == Share(3, 4, 0.75, *wilson_interval(3, 4))
    assert [(v.value, v.n, v.said, v.right) for v in found.values] == [
        ("blue", 1, 2, 1),
        ("red", 2, 1, 1),
    ]
    blue, red = found.values
    assert (blue.precision, blue.recall, blue.balanced_accuracy) == (0.5, 1.0, 0.75)
    assert (red.precision, red.recall, red.balanced_accuracy) == (1.0, 0.5, 0.75)
    assert found.confusion == (
        Confusion(("blue",), ("blue",), 1),
        Confusion(("red",), ("blue",), 1),
        Confusion(("red",), ("red",), 1),
    )
    assert found.calibration is not None
    assert found.calibration.count == 4
    assert found.calibration.brier == pytest.approx((0.01 + 0.36 + 0.04 + 0.49) / 4)
    assert found.calibration.error == pytest.approx(abs(3 / 4 - 2.6 / 4))


def test_of_several_values_only_the_whole_set_is_right() -> None:
    people = [
        claim("a", "woman", attribute="people"),
        claim("a", "woman", "man", attribute="people", by="other"),
        claim("b", attribute="people"),
    ]
    one, other = label_quality(people, TRUTH, MANY)
    assert one.accuracy == Share(1, 2, 0.5, *wilson_interval(1, 2))
    man, woman = one.values
    assert (man.n, man.said, man.right, man.precision, man.recall) == (1, 0, 0, None, 0.0)
    assert (woman.n, woman.said, woman.right, woman.balanced_accuracy) == (1, 1, 1, 1.0)
    assert Confusion((), (), 1) in one.confusion
    assert other.accuracy == Share(1, 1, 1.0, *wilson_interval(1, 1))
    assert other.coverage == 0.5


def test_what_leaves_the_value_open_is_no_claim() -> None:
    (found,) = label_quality([claim("a", "red", "blue"), claim("b")], TRUTH, MANY)
    assert (found.coverage, found.accuracy, found.accuracy_of_all) == (0.0, None, None)
    assert (found.calibration, found.values, found.confusion) == (None, (), ())


def test_an_attribute_without_truth_is_left_out() -> None:
    claims = [claim("a", "suv", attribute="body_type"), claim("e", "red")]
    assert label_quality(claims[:1], TRUTH, MANY) == []
    assert label_quality([claim("e", "red")], {("e", "color"): ()}, MANY) == []


def test_a_photo_seen_at_two_places_is_covered_once() -> None:
    (found,) = label_quality([claim("a", "red"), claim("a", "red")], TRUTH, MANY)
    assert found.coverage == 0.25
    assert found.accuracy == Share(2, 2, 1.0, *wilson_interval(2, 2))


PEOPLE = st.lists(st.sampled_from(["man", "woman", "child"]), max_size=3, unique=True).map(tuple)
COLOR = st.sampled_from(["red", "blue", "white"]).map(lambda value: (value,))
PHOTOS = st.sampled_from("abcdef")
TRUTHS = st.builds(
    lambda color, people: (
        {(photo, "color"): value for photo, value in color.items()}
        | {(photo, "people"): value for photo, value in people.items()}
    ),
    st.dictionaries(PHOTOS, COLOR, max_size=6),
    st.dictionaries(PHOTOS, PEOPLE, max_size=6),
)
CLAIMS = st.lists(
    st.sampled_from(["color", "people"]).flatmap(
        lambda attribute: st.builds(
            Claim,
            image_id=PHOTOS,
            attribute=st.just(attribute),
            origin=st.sampled_from(["source", "model", "label"]),
            by=st.sampled_from(["x", "y"]),
            values=COLOR if attribute == "color" else PEOPLE,
            confidence=st.none() | st.floats(0, 1),
            passed=st.booleans(),
        )
    ),
    max_size=40,
)


@given(CLAIMS, TRUTHS, st.randoms(use_true_random=False))
def test_order_does_not_matter(claims: list[Claim], truth: Truth, dice: random.Random) -> None:
    mixed = list(claims)
    dice.shuffle(mixed)
    turned = [replace(each, values=each.values[::-1]) for each in mixed]
    assert label_quality(turned, truth, MANY) == label_quality(claims, truth, MANY)


@given(CLAIMS, TRUTHS)
def test_the_parts_add_up_to_the_whole(claims: list[Claim], truth: Truth) -> None:
    for found in label_quality(claims, truth, MANY):
        passed = sum(each.count for each in found.confusion)
        exact = sum(each.count for each in found.confusion if each.truth == each.said)
        assert (found.accuracy is None) == (passed == 0)
        assert 0 <= found.coverage <= 1
        if found.accuracy is None:
            continue
        assert (found.accuracy.right, found.accuracy.of) == (exact, passed)
        assert found.accuracy_of_all is not None
        assert found.accuracy_of_all.of >= passed
        for value in found.values:
            assert value.right <= min(value.n, value.said)
        if found.attribute == "color":  # of a photo's one value, the recalls average to accuracy
            recalls = sum((each.recall or 0) * each.n for each in found.values)
            assert recalls / sum(each.n for each in found.values) == pytest.approx(
                found.accuracy.share
            )


@given(st.lists(st.tuples(PEOPLE, PEOPLE), min_size=1, max_size=30))
def test_values_are_measured_as_scikit_learn_does(pairs: list[tuple[tuple[str, ...], ...]]) -> None:
    truth = {(str(at), "people"): true for at, (true, _) in enumerate(pairs)}
    claims = [claim(str(at), *said, attribute="people") for at, (_, said) in enumerate(pairs)]
    (found,) = label_quality(claims, truth, MANY)
    assert {each.value for each in found.values} == {
        v for pair in pairs for some in pair for v in some
    }
    for each in found.values:
        has = [each.value in true for true, _ in pairs]
        says = [each.value in said for _, said in pairs]
        if each.precision is not None:
            assert each.precision == pytest.approx(precision_score(has, says))
        if each.recall is not None:
            assert each.recall == pytest.approx(recall_score(has, says))
        assert (each.balanced_accuracy is None) == (len(set(has)) == 1)
        if each.balanced_accuracy is not None:
            assert each.balanced_accuracy == pytest.approx(balanced_accuracy_score(has, says))


@pytest.mark.parametrize(
    ("right", "of", "interval"),
    [  # Newcombe, 1998, table I, method 3
        (81, 263, (0.2553, 0.3662)),
        (15, 148, (0.0624, 0.1605)),
        (0, 20, (0.0000, 0.1611)),
        (1, 29, (0.0061, 0.1718)),
    ],
)
def test_intervals_are_those_that_are_published(
    right: int, of: int, interval: tuple[float, float]
) -> None:
    assert wilson_interval(right, of) == pytest.approx(interval, abs=5e-5)


@given(st.integers(1, 5000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_intervals_are_those_of_scipy(counts: tuple[int, int]) -> None:
    right, of = counts
    low, high = wilson_interval(right, of)
    expected = binomtest(right, of).proportion_ci(0.95, "wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)
    assert 0 <= low <= right / of <= high <= 1


def test_nothing_seen_tells_nothing() -> None:
    assert wilson_interval(0, 0) == (0.0, 1.0)
    for right, of in ((2, 1), (-1, 3)):
        with pytest.raises(UsageMistakeError, match=f"{right} of {of}"):
            wilson_interval(right, of)


def _drawn(n: int, seed: int, sharper: float = 1.0) -> tuple[list[float], list[bool]]:
    """Claims that are right as often as their confidences say, to the power of `sharper`."""
    dice = np.random.default_rng(seed)
    sure = dice.beta(3, 1.2, n)
    return sure.tolist(), (dice.random(n) < sure**sharper).tolist()


@pytest.mark.parametrize("n", [120, 20_000])
def test_confidences_that_keep_their_word_have_a_small_error(n: int) -> None:
    honest, boaster = calibration(*_drawn(n, 1)), calibration(*_drawn(n, 1, sharper=3))
    assert honest is not None
    assert boaster is not None
    assert honest.error < (0.09 if n < BINS * PER_BIN else 0.015)
    assert boaster.error > 0.2  # x to the power of 3 is 0.27 less than x on average here
    assert boaster.brier > honest.brier


@pytest.mark.parametrize("equal_count", [False, True])
def test_bins_are_those_of_scikit_learn(equal_count: bool) -> None:
    sure, right = _drawn(3000, 2)
    bins = reliability(sure, right, BINS, equal_count=equal_count)
    strategy = "quantile" if equal_count else "uniform"
    accuracy, mean = calibration_curve(right, sure, n_bins=BINS, strategy=strategy)
    assert [each.mean_confidence for each in bins] == pytest.approx(mean.tolist(), abs=1e-9)
    assert [each.accuracy for each in bins] == pytest.approx(accuracy.tolist(), abs=1e-9)
    found = calibration(sure, right)
    assert found is not None
    assert found.brier == pytest.approx(brier_score_loss(right, sure))


PAIRS = st.lists(
    st.tuples(st.floats(0, 1) | st.sampled_from([0, 0.2, 0.5, 1]), st.booleans()), max_size=300
)


@given(PAIRS, st.integers(1, 20), st.booleans())
def test_every_confidence_is_in_the_bin_where_it_belongs(
    pairs: list[tuple[float, bool]], bins: int, equal_count: bool
) -> None:
    sure, right = [each for each, _ in pairs], [good for _, good in pairs]
    found = reliability(sure, right, bins, equal_count=equal_count)
    assert len(found) <= bins
    assert sum(each.count for each in found) == len(pairs)
    assert sum(each.count * each.accuracy for each in found) == pytest.approx(sum(right))
    for before, after in pairwise(found):
        assert before.high <= after.low
    for each in found:
        assert each.low <= each.mean_confidence <= each.high
        if not equal_count:
            inside = [one for one in sure if each.low < one <= each.high or one == each.low == 0]
            assert each.count == len(inside)
    if equal_count and found:  # only confidences that are equal make a bin larger than its share
        most = max(Counter(sure).values())
        assert max(each.count for each in found) <= len(pairs) / bins + 1 + most


def test_equal_confidences_stay_together() -> None:
    right = [at % 3 > 0 for at in range(30)]
    (one,) = reliability([0.5] * 30, right, 3, equal_count=True)
    assert (one.low, one.high, one.count) == (0.5, 0.5, 30)
    assert one.accuracy == pytest.approx(2 / 3)


@pytest.mark.parametrize("n", [100, 1000])
def test_rounded_confidences_in_another_order_change_no_bit(n: int) -> None:
    sure, right = _drawn(n, 4)
    pairs = [(round(each, 2), good) for each, good in zip(sure, right, strict=True)]
    found = []
    for seed in range(5):
        random.Random(seed).shuffle(pairs)
        found.append(calibration([each for each, _ in pairs], [good for _, good in pairs]))
    assert all(each == found[0] for each in found)


@given(PAIRS)
def test_errors_and_scores_are_shares(pairs: list[tuple[float, bool]]) -> None:
    found = calibration([each for each, _ in pairs], [good for _, good in pairs])
    assert (found is None) == (not pairs)
    if found is not None:
        assert 0 <= found.error <= 1
        assert 0 <= found.brier <= 1
        assert found.error == calibration_error(found.bins)
        if len(pairs) < BINS * PER_BIN:
            assert len(found.bins) <= max(1, len(pairs) // PER_BIN)
        # Jensen: the error is the least where all claims are in one bin.
        whole = calibration_error(reliability(*map(list, zip(*pairs, strict=True)), 1))  # type: ignore[arg-type]
        assert found.error >= whole - 1e-9


def test_what_is_no_probability_is_named() -> None:
    for wrong in (1.2, -0.1, float("nan")):
        with pytest.raises(UsageMistakeError, match=str(wrong)):
            reliability([0.5, wrong], [True, False])
    with pytest.raises(UsageMistakeError, match="2 confidences and 1 verdicts"):
        reliability([0.5, 0.6], [True])
    with pytest.raises(UsageMistakeError, match="0 bins"):
        reliability([0.5], [True], 0)
    with pytest.raises(UsageMistakeError, match="no bin"):
        calibration_error([])
