"""Scenes seen by marque-tiny, and how they come into a catalog."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from catalog.car_columns import open_space
from catalog.register import register
from catalog.table import Catalog
from core.assertions import Assertion
from core.photos.decode import image_id
from core.records import RENDERED, Photo, Sighting
from embeddings.registry import SPACE, SpaceRecord
from labeling.label import label_sightings, store_assertions
from labeling.pending import stale_cars, unlabeled_sightings
from labeling.publish.cars import Vectors, append_cars, refresh_cars
from synthetic.scenes import SceneLabels, render
from synthetic.scenes.write import jpeg_bytes, label_row

if TYPE_CHECKING:
    from embeddings.clip import ClipEncoder

Words = Callable[[SceneLabels], dict[str, str]]
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@dataclass(frozen=True)
class Seen:
    """n photos with what is true of each, and their unit vectors (n, 512)."""

    contents: list[bytes]
    labels: list[SceneLabels]
    vectors: npt.NDArray[np.float32]

    @property
    def ids(self) -> list[str]:
        return [image_id(content) for content in self.contents]

    def take(self, count: int, start: int = 0) -> "Seen":
        some = slice(start, start + count)
        return Seen(self.contents[some], self.labels[some], self.vectors[some])


def see_scenes(encoder: "ClipEncoder", seeds: Iterable[int]) -> Seen:
    scenes = [render(seed) for seed in seeds]
    contents = [jpeg_bytes(scene) for scene in scenes]
    return Seen(contents, [scene.labels for scene in scenes], encoder.encode_pictures(contents))


def words_of(labels: SceneLabels) -> dict[str, str]:
    """All that is true of a scene, as a source says it; of what is no car from outside its view."""
    row = label_row("", labels)
    told = row if labels.view == "exterior" else {"view": row["view"]}
    return {name: word for name, word in told.items() if name != "path" and word}


def no_words(labels: SceneLabels) -> dict[str, str]:
    return {}


def add_scenes(
    catalog: Catalog,
    seen: Seen,
    record: SpaceRecord,
    words: Words = words_of,
    *,
    source: str = RENDERED,
) -> list[str]:
    """Take scenes through register, label and embed; their ids."""
    photos = [
        Photo(
            Sighting(source, key, words(labels), page_url=f"https://cars.example/car/{key[:3]}"),
            jpeg,
        )
        for key, labels, jpeg in zip(seen.ids, seen.labels, seen.contents, strict=True)
    ]
    register(catalog, photos, run_id="r")
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
    open_space(catalog, SPACE, record.size, record.to_json())
    vectors = Vectors(SPACE, record.version, seen.ids, seen.vectors)
    append_cars(catalog, vectors)
    return seen.ids


def refresh(catalog: Catalog) -> list[str]:
    """Bring `cars` up to date; the ids of the rows that were not."""
    stale = stale_cars(catalog)
    refresh_cars(catalog, stale)
    return stale


def decide_by_person(
    catalog: Catalog, image_ids: Sequence[str], attribute: str, values: Sequence[str]
) -> None:
    """Let a person give each photo its value, and `cars` show it."""
    said = [
        Assertion(key, attribute, (value,), False, None, "human", "ann", "", "", NOW)
        for key, value in zip(image_ids, values, strict=True)
    ]
    store_assertions(catalog, said, run_id="r")
    refresh(catalog)


def share_right(found: Sequence[Sequence[str]], truth: Sequence[Sequence[str] | None]) -> float:
    """Of the photos whose truth is known the share that is answered so."""
    known = [(set(a), set(b)) for a, b in zip(found, truth, strict=True) if b is not None]
    assert len(known) >= 30, "too few to tell"
    return sum(a == b for a, b in known) / len(known)


def truth_of(labels: SceneLabels, attribute: str) -> tuple[str, ...] | None:
    """What is true of a scene; None where the picture does not tell."""
    value = getattr(labels, attribute)
    if isinstance(value, tuple):
        return value if labels.view == "exterior" else None
    return None if value is None else (value,)
