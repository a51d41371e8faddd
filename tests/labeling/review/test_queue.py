"""The order in which people see photos, and what of the catalog waits for them."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from labeling.review import waiting
from labeling.review.queue import ReviewItem, diversify
from labeling.review.waiting import choose, load_queue
from tests.labeling.review.making import Shop, network, said

RNG = np.random.default_rng(3)


def unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def ids(chosen: list[ReviewItem]) -> list[str]:
    return [each.image_id for each in chosen]


def test_twenty_shots_of_one_car_do_not_stand_in_a_row() -> None:
    """One advert has the twenty highest scores, ten other cars a lower reason each."""
    scores = [3.9] * 20 + [2.5] * 10
    groups = ["advert"] * 20 + [f"page {at}" for at in range(10)]
    order = diversify(scores, np.zeros((30, 4), np.float32), groups, 30)
    assert order[0] == 0
    assert set(order[1:11]) == set(range(20, 30))
    assert sorted(order) == list(range(30))


def test_photos_that_look_alike_do_not_stand_in_a_row() -> None:
    """The same without pages: twenty vectors a hair apart, ten of their own, all in one cone."""
    cone = np.full(64, 2.0)
    car = RNG.standard_normal(64)
    shots = cone + car + 0.05 * RNG.standard_normal((20, 64))
    others = cone + RNG.standard_normal((10, 64))
    vectors = unit(np.concatenate([shots, others]))
    assert (vectors @ vectors.T).min() > 0.5, "before they are taken from their mean all are alike"
    order = diversify([3.9] * 20 + [2.5] * 10, vectors, [str(at) for at in range(30)], 12)
    assert order[0] == 0
    assert set(order[1:11]) == set(range(20, 30))


def test_unlike_photos_come_by_their_score() -> None:
    scores = RNG.random(40)
    vectors = unit(RNG.standard_normal((40, 256)))
    order = diversify(scores.tolist(), vectors, [str(at) for at in range(40)], 40)
    assert order == np.argsort(-scores).tolist()


@given(
    st.integers(1, 30).flatmap(
        lambda n: st.tuples(
            arrays(np.float64, n, elements=st.floats(0, 4)),
            arrays(np.float32, (n, 3), elements=st.floats(-1, 1, width=32)),
            st.lists(st.sampled_from("abc"), min_size=n, max_size=n),
        )
    ),
    st.integers(0, 40),
)
def test_every_photo_once_and_the_best_first(
    given_: tuple[np.ndarray, np.ndarray, list[str]], limit: int
) -> None:
    scores, vectors, groups = given_
    order = diversify(scores.tolist(), vectors, groups, limit)
    assert len(order) == len(set(order)) == min(limit, len(scores))
    assert not order or scores[order[0]] == scores.max()
    assert order == diversify(scores.tolist(), vectors, groups, limit)


def test_no_photo_at_all() -> None:
    assert diversify([], np.zeros((0, 4), np.float32), [], 5) == []


@pytest.fixture
def filled(shop: Shop) -> dict[str, str]:
    """A photo for each reason, one that is in order, and a second one of the same page."""
    shop.use(network("net", {"color": 0.8, "body_type": None}))
    keys = {
        "contradiction": shop.see(1, page="https://shop/1", color="red"),
        "same page": shop.see(2, page="https://shop/1", color="red"),
        "dispute": shop.see(3, color="red"),
        "unsure": shop.see(4),
        "fine": shop.see(5, color="red"),
        "decided": shop.see(6, color="red"),
    }
    shop.label()
    for name in ("contradiction", "same page", "decided"):
        shop.guess(keys[name], "color", "blue", sure=0.95)
    shop.guess(keys["fine"], "color", "red", sure=0.95)
    shop.guess(keys["unsure"], "color", "green", sure=0.75)
    shop.guess(keys["unsure"], "body_type", "suv", sure=0.4)
    shop.say(said(keys["decided"], "color", "red"))
    shop.say(said(keys["dispute"], "color", "red"), said(keys["dispute"], "color", "blue", by="b"))
    return keys


def test_what_waits_and_why(shop: Shop, filled: dict[str, str]) -> None:
    queue = load_queue(shop.catalog)
    assert queue.counts == {
        ("contradiction", "color"): 2,
        ("people-disagree", "color"): 1,
        ("near-threshold", "color"): 1,
        ("near-threshold", "body_type"): 1,
    }
    assert queue.photos == 4
    chosen = ids(choose(shop.catalog, queue, 10))
    assert set(chosen[:1]) <= {filled["contradiction"], filled["same page"]}
    assert chosen[1] == filled["dispute"], "before the second photo of the same page"
    assert len(chosen) == 4
    assert ids(choose(shop.catalog, queue, 2)) == chosen[:2]
    unsure = next(each for each in queue.best if each.image_id == filled["unsure"])
    assert [case.attribute for case in unsure.cases] == ["color", "body_type"]


def test_only_what_is_asked_for(shop: Shop, filled: dict[str, str]) -> None:
    only = load_queue(shop.catalog, ["body_type"])
    assert [(each.image_id, len(each.cases)) for each in only.best] == [(filled["unsure"], 1)]
    disputed = load_queue(shop.catalog, reasons=["people-disagree"])
    assert ids(disputed.best) == [filled["dispute"]]
    assert load_queue(shop.catalog, ["people"]).best == []


def test_nothing_waits_in_an_empty_catalog(shop: Shop) -> None:
    queue = load_queue(shop.catalog)
    assert (queue.photos, queue.counts, choose(shop.catalog, queue, 5)) == (0, Counter(), [])


def test_a_photo_that_is_seen_nowhere_any_more_waits_for_nobody(
    shop: Shop, filled: dict[str, str]
) -> None:
    shop.see(77, place="photo 4")  # its place shows another photo now
    shop.label()
    assert filled["unsure"] not in ids(load_queue(shop.catalog).best)


def test_the_best_of_many_in_batches(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.use(network("net", {"color": 0.9}))
    keys = shop.see_all([{}] * 25)
    for at, key in enumerate(keys):
        shop.guess(key, "color", "red", sure=0.2 + at / 50)
    monkeypatch.setattr(waiting, "_BATCH", 4)
    monkeypatch.setattr(waiting, "CANDIDATES", 6)
    queue = load_queue(shop.catalog)
    assert queue.photos == queue.counts.total() == 25
    assert ids(queue.best) == keys[:18:-1], "the nearest to the threshold"


def test_photos_with_and_without_vectors(shop: Shop, filled: dict[str, str]) -> None:
    shop.embed([filled["contradiction"], filled["dispute"]], np.eye(8, dtype=np.float32)[:2])
    chosen = ids(choose(shop.catalog, load_queue(shop.catalog), 10))
    assert len(chosen) == 4


def test_wrong_labels_of_sources_wait(shop: Shop) -> None:
    """Two kinds of cars, forty of each, and one of the first kind sold under the color of the
    second; then its source mends it."""
    dice = np.random.default_rng(1)
    colors = ["red"] * 40 + ["blue"] * 40
    colors[7] = "blue"
    keys = shop.see_all([{"color": color} for color in colors])
    shop.label()
    kinds = np.eye(8, dtype=np.float32)[[0] * 40 + [1] * 40]
    shop.embed(keys, kinds + 0.1 * dice.standard_normal((80, 8)).astype(np.float32))
    queue = load_queue(shop.catalog)
    assert queue.counts == {("suspected-label", "color"): 1}
    (case,) = queue.best[0].cases
    assert (case.image_id, case.suggestion) == (keys[7], ("red",))
    assert "by photos that look like it, red is more likely" in case.why
    shop.see(7, color="red")
    shop.label()
    assert load_queue(shop.catalog).photos == 0, "even before `cars` shows it"
    shop.say(said(keys[7], "color", "blue"))
    shop.refresh()
    assert load_queue(shop.catalog).photos == 0, "a person decided"


def test_values_that_are_too_rare_are_told(shop: Shop) -> None:
    keys = shop.see_all([{"color": "pink"}] + [{"color": "red"}] * 11)
    shop.label()
    shop.embed(keys, RNG.standard_normal((12, 8)).astype(np.float32))
    assert load_queue(shop.catalog).left_out == {"color": {"pink": 1}}
