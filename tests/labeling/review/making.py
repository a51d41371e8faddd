"""A catalog of small photos, and what sources, networks and people say of them."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from catalog.car_columns import open_space
from catalog.register import register
from catalog.table import Catalog
from core.assertions import Assertion
from core.photos.decode import image_id
from core.records import Photo, Sighting
from labeling.label import current_labels, label_sightings, store_assertions
from labeling.labelers import Calibration, Labeler, LabelerThreshold, use_labeler
from labeling.pending import stale_cars, unlabeled_sightings
from labeling.publish.cars import Vectors, append_cars, refresh_cars

START = datetime(2026, 11, 1, tzinfo=UTC)
RECORD = b'{"model": "some-model", "version": "some-model@1", "size": 8}'


def content(seed: int, size: tuple[int, int] = (96, 64)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (seed % 256, seed // 256, 7)).save(out, "PNG")
    return out.getvalue()


def key_of(seed: int) -> str:
    return image_id(content(seed))


def said(
    key: str,
    attribute: str,
    *values: str,
    by: str = "ann",
    origin: str = "human",
    sure: float | None = None,
    one_of: bool = False,
    at: int = 0,
    version: str = "",
) -> Assertion:
    """One statement, of ann unless told otherwise, `at` minutes after the start."""
    when = START + timedelta(minutes=at)
    return Assertion(key, attribute, values, one_of, sure, origin, by, version, "", when)  # type: ignore[arg-type]


def network(
    name: str, thresholds: Mapping[str, float | None], *, is_tryout: bool = False
) -> Labeler:
    calibration = {each: Calibration(1.0, least) for each, least in thresholds.items()}
    return Labeler(name, "1", "some-model@1", is_tryout, calibration)


def rule(
    attribute: str, least: float | None, by: str = "net", *, is_tryout: bool = False
) -> LabelerThreshold:
    return LabelerThreshold(attribute, by, "1", least, is_tryout)


@dataclass
class Shop:
    """A catalog, filled step by step."""

    catalog: Catalog

    def see(self, seed: int, page: str | None = None, place: str = "", **words: str) -> str:
        """Register photo `seed` with these words of its source; its id."""
        sighting = Sighting("shop", place or f"photo {seed}", words, page_url=page)
        register(self.catalog, [Photo(sighting, content(seed))], run_id="r")
        return key_of(seed)

    def see_all(self, words: Sequence[dict[str, str]]) -> list[str]:
        """Register photos 0, 1, ... with these words at once; their ids."""
        photos = [
            Photo(Sighting("shop", f"photo {seed}", said), content(seed))
            for seed, said in enumerate(words)
        ]
        register(self.catalog, photos, run_id="r")
        return [key_of(seed) for seed in range(len(words))]

    def label(self) -> None:
        label_sightings(self.catalog, unlabeled_sightings(self.catalog), run_id="r")

    def say(self, *statements: Assertion) -> None:
        store_assertions(self.catalog, statements, run_id="r")

    def guess(self, key: str, attribute: str, *values: str, sure: float, by: str = "net") -> None:
        self.say(said(key, attribute, *values, by=by, origin="model", sure=sure, version="1"))

    def use(self, labeler: Labeler) -> None:
        use_labeler(self.catalog, labeler, run_id="r")

    def embed(self, keys: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Put photos into `cars` with vectors (n, 8)."""
        open_space(self.catalog, "semantic", 8, RECORD)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        given = Vectors("semantic", "some-model@1", keys, (vectors / lengths).astype(np.float32))
        append_cars(self.catalog, given)

    def refresh(self) -> None:
        refresh_cars(self.catalog, stale_cars(self.catalog))

    def label_of(self, key: str, attribute: str) -> tuple[str, ...] | None:
        label = current_labels(self.catalog, [key])[key].get(attribute)
        return label and label.values


def write(path: Path, *lines: str, end: str = "\n", encoding: str = "utf-8") -> Path:
    """A file of these lines."""
    path.write_bytes("".join(line + end for line in lines).encode(encoding))
    return path
