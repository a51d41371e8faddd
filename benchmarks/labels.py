"""Labels of photos whose labels are known: the color model and trained heads on real photos, and
rendered scenes end to end."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from threadpoolctl import threadpool_limits

from benchmarks import rendered
from benchmarks.machine import SHARED, made_by
from benchmarks.real_photos import (
    SAME_CAR,
    SAME_COLOR,
    Photos,
    histograms,
    joined,
    load_classes,
    load_colors,
    make_of,
    model_of,
    pixels,
    tiny_vectors,
    unit,
)
from core.vocabulary import load_vocabulary
from embeddings.tuning import usable_cores
from labeling import masks
from labeling.classmap import Mask, car_mask
from labeling.color import paint_scores
from labeling.heads import Examples, fit_classifier
from labeling.segment import load_segmenter, segment_photo

COLORS, CLASSES = SHARED / "vehicle_colour", SHARED / "cars_224"
WANTED = 0.80
FOLDS = 5
CHOSEN = "SqueezeNet and histogram"
UNTOLD = "cannot tell"
_SOFT = 3  # divides the color model's scores before they are a vector, for it is too sure

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """The answers of one way of naming colors.

    `counts` (k, k + 1) has a row for each of k true `values`: the number of each answer, and last
    of the photos without an answer. `unfitted` is the share of right answers on the half of the
    photos that the swatches were not fitted on. `among_all` is the share of right answers when all
    colors of the vocabulary are allowed. `size` is the length of the vectors, if it uses any.
    """

    way: str
    values: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    unfitted: float
    among_all: float = 0.0
    size: int = 0

    @property
    def told(self) -> float:
        """The share of photos that got an answer."""
        return float(self.counts[:, :-1].sum() / self.counts.sum())

    @property
    def right(self) -> float:
        """The share of the answers that are right."""
        return float(np.trace(self.counts) / self.counts[:, :-1].sum())


@dataclass(frozen=True, slots=True)
class Guess:
    """How well a head names one of `values` of unseen photos, first or among its first five, and
    how well always naming the commonest would do."""

    what: str
    values: int
    photos: int
    first: float
    five: float
    commonest: float
    five_commonest: float


def paints(photos: Photos, cars: Sequence[Mask] | None) -> Array:
    """The color model's scores (n, values of the vocabulary); rows of NaN where it cannot tell."""
    swatches = load_vocabulary().questions["color"].swatches
    untold = np.full(len(swatches), np.nan, np.float32)
    found = []
    for at, path in enumerate(photos.paths):
        scores = paint_scores(pixels(path), cars[at] if cars is not None else None, swatches)
        found.append(untold if scores is None else scores)
    return np.array(found, np.float32)


def find_cars(photos: Photos) -> list[Mask]:
    """The small network's mask of the car in each photo, in the photo's own size."""
    segmenter = load_segmenter(masks.MASK_MODEL, None, "cpu", "fp32")
    found = []
    for path in photos.paths:
        height, width = pixels(path).shape[:2]
        found.append(car_mask(segment_photo(segmenter, path.read_bytes()), (width, height)))
    return found


def color_row(way: str, photos: Photos, scores: Array) -> Row:
    """The answers by these scores: among the colors of the photos only, and among all colors."""
    known = tuple(load_vocabulary().questions["color"].swatches)
    values = tuple(sorted(set(photos.labels)))
    told = ~np.isnan(scores).any(axis=1)
    allowed = scores[:, [known.index(value) for value in values]]
    said = np.where(told, allowed.argmax(axis=1), len(values))
    anything = np.array(known)[scores.argmax(axis=1)]
    among_all = float(np.mean((anything == np.array(photos.labels))[told]))
    return _row(way, photos, values, said, among_all=among_all)


def measure_heads(photos: Photos, scores: Array) -> list[Row]:
    """Heads on several kinds of vectors, `scores` of the color model among them."""
    told = np.where(np.isnan(scores), 0, scores / _SOFT)
    chances = np.exp(told - told.max(axis=1, keepdims=True))
    paint = unit(chances / chances.sum(axis=1, keepdims=True))
    colors, tiny = histograms(photos.paths), tiny_vectors(photos.paths)
    kinds = {
        "histogram of colors": colors,
        "SqueezeNet": photos.vectors,
        CHOSEN: joined(photos.vectors, colors),
        "marque-tiny": tiny,
        "marque-tiny and histogram": joined(tiny, colors),
        "color model": paint,
        "marque-tiny and color model": joined(tiny, paint),
        "SqueezeNet and color model": joined(photos.vectors, paint),
    }
    return [head_row(name, photos, vectors) for name, vectors in kinds.items()]


def head_row(name: str, photos: Photos, vectors: Array) -> Row:
    """A head on these vectors (n, size), trained and tried in five parts."""
    print(f"head on {name}", flush=True)
    values = tuple(sorted(set(photos.labels)))
    said = np.zeros(len(photos.labels), np.intp)
    for training, test in photos.folds(FOLDS):
        examples = _examples(photos, vectors, photos.labels, training)
        head = fit_classifier("color", examples, values, many=False)
        said[test] = head.scores(vectors[test]).argmax(axis=1)
    return _row(name, photos, values, said, size=vectors.shape[1])


def _row(
    way: str,
    photos: Photos,
    values: tuple[str, ...],
    said: npt.NDArray[np.intp],
    *,
    among_all: float = 0.0,
    size: int = 0,
) -> Row:
    truth = np.array([values.index(label) for label in photos.labels])
    counts = np.zeros((len(values), len(values) + 1), np.int64)
    np.add.at(counts, (truth, said), 1)
    unfitted = photos.unfitted()
    some = unfitted[said[unfitted] < len(values)]
    right = float(np.mean(said[some] == truth[some]))
    return Row(way, values, counts, right, among_all, size)


def guess(what: str, photos: Photos, name_of: Callable[[str], str]) -> Guess:
    """A head on SqueezeNet's vectors, trained on a half of each class and tried on the other."""
    print(f"head for {what}", flush=True)
    names = np.array([name_of(label) for label in photos.labels])
    training, test = next(photos.folds(2))
    values = tuple(sorted(set(names)))
    examples = _examples(photos, photos.vectors, names.tolist(), training)
    head = fit_classifier(what, examples, values, many=False)
    ranked = np.array(values)[np.argsort(-head.scores(photos.vectors[test]), axis=1)]
    truth = names[test]
    common = [value for value, _ in Counter(names[training].tolist()).most_common(5)]
    return Guess(
        what,
        len(values),
        len(test),
        float(np.mean(ranked[:, 0] == truth)),
        float(np.mean((ranked[:, :5] == truth[:, None]).any(axis=1))),
        float(np.mean(truth == common[0])),
        float(np.mean(np.isin(truth, common))),
    )


def _examples(
    photos: Photos, vectors: Array, labels: Sequence[str], rows: npt.NDArray[np.intp]
) -> Examples:
    return Examples(
        vectors[rows],
        tuple((labels[row],) for row in rows),
        tuple(str(photos.groups[row]) for row in rows),
    )


def page() -> str:
    """Measure at the full size: the page docs/benchmarks/labels.md."""
    torch.set_num_threads(1)
    with threadpool_limits(1):  # threads of a regression this small wait longer than they work
        sections = real_sections(COLORS, CLASSES) if COLORS.is_dir() else [ABSENT]
    torch.set_num_threads(usable_cores())
    return page_of([rendered.section(rendered.measure()), *sections])


ABSENT = "The real photos were not there, so only rendered scenes were measured.\n"


def real_sections(colors: Path, classes: Path) -> list[str]:
    """The sections on real photos, from those in these two folders."""
    photos = load_colors(colors)
    whole, cars = paints(photos, None), paints(photos, find_cars(photos))
    either = np.where(np.isnan(cars), whole, cars)
    rows = [
        color_row(way, photos, scores)
        for way, scores in {
            "the whole photo": whole,
            f"the car by {masks.MASK_MODEL}": cars,
            "the car, or the whole photo where that cannot tell": either,
        }.items()
    ]
    heads = measure_heads(photos, whole)
    named = load_classes(classes)
    guesses = [guess("make", named, make_of), guess("make and model", named, model_of)]
    return [color_section(rows), head_section(heads), make_section(guesses)]


def page_of(sections: Sequence[str]) -> str:
    """The page of these sections, each Markdown with its own heading."""
    head = f"# Labels that are right\n\n{made_by('labels', 'torch', 'scikit-learn', 'numpy')}\n"
    return "\n".join([head, *sections])


def color_section(rows: Sequence[Row]) -> str:
    """The section on the color model, on photos of as many colors as the rows have."""
    values = rows[0].values
    lines = [
        "## Color model, real photos",
        "",
        f"{rows[0].counts.sum()} photos that people sorted into {len(values)} colors, toys, "
        "trucks and drawings among them. The swatches and most constants of the model were fitted "
        "on one half of these photos; the other half, without copies of photos of the first, is "
        "shown, too. It is not wholly untouched: the form of the model, and how much a mask is "
        "trusted, were chosen with an eye on all of them. The network that says where the car is, "
        f"{masks.MASK_MODEL}, was **trained on rendered scenes only** and finds parts of real "
        "cars; in these photos cars fill the picture, which favors looking at all of it. "
        "Only the colors of the folders are allowed as answers; among all colors of the "
        "vocabulary, gold for yellow or grey for silver counts as wrong, although people would "
        "often agree. Grayscale photos are among those that it cannot tell.",
        "",
        "| pixels of | told | right of these | right on the other half | right among all colors |",
        "|---|---:|---:|---:|---:|",
        *(
            f"| {row.way} | {row.told:.3f} | {row.right:.3f} | {row.unfitted:.3f} "
            f"| {row.among_all:.3f} |"
            for row in rows
        ),
        "",
        *(line for row in rows[:2] for line in confusion(row)),
    ]
    return "\n".join(lines)


def head_section(rows: Sequence[Row]) -> str:
    """The section on trained heads for color."""
    chosen = next(row for row in rows if row.way == CHOSEN)
    lines = [
        "## Trained head for color, real photos",
        "",
        f"The same photos, by stratified cross-validation in {FOLDS} parts: of each photo the "
        "answer is that of a head which never saw it, nor a copy of it (photos whose vectors, or "
        f"those of their mirror images, have a cosine above {SAME_COLOR:.2f} are kept together). "
        "The head is the one that Marque trains, a logistic regression on frozen unit vectors with "
        "the strength of its penalty chosen inside the training part. SqueezeNet stands for a "
        "network that was trained on real photos; marque-tiny never saw one. Earlier layers of "
        "SqueezeNet and histograms of parts of the photo were tried, too, and were no better. The "
        "color model was fitted on a half of these photos: where it is part of the vector, the "
        "other half is the fairer number.",
        "",
        "| vectors | size | right | right on the other half |",
        "|---|---:|---:|---:|",
        *(f"| {row.way} | {row.size} | {row.right:.3f} | {row.unfitted:.3f} |" for row in rows),
        "",
        f"**A head on {CHOSEN} gets {chosen.right:.3f} right; {WANTED:.2f} was wanted: "
        f"{'reached' if chosen.right >= WANTED else 'missed'}.**",
        "",
        *confusion(chosen),
    ]
    return "\n".join(lines)


def make_section(rows: Sequence[Guess]) -> str:
    """The section on heads for make and model."""
    lines = [
        "## Trained head for make and model, real photos",
        "",
        "Photos of classes 1 to 98 of Stanford Cars, 224x224; SqueezeNet's vectors of one half of "
        "each class train the head, the other half is what is shown; copies of a photo (a cosine "
        f"above {SAME_CAR:.2f}) are in one half. A model is what the class name says without body "
        "type and year.",
        "",
        "| | values | photos | first answer right | chance | commonest | among the first five "
        "| chance | five commonest |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {row.what} | {row.values} | {row.photos} | {row.first:.3f} | {1 / row.values:.3f} "
            f"| {row.commonest:.3f} | {row.five:.3f} | {min(5 / row.values, 1):.3f} "
            f"| {row.five_commonest:.3f} |"
            for row in rows
        ),
        "",
    ]
    return "\n".join(lines)


def confusion(row: Row) -> list[str]:
    """A table of the answers for each color, with the share of right ones."""
    columns = [*row.values, UNTOLD] if row.counts[:, -1].any() else list(row.values)
    lines = [
        f"By {row.way}: the rows are what is true, the columns what was said; right is the share "
        "of the row.",
        "",
        f"| | {' | '.join(columns)} | right |",
        f"|---|{'---:|' * (len(columns) + 1)}",
    ]
    for at, value in enumerate(row.values):
        counts = row.counts[at]
        cells = " | ".join(str(count or "") for count in counts[: len(columns)])
        lines.append(f"| **{value}** | {cells} | {counts[at] / counts.sum():.2f} |")
    return [*lines, ""]
