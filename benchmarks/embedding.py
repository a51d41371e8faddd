"""The embedding stage end to end against the bare forward pass, compared with clip-retrieval.

The model is ViT-B-32-256 with random weights, loaded from a file as any other: speed does not
depend on what the weights are.
"""

import io
import shutil
import subprocess
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np
from PIL import Image

from benchmarks.machine import SHARED, made_by
from benchmarks.peers import ABSENT, peers_python
from catalog.car_columns import open_space
from catalog.register import register
from catalog.table import Catalog
from core.photos.decode import decode
from core.records import Photo, Sighting
from embeddings.encoders import Encoder
from embeddings.engine import Job
from embeddings.measure import measure
from embeddings.registry import SPACE
from embeddings.tuning import Dtype, Overrides, RunConfig, Tuning
from flows.resources import catalog_at, encoder_for
from flows.settings import Settings
from flows.stages.embed import EmbeddedShard, embed_shard, engine_for, kept_engine
from labeling.label import label_sightings
from labeling.pending import unembedded_images, unlabeled_sightings
from synthetic.scenes import render
from synthetic.scenes.write import jpeg_bytes

ARCHITECTURE = "ViT-B-32-256"
PHOTOS = 512
LARGE = (1280, 960)
WANTED, WANTED_CORE = 0.85, 0.9
NOISE = 6.0  # of 255: drawn up alone a photo is smooth, and decodes faster than one of a camera
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds a photo: by the clock, and of computing over all cores."""

    clock: float
    cores: float


@dataclass(frozen=True, slots=True)
class Row:
    """One dtype over one set of photos; `decode` is what the engine does to a photo's bytes."""

    data: str
    config: RunConfig
    decode: Cost
    decode_whole: Cost
    forward: Cost
    stage: Cost

    @property
    def ratio(self) -> float:
        """The stage's photos a second over those of the bare forward pass."""
        return self.forward.clock / self.stage.clock

    @property
    def core_ratio(self) -> float:
        """Core time of decoding and forward pass over that of the stage."""
        return (self.decode.cores + self.forward.cores) / self.stage.cores


@contextmanager
def measuring() -> Iterator[list[Cost]]:
    """Put the cost of the block into the list."""
    cost: list[Cost] = []
    clock, cores = time.perf_counter(), time.process_time()
    yield cost
    cost.append(Cost(time.perf_counter() - clock, time.process_time() - cores))


def a_photo(cost: Sequence[Cost], count: int) -> Cost:
    """The cost of one of `count` photos."""
    return Cost(cost[0].clock / count, cost[0].cores / count)


def small_photos(count: int, photos: Path = SHARED / "cars_224") -> tuple[str, list[bytes]]:
    """Real photos of 224 x 224 where they lie beside the checkout, else scenes; and their name."""
    files = sorted(photos.rglob("*.jpg"))
    if not files:
        return "scenes", [jpeg_bytes(render(seed)) for seed in range(count)]
    step = max(1, len(files) // count)
    return "cars_224", [file.read_bytes() for file in files[::step][:count]]


def draw_up(content: bytes, seed: int) -> bytes:
    """A photo drawn up to 1280 x 960, with the noise of a camera."""
    large = np.asarray(decode(content).resize(LARGE, Image.Resampling.BICUBIC), np.float32)
    large = large + np.random.default_rng(seed).normal(0, NOISE, large.shape).astype(np.float32)
    out = io.BytesIO()
    Image.fromarray(large.clip(0, 255).astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def save_weights(folder: Path) -> Path:
    """Random weights of the model as a file."""
    import torch
    from safetensors.torch import save_file

    from embeddings.openclip import open_clip

    torch.manual_seed(0)
    model = open_clip.create_model(ARCHITECTURE)
    path = folder / "random.safetensors"
    save_file({name: each.contiguous() for name, each in model.state_dict().items()}, path)
    return path


def registered(settings: Settings, contents: Sequence[bytes]) -> Catalog:
    """A catalog in which these photos wait to be embedded."""
    catalog = catalog_at(settings)
    photos = [Photo(Sighting("folder", str(at), {}), each) for at, each in enumerate(contents)]
    register(catalog, photos, run_id="benchmark")
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="benchmark")
    record = encoder_for(settings).record
    open_space(catalog, SPACE, record.size, record.to_json())
    return catalog


def stage_cost(settings: Settings, config: RunConfig, contents: Sequence[bytes]) -> Cost:
    """Embed all photos of a fresh catalog as a run does, shard by shard, two under way."""
    catalog = registered(settings, contents)
    ids, _ = unembedded_images(catalog, SPACE, encoder_for(settings).record.version)
    done = 0
    with kept_engine(settings, config), ThreadPoolExecutor(2) as pool:
        warm = [Job(str(at), each) for at, each in enumerate(contents[: config.batch_size])]
        list(engine_for(settings, config).embed(warm))
        with measuring() as cost:
            under_way: deque[Future[EmbeddedShard]] = deque()
            for start in range(0, len(ids), settings.shard_size):
                some = ids[start : start + settings.shard_size]
                part = pool.submit(embed_shard, settings, config, catalog, some, "b", replace=False)
                under_way.append(part)
                if len(under_way) == 2:
                    done += under_way.popleft().result().photos
            done += sum(part.result().photos for part in under_way)
    assert done == len(contents), f"{len(contents) - done} photos were not embedded"
    return a_photo(cost, done)


def forward_cost(encoder: Encoder, config: RunConfig, contents: Sequence[bytes]) -> Cost:
    """The bare forward pass over pictures that are ready, in whole batches; the best of some."""
    import torch

    ready = [encoder.preparation.picture(each) for each in contents[: 4 * config.batch_size]]
    batches = [
        np.stack(ready[start : start + config.batch_size])
        for start in range(0, len(ready), config.batch_size)
    ]
    torch.set_num_threads(config.threads)
    encoder.encode_images(batches[0])
    costs = []
    for _ in range(ROUNDS):
        with measuring() as cost:
            for batch in batches:
                encoder.encode_images(batch)
        costs.append(a_photo(cost, len(ready)))
    return min(costs, key=lambda each: each.clock)


def decode_costs(encoder: Encoder, contents: Sequence[bytes]) -> tuple[Cost, Cost]:
    """One thread that makes pictures of photos as the engine does, and from the whole JPEG."""
    preparation, some = encoder.preparation, contents[:128]
    with measuring() as smaller:
        for each in some:
            preparation.picture(each)
    with measuring() as whole:
        for each in some:
            preparation.fit(decode(each))
    return a_photo(smaller, len(some)), a_photo(whole, len(some))


def measure_rows(
    folder: Path, contents: Sequence[bytes], name: str, settings: Settings, config: RunConfig
) -> list[Row]:
    """A row a dtype."""
    rows = []
    for dtype in get_args(Dtype):
        encoder = encoder_for(settings).in_dtype(dtype)
        run = replace(config, dtype=dtype)
        place = settings.model_copy(update={"catalog": str(folder / f"photos-{dtype}")})
        forward = forward_cost(encoder, run, contents)
        rows.append(
            Row(
                name,
                run,
                *decode_costs(encoder, contents),
                forward,
                stage_cost(place, run, contents),
            )
        )
        shutil.rmtree(place.catalog_uri)
    return rows


PEER = """
import sys, time
import torch
from all_clip import load_clip
from clip_retrieval.clip_inference.worker import worker
folder, weights, out, batch, threads = sys.argv[1:]
torch.set_num_threads(int(threads))
model = {"clip_model": f"open_clip:ViT-B-32-256/{weights}", "use_jit": False}
load_clip(**model, warmup_batch_size=int(batch), clip_cache_path=None)
began = time.perf_counter()
worker([0], folder, out, 1, batch_size=int(batch), num_prepro_workers=2, enable_text=False, **model)
print("seconds", time.perf_counter() - began)
"""
"""clip-retrieval's own worker: reader, mapper and writer, timed once its model is warm."""


def peer_rate(
    python: Path, folder: Path, contents: Sequence[bytes], weights: Path, config: RunConfig
) -> float:
    """Photos a second of clip-retrieval over the same photos and weights; it knows fp32 alone."""
    photos = folder / "peer-photos"
    photos.mkdir()
    for at, each in enumerate(contents):
        (photos / f"{at:05}.jpg").write_bytes(each)
    given = [photos, weights, folder / "peer-out", config.batch_size, config.threads]
    done = subprocess.run(
        [str(python), "-c", PEER, *map(str, given)],
        capture_output=True, text=True, check=False, timeout=900, cwd=folder,
    )  # fmt: skip
    shutil.rmtree(photos)
    if done.returncode:
        raise RuntimeError(f"clip-retrieval failed: {done.stderr[-2000:]}")
    seconds = float(done.stdout.rpartition("seconds ")[2])
    return len(contents) / seconds


@dataclass(frozen=True, slots=True)
class Measured:
    """All of one benchmark; `peers` are rates by data, empty where the peer is not installed."""

    photos: int
    tuning: Tuning
    rows: list[Row]
    peers: dict[str, float]


def measure_all(count: int = PHOTOS, photos: Path = SHARED / "cars_224") -> Measured:
    """Choose how to run; measure both sizes in both dtypes, and the peer on the same photos."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        settings = Settings(
            home=folder, semantic_model=ARCHITECTURE, semantic_weights=save_weights(folder),
            device="cpu",
        )  # fmt: skip
        tuning = measure(encoder_for(settings), Overrides())
        small_name, small = small_photos(count, photos)
        sets = {
            f"{small_name}, 224 x 224": small,
            f"{small_name} drawn up to {LARGE[0]} x {LARGE[1]}":
                [draw_up(each, at) for at, each in enumerate(small)],
        }  # fmt: skip
        rows: list[Row] = []
        peers: dict[str, float] = {}
        for name, contents in sets.items():
            rows += measure_rows(folder, contents, name, settings, tuning.config)
            if (python := peers_python()) and settings.semantic_weights:
                weights = settings.semantic_weights
                peers[name] = peer_rate(python, folder, contents, weights, tuning.config)
        return Measured(count, tuning, rows, peers)


def page() -> str:
    """The whole page."""
    return page_of(measure_all())


def page_of(found: Measured) -> str:
    """The page of a measurement."""
    return "\n".join([
        "# Embedding",
        "",
        made_by("embedding", "torch", "open_clip_torch", "pillow", "lancedb"),
        "",
        f"{ARCHITECTURE} with random weights over {found.photos:,} photos of each kind. The stage "
        "is what a run does with them: read from LanceDB, decode, prepare, infer, write to `cars`, "
        "without Prefect, decoding in threads. The bare forward pass gets pictures that are ready, "
        "as bytes, in the same type, batch and threads. Core time is of all cores together. The "
        "photos of 1280 x 960 are the small ones drawn up, with the noise of a camera.",
        "",
        *_table(found.rows),
        "",
        "*stage / forward*: photos a second of the stage over those of the forward pass. *core "
        "time*: that of decoding and forward pass over that of the whole stage. Large JPEGs are "
        "decoded at a half, a quarter or an eighth of their size where that is enough.",
        "",
        "## The configuration that was chosen",
        "",
        f"{found.tuning.config}. By the short measurement: {found.tuning.why}.",
        "",
        "| tried | photos/s |",
        "| --- | --- |",
        *(f"| {name} | {rate:,.1f} |" for name, rate in found.tuning.rates.items()),
        "",
        f"**{_verdict_on_dtype(found)}**",
        "",
        "## clip-retrieval",
        "",
        *_peer_lines(found),
        "",
        f"**{_verdict(found.rows)}**",
        "",
    ])  # fmt: skip


def _table(rows: Sequence[Row]) -> list[str]:
    head = (
        "photos", "type", "forward, photos/s", "stage, photos/s", "stage / forward",
        "decode, ms", "whole decode, ms", "forward, core ms", "stage, core ms", "core time",
    )  # fmt: skip
    lines = [f"| {' | '.join(head)} |", "| --- " * len(head) + "|"]
    for row in rows:
        cells = (
            row.data, row.config.dtype,
            f"{1 / row.forward.clock:.1f}", f"{1 / row.stage.clock:.1f}",
            f"{row.ratio:.2f}", *(f"{1000 * cost.cores:.1f}" for cost in
            (row.decode, row.decode_whole, row.forward, row.stage)), f"{row.core_ratio:.2f}",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _verdict_on_dtype(found: Measured) -> str:
    fastest = min(found.rows, key=lambda row: row.forward.clock).config.dtype
    chosen = found.tuning.config.dtype
    return (
        f"The automatic type is {chosen}; measured apart, {fastest} is the faster one: "
        f"{'the right choice' if chosen == fastest else 'the wrong choice'}."
    )


def _peer_lines(found: Measured) -> list[str]:
    if not found.peers:
        return [ABSENT]
    lines = ["Its own reader, mapper and writer over the same photos and weights; fp32 alone.", ""]
    lines += ["| photos | clip-retrieval | stage, fp32 | stage, chosen type |", "| --- " * 4 + "|"]
    for data, rate in found.peers.items():
        rates = {row.config.dtype: 1 / row.stage.clock for row in found.rows if row.data == data}
        cells = (rate, rates["fp32"], rates[found.tuning.config.dtype])
        lines.append(f"| {data} | {' | '.join(f'{cell:.1f}' for cell in cells)} |")
    return lines


def _verdict(rows: Sequence[Row]) -> str:
    small = min(row.ratio for row in rows if "drawn up" not in row.data)
    large = min(row.core_ratio for row in rows if "drawn up" in row.data)
    said = [
        f"On small photos the stage reaches at least {small:.2f} of the bare forward pass "
        f"(wanted {WANTED}: {'reached' if small >= WANTED else 'missed'})",
        f"on large ones at least {large:.2f} of decoding and forward pass in core time "
        f"(wanted {WANTED_CORE}: {'reached' if large >= WANTED_CORE else 'missed'})",
    ]
    return "; ".join(said) + "."
