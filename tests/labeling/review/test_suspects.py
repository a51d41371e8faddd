"""Wrong labels are found among right ones, on vectors of a real model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pytest

from embeddings.clip import ClipEncoder
from labeling.review.suspects import FOLDS, LEAST_PHOTOS, Values, confident, deal, find_suspects
from synthetic.scenes import draw_labels, render
from synthetic.scenes.write import jpeg_bytes

PHOTOS = 320


@dataclass
class Cars:
    vectors: npt.NDArray[np.float32]
    colors: list[Values]
    pages: list[str]


@pytest.fixture(scope="module")
def cars(tiny_encoder: ClipEncoder) -> Cars:
    """Rendered exteriors with their colors, each on a page of its own."""
    seeds = [seed for seed in range(70_000, 71_000) if draw_labels(seed).view == "exterior"]
    scenes = [render(seed, (240, 180)) for seed in seeds[:PHOTOS]]
    contents = [jpeg_bytes(scene) for scene in scenes]
    parts = [tiny_encoder.encode_pictures(contents[at : at + 64]) for at in range(0, PHOTOS, 64)]
    stored = np.concatenate(parts).astype(np.float16).astype(np.float32)
    colors: list[Values] = [(scene.labels.color or "",) for scene in scenes]
    return Cars(stored, colors, [f"page {at}" for at in range(PHOTOS)])


def flipped(cars: Cars, share: float) -> tuple[list[Values], set[int]]:
    """The colors with some of them wrong, and which."""
    dice = np.random.default_rng(5)
    values = sorted(set(cars.colors))
    wrong = set(dice.choice(PHOTOS, round(share * PHOTOS), replace=False).tolist())
    colors = list(cars.colors)
    for row in sorted(wrong):
        other = [each for each in values if each != cars.colors[row]]
        colors[row] = other[dice.integers(len(other))]
    return colors, wrong


def test_flipped_colors_are_suspected(cars: Cars) -> None:
    colors, wrong = flipped(cars, 0.1)
    done = find_suspects(cars.vectors, colors, cars.pages)
    found = {each.row for each in done.found}
    recall, precision = len(found & wrong) / len(wrong), len(found & wrong) / len(found)
    assert recall > 0.65, f"recall {recall:.3f}, precision {precision:.3f}"
    assert precision > 0.85, f"recall {recall:.3f}, precision {precision:.3f}"
    surest = done.found[: len(wrong) // 2]
    assert sum(each.row in wrong for each in surest) / len(surest) > 0.95
    mended = sum(each.proposed == cars.colors[each.row] for each in done.found if each.row in wrong)
    assert mended / len(found & wrong) > 0.85
    assert all(each.label == colors[each.row] != each.proposed for each in done.found)
    assert all(0 < each.margin <= each.probability <= 1 for each in done.found)


def test_few_right_colors_are_suspected(cars: Cars) -> None:
    done = find_suspects(cars.vectors, cars.colors, cars.pages)
    assert len(done.found) <= 0.02 * PHOTOS
    assert (done.judged, done.left_out) == (PHOTOS, {})


def test_the_same_photos_give_the_same_suspects(cars: Cars) -> None:
    colors, _ = flipped(cars, 0.1)
    first = find_suspects(cars.vectors, colors, cars.pages)
    assert first == find_suspects(cars.vectors.copy(), list(colors), list(cars.pages))


def test_photos_of_one_page_do_not_vouch_for_each_other(cars: Cars) -> None:
    """Twelve shots of one red car under "blue": alone they would be the rule and not the fault."""
    red = next(row for row, values in enumerate(cars.colors) if values == ("red",))
    shots = np.repeat(cars.vectors[[red]], 12, axis=0)
    vectors = np.concatenate([cars.vectors, shots])
    colors = [*cars.colors, *[("blue",)] * 12]
    together = find_suspects(vectors, colors, [*cars.pages, *["advert"] * 12])
    apart = find_suspects(vectors, colors, [*cars.pages, *[f"advert {at}" for at in range(12)]])
    added = range(PHOTOS, PHOTOS + 12)
    assert {each.row for each in together.found} >= set(added)
    assert not {each.row for each in apart.found} & set(added)


def test_rare_values_are_left_out_and_counted(cars: Cars) -> None:
    colors: list[Values] = [*cars.colors]
    colors[:3] = [("mauve",)] * 3
    colors[3:9] = [("ochre",)] * 6
    pages = list(cars.pages)
    pages[3:9] = ["one advert"] * 6  # six photos, but one page
    done = find_suspects(cars.vectors, colors, pages)
    assert done.left_out == {("mauve",): 3, ("ochre",): 6}
    assert done.judged == PHOTOS - 9
    assert not {each.row for each in done.found} & set(range(9))


@pytest.mark.parametrize(("rows", "values"), [(0, 2), (1, 1), (LEAST_PHOTOS - 1, 2), (PHOTOS, 1)])
def test_too_few_photos_or_values_suspect_nobody(cars: Cars, rows: int, values: int) -> None:
    colors: list[Values] = [(str(at % values),) for at in range(rows)]
    done = find_suspects(cars.vectors[:rows], colors, cars.pages[:rows])
    assert (done.found, done.judged) == ([], 0)


def test_values_that_hold_at_once_are_judged_as_one(cars: Cars) -> None:
    both: list[Values] = [("man", "woman") if values[0] < "l" else () for values in cars.colors]
    wrong = both.index(())
    both[wrong] = ("man", "woman")
    done = find_suspects(cars.vectors, both, cars.pages)
    assert done.judged == PHOTOS
    assert {each.proposed for each in done.found} <= {(), ("man", "woman")}


def test_the_rule_of_confident_learning() -> None:
    """By hand: the mean chance of class 0 over its rows is 0.6, of class 1 it is 0.4."""
    chances = np.array([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6], [0.8, 0.2], [np.nan, np.nan]])
    given = np.array([0, 0, 1, 1, 0])
    # Row 1 passes the threshold of class 1 (0.4), row 3 that of class 0 (0.6).
    rows, proposed = confident(chances, given)
    assert (rows.tolist(), proposed.tolist()) == ([1, 3], [1, 0])
    # Where class 0 is surer of its own, 0.8 is no longer enough.
    chances[:2] = [[0.99, 0.01], [0.98, 0.02]]
    assert confident(chances, given)[0].tolist() == []


def test_groups_stay_whole_and_classes_are_spread() -> None:
    groups = [f"page {at // 3}" for at in range(150)]
    given = [at // 3 % 2 for at in range(150)]
    folds = deal(groups, given)
    for page in set(groups):
        assert len({folds[at] for at in range(150) if groups[at] == page}) == 1
    for number in (0, 1):
        there = [folds[at] for at in range(150) if given[at] == number]
        assert sorted(set(there)) == list(range(FOLDS))
    shuffled = np.random.default_rng(1).permutation(150)
    again = deal([groups[at] for at in shuffled], [given[at] for at in shuffled])
    assert again.tolist() == folds[shuffled].tolist()
