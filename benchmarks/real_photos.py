"""Real photos whose labels people gave, as arrays: what the benchmark `labels` measures on."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from benchmarks import squeezenet
from crawlers.imports.stanford.classes import words_of
from embeddings.clip import load_encoder
from embeddings.engine import Job, embed_photos
from embeddings.registry import TINY, ModelSpec
from labeling.color import oklab

Array = npt.NDArray[np.float32]
Rows = npt.NDArray[np.intp]

SAME_COLOR, SAME_CAR = 0.90, 0.92
"""From this cosine of SqueezeNet's vectors on, of a photo or of its mirror image, two photos are
taken for one. The bounds are low: mirrored or cropped copies and one car from two sides are found
down to 0.91, among other cars. Below 0.92 hundreds of photos of Stanford Cars would be one group,
and halves would no longer be alike."""

_HALVED = (
    0.93  # the same, without mirrors, when the half was drawn that the swatches were fitted on
)
_CENTER = 0.6  # standard deviation of the weight of a pixel, in half sides


@dataclass(frozen=True, slots=True, eq=False)
class Photos:
    """n photos: their files, what each shows, SqueezeNet's unit vectors (n, 512), and the number
    of the photo's group (n,): copies of a photo share one, and are never on both sides of a fold.
    """

    paths: tuple[Path, ...]
    labels: tuple[str, ...]
    vectors: Array
    groups: Rows

    def folds(self, count: int) -> Iterator[tuple[Rows, Rows]]:
        """The photos split in `count` parts with the same shares of each label: of each part the
        rows of all others and its own."""
        return iter(_splitter(count).split(self.vectors, self.labels, self.groups))

    def unfitted(self) -> Rows:
        """The photos of the half that the swatches were not fitted on, without copies of those of
        the other half; as far as these are all photos of the folder."""
        fitted, rest = next(_splitter(2).split(self.vectors, self.labels, _halved(self.vectors)))
        return np.asarray(rest[~np.isin(self.groups[rest], self.groups[fitted])])


def _splitter(count: int) -> StratifiedGroupKFold:
    return StratifiedGroupKFold(count, shuffle=True, random_state=0)


def _halved(vectors: Array) -> Rows:
    _, groups = connected_components(vectors @ vectors.T > _HALVED, directed=False)
    return np.asarray(groups, np.intp)


def load_colors(folder: Path, each: int | None = None) -> Photos:
    """The photos in the folders named by their colors, `each` of every color."""
    paths = [path for place in sorted(folder.iterdir()) for path in sorted(place.iterdir())[:each]]
    return _photos(paths, [path.parent.name for path in paths], SAME_COLOR)


def load_classes(folder: Path, classes: int | None = None) -> Photos:
    """Photos of Stanford Cars with their class names, of the first `classes` of them."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["class_id"]) <= (classes or 196)]
    paths = [folder / row["path"] for row in rows]
    return _photos(paths, [row["class_name"] for row in rows], SAME_CAR)


def make_of(class_name: str) -> str:
    """The make that a class of Stanford Cars names."""
    return words_of(class_name)["make"]


def model_of(class_name: str) -> str:
    """Make and model that a class of Stanford Cars names, without body type and year."""
    words = words_of(class_name)
    return f"{words['make']} {words.get('model', '')}".strip()


def _photos(paths: Sequence[Path], labels: Sequence[str], same: float) -> Photos:
    vectors, mirrored = squeezenet.embed(paths), squeezenet.embed(paths, mirrored=True)
    alike = (vectors @ vectors.T > same) | (vectors @ mirrored.T > same)
    _, groups = connected_components(alike, directed=False)
    return Photos(tuple(paths), tuple(labels), vectors, groups.astype(np.intp))


def pixels(path: Path) -> npt.NDArray[np.uint8]:
    """A photo (height, width, 3) in sRGB."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def histograms(paths: Sequence[Path]) -> Array:
    """Unit vectors (n, 490) of the colors of photos: how much of each of 5 x 7 x 7 parts of Oklab
    a photo has, and how much its center has, in square roots."""
    return unit(np.stack([_histogram(pixels(path)[::2, ::2]) for path in paths]))


def _histogram(photo: npt.NDArray[np.uint8]) -> Array:
    parts = np.array([5, 7, 7])
    scaled = (oklab(photo) * [1, 1 / 0.52, 1 / 0.52] + [0, 0.5, 0.5]).reshape(-1, 3)
    at = np.ravel_multi_index(tuple(np.clip(scaled * parts, 0, parts - 1).astype(int).T), (5, 7, 7))
    down, across = (np.linspace(-1, 1, side) ** 2 for side in photo.shape[:2])
    center = np.exp((down[:, None] + across) / (-2 * _CENTER**2)).ravel()
    both = [np.bincount(at, each, parts.prod()) for each in (center, np.ones(len(at)))]
    return np.concatenate([np.sqrt(each / each.sum()) for each in both]).astype(np.float32)


def tiny_vectors(paths: Sequence[Path]) -> Array:
    """The unit vectors (n, 512) that marque-tiny gives, by the engine that embeds photos."""
    jobs = (Job(str(number), path.read_bytes()) for number, path in enumerate(paths))
    found: dict[int, Any] = {}
    for batch in embed_photos(load_encoder(ModelSpec(TINY), "cpu"), jobs):
        found |= zip(map(int, batch.image_ids), batch.outputs, strict=True)
    return np.array([found[number] for number in range(len(paths))], np.float32)


def unit(vectors: Array) -> Array:
    """Vectors (n, size) at length one."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


def joined(*parts: Array) -> Array:
    """Unit vectors of several kinds as one unit vector a photo, each kind as heavy as another."""
    return unit(np.concatenate([unit(part) for part in parts], axis=1))
