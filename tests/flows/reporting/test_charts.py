"""Charts are small, readable pictures of the numbers that they are given, whatever the names."""

import io
import subprocess
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from flows.reporting import charts
from flows.reporting.charts import MOST_PANELS, WIDTH, confidence_png, reliability_png
from labeling.quality import Bin, reliability
from search.lettering import line_height, text_width

SMALL = 200_000  # bytes
FAINT = (0x5F, 0x66, 0x6D)  # the color of the bars of counts

Pixels = npt.NDArray[np.int64]


def pixels(png: bytes) -> Pixels:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB")).astype(int)


def reds(picture: Pixels) -> Pixels:
    """The columns of a threshold's line."""
    red, green, blue = np.moveaxis(picture, 2, 0)
    columns: Pixels = np.flatnonzero(((red - green > 60) & (red - blue > 60)).any(0))
    return columns


def blues(picture: Pixels) -> int:
    """How many pixels the bars have."""
    red, _, blue = np.moveaxis(picture, 2, 0)
    return int(((blue - red > 60) & (blue > 190)).sum())


def bins(accuracy: float) -> list[Bin]:
    return [Bin(0.0, 1.0, 0.5, accuracy, 40)]


def drawn(attributes: int) -> dict[str, list[Bin]]:
    dice = np.random.default_rng(3)
    sure = [dice.beta(4, 1.2, 2000) for _ in range(attributes)]
    right = [dice.random(2000) < each for each in sure]
    return {
        f"attribute {at}": reliability(sure[at].tolist(), right[at].tolist())
        for at in range(attributes)
    }


def test_bars_are_as_high_as_the_accuracy() -> None:
    half, most = (blues(pixels(reliability_png("x", {"color": bins(a)}))) for a in (0.45, 0.9))
    assert half > 5_000
    assert most / half == pytest.approx(2, rel=0.03)


def test_counts_are_drawn_below() -> None:
    left, right = Bin(0.0, 0.5, 0.3, 0.5, 40), Bin(0.5, 1.0, 0.8, 0.5, 40)
    grey = [
        int((np.abs(pixels(reliability_png("x", {"color": some})) - FAINT).max(2) < 20).sum())
        for some in ([left, right], [left, replace(right, count=20)], [left])
    ]
    assert grey[0] - grey[1] > 3_000
    assert grey[0] - grey[2] == pytest.approx(2 * (grey[0] - grey[1]), rel=0.05)


def test_the_line_stands_at_the_threshold() -> None:
    counts = {"color": [1, 5, 9, 30]}
    at = {
        threshold: float(reds(pixels(confidence_png("x", counts, {"color": threshold}))).mean())
        for threshold in (0.25, 0.5, 0.75)
    }
    assert at[0.5] - at[0.25] == pytest.approx(at[0.75] - at[0.5], abs=1.5)
    assert at[0.5] - at[0.25] > 60
    assert not len(reds(pixels(confidence_png("x", counts, {"another": 0.5}))))


def test_a_threshold_that_nothing_passes_is_at_the_right_end() -> None:
    counts = {"color": [1, 5, 9, 30]}
    ends = [
        reds(pixels(confidence_png("x", counts, {"color": threshold}))).tolist()
        for threshold in (1.0, 1.01, float("inf"))
    ]
    assert ends[0]
    assert ends[0] == ends[1] == ends[2]


def test_bars_of_a_histogram_are_as_high_as_their_counts() -> None:
    full, half = (
        blues(pixels(confidence_png("x", {"color": each}, {}))) for each in ([8, 8], [8, 4])
    )
    assert half / full == pytest.approx(0.75, rel=0.03)


@pytest.mark.parametrize("attributes", [1, 3, 10, MOST_PANELS])
def test_charts_are_small(attributes: int) -> None:
    series = drawn(attributes)
    counts = {name: [each.count for each in some] for name, some in series.items()}
    thresholds = dict.fromkeys(counts, 0.8)
    for png in (reliability_png("All", series), confidence_png("All", counts, thresholds)):
        assert len(png) < SMALL
        height, width, _ = pixels(png).shape
        assert 600 < width <= WIDTH
        assert 300 < height < 450 * -(-attributes // 3) + 150


def test_the_same_numbers_are_the_same_file() -> None:
    series = drawn(2)
    assert reliability_png("All", series) == reliability_png("All", dict(series))
    assert confidence_png("All", {"a": [1, 2]}, {}) == confidence_png("All", {"a": [1, 2]}, {})


Text = tuple[str, tuple[float, float, float, float]]


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], list[Text]]:
    """The texts that were lettered, and their boxes."""
    texts: list[Text] = []
    write = charts.write

    def spy(pen: ImageDraw.ImageDraw, at: tuple[int, int], text: str, size: int, ink: str) -> None:
        box = (at[0], at[1], at[0] + text_width(text, size), at[1] + line_height(size))
        texts.append((text, box))
        write(pen, at, text, size, ink)

    monkeypatch.setattr(charts, "write", spy)

    def check(png: bytes) -> list[Text]:
        height, width, _ = pixels(png).shape
        for at, (_, (left, top, right, bottom)) in enumerate(texts):
            assert 0 <= left < right <= width
            assert 0 <= top < bottom <= height
            for _, other in texts[:at]:
                apart = right <= other[0] or other[2] <= left
                assert apart or bottom <= other[1] or other[3] <= top
        return texts

    return check


def test_long_names_do_not_run_into_each_other(written: Callable[[bytes], list[Text]]) -> None:
    names = ["body type " * 30, "y" * 300, "Größe", "view"]
    texts = written(reliability_png("A long title " * 40, {name: bins(0.5) for name in names}))
    assert sum(text.startswith("40 statements, calibration error 0.000") for text, _ in texts) == 4
    assert "view" in {text for text, _ in texts}


def test_what_is_left_out_is_said(written: Callable[[bytes], list[Text]]) -> None:
    series = {f"attribute {at}": bins(0.5) for at in range(MOST_PANELS + 6)}
    said = " ".join(text for text, _ in written(reliability_png("x", series)))
    assert "Not shown: 6 more attributes" in said
    assert f"attribute {MOST_PANELS - 1}" in said
    assert f"attribute {MOST_PANELS}" not in said


def test_one_attribute_without_anything_says_so(written: Callable[[bytes], list[Text]]) -> None:
    png = reliability_png("x", {"color": bins(0.5), "view": []})
    assert [text for text, _ in written(png)].count("nothing to show") == 1
    assert blues(pixels(png)) > 5_000


@pytest.mark.parametrize(
    "draw",
    [
        lambda title: reliability_png(title, {}),
        lambda title: reliability_png(title, {"color": []}),
        lambda title: confidence_png(title, {}, {}),
        lambda title: confidence_png(title, {"color": [0, 0]}, {"color": 0.5}),
        lambda title: confidence_png(title, {"color": []}, {}),
    ],
)
def test_nothing_to_show_is_a_picture_that_says_so(
    draw: Callable[[str], bytes], written: Callable[[bytes], list[Text]]
) -> None:
    png = draw("Labels of today")
    texts = [text for text, _ in written(png)]
    assert texts == ["Labels of today", "Nothing to show: no statement here has a confidence."]
    assert 500 < (pixels(png).max(2) < 140).sum() < 10_000  # letters, and no axes
    assert png != draw("Labels of yesterday")


@settings(max_examples=25)
@given(st.text(max_size=40), st.text(max_size=40))
def test_any_name_can_be_drawn(title: str, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib only warns of letters that it lacks
        assert blues(pixels(reliability_png(title, {name: bins(0.5)}))) > 5_000


def test_nothing_is_loaded_before_it_is_needed_and_no_window_at_all() -> None:
    code = (
        "import sys, flows.reporting.charts as c; assert 'matplotlib' not in sys.modules;"
        "c.confidence_png('x', {'a': [1]}, {}); assert 'matplotlib' in sys.modules;"
        "assert 'matplotlib.pyplot' not in sys.modules; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
