"""Retrieval metrics: a case computed by hand, laws, and what is refused."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageMistakeError
from search.evaluation.metrics import (
    Interval,
    Photos,
    bootstrap,
    measure_retrieval,
    score_questions,
)

Array = npt.NDArray[Any]

# Photos on a line, so that a distance is a difference. Of x the neighbors are, nearest first:
#   0 a: b(1) a(3) b(7) a(15) c(31)       R = 2: wrong, right        recall@1 0
#   1 b: a(1) a(2) b(6) a(14) c(30)       R = 1: wrong               recall@1 0
#   3 a: b(2) a(3) b(4) a(12) c(28)       R = 2: wrong, right        recall@1 0
#   7 b: a(4) b(6) a(7) a(8) c(24)        R = 1: wrong               recall@1 0
#  15 a: b(8) a(12) b(14) a(15) c(16)     R = 2: wrong, right        recall@1 0
#  31 c: alone in its class, left out
LINE = np.array([[0.0], [1.0], [3.0], [7.0], [15.0], [31.0]])
CLASSES = ["a", "b", "a", "b", "a", "c"]


def test_the_metrics_are_those_of_a_case_computed_by_hand() -> None:
    found = measure_retrieval(Photos(LINE, CLASSES), ks=(1, 2, 3), distance="euclidean")
    assert (found.questions, found.left_out) == (5, 1)
    assert found.recall[1].mean == 0
    assert found.recall[2].mean == pytest.approx(4 / 5), "only 1 b finds none of its first two"
    assert found.recall[3].mean == 1
    assert found.precision[2].mean == pytest.approx((4 * 1 / 2) / 5)
    # Of the first three, right are: 0 a: 1, 1 b: 1, 3 a: 1, 7 b: 1, 15 a: 1.
    assert found.precision[3].mean == pytest.approx(1 / 3)
    # AP@R of an a: (0 + 1/2) / 2; of a b: 0.
    assert found.map_at_r.mean == pytest.approx(3 * 0.25 / 5)


def test_questions_may_have_a_gallery_of_their_own() -> None:
    gallery = np.array([[0.0], [2.0], [10.0]])
    scores = score_questions(
        Photos(np.array([[1.8], [9.0], [0.1]]), ["a", "a", "x"]),
        Photos(gallery, ["a", "b", "a"]),
        ks=(1, 3),
        distance="euclidean",
    )
    assert scores.rows.tolist() == [0, 1], "x is not in the gallery"
    assert scores.left_out == 1
    # 1.8: b, a, a. 9.0: a, b, a. R is 2 for both.
    assert scores.recall[1].tolist() == [0, 1]
    assert scores.precision[3].tolist() == pytest.approx([2 / 3, 2 / 3])
    assert scores.average_precision.tolist() == pytest.approx([(1 / 2) / 2, 1 / 2])


def test_photos_of_a_questions_own_group_are_no_answers() -> None:
    groups = ["listing 1", "listing 2", "listing 1", "listing 2", "listing 3", "listing 4"]
    found = score_questions(Photos(LINE, CLASSES, groups), ks=(1, 2), distance="euclidean")
    # Without its own listing: 0 a: 1 b, 7 b, 15 a. 3 a: 1 b, 7 b, 15 a. 15 a: 7 b, 3 a, 1 b, 0 a.
    # Both b are of one listing, so neither has an answer left.
    assert found.rows.tolist() == [0, 2, 4]
    assert found.left_out == 3
    assert found.recall[2].tolist() == [0, 0, 1]
    assert found.average_precision.tolist() == pytest.approx([0, 0, (1 / 2) / 2])


def test_a_group_may_be_in_the_gallery_too() -> None:
    gallery = Photos(LINE, CLASSES, ["g"] * 5 + ["h"])
    question = Photos(np.array([[0.4], [30.0]]), ["a", "c"], ["g", "other"])
    found = score_questions(question, gallery, ks=(1,), distance="euclidean")
    assert found.rows.tolist() == [1]
    assert found.recall[1].tolist() == [1]


def test_the_library_gives_the_same_recall_at_1_and_map_at_r() -> None:
    from pytorch_metric_learning.distances import CosineSimilarity
    from pytorch_metric_learning.utils.accuracy_calculator import AccuracyCalculator
    from pytorch_metric_learning.utils.inference import CustomKNN

    draw = np.random.default_rng(0)
    labels = draw.integers(0, 12, 150)
    vectors = draw.normal(size=(150, 8)) + labels[:, None] % 4
    names = ("precision_at_1", "mean_average_precision_at_r")
    library = AccuracyCalculator(
        include=names, k="max_bin_count", knn_func=CustomKNN(CosineSimilarity())
    ).get_accuracy(vectors, labels)
    ours = measure_retrieval(Photos(vectors, [str(each) for each in labels]))
    assert ours.recall[1].mean == pytest.approx(library["precision_at_1"])
    assert ours.map_at_r.mean == pytest.approx(library["mean_average_precision_at_r"])


@st.composite
def sets(draw: st.DrawFn) -> Photos:
    """Photos whose distances all differ, of a few classes, at least one of which has two."""
    count = draw(st.integers(4, 25))
    classes = draw(st.lists(st.sampled_from("abcde"), min_size=count, max_size=count))
    classes[1] = classes[0]
    vectors = np.random.default_rng(draw(st.integers(0, 10_000))).normal(size=(count, 5))
    return Photos(vectors, classes)


@given(sets())
def test_recall_grows_with_k_and_every_score_is_a_share(photos: Photos) -> None:
    most = len(photos.vectors) - 1
    found = measure_retrieval(photos, ks=range(1, most + 1))
    recalls = [found.recall[k].mean for k in range(1, most + 1)]
    assert recalls == sorted(recalls)
    assert recalls[-1] == 1, "among all photos there is a right one"
    assert recalls[0] == pytest.approx(found.precision[1].mean)
    for interval in (*found.recall.values(), *found.precision.values(), found.map_at_r):
        assert 0 <= interval.low <= interval.high <= 1
        assert 0 <= interval.mean <= 1


@given(sets(), st.randoms(use_true_random=False))
def test_the_order_of_photos_does_not_matter(photos: Photos, dice: Any) -> None:
    vectors, classes = photos.vectors, photos.classes
    order = list(range(len(classes)))
    dice.shuffle(order)
    one = score_questions(photos, ks=(1, 3))
    other = score_questions(Photos(vectors[order], [classes[at] for at in order]), ks=(1, 3))
    for values, moved in (
        (one.recall[3], other.recall[3]),
        (one.precision[3], other.precision[3]),
        (one.average_precision, other.average_precision),
    ):
        back = dict(zip((order[row] for row in other.rows), moved, strict=True))
        assert [back[row] for row in one.rows] == pytest.approx(values.tolist())


@given(sets(), st.floats(0.01, 100))
def test_the_length_of_vectors_does_not_matter_to_the_cosine(photos: Photos, times: float) -> None:
    longer = Photos(photos.vectors * times, photos.classes)
    assert measure_retrieval(longer, ks=(1,)) == measure_retrieval(photos, ks=(1,))


@pytest.mark.parametrize("distance", ["cosine", "euclidean", "cityblock"])
def test_perfect_vectors_give_one(distance: str) -> None:
    classes = [name for name in "abc" for _ in range(4)]
    vectors = np.repeat(np.eye(3), 4, axis=0)
    found = measure_retrieval(Photos(vectors, classes), ks=(1, 3), distance=distance)
    assert found.recall[1] == found.precision[3] == found.map_at_r == Interval(1, 1, 1)


def test_a_network_that_gives_one_vector_to_everything_finds_nothing() -> None:
    classes = [name for name in "abc" for _ in range(4)]
    found = measure_retrieval(Photos(np.full((12, 8), 0.3), classes), ks=(1, 8))
    assert found.recall[1].mean == found.recall[8].mean == found.map_at_r.mean == 0


def test_many_questions_in_blocks_give_what_one_block_gives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(1)
    photos = Photos(draw.normal(size=(60, 4)), [str(each) for each in draw.integers(0, 9, 60)])
    whole = score_questions(photos)
    monkeypatch.setattr("search.evaluation.metrics._MOST_QUESTIONS", 7)
    parts = score_questions(photos)
    assert parts.average_precision.tolist() == whole.average_precision.tolist()
    assert parts.recall[5].tolist() == whole.recall[5].tolist()


def test_an_interval_is_seeded_and_narrows_with_more_questions() -> None:
    few, many = np.tile([0.0, 1.0], 20), np.tile([0.0, 1.0], 2000)
    assert bootstrap(few, 3) == bootstrap(few, 3)
    assert bootstrap(few, 3).low < 0.42 < bootstrap(many, 3).low < 0.5
    assert str(Interval(0.5, 0.25, 0.75)) == "0.500 [0.250, 0.750]"


@pytest.mark.parametrize(
    ("vectors", "classes", "ks", "words"),
    [
        (np.eye(3), "aa", (1,), "3 vectors with 2 classes"),
        (np.empty((0, 3)), "", (1,), "at least one vector"),
        (np.eye(3), "abc", (1,), "none of the 3 questions has a right answer"),
        (np.eye(3), "aab", (3,), "the first 3 photos .* take k from 1 to 2"),
        (np.eye(3), "aab", (0,), "take k from 1 to 2"),
        (np.array([[1.0], [np.nan], [1.0]]), "aab", (1,), "vector 1 .* is NaN"),
        (np.array([[1.0], [1.0], [0.0]]), "aab", (1,), "vector 2 .* all zeros"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_a_sentence(
    vectors: Array, classes: Sequence[str], ks: Sequence[int], words: str
) -> None:
    with pytest.raises(UsageMistakeError, match=words):
        measure_retrieval(Photos(vectors, classes), ks=ks)


def test_torch_is_only_loaded_by_a_measurement() -> None:
    program = "import sys, search.evaluation.metrics; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
