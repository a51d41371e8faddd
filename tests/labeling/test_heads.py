"""Heads on real vectors of scenes: kept where they win, and never measured on what they saw."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.registry import TINY, SpaceRecord
from labeling import heads
from labeling.calibrate import LEAST_KNOWN
from labeling.heads import (
    LEAST_OF_VALUE,
    LEAST_PHOTOS,
    SIGNIFICANCE,
    Examples,
    Trial,
    better_by_chance,
    fit_classifier,
    learnable,
    train_head,
)
from labeling.linear import Classifier, answers, unpack
from tests.labeling.scening import Seen

RECORD = SpaceRecord("semantic", TINY, None, "", {}, 64, "cosine", "m1")
WARM = {"red", "orange", "yellow", "brown", "beige", "gold", "bronze", "pink"}


def examples(seen: Seen, values: Sequence[tuple[str, ...]], width: int = 64) -> Examples:
    """All scenes that show paint, with these values in turn, and the first numbers of their
    vectors, which are enough and faster."""
    rows = [row for row, labels in enumerate(seen.labels) if labels.color]
    vectors = np.ascontiguousarray(seen.vectors[rows, :width])
    groups = tuple(f"page {at}" for at, _ in enumerate(rows))
    return Examples(vectors, tuple(values[row] for row in rows), groups)


def warmth(seen: Seen) -> list[tuple[str, ...]]:
    return [("warm" if labels.color in WARM else "cold",) for labels in seen.labels]


def train(some: Examples, *, many: bool = False, rival: Classifier | None = None) -> Trial:
    return train_head(
        "warmth",
        some,
        many=many,
        rival=rival,
        space=RECORD,
        precision=0.9,
    )


def parts(groups: Sequence[str]) -> list[int]:
    """In which fifth of the photos each is: by its group's digest, as the docstring promises."""
    return [int(hashlib.sha256(each.encode()).hexdigest()[:8], 16) % 5 for each in groups]


@pytest.fixture(scope="module")
def warm(seen: Seen) -> Examples:
    return examples(seen, warmth(seen), seen.vectors.shape[1])


@pytest.fixture(scope="module")
def narrow(warm: Examples) -> Examples:
    """The same photos with the first numbers of their vectors, which is faster."""
    return Examples(np.ascontiguousarray(warm.vectors[:, :32]), warm.values, warm.groups)


@pytest.fixture(scope="module")
def trial(warm: Examples) -> Trial:
    return train(warm)


def test_what_zero_shot_cannot_know_is_learned(warm: Examples, trial: Trial) -> None:
    assert trial.kept
    assert trial.why == "kept"
    assert trial.photos == len(warm.values) > LEAST_PHOTOS
    assert trial.accuracy is not None
    assert trial.zero_shot is not None
    assert trial.accuracy > 0.85 > trial.zero_shot
    assert trial.chance is not None
    assert trial.chance <= SIGNIFICANCE


def test_a_head_is_a_labeler_that_tells_how_it_was_measured(trial: Trial) -> None:
    made = trial.labeler
    assert made is not None
    assert (made.name, made.space_version, made.is_tryout) == ("head warmth", "m1", True)
    assert made.version.startswith("m1+")
    assert made.facts == {
        "held_out": trial.held_out, "accuracy": trial.accuracy, "zero_shot": trial.zero_shot,
        "chance": trial.chance,
    }  # fmt: skip
    [head] = unpack(made.weights or b"")
    assert (head.attribute, head.values, head.many) == ("warmth", ("cold", "warm"), False)
    how = made.calibration["warmth"]
    assert how.threshold is not None
    assert LEAST_KNOWN <= how.photos < trial.photos / 3


def test_the_accuracy_is_that_on_photos_held_out(warm: Examples, trial: Trial) -> None:
    held_out = warm.take(np.flatnonzero(np.array(parts(warm.groups)) == 4))
    assert trial.labeler is not None
    [head] = unpack(trial.labeler.weights or b"")
    said = answers(head.scores(held_out.vectors), head.values, 1.0, many=False).values
    right = [a == b for a, b in zip(said, held_out.values, strict=True)]
    assert trial.held_out == len(right)
    assert trial.accuracy == pytest.approx(np.mean(right))


def test_labels_at_random_teach_nothing(narrow: Examples) -> None:
    """By chance one of twenty such heads is kept, as the test for it says."""
    trials = []
    for seed in range(4):
        drawn = np.random.default_rng(seed).choice(["yes", "no"], len(narrow.values))
        values = tuple((str(value),) for value in drawn)
        trials.append(train(Examples(narrow.vectors, values, narrow.groups)))
    assert sum(trial.kept for trial in trials) <= 1
    others = [trial for trial in trials if not trial.kept]
    assert {trial.why for trial in others} == {"not clearly better"}
    assert all(trial.labeler for trial in others), "so that an earlier one can be told from it"


def test_a_head_that_only_equals_its_rival_is_not_kept(warm: Examples, trial: Trial) -> None:
    assert trial.labeler is not None
    [same] = unpack(trial.labeler.weights or b"")
    again = train(warm, rival=same)
    assert again.accuracy == again.zero_shot
    assert (again.kept, again.chance) == (False, 1.0)


def test_a_rival_that_is_mostly_wrong_is_beaten(warm: Examples, trial: Trial) -> None:
    assert trial.labeler is not None
    [good] = unpack(trial.labeler.weights or b"")
    wrong = Classifier("warmth", good.values, False, -good.weight, -good.bias)
    again = train(warm, rival=wrong)
    assert again.kept
    assert again.zero_shot is not None
    assert again.zero_shot < 0.15


def test_the_same_data_gives_the_same_head(warm: Examples, trial: Trial) -> None:
    again = train(warm)
    assert again == trial
    assert again.labeler is not None
    assert trial.labeler is not None
    assert again.labeler.weights == trial.labeler.weights
    assert again.labeler.version == trial.labeler.version


def test_other_data_gives_another_version(warm: Examples, trial: Trial) -> None:
    other = warm.take(np.arange(len(warm.values) - 5))
    assert train(other).labeler != trial.labeler


def test_who_learns_of_several_values_learns_each(seen: Seen) -> None:
    """Warm, dark, both or neither."""
    dark = {"black", "blue", "brown", "violet", "green"}
    said = [
        tuple(n for n, some in (("dark", dark), ("warm", WARM)) if labels.color in some)
        for labels in seen.labels
    ]
    trial = train(examples(seen, said), many=True)
    assert trial.kept
    assert trial.accuracy is not None
    assert trial.accuracy > 0.6
    assert trial.labeler is not None
    [head] = unpack(trial.labeler.weights or b"")
    assert (head.values, head.many) == (("dark", "warm"), True)
    assert head.weight.shape == (2, 64)


def test_one_value_that_is_there_or_not_can_be_learned(seen: Seen) -> None:
    said = [("warm",) if labels.color in WARM else () for labels in seen.labels]
    trial = train(examples(seen, said), many=True)
    assert trial.kept
    assert trial.labeler is not None
    [head] = unpack(trial.labeler.weights or b"")
    assert head.values == ("warm",)


def test_two_values_are_scored_as_the_regression_says(warm: Examples) -> None:
    """scikit-learn keeps one row for two values; as two rows they must mean the same."""
    from sklearn.linear_model import LogisticRegression

    head = fit_classifier("warmth", warm, ("cold", "warm"), many=False)
    found = answers(head.scores(warm.vectors), head.values, 1.0, many=False)
    target = np.array([said == ("warm",) for said in warm.values])
    fits = [
        LogisticRegression(C=strength, max_iter=400).fit(warm.vectors, target)
        for strength in heads.STRENGTHS
    ]
    gaps = [
        np.abs(one.predict_proba(warm.vectors).max(axis=1) - found.confidences).max()
        for one in fits
    ]
    assert min(gaps) < 1e-3


def test_values_that_a_head_cannot_learn_count_against_it(seen: Seen) -> None:
    said = warmth(seen)
    rare = [("rare",) if row % 60 == 0 else value for row, value in enumerate(said)]
    trial = train(examples(seen, rare))
    assert trial.labeler is not None
    [head] = unpack(trial.labeler.weights or b"")
    assert head.values == ("cold", "warm")


@pytest.mark.parametrize(
    ("values", "many", "why"),
    [
        ([("warm",)] * 290, False, "too few labels, 1 values"),
        ([("warm",), ("cold",)] * 50, False, "too few labels, 2 values"),
        ([()] * 290, True, "too few labels, 0 values"),
        ([("warm",)] * 290, True, "too few labels, 0 values"),
        ([(str(at),) for at in range(290)], False, "too few labels, 0 values"),
        ([], False, "too few labels, 0 values"),
    ],
)
def test_too_few_labels_train_nothing(
    seen: Seen, values: list[tuple[str, ...]], many: bool, why: str
) -> None:
    some = Examples(
        seen.vectors[: len(values)],
        tuple(values),
        tuple(f"page {at}" for at in range(len(values))),
    )
    trial = train(some, many=many)
    assert (trial.kept, trial.labeler) == (False, None)
    assert trial.why.startswith(why)
    assert trial.photos == len(values)
    assert trial.accuracy is None


def test_photos_of_one_page_cannot_be_held_out(narrow: Examples) -> None:
    one_page = Examples(narrow.vectors, narrow.values, ("page 5",) * len(narrow.values))
    trial = train(one_page)
    assert (trial.kept, trial.labeler) == (False, None)


def test_photos_of_a_few_pages_are_trained_on_or_refused_with_a_reason(narrow: Examples) -> None:
    """A small shop with three large adverts, one in each part."""
    names = [f"page {at}" for at in range(100)]
    by_part = dict(zip(parts(names), names, strict=True))
    pages = [by_part[part] for part in (0, 3, 4)]
    groups = tuple(pages[at % 3] for at, _ in enumerate(narrow.values))
    trial = train(Examples(narrow.vectors, narrow.values, groups))
    assert trial.why


def test_enough_labels_on_pages_of_their_own_are_not_too_few_pages(narrow: Examples) -> None:
    some = narrow.take(np.arange(LEAST_PHOTOS))
    assert len(set(some.groups)) == LEAST_PHOTOS
    assert "pages" not in train(some).why


GROUPS = st.lists(st.text("abc", max_size=3), min_size=1, max_size=200)


@given(GROUPS)
def test_photos_of_a_page_are_never_on_both_sides(groups: list[str]) -> None:
    """Of each photo the number is its vector, so that it can be told what was trained on."""
    count = len(groups)
    seen_by: list[list[int]] = []

    class _Stop(Exception):  # noqa: N818 - no error
        pass

    def spy(some: Examples, *, many: bool) -> tuple[str, ...]:
        seen_by.append(some.vectors[:, 0].astype(int).tolist())
        raise _Stop

    numbers = np.arange(count, dtype=np.float32)[:, None]
    some = Examples(numbers, (("a",),) * count, tuple(groups))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heads, "learnable", spy)
        with pytest.raises(_Stop):
            train(some)
    [rows] = seen_by
    trained = {groups[row] for row in rows}
    assert trained.isdisjoint(groups[row] for row in set(range(count)) - set(rows))
    # Which side a page is on depends on nothing but the page.
    assert {g for g, part in zip(groups, parts(groups), strict=True) if part < 3} == trained


def test_three_fifths_are_trained_on_and_a_fifth_is_held_out() -> None:
    found = np.bincount(parts([f"page {at}" for at in range(5_000)]), minlength=5) / 5_000
    assert np.all(np.abs(found - 0.2) < 0.02)


def binomial_tail(ahead: int, of: int) -> float:
    """The chance of at least `ahead` heads among `of` throws of a fair coin, by hand."""
    return sum(math.comb(of, k) for k in range(ahead, of + 1)) / 2**of


@pytest.mark.parametrize(
    ("ahead", "behind", "chance"),
    [(0, 0, 1.0), (5, 0, 1 / 32), (4, 0, 1 / 16), (6, 1, 8 / 128), (7, 1, 9 / 256), (0, 5, 1.0)],
)
def test_the_chance_is_that_of_a_fair_coin(ahead: int, behind: int, chance: float) -> None:
    right = np.array([True] * ahead + [False] * behind + [True, False] * 9)
    rival = np.array([False] * ahead + [True] * behind + [True, False] * 9)
    pages = [f"page {at}" for at in range(len(right))]
    assert better_by_chance(right, rival, pages) == pytest.approx(chance)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30), st.integers(1, 5))
def test_a_page_tells_no_more_for_having_more_photos(
    pairs: list[tuple[bool, bool]], photos: int
) -> None:
    right, rival = (np.array([pair[at] for pair in pairs], np.bool_) for at in (0, 1))
    pages = np.array([f"page {at}" for at in range(len(pairs))], object)
    often = [np.repeat(each, photos) for each in (right, rival, pages)]
    assert better_by_chance(*often) == better_by_chance(right, rival, pages.tolist())


def test_a_page_votes_for_who_gets_more_of_its_photos_right() -> None:
    right = np.array([True, True, False, True, False])
    rival = np.array([False, True, True, False, True])
    assert better_by_chance(right, rival, [*"aabbc"]) == binomial_tail(1, 2), "b is torn"
    assert better_by_chance(right, rival, [*"aabcc"]) == binomial_tail(1, 2), "c is torn"
    assert better_by_chance(right, rival, ["a"] * 5) == 1.0


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_the_chance_is_mcnemars(pairs: list[tuple[bool, bool]]) -> None:
    right, rival = (np.array([pair[at] for pair in pairs], np.bool_) for at in (0, 1))
    pages = [f"page {at}" for at in range(len(pairs))]
    ahead, behind = (
        sum(pair == which for pair in pairs) for which in ((True, False), (False, True))
    )
    assert better_by_chance(right, rival, pages) == pytest.approx(
        binomial_tail(ahead, ahead + behind)
    )


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=40), st.booleans())
def test_a_value_is_learnable_if_enough_photos_have_it_and_lack_it(
    said: list[str], many: bool
) -> None:
    values = tuple((each,) for each in said)
    found = learnable(Examples(np.zeros((len(said), 1), "f4"), values, tuple(said)), many=many)
    for value in "abcd":
        there = said.count(value)
        enough = there >= LEAST_OF_VALUE
        lacking = not many or len(said) - there >= LEAST_OF_VALUE
        assert (value in found) == (enough and lacking)
    assert list(found) == sorted(found)


def test_a_page_is_on_one_side_while_strength_is_chosen(
    narrow: Examples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twins on both sides of a fold would make the weakest penalty look best."""
    from sklearn import model_selection

    folds: list[tuple[set[str], set[str]]] = []

    class Recorded(model_selection.StratifiedGroupKFold):  # type: ignore[misc]
        def split(self, vectors: Any, target: Any, groups: Any) -> Any:
            for train, test in super().split(vectors, target, groups):
                folds.append(({groups[at] for at in train}, {groups[at] for at in test}))
                yield train, test

    monkeypatch.setattr(model_selection, "StratifiedGroupKFold", Recorded)
    pages = tuple(f"page {at // 3}" for at, _ in enumerate(narrow.values))
    train(Examples(narrow.vectors, narrow.values, pages))
    assert len(folds) == 3
    assert all(train.isdisjoint(test) for train, test in folds)
    assert set.union(*(test for _, test in folds)) == {g for g in pages if parts([g])[0] < 3}


def test_the_parts_of_a_trial_do_not_touch(warm: Examples, trial: Trial) -> None:
    count = np.bincount(parts(warm.groups), minlength=5)
    assert trial.labeler is not None
    assert trial.held_out == count[4]
    assert trial.labeler.calibration["warmth"].photos == count[3]
    assert min(count[3], count[4]) >= LEAST_KNOWN
