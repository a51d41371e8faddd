import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from safetensors.numpy import save

from labeling.linear import Array, Classifier, WeightsError, answers, log_sum, pack, unpack

NUMBERS = st.floats(-50, 50, width=32)


def scores_of(size: int) -> st.SearchStrategy[Array]:
    shape = st.tuples(st.integers(1, 6), st.just(size))
    return shape.flatmap(lambda s: hnp.arrays(np.float32, s, elements=NUMBERS))


def classifier(attribute: str = "color", *values: str, many: bool = False) -> Classifier:
    dice = np.random.default_rng(len(values))
    weight = dice.normal(size=(len(values), 8)).astype(np.float32)
    return Classifier(attribute, values, many, weight, dice.normal(size=len(values)).astype("f4"))


@st.composite
def classifiers(draw: st.DrawFn) -> Classifier:
    values = draw(st.lists(st.text(max_size=8), max_size=4, unique=True))
    shape = (len(values), draw(st.integers(1, 3)))
    return Classifier(
        draw(st.text(max_size=8)),
        tuple(values),
        draw(st.booleans()),
        draw(hnp.arrays(np.float32, shape, elements=NUMBERS)),
        draw(hnp.arrays(np.float32, len(values), elements=NUMBERS)),
    )


def test_scores_are_weights_times_vectors_plus_bias() -> None:
    one = Classifier(
        "color", ("red", "blue"), False, np.array([[2, 0], [0, 3]], "f4"), np.array([0, 1], "f4")
    )
    scores = one.scores(np.array([[1, 0], [0.6, 0.8]], "f4"))
    assert scores.dtype == np.float32
    assert np.allclose(scores, [[2, 1], [1.2, 3.4]])


def test_the_confidence_is_that_of_softmax() -> None:
    found = answers(np.array([[1, 3, 2]], "f4"), ("a", "b", "c"), 1.0, many=False)
    weights = np.exp([1, 3, 2])
    assert found.values == [("b",)]
    assert found.confidences[0] == pytest.approx(weights[1] / weights.sum(), rel=1e-6)


def test_the_confidence_of_a_set_is_that_of_each_value_together() -> None:
    found = answers(np.array([[2, -1, 3]], "f4"), ("a", "b", "c"), 1.0, many=True)
    chances = 1 / (1 + np.exp(-np.array([2, -1, 3])))
    assert found.values == [("a", "c")]
    by_hand = chances[0] * (1 - chances[1]) * chances[2]
    assert found.confidences[0] == pytest.approx(by_hand, rel=1e-6)


def test_none_of_several_values_is_an_answer() -> None:
    found = answers(np.array([[-4, -5]], "f4"), ("a", "b"), 1.0, many=True)
    assert found.values == [()]
    assert found.confidences[0] > 0.9


@given(scores_of(4), st.floats(0.01, 100), st.booleans())
def test_a_temperature_changes_how_sure_and_not_what(
    scores: Array, temperature: float, many: bool
) -> None:
    plain = answers(scores, "abcd", 1.0, many=many)
    scaled = answers(scores, "abcd", temperature, many=many)
    margins = np.sort(scores, axis=1)
    for row, (one, other) in enumerate(zip(plain.values, scaled.values, strict=True)):
        near = (
            np.abs(scores[row]).min() < 1e-3 if many else margins[row, -1] - margins[row, -2] < 1e-3
        )
        assert near or one == other
    least = 0.5**4 if many else 1 / 4
    assert np.all((scaled.confidences >= least - 1e-3) & (scaled.confidences <= 1 + 1e-3))


@given(scores_of(3), st.booleans())
def test_a_higher_temperature_makes_nobody_surer(scores: Array, many: bool) -> None:
    sure = [answers(scores, "abc", t, many=many).confidences for t in (0.5, 1.0, 2.0, 8.0)]
    assert np.all(np.diff(sure, axis=0) <= 1e-5)


@pytest.mark.parametrize("many", [False, True])
def test_extreme_scores_do_not_overflow(many: bool) -> None:
    scores = np.array([[1e30, -1e30], [-1e30, -1e30], [3e4, 2.9e4]], "f4")
    with np.errstate(over="raise", invalid="raise"):
        found = answers(scores, ("a", "b"), 1e-3, many=many)
    assert np.isfinite(found.confidences).all()
    assert found.values[0] == ("a",)


@pytest.mark.parametrize("many", [False, True])
def test_no_photos_have_no_answers(many: bool) -> None:
    found = answers(np.empty((0, 2), np.float32), ("a", "b"), 1.0, many=many)
    assert found.values == []
    assert found.confidences.shape == (0,)


@given(scores_of(3))
def test_the_logarithm_of_a_sum_is_that(scores: Array) -> None:
    expected = np.log(np.exp(scores.astype(np.float64)).sum(axis=1))
    assert np.allclose(log_sum(scores), expected, atol=1e-4)


@given(st.lists(classifiers(), max_size=3))
def test_classifiers_come_back_as_they_were_packed(made: list[Classifier]) -> None:
    packed = pack(made)
    again = unpack(packed)
    assert pack(again) == packed
    for one, other in zip(made, again, strict=True):
        assert (one.attribute, one.values, one.many) == (
            other.attribute,
            other.values,
            other.many,
        )
        assert np.array_equal(one.weight, other.weight)
        assert np.array_equal(one.bias, other.bias)


def test_a_part_of_an_array_is_packed_as_it_is_seen() -> None:
    wide = np.arange(24, dtype=np.float32).reshape(4, 6)
    one = Classifier("color", ("a", "b"), False, wide[::2, ::2], wide[::2, 0])
    [again] = unpack(pack([one]))
    assert np.array_equal(again.weight, wide[::2, ::2])


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (9, 9)).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"no weights at all",
        b"\xff" * 40,
        picture(),
        save({"weight": np.zeros(3, np.float32)}),
        save({"weight": np.zeros(3, np.float32)}, metadata={"facts": "[1, 2]"}),
        save({}, metadata={"facts": json.dumps([{"attribute": "color"}])}),
        save({}, metadata={"facts": "no json"}),
    ],
    ids=range(9),
)
def test_what_is_no_classifier_is_refused(content: bytes) -> None:
    with pytest.raises(WeightsError, match="not weights of classifiers"):
        unpack(content)


@given(st.integers(0, 10_000))
def test_weights_that_break_off_are_refused(at: int) -> None:
    content = pack([classifier("color", "red", "blue"), classifier("view", "exterior", "interior")])
    with pytest.raises(WeightsError, match="not weights of classifiers"):
        unpack(content[: at % len(content)])


def test_labeling_by_vectors_loads_no_network() -> None:
    """Importing torch takes longer than to label thousands of photos."""
    code = (
        "import labeling.linear, labeling.networks, labeling.label, sys;"
        "sys.exit(str({'torch', 'sklearn', 'open_clip'} & set(sys.modules) or ''))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, timeout=500, check=False, capture_output=True
    )
    assert done.stderr.decode().strip() == ""
