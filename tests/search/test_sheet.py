"""Contact sheets: whole PNG files of a known size, whatever the names in them."""

import io
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from catalog.published import PublishedCars
from catalog.table import Catalog
from search.engine import Answer, Hit, search
from search.query import Query, make_query
from search.sheet import CAPTION, CELL, COLUMNS, HEADER, MARGIN, MOST, draw_sheet, write_sheet

TOOK = {"embed": 0.0, "query": 1.0, "total": 1.0}


def _thumbnail(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "JPEG")
    return out.getvalue()


def _hit(rank: int, **more: object) -> Hit:
    given = {
        "rank": rank,
        "image_id": f"{rank:064x}",
        "score": 0.5,
        "found_by": ("semantic",),
        "distances": {"semantic": 0.5},
        "labels": {"color": {"value": "red", "origin": "source", "confidence": None}},
        "source": "folder",
        "source_id": "a.jpg",
        "page_url": None,
        "image_url": None,
        "license": None,
        "creator": None,
        "attribution": None,
        "split": None,
        "thumbnail": _thumbnail(256, 192),
    }
    return Hit(**(given | more))  # type: ignore[arg-type]


def _answer(*hits: Hit, text: str = "a red car") -> Answer:
    return Answer(Query(text), hits, TOOK)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 12])
def test_the_size_follows_from_the_number_of_hits(count: int) -> None:
    picture = draw_sheet(_answer(*(_hit(rank) for rank in range(1, count + 1))))
    columns, rows = min(max(count, 1), COLUMNS), -(-count // COLUMNS)
    assert picture.width == max(MARGIN + columns * (CELL + MARGIN), 2 * CELL)
    assert picture.height == HEADER + MARGIN + rows * (CELL + CAPTION + MARGIN)


def test_each_photo_is_in_its_place() -> None:
    picture = draw_sheet(_answer(*(_hit(rank) for rank in range(1, 6))))
    for at in range(5):
        x = MARGIN + at % COLUMNS * (CELL + MARGIN) + CELL // 2
        y = HEADER + MARGIN + at // COLUMNS * (CELL + CAPTION + MARGIN) + CELL // 2
        red, green, blue = picture.getpixel((x, y))
        assert red > 200
        assert green < 60 > blue


@pytest.mark.parametrize("size", [(256, 1), (1, 256), (20, 30), (256, 256)])
def test_a_thumbnail_of_any_shape_fits(size: tuple[int, int]) -> None:
    draw_sheet(_answer(_hit(1, thumbnail=_thumbnail(*size)), _hit(2, thumbnail=None)))


def test_more_than_can_be_looked_through_is_cut() -> None:
    hit = _hit(1, thumbnail=None)
    picture = draw_sheet(_answer(*[hit] * (MOST + 500)))
    assert picture.height == HEADER + MARGIN + MOST // COLUMNS * (CELL + CAPTION + MARGIN)


def _written(monkeypatch: pytest.MonkeyPatch, answer: Answer) -> list[tuple[float, float, str]]:
    """(left, right, text) of every line that is drawn."""
    lines: list[tuple[float, float, str]] = []
    draw = ImageDraw.ImageDraw.text

    def note(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, **named: object) -> None:
        lines.append((at[0], at[0] + pen.textlength(text, font=named["font"]), text))  # type: ignore[arg-type]
        draw(pen, at, text, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", note)
    draw_sheet(answer)
    return lines


def test_lines_that_are_too_long_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    labels = {
        name: {"value": value, "origin": "source", "confidence": None}
        for name, value in {"make": "Land Rover " * 20, "people": ["man", "woman"]}.items()
    }
    hit = _hit(1, labels=labels, attribution="W" * 100_000, source="x")
    began = time.process_time()
    lines = _written(monkeypatch, _answer(hit, hit, text="word " * 5000))
    assert time.process_time() - began < 5
    width = max(MARGIN + 2 * (CELL + MARGIN), 2 * CELL)
    assert all(right <= width - MARGIN for _, right, _ in lines)
    assert all(right - left <= CELL for left, right, _ in lines[1:])
    assert sum(text.endswith("…") for _, _, text in lines) == 5
    assert not any("\n" in text for _, _, text in lines)


def test_a_hit_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    hit = _hit(1, score=0.1234, creator="Ann", license="CC BY 4.0")
    texts = [text for _, _, text in _written(monkeypatch, _answer(hit))]
    assert texts == ['"a red car"', "1. 0.123 semantic", "red", "Ann, CC BY 4.0"]
    bare = _hit(2, score=None, labels={}, found_by=("filter",))
    texts = [text for _, _, text in _written(monkeypatch, _answer(bare))]
    assert texts[1:] == ["2.", "no labels", "folder, licence unknown"]
    assert "no photo found" in _written(monkeypatch, _answer())[0][2]


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_can_be_drawn(name: str) -> None:
    draw_sheet(_answer(_hit(1, attribution=f"🚗\n{name}", thumbnail=None), text=name or "x"))


def test_the_sheet_of_a_real_answer(catalog: Catalog, tmp_path: Path) -> None:
    query = make_query(None, None, ["color=red"], 4, catalog.vocabulary)
    answer = search(PublishedCars(catalog), query, lambda record: pytest.fail("no model needed"))
    path = write_sheet(answer, tmp_path / "new folder" / 'a "sheet" 🚗.png')
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        picture.load()
        assert picture.size == draw_sheet(answer).size
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_nothing_is_left_behind_when_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "sheet.png").mkdir()
    with pytest.raises(OSError, match=r"sheet\.png"):
        write_sheet(_answer(), tmp_path / "sheet.png")
    assert [each.name for each in tmp_path.iterdir()] == ["sheet.png"]
