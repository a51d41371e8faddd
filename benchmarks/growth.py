"""The cost of writes and look-ups as tables grow: the real tables, filled with synthetic keys.

Each table is filled in bulk and maintained while it grows, in fragments and with indexes on its
keys as a long run leaves them. Then the catalog's own calls write and look for 256 rows at a time,
with their checks and their upkeep.
"""

import gc
import hashlib
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lance
import numpy as np
import pyarrow as pa

from benchmarks.machine import made_by
from catalog.car_columns import open_space
from catalog.optimize import FRAGMENT_ROWS
from catalog.table import Catalog, open_catalog

SIZES_OF_TABLES = (10_000, 100_000, 1_000_000)
ROWS = 256  # a shard
REPEATS = 32  # of each write, twice the versions between two rounds of upkeep
WARM = 12  # writes and look-ups before, so that caches hold what they hold in a long run
WANTED = 2.0
VECTOR = 512
TABLES = ("images", "sightings", "assertions", "cars")

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Cost:
    """The time of one kind of call on one table of `rows` rows, in milliseconds: the median of
    processor time and of wall time, and the mean of processor time with all upkeep in it."""

    table: str
    call: str
    rows: int
    processor: float
    wall: float
    mean: float


def digests(kind: str, start: int, count: int) -> list[str]:
    """Keys as the catalog has them: sha256, hex."""
    return [
        hashlib.sha256(f"{kind} {at}".encode()).hexdigest() for at in range(start, start + count)
    ]


def rows_of(catalog: Catalog, name: str, start: int, count: int) -> pa.Table:
    """Rows of a table, all columns filled that a run fills."""
    rng = np.random.default_rng(start)
    schema = catalog.table(name).schema
    key = catalog.specs[name].key
    known: dict[str, Any] = {
        "image_id": digests("image", start, count),
        key: digests("image" if key == "image_id" else name, start, count),
        "source_id": [f"photos/of/a/folder/{at:08}.jpg" for at in range(start, start + count)],
        "values": [["red"]] * count,
        "revision": [1] * count,
    }
    plain = {"string": "made by a benchmark", "bool": False, "int32": 640, "int64": 4096}

    def column(field: pa.Field) -> pa.Array:
        if field.name in known:
            return pa.array(known[field.name], field.type)
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            return pa.array([rng.bytes(128)] * count, field.type)
        if pa.types.is_timestamp(field.type):
            return pa.array([_NOW] * count, field.type)
        if field.name == "semantic":
            values = rng.normal(size=count * VECTOR).astype(np.float16)
            return pa.FixedSizeListArray.from_arrays(pa.array(values), VECTOR)
        value = None if field.nullable and field.name != "labelled_with" else plain[str(field.type)]
        return pa.array([value] * count, field.type)

    return pa.table([column(field) for field in schema], schema=schema)


def fill(catalog: Catalog, name: str, rows: int) -> None:
    """Write a table of `rows` rows straight to its files, and keep it up as it grows."""
    place = catalog.table(name).to_lance().uri
    step = max(FRAGMENT_ROWS)
    # Photos come a shard at a time; for the others many of a run are put together at once.
    most = ROWS if name == "images" else step
    for start in range(0, rows, step):
        part = rows_of(catalog, name, start, min(step, rows - start))
        lance.write_dataset(part, place, mode="append", max_rows_per_file=most)
        catalog.optimize(name)


def timed(given: Callable[[], Any], call: Callable[[Any], Any], repeats: int) -> list[float]:
    """Medians of processor and of wall time, and the mean of processor time, in milliseconds, of a
    call; what it is given is made before."""
    took = []
    gc.collect()
    for _ in range(repeats):
        value = given()
        wall, processor = time.perf_counter(), time.process_time()
        call(value)
        took.append((time.process_time() - processor, time.perf_counter() - wall))
    processors, walls = zip(*took, strict=True)
    median = statistics.median
    return [1e3 * each for each in (median(processors), median(walls), statistics.mean(processors))]


Call = tuple[str, Callable[[], Any], Callable[[Any], Any]]
"""The name of a call, a function that makes its argument (rows or keys), and the call itself."""


def calls(catalog: Catalog, name: str, rows: int) -> list[Call]:
    """The calls that are measured on a table."""
    rng = np.random.default_rng(7)
    key = catalog.specs[name].key
    kind = "image" if key == "image_id" else name
    mark = "labelled_with" if name in ("cars", "sightings") else "run_id"
    columns = [key, "source_id" if name == "cars" else "run_id"]
    new = (rows_of(catalog, name, start, ROWS) for start in range(10**8, 10**9, ROWS))
    absent = (digests(kind, start, ROWS) for start in range(10**9, 2 * 10**9, ROWS))

    def together() -> int:
        return int(rng.integers(0, rows - ROWS))

    def known() -> pa.Table:
        return rows_of(catalog, name, together(), ROWS)

    def insert(some: pa.Table) -> None:
        catalog.insert(name, some)

    def look(keys: list[str]) -> None:
        catalog.rows(name, keys, columns)

    def scattered() -> list[str]:
        return [digests(kind, int(at), 1)[0] for at in rng.integers(0, rows, ROWS)]

    return [
        ("insert new", lambda: next(new), insert),
        ("insert known", known, insert),
        ("upsert known", known, lambda some: catalog.upsert(name, some)),
        ("update", lambda: known().select([key, mark]), lambda some: catalog.update(name, some)),
        ("look up new", lambda: next(absent), look),
        ("look up, stored together", lambda: digests(kind, together(), ROWS), look),
        ("look up, scattered", scattered, look),
    ]


def measure_table(place: Path, name: str, rows: int, repeats: int = REPEATS) -> list[Cost]:
    """The time of each call on a table of `rows` rows, created in `place`, deleted at the end."""
    catalog = open_catalog(place)
    try:
        if name == "cars":
            open_space(catalog, "semantic", VECTOR, b'{"version": "benchmark"}')
        fill(catalog, name, rows)
        costs = []
        for title, given, call in calls(catalog, name, rows):
            timed(given, call, min(WARM, repeats))
            costs.append(Cost(name, title, rows, *timed(given, call, repeats)))
        return costs
    finally:
        shutil.rmtree(place)


def measure_all(
    sizes: Sequence[int] = SIZES_OF_TABLES, tables: Sequence[str] = TABLES, repeats: int = REPEATS
) -> list[Cost]:
    """All calls on all tables at each size."""
    with tempfile.TemporaryDirectory() as place:
        return [
            cost
            for name in tables
            for rows in sizes
            for cost in measure_table(Path(place) / f"{name}-{rows}", name, rows, repeats)
        ]


def page() -> str:
    """The whole page."""
    return page_of(measure_all())


def page_of(costs: Sequence[Cost]) -> str:
    """The page of a measurement."""
    sizes = sorted({cost.rows for cost in costs})
    lines = [
        "# Growth",
        "",
        made_by("growth", "lancedb", "pylance", "pyarrow"),
        "",
        f"Calls of the catalog over {ROWS} rows each, on tables of synthetic keys with the real "
        "columns (`cars` with a vector of 512 halves, photos and thumbnails of 128 bytes), checks "
        "and upkeep among them. Milliseconds of processor time, which other programs hardly "
        f"change: the median of {REPEATS} calls, and behind it their mean, in which all upkeep is. "
        "The last columns say how many times the first size's median the last one measured is, in "
        f"processor time and in wall time; wanted: at most {WANTED:g}. Scattered keys are not "
        "what a stage asks for; each of them is read from a place of its own.",
        "",
        "| table | call | " + " | ".join(f"{rows:,} rows" for rows in sizes) + " | times | wall |",
        "| --- | --- |" + " --- |" * (len(sizes) + 2),
    ]
    by = {(cost.table, cost.call, cost.rows): cost for cost in costs}
    for table, call in dict.fromkeys((cost.table, cost.call) for cost in costs):
        row = [by[table, call, rows] for rows in sizes if (table, call, rows) in by]
        told = [f"{cost.processor:.0f} ({cost.mean:.0f})" for cost in row]
        cells = " | ".join(told + ["not measured"] * (len(sizes) - len(row)))
        times = row[-1].processor / row[0].processor
        wall = row[-1].wall / row[0].wall
        lines.append(f"| {table} | {call} | {cells} | {times:.1f} | {wall:.1f} |")
    return "\n".join([*lines, ""])
