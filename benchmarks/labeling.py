"""Labeling at scale: photos a second of each labeler, and 100,000 rows relabeled.

The vectors are real ones of rendered scenes, by marque-tiny, each many times under a little noise:
what is measured does not depend on what they show.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from benchmarks.machine import made_by
from benchmarks.photos import SIZE
from benchmarks.segmenting import Segmenting, measure_segmenting
from catalog.car_columns import open_space
from catalog.index import maintain_indexes
from catalog.published import PublishedCars
from catalog.register import register
from catalog.schema import sighting_id
from catalog.table import Catalog, open_catalog
from core.records import Photo, Sighting
from core.vocabulary import load_vocabulary
from embeddings.clip import ClipEncoder, load_encoder
from embeddings.engine import Engine
from embeddings.registry import SPACE, TINY, ModelSpec
from embeddings.tuning import RunConfig, usable_cores
from labeling import masks
from labeling.label import label_sightings
from labeling.labelers import load_labelers
from labeling.networks import ask_photos, label_vectors, load_vector_labelers
from labeling.pending import stale_cars, unasked_images, unlabeled_sightings
from labeling.pictures import ColorModel, PixelLabeler, Surroundings, load_masked_photos
from labeling.prepare import LabelPolicy, prepare_zero_shot
from labeling.publish.cars import Vectors, append_cars, refresh_cars
from labeling.publish.publish import publish
from labeling.segment import load_segmenter, segment_photos
from labeling.segmenters import DEFAULT_SEGMENTER
from labeling.truth import known_views, load_vectors
from labeling.zero_shot import make_classifiers
from synthetic.scenes import SceneLabels as Shown
from synthetic.scenes import render
from synthetic.scenes.write import jpeg_bytes

PHOTOS = 100_000
SCENES = 1_000
PICTURES = 512
WANTED_RATE, WANTED_RATIO = 5_000, 0.9
_SHARD = 2048
_REFRESH = 16_384
_SEED = 70_000
_QUESTIONS = 20


@dataclass(slots=True)
class Rows:
    """The measurements on `photos` photos: rates a second, seconds by step, MB written by table,
    statements added, rows outside the vector index, and searches that answer as before."""

    photos: int
    rate: float = 0.0
    rate_read: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)
    written: dict[str, float] = field(default_factory=dict)
    statements: int = 0
    outside: int = 0
    same: int = 0


def measure(photos: int = PHOTOS, scenes: int = SCENES) -> Rows:
    """Make a catalog of `photos` photos, label it, and relabel it with another version."""
    encoder = load_encoder(ModelSpec(TINY), "cpu")
    with tempfile.TemporaryDirectory() as name:
        place = Path(name) / "catalog"
        catalog = open_catalog(place)
        _fill(catalog, encoder, photos, scenes)
        rows = Rows(photos)
        _label(catalog, encoder, 0.9)
        maintain_indexes(catalog, SPACE, index_from=0)
        publish(catalog)
        rows.rate, rows.rate_read = _rates(catalog, encoder)
        before, sizes = _answers(catalog), _bytes(place)
        files = _vector_files(place)
        rows.seconds, rows.statements = _label(catalog, encoder, 0.95)
        now = _bytes(place)
        rows.written = {name: (now[name] - sizes.get(name, 0)) / 1e6 for name in now}
        table = catalog.table("cars")
        rows.outside = int(table.index_stats(f"{SPACE}_idx").num_unindexed_rows)
        began = time.perf_counter()
        maintain_indexes(catalog, SPACE, index_from=0)
        publish(catalog)
        rows.seconds["indexes of labels, checks, publishing"] = time.perf_counter() - began
        rows.same = sum(a == b for a, b in zip(before, _answers(catalog), strict=True))
        assert files <= _vector_files(place), "files with vectors are gone"
    return rows


def _fill(catalog: Catalog, encoder: ClipEncoder, photos: int, scenes: int) -> None:
    print(f"making a catalog of {photos:,} photos", flush=True)
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
        catalog.insert("images", _images(catalog, keys))
        catalog.insert("sightings", _sightings(catalog, keys, words))
        label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
        some = vectors[[number % scenes for number in numbers]]
        some = some + draw.normal(0, 0.003, some.shape)
        units = (some / np.linalg.norm(some, axis=1, keepdims=True)).astype(np.float32)
        append_cars(catalog, Vectors(SPACE, record.version, keys, units))


def _words(labels: Shown) -> str:
    return "{}" if labels.color is None else f'{{"color": "{labels.color}"}}'


def _images(catalog: Catalog, keys: Sequence[str]) -> pa.Table:
    rows = [
        {"image_id": key, "content": b"", "width": 240, "height": 200, "thumbnail": b"x" * 4000}
        for key in keys
    ]
    return pa.Table.from_pylist(rows, catalog.specs["images"].schema)


def _sightings(catalog: Catalog, keys: Sequence[str], words: Sequence[str]) -> pa.Table:
    rows = [
        {
            "sighting_id": sighting_id("scenes", key),
            "source": "scenes",
            "source_id": key,
            "image_id": key,
            "words": said,
            "revision": 1,
            "fetched_at": datetime.now(UTC),
        }
        for key, said in zip(keys, words, strict=True)
    ]
    return pa.Table.from_pylist(rows, catalog.specs["sightings"].schema)


def _label(
    catalog: Catalog, encoder: ClipEncoder, precision: float
) -> tuple[dict[str, float], int]:
    """Label everything with a new version, as the flow `label` does; seconds by step."""
    seconds = {}
    before = catalog.count("assertions")
    record = encoder.record
    began = time.perf_counter()
    prepare_zero_shot(
        catalog, record, lambda: encoder, LabelPolicy(precision, False), run_id="r", again=True
    )
    seconds["calibrating"] = time.perf_counter() - began
    began = time.perf_counter()
    waiting = unasked_images(catalog, SPACE, load_labelers(catalog))
    for start in range(0, len(waiting), _SHARD):
        ids, vectors = load_vectors(catalog, SPACE, waiting[start : start + _SHARD])
        vector_labelers = load_vector_labelers(catalog, record.version)
        ask_photos(catalog, vector_labelers, ids, vectors, known_views(catalog, ids), run_id="r")
    seconds["asking and storing"] = time.perf_counter() - began
    began = time.perf_counter()
    stale = stale_cars(catalog)
    for start in range(0, len(stale), _REFRESH):
        refresh_cars(catalog, stale[start : start + _REFRESH])
    seconds["writing the labels into rows"] = time.perf_counter() - began
    print(f"labeled {len(waiting):,}, refreshed {len(stale):,}: {seconds}", flush=True)
    return seconds, catalog.count("assertions") - before


def _rates(catalog: Catalog, encoder: ClipEncoder) -> tuple[float, float]:
    """Photos a second of zero-shot over stored vectors: from vectors in memory, and read first."""
    ids = catalog.column("cars", "image_id").to_pylist()[: 10 * _SHARD]
    vector_labelers = load_vector_labelers(catalog, encoder.record.version)
    reading = asking = 0.0
    for start in range(0, len(ids), _SHARD):
        began = time.perf_counter()
        some, vectors = load_vectors(catalog, SPACE, ids[start : start + _SHARD])
        read = time.perf_counter()
        label_vectors(vector_labelers, some, vectors, {}, catalog.vocabulary, datetime.now(UTC))
        asking += time.perf_counter() - read
        reading += read - began
    return len(ids) / asking, len(ids) / (asking + reading)


def _answers(catalog: Catalog) -> list[list[tuple[str, float]]]:
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


def measure_pictures(photos: int = PICTURES) -> dict[str, float]:
    """Photos a second of the labelers that look at pictures, from stored bytes and segments, on
    scenes of the default size; and of the small network that makes the segments."""
    encoder = load_encoder(ModelSpec(TINY), "cpu")
    segmenter = load_segmenter(masks.MASK_MODEL, None, "cpu", "fp32")
    vocabulary = load_vocabulary()
    with tempfile.TemporaryDirectory() as folder:
        catalog = open_catalog(Path(folder) / "catalog")
        records = [
            Photo(Sighting("scenes", str(at), {}), jpeg_bytes(render(_SEED + at)))
            for at in range(photos)
        ]
        register(catalog, records, run_id="r")
        ids = catalog.column("images", "image_id").to_pylist()
        rates = {}
        with closing(Engine(segmenter, RunConfig(threads=1))) as engine:
            began = time.perf_counter()
            segment_photos(catalog, segmenter, engine, ids, "r")
            rates[masks.MASK_MODEL] = len(ids) / (time.perf_counter() - began)
        members: list[PixelLabeler] = [
            ColorModel(vocabulary, segmenter.version, is_tryout=True),
            Surroundings(
                encoder,
                make_classifiers(encoder, vocabulary),
                (segmenter.version, encoder.record.version),
                is_tryout=True,
            ),
        ]
        for member in members:
            began = time.perf_counter()
            for start in range(0, len(ids), 256):
                member.look(
                    [seen for _, seen in load_masked_photos(catalog, ids[start : start + 256])]
                )
            rates[member.name] = len(ids) / (time.perf_counter() - began)
        return rates


def page() -> str:
    """Measure at the full size: the page docs/benchmarks/labeling.md."""
    torch.set_num_threads(1)
    pictures = measure_pictures()
    rows = measure()
    torch.set_num_threads(usable_cores())
    return page_of(rows, measure_segmenting(), pictures)


def page_of(rows: Rows, segmenting: Segmenting, pictures: Mapping[str, float]) -> str:
    """The page: what was measured, the tables, and whether the wanted rates are reached."""
    ratio = segmenting.stage / segmenting.bare
    rate = "reached" if rows.rate_read >= WANTED_RATE else "missed"
    stage = "reached" if ratio >= WANTED_RATIO else "missed"
    lines = [
        "# Labeling at scale",
        "",
        made_by("labeling", "lancedb", "torch", "torchvision"),
        "",
        "## Photos a second of each labeler",
        "",
        "Zero-shot reads vectors that are stored; no photo is decoded and nothing is embedded. The "
        "vectors are those of marque-tiny (512), the statements are made but not written. The "
        "others look at rendered scenes of the default size, from stored bytes, one thread.",
        "",
        "| labeler | photos/s |",
        "|---|---:|",
        f"| zero-shot, all attributes, vectors in memory | {rows.rate:,.0f} |",
        f"| zero-shot, vectors read from the catalog | {rows.rate_read:,.0f} |",
        *(f"| {name} | {speed:,.0f} |" for name, speed in pictures.items()),
        "",
        f"**Zero-shot on stored vectors: {rows.rate_read:,.0f} photos/s; {WANTED_RATE:,} were "
        f"wanted: {rate}.**",
        "",
        "## Segmentation",
        "",
        f"`segment_photos` over {segmenting.photos} JPEG photos of {SIZE[0]}x{SIZE[1]}, from "
        f"stored bytes to stored class maps, with {DEFAULT_SEGMENTER} (random weights) run as was "
        f"measured to be fastest here: {segmenting.config}. The bare network is its forward passes "
        "alone, over pictures that lie ready, in the same type, layout, threads and batches.",
        "",
        "| | photos/s |",
        "|---|---:|",
        f"| bare network | {segmenting.bare:.2f} |",
        f"| the stage | {segmenting.stage:.2f} |",
        "",
        f"**The stage reaches {ratio:.2f} of the bare network; {WANTED_RATIO} was wanted: "
        f"{stage}.**",
        "",
        *_anew(rows),
    ]
    return "\n".join(lines) + "\n"


def _anew(rows: Rows) -> list[str]:
    """The section on relabeling all photos."""
    return [
        f"## {rows.photos:,} photos relabeled",
        "",
        "All photos are labeled, indexed and published; then zero-shot gets another version and "
        "all are asked again, as `marque label` does after the vocabulary or the calibration has "
        "changed.",
        "",
        "| step | seconds |",
        "|---|---:|",
        *(f"| {name} | {seconds:.1f} |" for name, seconds in rows.seconds.items()),
        f"| all | {sum(rows.seconds.values()):.1f} |",
        "",
        "| table | MB written |",
        "|---|---:|",
        *(f"| {name} | {mb:.1f} |" for name, mb in rows.written.items() if mb >= 0.05),
        "",
        f"{rows.statements:,} statements were added, none was changed. Of the vector index "
        f"{rows.outside:,} rows are outside it afterwards, every file that held vectors is still "
        f"there, and {rows.same} of {_QUESTIONS} searches by the index gave the same ten photos at "
        "the same distances before and after.",
    ]
