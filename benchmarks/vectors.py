"""Stored vectors: float16 against float32, exact search against the index.

They lie in a real catalog, written a shard at a time as a run writes them, and are asked for
through `PublishedCars.nearest`: the times are those of a search, without embedding its question.
"""

import io
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.machine import SHARED, made_by
from catalog.index import NPROBES, REFINE_FACTOR, maintain_indexes
from catalog.published import EXACT_ROWS, PublishedCars
from catalog.schema import vector_field
from catalog.table import Catalog, open_catalog
from catalog.versions import PUBLISHED_TAG
from flows.settings import Settings
from labeling.publish.publish import publish

ROWS, SIZE, K = 100_000, 512, 10
QUERIES, EXACT_QUERIES, WARM = 300, 40, 5
SWEEP = ((20, 1), (20, 10), (40, 10))
TYPES = {"float16": pa.float16(), "float32": pa.float32()}
EXACT = "exact, as the catalog searches"
INDEXED = "by the index, as the catalog searches"
SPACE, MODEL = "semantic", "benchmark"
SHARD: int = Settings.model_fields["shard_size"].default
PHOTOS = SHARED / "cars_224"
EPSILON = 0.005  # a difference of recall below this is within the noise of 300 questions

Vectors = npt.NDArray[np.float32]
Ask = Callable[[npt.NDArray[np.float32]], list[str]]


@dataclass(frozen=True, slots=True)
class Data:
    """Unit vectors (n, size) to search in, and others (m, size) of the same kind to ask for."""

    name: str
    rows: Vectors
    queries: Vectors


@dataclass(frozen=True, slots=True)
class Row:
    """One way to search one table: recall@10 against exact float32, and milliseconds a query."""

    data: str
    stored: str
    megabytes: float
    way: str
    recall: float
    p50: float
    p99: float
    build_s: float | None = None
    partitions: int | None = None


def measure_all(
    rows: int, queries: int = QUERIES, photos: Path = PHOTOS, limit: int = EXACT_ROWS
) -> list[Row]:
    """Measure the synthetic mixture of `rows` vectors, and real ones where photos are there.

    Where there are more than `limit`, exact search is measured at that size too.
    """
    sets = [mixture(rows, queries)]
    if photos.is_dir():
        sets.append(embedded_photos(photos, queries))
    else:
        print("the folder of real photos is not there: only the mixture is measured")
    return [row for data in sets for stored in TYPES for row in measure(data, stored, limit)]


def mixture(rows: int, queries: int, size: int = SIZE, seed: int = 7) -> Data:
    """Unit vectors around rows/50 centers, as photos of the same car lie around each other.

    The offsets are as long as the centers, so that the clouds overlap, and both have a spectrum
    that falls slowly, as i ** -0.25: harder than real photos, which differ in fewer directions.
    """
    draw = np.random.default_rng(seed)
    spectrum = np.arange(1, size + 1) ** -0.25
    centers = draw.standard_normal((max(rows // 50, 2), size)) * spectrum
    which = draw.integers(len(centers), size=rows + queries)
    points = centers[which] + spectrum * draw.standard_normal((rows + queries, size))
    unit = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    return Data("mixture", unit[:rows], unit[rows:])


def embedded_photos(folder: Path, queries: int) -> Data:
    """Real photos below a folder as marque-tiny's vectors; every n-th of them asks."""
    from embeddings.clip import load_encoder
    from embeddings.engine import Job, embed_photos
    from embeddings.registry import TINY, ModelSpec

    jobs = (Job(str(path), path.read_bytes()) for path in sorted(folder.rglob("*.jpg")))
    batches = embed_photos(load_encoder(ModelSpec(TINY)), jobs)
    vectors = np.concatenate([batch.outputs for batch in batches if batch.image_ids])
    asks = np.zeros(len(vectors), bool)
    asks[:: max(len(vectors) // queries, 1)] = True
    return Data("real photos, marque-tiny", vectors[~asks], vectors[asks])


def measure(data: Data, stored: str, limit: int = EXACT_ROWS) -> Iterator[Row]:
    """Fill a catalog with the vectors as `stored`; yields its rows, exact ones first."""
    total = len(data.rows)
    print(f"{data.name}, {total:,} vectors as {stored}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        catalog = _open(place, data.rows.shape[1], stored)
        if limit < total:
            _add(catalog, data.rows[:limit], 0, stored)
            yield _exact(catalog, Data(data.name, data.rows[:limit], data.queries), stored)
        _add(catalog, data.rows, catalog.count("cars"), stored)
        yield _exact(catalog, data, stored)
        yield from _indexed(catalog, data, stored)


def _open(place: str, size: int, stored: str) -> Catalog:
    # What `open_space` adds, which knows no other type than the one decided for.
    catalog = open_catalog(place)
    field = vector_field(SPACE, size, json.dumps({"version": MODEL}).encode())
    made = pa.field(f"{SPACE}_version", pa.string())
    typed = field.with_type(pa.list_(TYPES[stored], size))
    catalog.table("cars").add_columns(pa.schema([typed, made]))
    return catalog


def _add(catalog: Catalog, vectors: Vectors, start: int, stored: str) -> None:
    """Write vectors[start:], a commit a shard, and publish. No label or thumbnail is written:
    a search for neighbors reads none."""
    for first in range(start, len(vectors), SHARD):
        part = vectors[first : first + SHARD]
        ids = [f"{first + at:064x}" for at in range(len(part))]
        flat = pa.array(part.ravel().astype(stored), TYPES[stored])
        columns = {
            "image_id": ids,
            "source": ["benchmark"] * len(ids),
            "source_id": ids,
            "evidence": pa.array([0] * len(ids), pa.int64()),  # no photo is seen anywhere
            "labelled_with": [catalog.vocabulary.version] * len(ids),
            SPACE: pa.FixedSizeListArray.from_arrays(flat, part.shape[1]),
            f"{SPACE}_version": [MODEL] * len(ids),
        }
        catalog.insert("cars", pa.table(columns))
    publish(catalog, SPACE, max_loss=1)  # its photos have no bytes


def _exact(catalog: Catalog, data: Data, stored: str) -> Row:
    cars = PublishedCars(catalog, exact_rows=len(data.rows))
    few = data.queries[:EXACT_QUERIES]
    figures = _figures(few, _truth(data.rows, few), partial(_nearest, cars))
    return Row(_name(data), stored, _megabytes(catalog), EXACT, *figures)


def _indexed(catalog: Catalog, data: Data, stored: str) -> Iterator[Row]:
    megabytes, truth = _megabytes(catalog), _truth(data.rows, data.queries)
    began = time.perf_counter()
    maintain_indexes(catalog, SPACE, index_from=0)
    build = time.perf_counter() - began
    publish(catalog, SPACE, max_loss=1)  # its photos have no bytes
    table = catalog.table("cars")
    table.checkout(PUBLISHED_TAG)
    ways: dict[str, Ask] = {INDEXED: partial(_nearest, PublishedCars(catalog, exact_rows=0))}
    for probes, refine in SWEEP:
        ways[f"nprobes {probes}, refine {refine}"] = partial(_probe, table, probes, refine)
    for way, ask in ways.items():
        figures = _figures(data.queries, truth, ask)
        yield Row(_name(data), stored, megabytes, way, *figures, build, _partitions(table))


def _nearest(cars: PublishedCars, vector: npt.NDArray[np.float32]) -> list[str]:
    return [key for key, _ in cars.nearest(SPACE, vector, K)]


def _probe(table: Any, probes: int, refine: int, vector: npt.NDArray[np.float32]) -> list[str]:
    query = table.search(vector, vector_column_name=SPACE).distance_type("cosine")
    query = query.nprobes(probes).refine_factor(refine).limit(K)
    found = query.select(["image_id", "_distance"]).to_arrow()
    ids: list[str] = found.column("image_id").to_pylist()
    return ids


def _figures(
    queries: Vectors, truth: npt.NDArray[np.int64], ask: Ask
) -> tuple[float, float, float]:
    found, took = [], []
    for vector in [*queries[:WARM], *queries]:
        began = time.perf_counter()
        ids = ask(vector)
        took.append(1000 * (time.perf_counter() - began))
        found.append({int(key, 16) for key in ids})
    asked = slice(-len(queries), None)
    hits = [len(a & set(b)) / K for a, b in zip(found[asked], truth.tolist(), strict=True)]
    p50, p99 = np.percentile(took[asked], [50, 99])
    return float(np.mean(hits)), float(p50), float(p99)


def _truth(rows: Vectors, queries: Vectors) -> npt.NDArray[np.int64]:
    return np.argsort(-(queries @ rows.T), axis=1, kind="stable")[:, :K]


def _partitions(table: Any) -> int:
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")  # or it warns of a change
    (name,) = (index.name for index in table.list_indices() if SPACE in index.columns)
    (part,) = table.to_lance().stats.index_stats(name)["indices"]
    return int(part["num_partitions"])


def _megabytes(catalog: Catalog) -> float:
    files = (Path(catalog.uri) / "cars.lance" / "data").iterdir()
    return sum(each.stat().st_size for each in files) / 1e6


def _name(data: Data) -> str:
    return f"{data.name}, {len(data.rows):,}"


def page() -> str:
    """Measure at the full size: the page docs/benchmarks/vectors.md."""
    return page_of(measure_all(ROWS))


def page_of(rows: Sequence[Row]) -> str:
    """Facts of the machine, the decision, and every row."""
    out = io.StringIO()
    out.write(
        "# Stored vectors: float16 or float32, exact or indexed\n\n"
        f"{made_by('vectors', 'lancedb', 'pyarrow', 'numpy')} The mixture is "
        f"{SIZE}-dimensional and synthetic (`benchmarks/vectors.py` says how it is drawn). Every "
        f"vector lies in a catalog, written {SHARD} at a time as a run writes them. Recall is "
        f"that of the {K} nearest against exact float32 in NumPy; times are milliseconds a query "
        "in one process, after the first few and without embedding the question; megabytes are "
        "those of the rows on disk, without labels, thumbnails and indexes; the time to build is "
        "that of all indexes of the catalog.\n\n"
        "Rows *as the catalog searches* are what a search gets; those with `nprobes` ask the "
        f"same index through LanceDB. The catalog looks into {NPROBES} partitions and compares "
        f"{REFINE_FACTOR} times as many candidates as it returns again with the stored vectors. "
        "Probes at or above the number of partitions scan every code, so recall there is the "
        "quantiser's, not the probing's.\n\n"
        f"{decision(rows)}\n\n"
        "| vectors | stored as | MB | search | recall@10 | p50 ms | p99 ms | built in s "
        "| partitions |\n"
        "|---|---|---:|---|---:|---:|---:|---:|---:|\n"
    )
    for row in rows:
        build = "" if row.build_s is None else f"{row.build_s:.1f}"
        out.write(
            f"| {row.data} | {row.stored} | {row.megabytes:.1f} | {row.way} | {row.recall:.4f} "
            f"| {row.p50:.1f} | {row.p99:.1f} | {build} | {row.partitions or ''} |\n"
        )
    return out.getvalue()


def decision(rows: Sequence[Row]) -> str:
    """The conclusions: which type to store, and the recall and speed of the catalog's settings."""
    # By the ways in which the catalog searches; the sweep shows what other settings would give.
    ours = [row for row in rows if row.way in (EXACT, INDEXED)]
    pairs = [(a, _other(ours, a)) for a in ours if a.stored == "float16"]
    worst = max(b.recall - a.recall for a, b in pairs)
    share = np.mean([a.megabytes / b.megabytes for a, b in pairs])
    kept = "float16" if worst <= EPSILON else "float32"
    return (
        f"**Vectors are stored as {kept}.** float16 takes {share:.0%} of the size of float32, and "
        f"in the catalog's own searches its recall is at most {max(worst, 0):.4f} lower (up to "
        f"{EPSILON} is taken as noise).\n\n"
        f"A search that compares every vector, as the catalog does up to "
        f"{EXACT_ROWS:,} photos, reaches {_reached(rows, EXACT)}.\n\nA search by the index, as it "
        f"does above that, reaches {_reached(rows, INDEXED)}."
    )


def _reached(rows: Sequence[Row], way: str) -> str:
    return ", ".join(
        f"{row.recall:.4f} at {row.p50:.1f} ms ({row.data}, {row.stored})"
        for row in rows
        if row.way == way
    )


def _other(rows: Sequence[Row], row: Row) -> Row:
    same = (row.data, row.way, "float32")
    return next(each for each in rows if (each.data, each.way, each.stored) == same)
