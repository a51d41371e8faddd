"""Registering photos: `marque ingest folder --no-embed` against bare processes that do the same
decode, perceptual hash and thumbnail, and against img2dataset.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.machine import made_by
from benchmarks.peers import ABSENT, peers_python
from benchmarks.photos import SIZE, write_photos
from core.photos.decode import decode_facts
from flows.settings import Settings, load_settings

PHOTOS = 3000
WANTED = 0.7
SHARD: int = Settings.model_fields["shard_size"].default
BARE = "bare processes: decode, perceptual hash, thumbnail"
STAGE = "Marque, the register stage"
COMMAND = "Marque, the whole command"
PEERS: dict[str, dict[str, Any]] = {
    "img2dataset, keeps the bytes": {"disable_all_reencoding": True},
    "img2dataset, makes the thumbnail": {"resize_mode": "keep_ratio_largest"},
}
_MOST_S = 1200  # after which a run is given up
_PEER = "import json, sys; from img2dataset import download; download(**json.loads(sys.argv[1]))"


@dataclass(frozen=True, slots=True)
class Row:
    """One way to take the photos in, how many it took, and how fast, photos a second."""

    way: str
    photos: int
    rate: float


def measure(count: int, workers: int, peers: Path | None = None) -> list[Row]:
    """Make `count` photos, and take them in each way with `workers` threads or processes.

    `peers` is a Python that has img2dataset; without it its rows are left out.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        print(f"making {count:,} photos", flush=True)
        paths = write_photos(place / "photos", count, workers)
        rows = [_bare(paths, workers), *_marque(place, workers), _bare(paths, workers)]
        if peers is not None:
            with _served(place / "photos") as address:
                urls = place / "urls.txt"
                urls.write_text("".join(f"{address}/{path.name}\n" for path in paths))
                rows += [_peer(peers, way, urls, place / f"out {way}", workers) for way in PEERS]
    return rows


def _bare(paths: Sequence[Path], workers: int) -> Row:
    print(BARE, flush=True)
    with get_context("spawn").Pool(workers) as pool:
        pool.map(_examine, paths[: 2 * workers], chunksize=1)  # the imports are not measured
        began = time.perf_counter()
        done = sum(pool.imap_unordered(_examine, paths, chunksize=4))
        return Row(BARE, done, done / (time.perf_counter() - began))


def _examine(path: Path) -> bool:
    return decode_facts(path.read_bytes()).width > 0


def _marque(place: Path, workers: int) -> Iterator[Row]:
    print(COMMAND, flush=True)
    command = [sys.executable, "-m", "marque", "ingest", "folder", str(place / "photos")]
    command += ["--no-embed", "--json", "--home", str(place / "home")]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MARQUE_")}
    began = time.perf_counter()
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        env=kept | {"MARQUE_WORKERS": str(workers)},
        timeout=_MOST_S,
    )
    took = time.perf_counter() - began
    report: dict[str, Any] = json.loads(done.stdout)
    stage = report["stages"]["register"]
    yield Row(STAGE, stage["photos"], stage["photos_per_second"])
    yield Row(COMMAND, report["new"], report["new"] / took)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    request_queue_size = 1024  # or connections wait a second to be tried again


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    with _Server(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _peer(python: Path, way: str, urls: Path, out: Path, workers: int) -> Row:
    """img2dataset's own `download`, timed from its first shard's start to its last one's end."""
    print(way, flush=True)
    given = PEERS[way] | {
        "url_list": str(urls),
        "output_folder": str(out),
        "processes_count": workers,
        "number_sample_per_shard": SHARD,
    }
    quiet = {"NO_ALBUMENTATIONS_UPDATE": "1", "PYTHONWARNINGS": "ignore"}
    subprocess.run(
        [python, "-c", _PEER, json.dumps(given)],
        check=True,
        stdout=subprocess.DEVNULL,
        env=os.environ | quiet,
        timeout=_MOST_S,
    )
    stats = [json.loads(path.read_text()) for path in out.glob("*_stats.json")]
    took = max(s["end_time"] for s in stats) - min(s["start_time"] for s in stats)
    done = sum(s["successes"] for s in stats)
    return Row(way, done, done / took)


def page() -> str:
    """Measure at the full size: the page docs/benchmarks/register.md."""
    workers = load_settings().decode_workers
    return page_of(measure(PHOTOS, workers, peers_python()), workers)


def page_of(rows: Sequence[Row], workers: int) -> str:
    """Facts of the machine, every row, and whether what was wanted is reached."""
    bare = max(row.rate for row in rows if row.way == BARE)
    stage = next(row for row in rows if row.way == STAGE)
    out = io.StringIO()
    out.write(
        "# Registering photos\n\n"
        f"{made_by('register', 'pillow', 'imagehash', 'lancedb', 'prefect')} {stage.photos:,} JPEG "
        f"photos of {SIZE[0]}x{SIZE[1]}, about 300 KB each, no two alike, lie in a folder; they "
        "are rendered scenes under noise. `marque ingest folder --no-embed` takes them into a new "
        f"catalog with {workers} decoding threads; the same number of bare processes reads the "
        "same files and calls the same function, `core.photos.decode.decode_facts` (sha256, "
        "decode, perceptual hash, JPEG thumbnail), and stores nothing. They are measured before "
        "and after Marque, and the faster counts. Marque also looks up what is known, stores "
        "bytes, sightings and thumbnails, and checks what it wrote. The whole command includes "
        "starting Python, labeling and publishing.\n\n"
        "img2dataset fetches the same files over HTTP from a server on the same machine, in the "
        f"same number of processes and in shards of {SHARD}, its other settings as they are "
        "(SHA-256 and EXIF of each photo, one file a photo). Keeping the bytes, it decodes "
        "nothing (`disable_all_reencoding`); making the thumbnail (256 pixels, "
        "`keep_ratio_largest`), it keeps no original. Its rate leaves out its start, but the "
        "server takes its share of the machine.\n\n"
        "| way | photos | photos/s | to the bare processes |\n|---|---:|---:|---:|\n"
    )
    for row in rows:
        out.write(f"| {row.way} | {row.photos:,} | {row.rate:.1f} | {row.rate / bare:.2f} |\n")
    if not any(row.way in PEERS for row in rows):
        out.write(f"| img2dataset | | {ABSENT} | |\n")
    reached = "reached" if stage.rate >= WANTED * bare else "missed"
    out.write(
        f"\n**The register stage takes {stage.rate:.1f} photos/s, {stage.rate / bare:.2f} of the "
        f"bare processes: {WANTED} was wanted, and is {reached}.**\n"
    )
    return out.getvalue()
