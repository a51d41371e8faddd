"""Peak memory of an ingest: the whole command in a process of its own, for few and for many photos.

`marque ingest folder` with marque-tiny, as a user runs it by hand. Each size starts with an
empty home, and is ingested without a vector index and with one.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import made_by
from embeddings.registry import TINY
from synthetic.scenes import render
from synthetic.scenes.write import jpeg_bytes

SIZES = (5_000, 50_000)
SIDE = 128
DRAWN = 2_000  # different pictures; the others repeat them with other bytes, so count as new photos
WITHIN_MB = 150
WAY = {"MARQUE_PRECISION": "fp32", "MARQUE_BATCH_SIZE": "32", "MARQUE_WORKERS": "2"}
"""The same for both sizes, and decoding in threads: other processes would not be counted."""

CHILD = """
import resource, sys
from marque.__main__ import main
code = 0
try:
    main()
except SystemExit as end:
    code = end.code
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print("peak", peak if sys.platform == "darwin" else peak * 1024)
sys.exit(code)
"""


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that an ingest of `photos` photos held, in MB, and whether it built a vector
    index at its end."""

    photos: int
    indexed: bool
    megabytes: float


def write_photos(folder: Path, count: int, drawn: int = DRAWN) -> None:
    """`count` different small JPEG files; `drawn` pictures that differ, the rest repeat them."""
    folder.mkdir()
    pictures = [jpeg_bytes(render(seed, (SIDE, SIDE))) for seed in range(min(drawn, count))]
    for at in range(count):
        # A comment at the file's end makes it another photo without drawing it again.
        content = pictures[at % len(pictures)]
        (folder / f"{at:06}.jpg").write_bytes(content + f"{at:06}".encode())


def peak_of_ingest(folder: Path, home: Path, exact_rows: int) -> float:
    """Ingest a folder in a fresh process and home; the process's peak memory in MB. With more
    than `exact_rows` photos a vector index is built."""
    settings = {
        "MARQUE_HOME": str(home),
        "MARQUE_SEMANTIC_MODEL": TINY,
        "MARQUE_EXACT_ROWS": str(exact_rows),
    } | WAY
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "ingest", "folder", str(folder)],
        capture_output=True, text=True, check=False, env=os.environ | settings,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the ingest failed: {done.stderr[-2000:]}")
    return int(done.stdout.rpartition("peak ")[2]) / 1e6


def measure_all(sizes: Sequence[int] = SIZES) -> list[Peak]:
    """The peak of each size, without a vector index and with one."""
    peaks = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            photos = Path(place) / "photos"
            write_photos(photos, size)
            for indexed in (False, True):
                home = Path(place) / f"home-{indexed}"
                peak = peak_of_ingest(photos, home, exact_rows=size - indexed)
                peaks.append(Peak(size, indexed, peak))
                shutil.rmtree(home)
    return peaks


def page() -> str:
    """The whole page."""
    return page_of(measure_all())


def page_of(peaks: Sequence[Peak]) -> str:
    """The page of a measurement."""
    by = {(peak.photos, peak.indexed): peak.megabytes for peak in peaks}
    few, *_, many = dict.fromkeys(peak.photos for peak in peaks)
    growth = by[many, False] - by[few, False]
    said = (
        f"{many:,} photos took {growth:,.0f} MB more than {few:,} (wanted: within {WITHIN_MB} MB, "
        f"{'reached' if growth <= WITHIN_MB else 'missed'})"
    )
    return "\n".join([
        "# Memory",
        "",
        made_by("memory", "prefect", "lancedb", "torch"),
        "",
        f"Peak memory (resident) of `marque ingest folder` with {TINY} over rendered JPEG files of "
        f"{SIDE} x {SIDE}, each in a process of its own with an empty home, in fp32, 32 photos a "
        f"batch, decoded in 2 threads. {DRAWN:,} pictures are drawn, the others differ from them "
        "in bytes alone. A vector index is built from 50,001 photos on (`exact_rows`); to show "
        "what building it takes, each size is ingested with the setting just below it as well.",
        "",
        "| photos | peak, MB | with a vector index, MB |",
        "| --- | --- | --- |",
        *(f"| {size:,} | {by[size, False]:,.0f} | {by[size, True]:,.0f} |" for size in (few, many)),
        "",
        f"**{said}**, with a vector index {by[many, True] - by[few, True]:,.0f} MB more.",
        "",
    ])  # fmt: skip
