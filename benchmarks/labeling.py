"""Labelling at scale: photos a second of each labeler, and 100,000 rows labelled anew.

The vectors are real ones of rendered scenes, by marque-tiny, each many times under a little noise:
what is measured does not depend on what they show.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.cars import Vectors, append_cars, open_space
from catalog.index import maintain_indexes
from catalog.labelers import load_labelers
from catalog.pending import stale_cars, unasked_images, unlabelled_sightings
from catalog.published import PublishedCars
from catalog.table import Catalog, open_catalog
from catalog.versions import publish
from crawlers.scenes import render
from embeddings.clip import ClipEncoder, load_encoder
from embeddings.registry import SPACE, TINY, ModelSpec
from labeling.label import current_labels, label_sightings
from labeling.networks import ask_photos, label_vectors, load_panel
from labeling.prepare import Labels, prepare_zero_shot
from labeling.refresh import refresh_labels
from labeling.truth import known_views, load_vectors

PHOTOS = 100_000
SCENES = 1_000
WANTED_RATE = 5_000
_SHARD = 2048
_REFRESH = 16_384
_SEED = 70_000
_QUESTIONS = 20


@dataclass(slots=True)
class Rows:
    """What was measured: seconds by step, and the rest as numbers."""

    photos: int
    rate: float = 0.0
    rate_read: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    written: dict[str, float] = field(default_factory=dict)
    statements: int = 0
    outside: int = 0
    same: int = 0


def measure(photos: int = PHOTOS, scenes: int = SCENES) -> Rows:
    """Make a catalogue of so many photos, label it, and label it anew with another version."""
    encoder = load_encoder(ModelSpec(TINY), "cpu")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "catalog"
        catalog = open_catalog(place)
        _fill(catalog, encoder, photos, scenes)
        rows = Rows(photos)
        _label(catalog, encoder, 0.9)
        maintain_indexes(catalog, SPACE, index_from=min(photos, 50_000))
        publish(catalog)
        rows.rate, rows.rate_read = _rates(catalog, encoder)
        before, sizes = _answers(catalog, encoder), _bytes(place)
        files = _vector_files(place)
        rows.seconds, rows.statements = _label(catalog, encoder, 0.95)
        now = _bytes(place)
        rows.written = {name: (now[name] - sizes.get(name, 0)) / 1e6 for name in now}
        table = catalog.table("cars")
        rows.outside = int(table.index_stats(f"{SPACE}_idx").num_unindexed_rows)
        began = time.perf_counter()
        maintain_indexes(catalog, SPACE, index_from=min(photos, 50_000))
        publish(catalog)
        rows.seconds["indexes of labels, checks, publishing"] = time.perf_counter() - began
        rows.same = sum(a == b for a, b in zip(before, _answers(catalog, encoder), strict=True))
        assert files <= _vector_files(place)
    return rows


def _fill(catalog: Catalog, encoder: ClipEncoder, photos: int, scenes: int) -> None:
    print(f"making a catalogue of {photos:,} photos", flush=True)
    found = [render(_SEED + number) for number in range(scenes)]
    pictures = [encoder.preparation.fit(scene.image) for scene in found]
    vectors = np.concatenate(
        [encoder.encode_images(np.stack(pictures[at : at + 64])) for at in range(0, scenes, 64)]
    )
    draw = np.random.default_rng(0)
    record = encoder.record
    open_space(catalog, SPACE, record.size, record.to_json())
    for start in range(0, photos, _SHARD):
        numbers = range(start, min(start + _SHARD, photos))
        keys = [f"{number * 2654435761 % 2**32:08x}{number:056x}" for number in numbers]
        words = [_words(found[number % scenes].labels) for number in numbers]
        catalog.insert("images", _images(keys))
        catalog.insert("sightings", _sightings(keys, words))
        label_sightings(catalog, unlabelled_sightings(catalog), run_id="r")
        some = vectors[[number % scenes for number in numbers]]
        some = some + draw.normal(0, 0.003, some.shape)
        units = (some / np.linalg.norm(some, axis=1, keepdims=True)).astype(np.float32)
        append_cars(
            catalog,
            Vectors(SPACE, record.version, keys, units),
            partial(current_labels, catalog),
        )


def _words(labels: object) -> str:
    color = getattr(labels, "color", None)
    return "{}" if color is None else f'{{"color": "{color}"}}'


def _images(keys: Sequence[str]) -> pa.Table:
    rows = [
        {"image_id": key, "content": b"", "width": 240, "height": 200, "thumbnail": b"x" * 4000}
        for key in keys
    ]
    from catalog.schema import table_specs
    from catalog.vocabulary import load_vocabulary

    schema = table_specs(load_vocabulary())["images"].schema
    return pa.Table.from_pylist(rows, schema)


def _sightings(keys: Sequence[str], words: Sequence[str]) -> pa.Table:
    from catalog.schema import sighting_id, table_specs
    from catalog.vocabulary import load_vocabulary

    now = datetime.now(UTC)
    rows = [
        {
            "sighting_id": sighting_id("scenes", key),
            "source": "scenes",
            "source_id": key,
            "image_id": key,
            "words": said,
            "revision": 1,
            "fetched_at": now,
        }
        for key, said in zip(keys, words, strict=True)
    ]
    return pa.Table.from_pylist(rows, table_specs(load_vocabulary())["sightings"].schema)


def _label(
    catalog: Catalog, encoder: ClipEncoder, precision: float
) -> tuple[dict[str, float], int]:
    """Label everything with a new version, as the flow `label` does; seconds by step."""
    seconds = {}
    before = catalog.count("assertions")
    record = encoder.record
    began = time.perf_counter()
    prepare_zero_shot(
        catalog, record, lambda: encoder, Labels(precision, False), run_id="r", again=True
    )
    seconds["calibrating"] = time.perf_counter() - began
    began = time.perf_counter()
    waiting = unasked_images(catalog, SPACE, load_labelers(catalog))
    for start in range(0, len(waiting), _SHARD):
        ids, vectors = load_vectors(catalog, SPACE, waiting[start : start + _SHARD])
        panel = load_panel(catalog, record.version)
        ask_photos(catalog, panel, ids, vectors, known_views(catalog, ids), run_id="r")
    seconds["asking and storing"] = time.perf_counter() - began
    began = time.perf_counter()
    stale = stale_cars(catalog)
    for start in range(0, len(stale), _REFRESH):
        refresh_labels(catalog, stale[start : start + _REFRESH])
    seconds["writing the labels into rows"] = time.perf_counter() - began
    print(f"labelled {len(waiting):,}, refreshed {len(stale):,}: {seconds}", flush=True)
    return seconds, catalog.count("assertions") - before


def _rates(catalog: Catalog, encoder: ClipEncoder) -> tuple[float, float]:
    """Photos a second of zero-shot over stored vectors: from vectors in memory, and read first."""
    ids = catalog.column("cars", "image_id").to_pylist()[: 10 * _SHARD]
    panel = load_panel(catalog, encoder.record.version)
    reading = asking = 0.0
    for start in range(0, len(ids), _SHARD):
        began = time.perf_counter()
        some, vectors = load_vectors(catalog, SPACE, ids[start : start + _SHARD])
        read = time.perf_counter()
        label_vectors(panel, some, vectors, {}, catalog.vocabulary, datetime.now(UTC))
        asking += time.perf_counter() - read
        reading += read - began
    return len(ids) / asking, len(ids) / (asking + reading)


def _answers(catalog: Catalog, encoder: ClipEncoder) -> list[list[tuple[str, float]]]:
    cars = PublishedCars(catalog, exact_rows=0)
    draw = np.random.default_rng(1)
    questions: npt.NDArray[np.float32] = cars.sample(SPACE, _QUESTIONS)
    questions = (questions + draw.normal(0, 0.02, questions.shape)).astype(np.float32)
    return [cars.nearest(SPACE, each, 10) for each in questions]


def _bytes(place: Path) -> dict[str, int]:
    return {
        folder.name.removesuffix(".lance"): sum(
            file.stat().st_size for file in folder.rglob("*") if file.is_file()
        )
        for folder in place.glob("*.lance")
    }


def _vector_files(place: Path) -> set[Path]:
    return {file for file in (place / "cars.lance" / "data").glob("*") if file.stat().st_size > 2e6}
