"""Filling a new vector column of a full table: bytes written, peak memory and time.

Each way runs in a process of its own over a table of its own, with the same rows in the same
fragments, and gives each row a vector that is drawn, not computed: what is measured is the writing.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import lance
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from benchmarks.growth import digests
from benchmarks.machine import made_by
from benchmarks.peers import ABSENT, ray_python
from catalog import update_columns
from catalog.car_columns import open_space
from catalog.fill import open_filling
from catalog.optimize import FRAGMENT_ROWS
from catalog.table import Catalog, open_catalog
from flows.settings import Settings

TABLES = (100_000, 1_000_000)
SIZE, SPACE = 512, "lite"
RECORD = json.dumps({"version": "benchmark"}).encode()
SHARD: int = Settings.model_fields["shard_size"].default
WANTED = 1.2
PENDING = (100, 1_000, 3_000)
THUMBNAIL = 4_000
MARQUE, LANCE, RAY = "Marque", "lance, add_columns", "lance-ray, add_columns"

CHILD = "import sys; from benchmarks.fill import run; run(*sys.argv[1:])"

# Stands alone: lance-ray lives in an environment without Marque. Two workers, as there are cores.
RAY_CHILD = """
import json, resource, sys, time
import lance_ray, numpy as np, pyarrow as pa, ray
uri, size = sys.argv[1], int(sys.argv[2])

def vectors(batch):
    pool = np.random.default_rng(1).normal(size=(4096, size)).astype(np.float16)
    at = [int(key[:8], 16) % 4096 for key in batch.column("image_id").to_pylist()]
    column = pa.FixedSizeListArray.from_arrays(pa.array(pool[at].ravel()), size)
    made = pa.array(["benchmark"] * len(at))
    return pa.record_batch([column, made], ["lite", "lite_version"])

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
began = time.perf_counter()
lance_ray.add_columns(uri, transform=vectors, read_columns=["image_id"], concurrency=2)
seconds = time.perf_counter() - began
print("\\nmeasured " + json.dumps({"seconds": seconds}))
"""


@dataclass(frozen=True, slots=True)
class Filled:
    """One way over one table: bytes of new files of the table, and of all that the process wrote,
    over the bytes of the column; peak memory in MB, of processor time and wall time seconds.

    What the operating system does not tell, or is spread over several processes, is None.
    """

    way: str
    rows: int
    table: float
    written: float | None
    peak: float | None
    processor: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Pending:
    """MB written for `rows` new photos in a fragment whose others have their vectors: their rows
    moved, and the column written for the whole fragment."""

    rows: int
    moved: float
    column: float


def measure_all(
    tables: Sequence[int] = TABLES, pending: Sequence[int] = PENDING, size: int = SIZE
) -> tuple[list[Filled], list[Pending]]:
    """All ways at each size, and what few new photos cost."""
    found = [
        each for rows in tables for way in (MARQUE, LANCE, RAY) for each in fill(way, rows, size)
    ]
    return found, [cost_of(rows, size) for rows in pending]


def fill(way: str, rows: int, size: int) -> Iterator[Filled]:
    """Make a table and fill it in a process of its own; nothing where the peer is absent."""
    if way == RAY and ray_python() is None:
        return
    print(f"{way}, {rows:,} rows", flush=True)
    with tempfile.TemporaryDirectory() as place:
        catalog = make_table(Path(place) / "catalog", rows)
        catalog.optimize("cars")  # the index on its keys
        if way == MARQUE:
            open_space(catalog, SPACE, size, RECORD)
        before = _files(catalog)
        told = _run(way, catalog, place, size)
        column = rows * size * 2
        new = {path: each for path, each in _files(catalog).items() if path not in before}
        _check(catalog, rows, size)
        written = None if told.get("written") is None else told["written"] / column
        yield Filled(
            way, rows, sum(new.values()) / column, written, told.get("peak"),
            told.get("processor"), told["seconds"],
        )  # fmt: skip


def make_table(place: Path, rows: int, thumbnail: int = 0) -> Catalog:
    """A catalog whose `cars` has so many rows without vectors, in fragments as a long run leaves
    them."""
    catalog = open_catalog(place)
    uri = catalog.table("cars").to_lance().uri
    step = max(FRAGMENT_ROWS)
    for start in range(0, rows, step):
        part = _rows(catalog, start, min(step, rows - start), thumbnail)
        lance.write_dataset(part, uri, mode="append", max_rows_per_file=step)
    return catalog


def _rows(catalog: Catalog, start: int, count: int, thumbnail: int) -> pa.Table:
    draw = np.random.default_rng(start)
    schema = catalog.table("cars").schema
    known = {
        "image_id": digests("image", start, count),
        "source": ["made by a benchmark"] * count,
        "source_id": [f"{at:08}.jpg" for at in range(start, start + count)],
        "evidence": [0] * count,
        "labelled_with": [catalog.vocabulary.version] * count,
        "thumbnail": [draw.bytes(thumbnail) for _ in range(count)],
    }
    columns = [pa.array(known.get(field.name, [None] * count), field.type) for field in schema]
    return pa.table(columns, schema=schema)


def _run(way: str, catalog: Catalog, place: str, size: int) -> dict[str, float]:
    python, uri = str(ray_python()), catalog.table("cars").to_lance().uri
    words = {
        MARQUE: [sys.executable, "-c", CHILD, "marque", catalog.uri, place, str(size)],
        LANCE: [sys.executable, "-c", CHILD, "lance", uri, place, str(size)],
        RAY: [python, "-c", RAY_CHILD, uri, str(size)],
    }[way]
    root = Path(__file__).parents[1]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=root)
    if done.returncode:
        raise RuntimeError(f"{way} failed: {done.stderr[-2000:]}")
    told: dict[str, float] = json.loads(done.stdout.rpartition("measured ")[2])
    return told


def run(way: str, uri: str, place: str, size: str) -> None:
    """What the child does: fill, and print what it took."""
    import time

    fillers: dict[str, Callable[[str, Path, int], None]] = {"marque": _marque, "lance": _lance}
    wrote, began, processor = _wrote(), time.perf_counter(), time.process_time()
    fillers[way](uri, Path(place) / "home", int(size))
    told = {
        "seconds": time.perf_counter() - began,
        "processor": time.process_time() - processor,
        "peak": _peak(),
        "written": None if wrote is None else (_wrote() or 0) - wrote,
    }
    print(f"\nmeasured {json.dumps(told)}")


def _wrote() -> int | None:
    """Bytes that this process has written so far, to whatever file; Linux tells."""
    facts = Path("/proc/self/io")
    if not facts.exists():
        return None
    lines = dict(line.split(": ") for line in facts.read_text().splitlines())
    return int(lines["wchar"])


def _peak() -> float | None:
    """The most memory that this program held, in MB; Linux tells. What `getrusage` tells of a
    child begins with the memory of the process that started it."""
    facts = Path("/proc/self/status")
    if not facts.exists():
        return None
    lines = dict(line.split(":", 1) for line in facts.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024 / 1e6


def _marque(uri: str, home: Path, size: int) -> None:
    draw = pool(size)
    with open_filling(open_catalog(uri), SPACE, RECORD, home) as filling:
        for ids in filling.waiting(SHARD):
            filling.keep(ids, draw(ids))
            filling.commit()
        filling.finish()


def _lance(uri: str, home: Path, size: int) -> None:
    draw = pool(size)
    schema = pa.schema([(SPACE, pa.list_(pa.float16(), size)), (f"{SPACE}_version", pa.string())])
    home.mkdir()

    @lance.batch_udf(output_schema=schema, checkpoint_file=home / "checkpoint")
    def vectors(batch: pa.RecordBatch) -> pa.RecordBatch:
        halves = draw(batch.column("image_id").to_pylist()).astype(np.float16)
        column = pa.FixedSizeListArray.from_arrays(pa.array(halves.ravel()), size)
        made = pa.array(["benchmark"] * len(halves), pa.string())
        return pa.record_batch([column, made], schema=schema)

    lance.dataset(uri).add_columns(vectors, read_columns=["image_id"])


def pool(size: int) -> Callable[[Sequence[str]], npt.NDArray[np.float32]]:
    """A function that gives photos vectors (n, size), the same to the same photo."""
    drawn = np.random.default_rng(1).normal(size=(4096, size)).astype(np.float32)

    def draw(ids: Sequence[str]) -> npt.NDArray[np.float32]:
        return drawn[[int(key[:8], 16) % 4096 for key in ids]]

    return draw


def _check(catalog: Catalog, rows: int, size: int) -> None:
    there = catalog.count("cars", f"`{SPACE}_version` IS NOT NULL")
    keys = digests("image", 0, 5) + digests("image", rows - 5, 5)
    stored = catalog.rows("cars", keys, ["image_id", SPACE])
    values = stored.column(SPACE).combine_chunks().flatten().to_numpy().reshape(-1, size)
    right = pool(size)(stored.column("image_id").to_pylist()).astype(np.float16)
    if there != rows or catalog.count("cars") != rows or not np.array_equal(values, right):
        raise RuntimeError(f"{there:,} of {rows:,} rows have a vector, or another one than theirs")


def _files(catalog: Catalog) -> dict[str, int]:
    folder = Path(catalog.uri) / "cars.lance"
    return {str(path): path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def cost_of(rows: int, size: int, fragment: int = max(FRAGMENT_ROWS)) -> Pending:
    """What so many new photos cost in a full fragment, by both ways."""
    print(f"{rows:,} new photos", flush=True)
    share, sizes = update_columns.MIN_REWRITE_SHARE, []
    try:
        for update_columns.MIN_REWRITE_SHARE in (1.0, 0.0):
            with tempfile.TemporaryDirectory() as place:
                sizes.append(_pending(Path(place), rows, size, fragment))
    finally:
        update_columns.MIN_REWRITE_SHARE = share
    return Pending(rows, *sizes)


def _pending(place: Path, rows: int, size: int, fragment: int) -> float:
    catalog = make_table(place / "catalog", fragment - rows, THUMBNAIL)
    open_space(catalog, SPACE, size, RECORD)
    _marque(catalog.uri, place / "home", size)
    catalog.insert("cars", _rows(catalog, fragment - rows, rows, THUMBNAIL))
    catalog.table("cars").to_lance().optimize.compact_files(target_rows_per_fragment=fragment)
    before = _files(catalog)
    _marque(catalog.uri, place / "home", size)
    _check(catalog, fragment, size)
    return sum(each for path, each in _files(catalog).items() if path not in before) / 1e6


def page() -> str:
    """The whole page."""
    return page_of(*measure_all())


def page_of(found: Sequence[Filled], pending: Sequence[Pending]) -> str:
    """The page of a measurement."""
    mine = [each for each in found if each.way == MARQUE]
    most = max(each.table for each in mine)
    peaks = " and ".join(f"{each.peak or 0:,.0f} MB at {each.rows:,} rows" for each in mine)
    absent = [] if any(each.way == RAY for each in found) else [f"{RAY}: {ABSENT}.", ""]
    return "\n".join([
        "# Filling a column",
        "",
        made_by("fill", "lancedb", "pylance", "pyarrow", "numpy"),
        "",
        f"A column of {SIZE} halves is filled over rows that exist already, in fragments of "
        f"{max(FRAGMENT_ROWS):,}. Vectors are drawn. Marque keeps them on disk, {SHARD} at a time, "
        "before it commits them, so that a kill loses at most those being written, and lance has "
        "its checkpoint file. Bytes are times those of the column: of the table's new files, and "
        "of all that the process wrote, so with what is kept aside. Memory is that of the process; "
        "lance-ray has several, which are not counted.",
        "",
        "| way | rows | table, times | all, times | peak, MB | processor, s | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_row(each) for each in found),
        "",
        *absent,
        f"**Marque's table grew by {most:.3f} times the column (wanted: at most {WANTED:g}, "
        f"{'reached' if most <= WANTED else 'missed'})**, with a peak of {peaks}.",
        "",
        f"New photos in a fragment of {max(FRAGMENT_ROWS):,} rows whose others have their vectors, "
        f"thumbnails of {THUMBNAIL:,} bytes. Under the share "
        f"{update_columns.MIN_REWRITE_SHARE:g} of a fragment Marque moves rows, else it writes the "
        "column; photos in a fragment of their own are filled there. MB written:",
        "",
        "| new photos | their rows moved | the fragment's column |",
        "| --- | --- | --- |",
        *(f"| {each.rows:,} | {each.moved:,.1f} | {each.column:,.1f} |" for each in pending),
        "",
    ])  # fmt: skip


def _row(each: Filled) -> str:
    told = [
        "" if value is None else f"{value:{form}}"
        for value, form in (
            (each.table, ".3f"), (each.written, ".3f"), (each.peak, ",.0f"),
            (each.processor, ",.1f"), (each.seconds, ",.1f"),
        )
    ]  # fmt: skip
    return f"| {each.way} | {each.rows:,} | {' | '.join(told)} |"
