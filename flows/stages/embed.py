"""The embed stage: how to run the model, and one shard of photos.

torch is imported where a model is loaded, not with this module: a flow that embeds nothing does
not wait for it.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from catalog.photos import BYTES_A_READ, DAMAGED_PHOTO, load_photos
from catalog.rejects import store_rejects
from catalog.table import Catalog
from core.records import Box, Drop
from embeddings.registry import SpaceSpec
from embeddings.tuning import RunConfig, Tuning, load_tuning, store_tuning
from flows.resources import encoder_for
from flows.settings import Settings
from labeling.label import current_labels
from labeling.networks import PredictionCounts, ask_photos, load_vector_labelers
from labeling.pending import VIEW, embed_stage
from labeling.publish.cars import Vectors, append_cars, replace_vectors

if TYPE_CHECKING:
    from embeddings.engine import Engine
    from embeddings.measure import TunedEncoder

MEASURE_FROM = 500
"""With fewer photos to embed, measuring would take longer than it saves."""

DECODE_SAMPLE = 32
"""The number of waiting photos, spread over all of them, that are decoded to measure the speed."""

_WRITING = Lock()  # two commits at the same moment would conflict, and one would be retried


@dataclass(frozen=True, slots=True)
class EmbeddedShard:
    """How many photos of a shard were written, why the others were not, how many of these are new
    among the rejects, and what the networks said of new photos."""

    photos: int
    rejected: tuple[str, ...]
    asked: PredictionCounts = field(default_factory=PredictionCounts)
    newly_rejected: int = 0


def choose_config(
    settings: Settings,
    catalog: Catalog,
    waiting: Sequence[str],
    space: SpaceSpec | None = None,
) -> RunConfig:
    """How to run the model of a space over the photos that wait: as was measured here, or is
    measured now.

    A setting wins over what is measured. A measurement is kept in the home folder.
    """
    from embeddings.measure import with_decoding

    encoder, overrides = encoder_for(settings, space), settings.overrides
    if len(waiting) < MEASURE_FROM:
        return config_for(settings, encoder, measured=False)
    tuning = _tuning(settings, encoder)
    assert tuning is not None, "it is measured where it is not kept"
    tuning = with_decoding(tuning, encoder, overrides, _sample(catalog, waiting))
    _keep(settings, encoder, tuning)
    return tuning.config


def config_for(settings: Settings, network: "TunedEncoder", *, measured: bool = True) -> RunConfig:
    """How to run a network over photos that are not known yet, decoded in threads; it is measured
    if it never was, or else run as usual."""
    from embeddings.measure import default_config

    tuning = _tuning(settings, network, measured=measured)
    if tuning is None:
        return default_config(settings.overrides)
    # Processes start more slowly than threads decode a few photos.
    return replace(tuning.config, decoders="threads")


def _tuning(settings: Settings, network: "TunedEncoder", *, measured: bool = True) -> Tuning | None:
    from embeddings.measure import measure, tuning_key

    overrides = settings.overrides
    tuning = load_tuning(settings.home_path, tuning_key(network, overrides))
    if tuning is None and measured:
        tuning = measure(network, overrides)
        _keep(settings, network, tuning)
    return tuning


def _keep(settings: Settings, network: "TunedEncoder", tuning: Tuning) -> None:
    from embeddings.measure import tuning_key

    with suppress(OSError):  # all it costs is to measure again
        store_tuning(settings.home_path, tuning_key(network, settings.overrides), tuning)


@lru_cache(maxsize=1)
def engine_for(settings: Settings, config: RunConfig, space: SpaceSpec | None = None) -> "Engine":
    """The engine of a space, made once a process; raises `ModelError`."""
    from embeddings.engine import Engine

    encoder = encoder_for(settings, space).in_dtype(config.dtype)
    return Engine(encoder, config)


@contextmanager
def kept_engine(
    settings: Settings, config: RunConfig, space: SpaceSpec | None = None
) -> Iterator[None]:
    """Keep one engine for all shards of a stage, and close it after them."""
    # Here, before two shards ask for it at the same moment.
    engine = engine_for(settings, config, space)
    try:
        yield
    finally:
        engine_for.cache_clear()
        engine.close()


def embed_shard(
    settings: Settings,
    config: RunConfig,
    catalog: Catalog,
    image_ids: Sequence[str],
    run_id: str,
    *,
    replace: bool,
) -> EmbeddedShard:
    """Embed these photos into `semantic` and write them to `cars` in one commit.

    With `replace` they are in `cars` and get new vectors; else they enter it, complete. A photo
    that cannot be embedded goes to `rejects`; the rest continue.
    """
    vectors, drops = _embed(settings, config, catalog, image_ids, None)
    asked = PredictionCounts()
    with _WRITING:
        if replace:
            replace_vectors(catalog, vectors)
        else:
            asked = _ask(catalog, vectors, run_id)
            append_cars(catalog, vectors)
        fresh = store_rejects(catalog, drops, stage=embed_stage(vectors.version), run_id=run_id)
    reasons = tuple(drop.reason for drop in drops)
    return EmbeddedShard(len(vectors.image_ids), reasons, asked, fresh)


@dataclass(frozen=True, slots=True)
class ShardVectors:
    """The vectors of a shard, the photos that have none with the reason, and how many of these are
    new among the rejects."""

    vectors: Vectors
    rejected: dict[str, str]
    newly_rejected: int


def embed_vectors(
    settings: Settings,
    config: RunConfig,
    catalog: Catalog,
    image_ids: Sequence[str],
    run_id: str,
    space: SpaceSpec,
) -> ShardVectors:
    """Embed these photos into a space; a photo that cannot be embedded goes to `rejects`."""
    vectors, drops = _embed(settings, config, catalog, image_ids, space)
    fresh = store_rejects(catalog, drops, stage=embed_stage(vectors.version), run_id=run_id)
    return ShardVectors(vectors, {drop.source_id: drop.reason for drop in drops}, fresh)


def _embed(
    settings: Settings,
    config: RunConfig,
    catalog: Catalog,
    image_ids: Sequence[str],
    space: SpaceSpec | None,
) -> tuple[Vectors, list[Drop]]:
    from embeddings.engine import Job

    record = encoder_for(settings, space).record
    damaged: list[str] = []
    jobs = (Job(*photo) for photo in load_photos(catalog, image_ids, damaged))
    ids: list[str] = []
    parts = [np.empty((0, record.size), np.float32)]
    drops: list[Drop] = []
    for batch in engine_for(settings, config, space).embed(jobs):
        if batch.image_ids:
            ids += batch.image_ids
            parts.append(batch.outputs)
        drops += [Drop("images", key, why.reason, why.detail) for key, why in batch.failed]
    drops += [Drop("images", key, DAMAGED_PHOTO) for key in damaged]
    return Vectors(record.space, record.version, ids, np.concatenate(parts)), drops


def _ask(catalog: Catalog, vectors: Vectors, run_id: str) -> PredictionCounts:
    """Let the networks label photos before they enter `cars`, so that they enter it complete.

    For a new model no network is in use yet: `flows.stages.networks` prepares them when all photos
    are embedded.
    """
    vector_labelers = load_vector_labelers(catalog, vectors.version)
    if not vector_labelers.members or not vectors.image_ids:
        return PredictionCounts()
    labels = current_labels(catalog, vectors.image_ids)
    views = {key: each[VIEW].values[0] for key, each in labels.items() if VIEW in each}
    return ask_photos(
        catalog, vector_labelers, vectors.image_ids, vectors.values, views, run_id=run_id
    )


def _sample(catalog: Catalog, image_ids: Sequence[str]) -> list[tuple[bytes, Box | None]]:
    sample: list[tuple[bytes, Box | None]] = []
    held = 0
    for _, content, box in load_photos(catalog, image_ids[:: -(-len(image_ids) // DECODE_SAMPLE)]):
        sample.append((content, box))
        held += len(content)
        if held >= BYTES_A_READ:
            break
    return sample
