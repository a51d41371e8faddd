"""Stored vectors: float16 against float32, exact search against the catalogue's index."""

import io
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import lancedb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.index import NPROBES, REFINE

ROWS, SIZE, K = 100_000, 512, 10
QUERIES, EXACT_QUERIES, WARM = 300, 40, 5
SWEEP = ((5, 10), (20, 1), (20, 10), (40, 5), (40, 10), (80, 10))
TYPES = {"float16": pa.float16(), "float32": pa.float32()}
PHOTOS = Path(__file__).parents[1].parent / "shared" / "data" / "cars_224"
EPSILON = 0.005  # a difference of recall below this is within the noise of 300 questions

Vectors = npt.NDArray[np.float32]


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


def measure_all(rows: int, queries: int = QUERIES, photos: Path = PHOTOS) -> list[Row]:
    """Measure the synthetic mixture of `rows` vectors, and real ones where photos are there."""
    sets = [mixture(rows, queries)]
    if photos.is_dir():
        sets.append(embedded_photos(photos, queries))
    else:
        print("the folder of real photos is not there: only the mixture is measured")
    return [row for data in sets for stored in TYPES for row in measure(data, stored)]


def mixture(rows: int, queries: int, size: int = SIZE, seed: int = 7) -> Data:
    """Unit vectors around rows/50 centres, as photos of the same car lie around each other.

    The offsets are as long as the centres, so that the clouds overlap, and both have a spectrum
    that falls slowly, as i ** -0.25: harder than real photos, which differ in fewer directions.
    """
    draw = np.random.default_rng(seed)
    spectrum = np.arange(1, size + 1) ** -0.25
    centres = draw.standard_normal((max(rows // 50, 2), size)) * spectrum
    which = draw.integers(len(centres), size=rows + queries)
    points = centres[which] + spectrum * draw.standard_normal((rows + queries, size))
    unit = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    return Data("mixture", unit[:rows], unit[rows:])


def embedded_photos(folder: Path, queries: int) -> Data:
    """Real photos below a folder as marque-tiny's vectors; every n-th of them asks."""
    from embeddings.clip import load_encoder
    from embeddings.engine import Job, embed_photos
    from embeddings.registry import TINY, ModelSpec

    jobs = (Job(str(path), path.read_bytes()) for path in sorted(folder.rglob("*.jpg")))
    batches = embed_photos(load_encoder(ModelSpec(TINY)), jobs)
    vectors = np.concatenate([batch.vectors for batch in batches if batch.image_ids])
    asks = np.zeros(len(vectors), bool)
    asks[:: max(len(vectors) // queries, 1)] = True
    return Data("real photos, marque-tiny", vectors[~asks], vectors[asks])


def measure(data: Data, stored: str) -> Iterator[Row]:
    """Store the vectors as `stored`, then search them exactly and by the index; yields rows."""
    truth = np.argsort(-(data.queries @ data.rows.T), axis=1, kind="stable")[:, :K]
    print(f"{data.name}, {len(data.rows):,} vectors as {stored}", flush=True)
    with tempfile.TemporaryDirectory() as place:
        table = _table(place, data.rows, stored)
        megabytes = _megabytes(Path(place))
        few = min(EXACT_QUERIES, len(data.queries))

        def row(way: str, ask: Callable[[Any], Any], count: int, *index: Any) -> Row:
            figures = _ask(table, data.queries[:count], truth[:count], ask)
            name = f"{data.name}, {len(data.rows):,}"
            return Row(name, stored, megabytes, way, *figures, *index)

        yield row("exact", lambda query: query.bypass_vector_index(), few)
        began = time.perf_counter()
        table.create_index(metric="cosine", vector_column_name="vector", index_type="IVF_RQ")
        build = time.perf_counter() - began
        parts = _partitions(table)
        for probes, refine in SWEEP:
            way = f"IVF_RQ, nprobes {probes}, refine {refine}"
            yield row(way, partial(_by_index, probes, refine), len(data.queries), build, parts)


def _partitions(table: Any) -> int:
    os.environ.setdefault("LANCE_INCLUDE_VECTOR_CENTROIDS", "false")  # or it warns of a change
    (index,) = table.list_indices()
    (part,) = table.to_lance().stats.index_stats(index.name)["indices"]
    return int(part["num_partitions"])


def _by_index(probes: int, refine: int, query: Any) -> Any:
    return query.nprobes(probes).refine_factor(refine)


def _table(place: str, vectors: Vectors, stored: str) -> Any:
    flat = pa.array(vectors.ravel().astype(stored), TYPES[stored])
    column = pa.FixedSizeListArray.from_arrays(flat, vectors.shape[1])
    content = pa.table({"id": pa.array(range(len(vectors)), pa.int32()), "vector": column})
    return lancedb.connect(place).create_table("vectors", content)


def _ask(
    table: Any, queries: Vectors, truth: npt.NDArray[np.int64], ask: Callable[[Any], Any]
) -> tuple[float, float, float]:
    found, took = [], []
    for vector in [*queries[:WARM], *queries]:
        began = time.perf_counter()
        query = table.search(vector, vector_column_name="vector").distance_type("cosine")
        answer = ask(query).limit(K).select(["id", "_distance"]).to_arrow()
        took.append(1000 * (time.perf_counter() - began))
        found.append(set(answer.column("id").to_pylist()))
    hits = [len(a & set(b)) / K for a, b in zip(found[WARM:], truth.tolist(), strict=True)]
    p50, p99 = np.percentile(took[-len(queries) :], [50, 99])
    return float(np.mean(hits)), float(p50), float(p99)


def _megabytes(place: Path) -> float:
    return sum(each.stat().st_size for each in place.rglob("*") if each.is_file()) / 1e6


def page(rows: Sequence[Row], command: str) -> str:
    """The page docs/vectors.md: facts of the machine, the decision, and every row."""
    out = io.StringIO()
    out.write(
        "# Stored vectors: float16 or float32, exact or indexed\n\n"
        f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d}: {_machine()}. The mixture is "
        f"{SIZE}-dimensional and synthetic (`benchmarks/vectors.py` says how it is drawn). Recall "
        f"is that of the {K} nearest against exact float32 in NumPy; times are milliseconds a "
        "query in one process, after the first few; megabytes are those of the vectors and ids on "
        f"disk, without the index. Probes beyond the number of partitions change nothing."
        f"\n\n{decision(rows)}\n\n"
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
    """What the rows say: which type to store, and what the catalogue's settings reach."""
    pairs = [(a, _other(rows, a)) for a in rows if a.stored == "float16"]
    worst = max(b.recall - a.recall for a, b in pairs)
    share = np.mean([a.megabytes / b.megabytes for a, b in pairs])
    kept = "float16" if worst <= EPSILON else "float32"
    ours = f"IVF_RQ, nprobes {NPROBES}, refine {REFINE}"
    reached = ", ".join(
        f"{row.recall:.4f} at {row.p50:.1f} ms ({row.data}, {row.stored})"
        for row in rows
        if row.way == ours
    )
    return (
        f"**Vectors are stored as {kept}.** float16 takes {share:.0%} of the size of float32, and "
        f"over all rows below its recall is at most {max(worst, 0):.4f} lower (up to {EPSILON} is "
        f"taken as noise).\n\nThe index that the catalogue builds ({ours}) reaches {reached}."
    )


def _other(rows: Sequence[Row], row: Row) -> Row:
    same = (row.data, row.way, "float32")
    return next(each for each in rows if (each.data, each.way, each.stored) == same)


def _machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in ("lancedb", "pyarrow", "numpy"))
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB of memory, load average "
        f"{os.getloadavg()[0]:.1f}, Python {platform.python_version()}, {packages}"
    )
