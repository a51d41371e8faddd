"""Peak memory of an ingest: the whole command in a process of its own, for few and for many photos.

`marque ingest folder` with marque-tiny, as a user runs it by hand. Each size starts with an
empty home.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import made_by
from crawlers.scenes import render
from crawlers.scenes.write import jpeg_bytes
from embeddings.registry import TINY

SIZES = (5_000, 50_000)
SIDE = 128
DRAWN = 2_000  # drawn anew; the others are the same with other bytes, which is what a photo is
WITHIN_MB = 500
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
    """The most memory that an ingest of so many photos held, in MB."""

    photos: int
    megabytes: float


def write_photos(folder: Path, count: int, drawn: int = DRAWN) -> None:
    """`count` different small JPEG files; `drawn` pictures that differ, the rest repeat them."""
    folder.mkdir()
    pictures = [jpeg_bytes(render(seed, (SIDE, SIDE))) for seed in range(min(drawn, count))]
    for at in range(count):
        # A comment at the file's end makes it another photo without drawing it again.
        content = pictures[at % len(pictures)]
        (folder / f"{at:06}.jpg").write_bytes(content + f"{at:06}".encode())


def peak_of_ingest(folder: Path, home: Path) -> float:
    """Ingest a folder in a fresh process and home; the process's peak memory in MB."""
    settings = {"MARQUE_HOME": str(home), "MARQUE_SEMANTIC_MODEL": TINY} | WAY
    done = subprocess.run(
        [sys.executable, "-c", CHILD, "ingest", "folder", str(folder)],
        capture_output=True, text=True, check=False, env=os.environ | settings,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"the ingest failed: {done.stderr[-2000:]}")
    return int(done.stdout.rpartition("peak ")[2]) / 1e6


def measure_all(sizes: Sequence[int] = SIZES) -> list[Peak]:
    """The peak of each size."""
    peaks = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as place:
            write_photos(Path(place) / "photos", size)
            peaks.append(Peak(size, peak_of_ingest(Path(place) / "photos", Path(place) / "home")))
    return peaks


def page() -> str:
    """The whole page."""
    return page_of(measure_all())


def page_of(peaks: Sequence[Peak]) -> str:
    """The page of a measurement."""
    growth = peaks[-1].megabytes - peaks[0].megabytes
    said = (
        f"{peaks[-1].photos:,} photos took {growth:,.0f} MB more than {peaks[0].photos:,} (wanted: "
        f"within {WITHIN_MB} MB, {'reached' if growth <= WITHIN_MB else 'missed'})."
    )
    return "\n".join([
        "# Memory",
        "",
        made_by("memory", "prefect", "lancedb", "torch"),
        "",
        f"Peak memory (resident) of `marque ingest folder` with {TINY} over rendered JPEG files of "
        f"{SIDE} x {SIDE}, each in a process of its own with an empty home, in fp32, 32 photos a "
        f"batch, decoded in 2 threads. {DRAWN:,} pictures are drawn, the others differ from them "
        "in bytes alone.",
        "",
        "| photos | peak, MB |",
        "| --- | --- |",
        *(f"| {peak.photos:,} | {peak.megabytes:,.0f} |" for peak in peaks),
        "",
        f"**{said}**",
        "",
    ])  # fmt: skip
