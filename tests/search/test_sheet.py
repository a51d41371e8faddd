"""Contact sheets: whole PNG files, readable, whatever the names in them."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from catalog.published import PublishedCars
from catalog.table import Catalog
from embeddings.registry import TRYOUT
from search import lettering
from search.engine import search
from search.lettering import drawable, text_width, wrap
from search.query import QueryError, make_query
from search.sheet import (
    CELL,
    GAP,
    MOST_ON_SHEET,
    SHEET_COLUMNS,
    Cell,
    Sheet,
    draw_sheet,
    sheet_png,
    store_sheet,
)
from search.sheet_content import answer_sheet, arrivals_sheet


def _thumbnail(width: int, height: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(out, "JPEG")
    return out.getvalue()


def _cell(rank: int, **more: object) -> Cell:
    given = {
        "rank": rank,
        "thumbnail": _thumbnail(256, 192),
        "labels": "red convertible · sea",
        "network": "",
        "found": "0.500 by text (semantic)",
        "who": "Ann",
        "rights": "CC BY 4.0 · from folder",
    }
    return Cell(**(given | more))  # type: ignore[arg-type]


def _sheet(*cells: Cell, **more: object) -> Sheet:
    return Sheet("“a red car”", cells, **more)  # type: ignore[arg-type]


Box = tuple[float, float, float, float]


def _written(monkeypatch: pytest.MonkeyPatch, sheet: Sheet) -> tuple[Image.Image, list[Box], str]:
    """The sheet, the inked box of each line that is drawn, and all lines."""
    boxes: list[Box] = []
    texts: list[str] = []
    draw = ImageDraw.ImageDraw.text

    def note(pen: ImageDraw.ImageDraw, at: tuple[float, float], text: str, **named: object) -> None:
        boxes.append(pen.textbbox(at, text, font=named["font"], anchor="ls"))  # type: ignore[arg-type]
        texts.append(text)
        draw(pen, at, text, **named)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(ImageDraw.ImageDraw, "text", note)
        picture = draw_sheet(sheet)
    return picture, boxes, "\n".join(texts)


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 12])
def test_photos_stand_in_rows(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [_cell(rank) for rank in range(1, count + 1)]
    picture, _, said = _written(monkeypatch, _sheet(*cells))
    columns = min(max(count, 1), SHEET_COLUMNS)
    assert picture.width == max(GAP + columns * (CELL + GAP), 3 * CELL)
    middles = [GAP + at * (CELL + GAP) + CELL // 2 for at in range(columns)]
    reds = sum(
        len(_stretches(picture.crop((x, 0, x + 1, picture.height)))) for x in middles if count
    )
    assert reds == count, "each photo is in the middle of a column"
    for rank in range(1, count + 1):
        assert f"\n{rank}\n" in said


def _stretches(column: Image.Image) -> list[int]:
    """The lengths of the red stretches in a picture one pixel wide."""
    found = [0]
    for red, green, blue in column.getdata():
        if red > 200 and green < 60 > blue:
            found[-1] += 1
        elif found[-1]:
            found.append(0)
    return [length for length in found if length > 100]


@pytest.mark.parametrize("damage", [b"", b"no picture", _thumbnail(256, 192)[:400]])
def test_a_damaged_thumbnail_leaves_its_place_empty(damage: bytes) -> None:
    empty = draw_sheet(_sheet(_cell(1, thumbnail=None), _cell(2)))
    assert draw_sheet(_sheet(_cell(1, thumbnail=damage), _cell(2))).tobytes() == empty.tobytes()


@pytest.mark.parametrize("size", [(256, 1), (1, 256), (20, 30), (256, 256)])
def test_a_thumbnail_of_any_shape_fits(size: tuple[int, int]) -> None:
    draw_sheet(_sheet(_cell(1, thumbnail=_thumbnail(*size)), _cell(2, thumbnail=None)))


def test_more_than_can_be_looked_through_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [_cell(1, thumbnail=None)] * (MOST_ON_SHEET + 500)
    picture, _, said = _written(monkeypatch, _sheet(*cells))
    assert picture.height < (MOST_ON_SHEET // SHEET_COLUMNS + 2) * (CELL + 120)
    assert f"The first {MOST_ON_SHEET} of 700 are shown." in said


def test_everything_that_is_asked_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = _sheet(
        _cell(7, network="network: sea 92%"),
        _cell(8, labels="", who=""),
        under=("only photos with color=red",),
        asked=_thumbnail(100, 50),
        warnings=("for trying out",),
        foot=("2 found among 10",),
    )
    picture, _, said = _written(monkeypatch, sheet)
    for text in ("“a red car”", "only photos with", "for trying out", "sea 92%", "no labels"):
        assert text in said
    assert said.count("CC BY 4.0 · from folder") == 2
    assert said.count("Ann") == 1
    assert said.endswith("2 found among 10")
    red, green, _ = picture.getpixel((GAP + 64, GAP + 64))  # type: ignore[misc]
    assert red > 200
    assert green < 60


def test_long_texts_are_cut_and_overlap_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    cell = _cell(
        1, labels="Land Rover " * 200, network="sea " * 900, found="y" * 999, who="W" * 100_000
    )
    sheet = Sheet("word " * 5000, (cell,) * 5, ("z " * 999,), _thumbnail(9, 9), ("v " * 9999,))
    began = time.process_time()
    picture, boxes, said = _written(monkeypatch, sheet)
    assert time.process_time() - began < 20
    assert all(right <= picture.width - GAP + 1 and left >= GAP - 1 for left, _, right, _ in boxes)
    for at, one in enumerate(boxes):
        assert not any(_overlap(one, other) for other in boxes[:at]), said.split("\n")[at]
    assert said.count("CC BY 4.0 · from folder") == 5, "a long name hides no license"
    assert said.count("…") == 3 + 5 * 4


def _overlap(one: Box, other: Box) -> bool:
    wide = min(one[2], other[2]) - max(one[0], other[0])
    return wide > 1 and min(one[3], other[3]) - max(one[1], other[1]) > 1


@given(st.text(st.characters(exclude_categories=())), st.integers(1, 300), st.integers(1, 4))
def test_any_text_can_be_wrapped(text: str, width: int, lines: int) -> None:
    shown = drawable(text)
    wrapped = wrap(shown, 12, width, lines)
    assert len(wrapped) <= lines
    for line in wrapped:
        assert text_width(line.removesuffix("…"), 12) <= width
    if wrapped and not wrapped[-1].endswith("…"):
        assert "".join(wrapped).replace(" ", "") == shown.replace(" ", "")


@given(st.text(st.characters(exclude_categories=())))
def test_any_name_can_be_drawn(name: str) -> None:
    draw_sheet(_sheet(_cell(1, who=f"🚗\n{name}", labels=name, thumbnail=None)))


def test_a_character_is_never_cut() -> None:
    assert {len(line) % 3 for line in wrap("e\u0323\u0301" * 50, 12, 40, 20)} == {0}
    cut = wrap("e\u0323\u0301" * 50, 12, 40)[0]
    assert cut.endswith("\u0301…")


@pytest.fixture
def fonts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Call it with the fonts that this machine is to have."""
    caches = (lettering._font_of, lettering._font)

    def use(*names: str) -> None:
        monkeypatch.setattr(lettering, "_fonts", lambda: names)
        for cache in caches:
            cache.cache_clear()

    yield use
    for cache in caches:
        cache.cache_clear()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("José Müller-Łukasz Weiß", "Jose Muller-Lukasz Weiss"),
        ("Москва محمد", "[6 Cyrillic letters] [4 Arabic letters]"),
        ("王小明 in 東京モーター", "[3 CJK letters] in [6 CJK letters]"),
        ("👨\u200d👩\u200d👧 한", "[1 symbol] [1 Hangul letter]"),
        ("a\u202eb\x00c\nd", "abc d"),
        ("\u1d7a", "[1 Latin letter]"),  # "th with strikethrough": there is no plain one
    ],
)
def test_where_the_machine_has_no_font_letters_are_named(
    monkeypatch: pytest.MonkeyPatch, fonts: Callable[..., None], text: str, shown: str
) -> None:
    fonts(lettering._PILLOW)
    assert drawable(text) == shown
    said = _written(monkeypatch, _sheet(_cell(1, who=text)))[2]
    assert ("In brackets" in said) == ("[" in shown)


def test_a_letter_comes_from_the_first_font_that_has_it(
    monkeypatch: pytest.MonkeyPatch, fonts: Callable[..., None]
) -> None:
    has = lettering._has
    # Pillow's font stands for two of the machine, of which the first lacks capital letters.
    monkeypatch.setattr(
        lettering, "_has", lambda at, char: has(at, char) and (at == 1 or not char.isupper())
    )
    fonts(lettering._PILLOW, lettering._PILLOW)
    said = _written(monkeypatch, _sheet(_cell(1, who="von QXZ")))[2]
    assert "von \nQXZ" in said


def test_a_font_of_the_machine_keeps_accents() -> None:
    if lettering._fonts()[0] == lettering._PILLOW:
        pytest.skip("this machine has none of the usual fonts")
    assert drawable("José Müller, Москва") == "José Müller, Москва"


def test_the_sheet_of_a_filter(catalog: Catalog, tmp_path: Path) -> None:
    query = make_query(None, None, ["color=red"], 4, catalog.vocabulary)
    answer = search(PublishedCars(catalog), query, lambda record: pytest.fail("no model needed"))
    sheet = answer_sheet(catalog, answer)
    assert sheet.under == ("only photos with color=red",)
    assert {cell.found for cell in sheet.cells} == {"passes the filters"}
    assert all("red" in cell.labels for cell in sheet.cells)
    assert sheet.warnings == ()
    path = store_sheet(sheet_png(sheet), tmp_path / "new folder" / 'a "sheet" 🚗.png')
    with Image.open(path) as picture:
        assert picture.format == "PNG"
        picture.load()
        assert picture.size == draw_sheet(sheet).size
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_the_sheet_of_a_text_and_a_picture(catalog, other_catalog, loader, new_picture) -> None:  # type: ignore[no-untyped-def]
    query = make_query("a red car", str(new_picture), [], 3, catalog.vocabulary)
    sheet = answer_sheet(catalog, search(PublishedCars(catalog), query, loader))
    assert sheet.title == "“a red car”, like this picture"
    assert sheet.cells[0].found.endswith(" by text and picture (semantic)")
    with Image.open(io.BytesIO(sheet.asked)) as asked:  # type: ignore[arg-type]
        assert max(asked.size) <= CELL
    assert "for trying out" in sheet.warnings[0]
    assert "3 found among 60 published photos · 20" in sheet.foot[0]
    assert "model marque-tiny@" in sheet.foot[0]

    query = make_query("a red car", None, [], 3, catalog.vocabulary)
    sheet = answer_sheet(other_catalog, search(PublishedCars(other_catalog), query, loader))
    assert sheet.warnings == (TRYOUT,), "the notice is there once"


def test_a_photo_of_the_catalog_that_was_asked_is_shown(catalog, loader) -> None:  # type: ignore[no-untyped-def]
    key = PublishedCars(catalog).first(1)[0]
    query = make_query(None, key, [], 2, catalog.vocabulary)
    sheet = answer_sheet(catalog, search(PublishedCars(catalog), query, loader))
    assert sheet.title == "like this picture"
    assert sheet.under == (f"the picture: photo {key[:12]}",)
    assert sheet.asked


def test_the_sheet_of_what_came_in(catalog: Catalog) -> None:
    keys = PublishedCars(catalog).first(5)
    sheet = arrivals_sheet(catalog, [*keys[:3], "f" * 64], 40)
    assert sheet.title == "3 of 40 new photos"
    assert [cell.rank for cell in sheet.cells] == [1, 2, 3]
    assert {cell.found for cell in sheet.cells} == {""}
    assert arrivals_sheet(catalog, ["f" * 64], 1).cells == ()


def test_nothing_is_left_behind_when_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "sheet.png").mkdir()
    with pytest.raises(OSError, match=r"sheet\.png"):
        store_sheet(b"png", tmp_path / "sheet.png")
    assert [each.name for each in tmp_path.iterdir()] == ["sheet.png"]
    with pytest.raises(QueryError, match=r"does not end in \.png"):
        store_sheet(b"png", tmp_path / "sheet.jpg")
