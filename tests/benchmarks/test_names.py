"""What names say of real files: nothing that is wrong, and most of what is right."""

from pathlib import Path

import pytest

from benchmarks.names import Score, page, records, score, titles


@pytest.mark.parametrize("half", ["tuned", "unseen"])
def test_nothing_wrong_is_said_of_real_titles(half: str) -> None:
    counts = score(titles(half))
    assert counts.wrong == 0
    assert counts.files > 100
    assert counts.right_models >= 0.8 * counts.cars


def test_nothing_is_said_of_real_records_without_a_car(shared_data: Path) -> None:
    found = records(shared_data / "commons")
    assert len(found) >= 79
    assert sum(bool(each["categories"]) for each in found) >= 78
    counts = score(found)
    assert (counts.wrong, counts.right_makes) == (0, 0)


def test_wrong_statements_are_counted() -> None:
    counts = Score()
    counts.add({"make": "Ford", "model": "Ka"}, "Ford", "Focus")
    counts.add({"make": "Ford", "model": "Ka"}, "", "")
    counts.add({"make": "Ford"}, "Ford", "Focus")
    counts.add({}, "Opel", "Corsa")
    assert (counts.files, counts.cars, counts.right_makes, counts.right_models) == (4, 3, 2, 0)
    assert counts.wrong == 3


def test_the_page_has_a_row_for_each() -> None:
    assert "| titles that the reading was tuned on | 180 |" in page()
