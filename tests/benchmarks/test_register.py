"""The benchmark of registering, over a few photos."""

import hashlib
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.photos import SIZE, write_photos
from benchmarks.register import BARE, COMMAND, STAGE, Row, measure, page_of


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return measure(6, workers=2)


def test_every_way_takes_every_photo(rows: list[Row]) -> None:
    assert [row.way for row in rows] == [BARE, STAGE, COMMAND, BARE]
    assert {row.photos for row in rows} == {6}
    assert all(row.rate > 0 for row in rows)


def test_the_page_says_what_is_missing(rows: list[Row]) -> None:
    text = page_of(rows, 2)
    assert text.count("\n| bare") == 2
    assert "| img2dataset | | not measured here" in text
    assert "/tmp" not in text


@pytest.mark.parametrize(("rate", "said"), [(71.0, "reached"), (69.0, "missed")])
def test_the_verdict_follows_from_the_faster_bare_run(rate: float, said: str) -> None:
    rows = [Row(BARE, 9, 90.0), Row(STAGE, 9, rate), Row(COMMAND, 9, 9.0), Row(BARE, 9, 100.0)]
    assert page_of(rows, 2).strip().endswith(f"{said}.**")


def test_the_photos_are_large_and_no_two_alike(tmp_path: Path) -> None:
    paths = write_photos(tmp_path, 30, 1)  # more than there are scenes
    contents = [path.read_bytes() for path in paths]
    assert len({hashlib.sha256(content).digest() for content in contents}) == 30
    assert all(150_000 < len(content) < 450_000 for content in contents)
    with Image.open(paths[-1]) as image:
        assert (image.format, image.size) == ("JPEG", SIZE)
