"""The benchmark of labels: its page from made-up numbers, and a small run over real photos."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.labels import (
    CHOSEN,
    Guess,
    Row,
    color_row,
    color_section,
    guess,
    head_row,
    head_section,
    make_section,
    page_of,
    paints,
)
from benchmarks.real_photos import (
    Photos,
    histograms,
    joined,
    load_classes,
    load_colors,
    make_of,
    model_of,
    tiny_vectors,
)

COUNTS = np.array([[8, 1, 1], [2, 7, 0]])


def test_a_row_counts_what_was_told_and_what_of_that_was_right() -> None:
    row = Row("the whole photo", ("red", "white"), COUNTS, unfitted=0.5)
    assert row.told == pytest.approx(18 / 19)
    assert row.right == pytest.approx(15 / 18)


def test_the_page_shows_every_number_and_who_was_right() -> None:
    color = Row("the whole photo", ("red", "white"), COUNTS, 0.812, among_all=0.777)
    head = Row(CHOSEN, ("red", "white"), np.array([[9, 1, 0], [4, 6, 0]]), 0.7, size=77)
    made = Guess("make", 14, 900, 0.61, 0.93, 0.2, 0.7)
    text = page_of([color_section([color]), head_section([head]), make_section([made])])
    assert "| the whole photo | 0.947 | 0.833 | 0.812 | 0.777 |" in text
    assert "| **red** | 8 | 1 | 1 | 0.80 |" in text
    assert f"| {CHOSEN} | 77 | 0.750 | 0.700 |" in text
    assert "gets 0.750 right; 0.80 was wanted: missed" in text
    assert "| **white** | 4 | 6 | 0.60 |" in text, "no column for what never happened"
    assert "| make | 14 | 900 | 0.610 | 0.071 | 0.200 | 0.930 | 0.357 | 0.700 |" in text
    assert str(Path.home()) not in text


@pytest.fixture(scope="module")
def photos(shared_data: Path) -> Photos:
    return load_colors(shared_data / "vehicle_colour", each=12)


def test_the_color_model_knows_real_cars(photos: Photos) -> None:
    row = color_row("the whole photo", photos, paints(photos, None))
    assert row.counts.sum() == len(photos.paths) == 108
    assert row.right > 0.7
    assert row.told > 0.9


def test_heads_learn_the_colors_of_real_cars(photos: Photos) -> None:
    row = head_row("SqueezeNet", photos, photos.vectors)
    assert row.right > 0.4, "chance is 0.11"
    vectors = joined(photos.vectors, histograms(photos.paths))
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert head_row("both", photos, vectors).right > 0.5


def test_copies_of_a_photo_are_never_on_both_sides(photos: Photos) -> None:
    twice = Photos(
        photos.paths * 2,
        photos.labels * 2,
        np.concatenate([photos.vectors, photos.vectors]),
        np.concatenate([photos.groups, photos.groups]),
    )
    for training, test in twice.folds(5):
        assert not set(twice.groups[training]) & set(twice.groups[test])
        assert {twice.labels[row] for row in test} == set(photos.labels)


def test_a_mirrored_and_cropped_photo_is_a_copy(photos: Photos, tmp_path: Path) -> None:
    (tmp_path / "red").mkdir()
    first, other = (photos.paths[photos.labels.index(label)] for label in ("red", "white"))
    with Image.open(first) as image:
        image.save(tmp_path / "red" / "0.jpg")
        turned = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).crop((6, 6, 220, 220))
        turned.save(tmp_path / "red" / "1.jpg")
    (tmp_path / "red" / "2.jpg").write_bytes(other.read_bytes())
    copied, turned_copy, another = load_colors(tmp_path).groups
    assert copied == turned_copy != another


def test_every_photo_gets_its_own_vector_of_marque_tiny(photos: Photos) -> None:
    some = photos.paths[:40]
    vectors = tiny_vectors(some)
    assert vectors.shape == (40, 512)
    assert np.allclose(vectors[30:], tiny_vectors(some[30:]), atol=1e-4)


def test_makes_and_models_are_learnt_from_half_of_the_photos(shared_data: Path) -> None:
    some = load_classes(shared_data / "cars_224", classes=6)
    assert {make_of(label) for label in some.labels} == {"AM General", "Acura"}
    found = guess("make and model", some, model_of)
    assert found.values == 5
    assert found.photos == 108
    assert found.commonest == pytest.approx(1 / 3, abs=0.02), "two classes are the TL"
    assert found.first > 0.5
    assert found.five == 1.0, "there are but five"
