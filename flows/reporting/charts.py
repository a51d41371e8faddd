"""Charts of reports as PNG files: how far confidences can be trusted, and where they lie.

Matplotlib lays out and draws the axes and numbers, a subfigure for each attribute. Names are
written by `search.lettering`, as they come in any script. The figures use no window and no pyplot,
so no state is left behind.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image, ImageDraw

from core.text import counted
from labeling.quality import Bin, calibration_error
from search.lettering import drawable, line_height, wrap, write

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import SubFigure

WIDTH = 1200
MOST_PANELS = 24  # of one chart: more would be a file that is slow to open and never looked through

_COLUMNS = 3
_GAP = 18
_PANEL = (WIDTH - _GAP) // _COLUMNS
_ROW_RELIABILITY, _ROW_CONFIDENCE = 410, 330
_ACCURACY_TO_COUNTS = (220, 64)  # heights of the two axes of a reliability diagram
_TITLE, _NAME, _TEXT = 22, 15, 12
_NARROWEST = 0.008  # of a bar: equal confidences make a bin without width

_INK, _FAINT, _PAPER = "#1c1e21", "#5f666d", "#ffffff"
_BAR, _DOT, _LINE, _SHADE = "#7fa6d6", "#1d4f91", "#a8400f", "#e6e8eb"

_SHARES = (0, 0.25, 0.5, 0.75, 1)
_NOTHING = "nothing to show"
_RELIABILITY = (
    "Bars: the share that is right of the statements with such a confidence. Dots: the same at "
    "their mean confidence; on the dashed line confidences keep their word, below it they promise "
    "too much. Underneath: how many statements."
)
_CONFIDENCE = (
    "How many statements have such a confidence. The line is the threshold: what lies in the grey "
    "to its left becomes no label."
)


_LOSS = (
    "Left: the mean loss of each epoch, lower is better. Right: how well photos that were held out "
    "are found, higher is better; the weights of the best epoch are kept."
)


@dataclass(frozen=True, slots=True)
class _Panel:
    """The part of a chart about one attribute; without `plot` it has nothing to show."""

    name: str
    note: str
    plot: Callable[["SubFigure"], None] | None


def reliability_png(title: str, series: Mapping[str, Sequence[Bin]]) -> bytes:
    """A reliability diagram for each attribute, beside each other: accuracy by confidence.

    At most `WIDTH` pixels wide, and of the first `MOST_PANELS` attributes.
    """
    panels = []
    for name, bins in series.items():
        if not bins:
            panels.append(_Panel(name, "no statement has a confidence and a verdict", None))
            continue
        count = sum(each.count for each in bins)
        note = f"{counted(count, 'statement')}, calibration error {calibration_error(bins):.3f}"
        panels.append(_Panel(name, note, _reliability(bins)))
    return _png(title, _RELIABILITY, panels, _ROW_RELIABILITY)


def confidence_png(
    title: str, counts: Mapping[str, Sequence[int]], thresholds: Mapping[str, float]
) -> bytes:
    """A histogram of confidences for each attribute, side by side.

    `counts` are of equally wide bins of 0..1, the lowest first. An attribute without a threshold
    gets no line. At most `WIDTH` pixels wide, and of the first `MOST_PANELS` attributes.
    """
    panels = []
    for name, heights in counts.items():
        threshold = thresholds.get(name)
        said = "no threshold" if threshold is None else f"threshold {threshold:.2f}"
        plot = _histogram(heights, threshold) if any(heights) else None
        panels.append(_Panel(name, f"{counted(sum(heights), 'statement')}, {said}", plot))
    return _png(title, _CONFIDENCE, panels, _ROW_CONFIDENCE)


def loss_png(title: str, losses: Sequence[float], scores: Sequence[float]) -> bytes:
    """The loss of each epoch, and beside it the score on held-out photos, which begins with the
    network before any training."""
    panels = [
        _Panel("loss", counted(len(losses), "epoch"), _curve(losses, 1)),
        _Panel("score on held-out photos", f"best {max(scores):.3f}", _curve(scores, 0)),
    ]
    return _png(title, _LOSS, panels, _ROW_CONFIDENCE)


def _curve(values: Sequence[float], first: int) -> Callable[["SubFigure"], None] | None:
    def plot(part: "SubFigure") -> None:
        axes = part.subplots()
        axes.plot(range(first, first + len(values)), values, "o-", color=_DOT, markersize=5)
        axes.set_xlabel("epoch", fontsize=_TEXT, color=_INK)
        axes.tick_params(labelsize=_TEXT, labelcolor=_FAINT, color=_FAINT)
        axes.grid(color=_SHADE)

    return plot if values else None


def _reliability(bins: Sequence[Bin]) -> Callable[["SubFigure"], None]:
    """A function that plots the accuracy, and below it the number of statements, of each bin."""
    left = [each.low for each in bins]
    width = [max(each.high - each.low, _NARROWEST) for each in bins]

    def plot(part: "SubFigure") -> None:
        upper, lower = part.subplots(2, sharex=True, height_ratios=_ACCURACY_TO_COUNTS)
        _set_axes(upper, "accuracy", _SHARES)
        accuracy = [each.accuracy for each in bins]
        upper.bar(left, accuracy, width, align="edge", color=_BAR, edgecolor=_PAPER, linewidth=0.5)
        upper.plot([0, 1], [0, 1], color=_FAINT, linestyle="--", linewidth=1.2)
        means = [each.mean_confidence for each in bins]
        # Not clipped, because many dots are on the edge.
        upper.plot(means, accuracy, "o", color=_DOT, markersize=5, clip_on=False)

        _set_axes(lower, "count", (0, max(each.count for each in bins)))
        counts = [each.count for each in bins]
        lower.bar(left, counts, width, align="edge", color=_FAINT, edgecolor=_PAPER, linewidth=0.5)
        lower.set_xlabel("confidence", fontsize=_TEXT, color=_INK)
        part.align_ylabels()

    return plot


def _histogram(counts: Sequence[int], threshold: float | None) -> Callable[["SubFigure"], None]:
    def plot(part: "SubFigure") -> None:
        axes = part.subplots()
        _set_axes(axes, "count", (0, max(counts)))
        edges = [at / len(counts) for at in range(len(counts) + 1)]
        axes.stairs(counts, edges, fill=True, color=_BAR)
        axes.stairs(counts, edges, color=_DOT, linewidth=0.8)
        if threshold is not None:
            at = min(threshold, 1)  # over 1 nothing passes
            axes.axvspan(0, at, color=_SHADE, linewidth=0, zorder=0)
            axes.axvline(at, color=_LINE, linewidth=2, clip_on=False)
        axes.set_xlabel("confidence", fontsize=_TEXT, color=_INK)

    return plot


def _set_axes(axes: "Axes", label: str, marks: Sequence[float]) -> None:
    """Set the x axis from 0 to 1, and the y axis from 0 to the last of its ticks `marks`."""
    axes.set_xlim(0, 1)
    axes.set_ylim(0, marks[-1])
    axes.set_xticks(_SHARES, [f"{each:,}" for each in _SHARES])
    short = [f"{each:,}" if each < 100_000 else f"{each / 1000:,.0f}k" for each in marks]
    axes.set_yticks(marks, short)
    axes.tick_params(labelsize=_TEXT, labelcolor=_FAINT, color=_FAINT)
    axes.set_ylabel(label, fontsize=_TEXT, color=_INK)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(_FAINT)


def _png(title: str, about: str, panels: Sequence[_Panel], row: int) -> bytes:
    """The panels in rows of `row` pixels, below the title and what it all means."""
    shown = panels[:MOST_PANELS]
    if len(panels) > MOST_PANELS:
        about += f" Not shown: {counted(len(panels) - MOST_PANELS, 'more attribute')}."
    if all(each.plot is None for each in shown):
        shown, about = [], f"{_NOTHING.capitalize()}: no statement here has a confidence."
    columns = min(_COLUMNS, max(2, len(shown)))  # on less a title has no room
    width = _GAP + columns * _PANEL
    head = [
        *((line, _TITLE, _INK) for line in wrap(drawable(title), _TITLE, width - 2 * _GAP, 2)),
        *((line, _NAME, _FAINT) for line in wrap(about, _NAME, width - 2 * _GAP, 4)),
    ]
    top = 2 * _GAP + sum(line_height(size) for _, size, _ in head)
    rows = -(-len(shown) // columns)
    picture = Image.new("RGB", (width, top + rows * row), _PAPER)
    if shown:
        picture.paste(_draw_axes(shown, rows, columns, row), (_GAP // 2, top))
    pen = ImageDraw.Draw(picture)
    y = _GAP
    for line, size, ink in head:
        write(pen, (_GAP, y), line, size, ink)
        y += line_height(size)
    for at, panel in enumerate(shown):
        x, y = _GAP + at % columns * _PANEL, top + at // columns * row
        for text, size, ink in ((panel.name, _NAME, _INK), (panel.note, _TEXT, _FAINT)):
            for line in wrap(drawable(text), size, _PANEL - _GAP):
                write(pen, (x, y), line, size, ink)
            y += line_height(size)
        if panel.plot is None:
            write(pen, (x, y + _GAP), _NOTHING, _NAME, _FAINT)
    out = io.BytesIO()
    # A few colors are all there is, and a third of the bytes.
    picture.quantize(64, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw_axes(panels: Sequence[_Panel], rows: int, columns: int, row: int) -> Image.Image:
    """The axes of the panels, with room for the names above each."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    # At 72 dots an inch a point of a font is a pixel, as it is for the lettering.
    size = (columns * _PANEL / 72, rows * row / 72)
    figure = Figure(size, dpi=72, facecolor=_PAPER, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
    parts = figure.subfigures(rows, columns, squeeze=False).flat
    for panel, part in zip(panels, parts, strict=False):
        part.get_layout_engine().set(w_pad=_GAP / 144, h_pad=_GAP / 144)
        part.suptitle(" \n ", fontsize=_NAME)
        if panel.plot is not None:
            panel.plot(part)
    canvas.draw()
    pixels = bytes(canvas.buffer_rgba())
    return Image.frombytes("RGBA", canvas.get_width_height(), pixels).convert("RGB")
