"""The tasks of the flows: each does one shard of a stage, may be repeated, and adds nothing twice.

A task repeats what another try can mend (a network that fails, a commit that another writer
preempted) and nothing else.
"""

import errno
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, ParamSpec, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.tasks import Task, exponential_backoff

from catalog.register import Registered, register
from catalog.table import Catalog, StoreError
from crawlers.records import Drop, Notice, Photo
from embeddings.registry import SPACE
from embeddings.tuning import Way
from flows.embedding import EmbeddedShard, embed_shard
from flows.opening import catalog_at
from flows.settings import Settings
from labeling.label import Labelled, label_sightings
from labeling.networks import Asked, ask_photos, load_panel
from labeling.refresh import Differences, refresh_labels
from labeling.truth import known_views, load_vectors

ASKED = 8
"""Shards of photos in one task where no photo is read, only its vector or its labels."""

REFRESHED = 64
"""Shards in one refresh: a commit writes whole columns, so the fewer the better."""

_LASTING = {errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT}

T = TypeVar("T")
P = ParamSpec("P")
R = TypeVar("R")


def can_mend(_task: Any, _run: Any, state: State[Any]) -> bool:
    """Whether another try may succeed: after a write that did not reach the store, and after an
    `OSError` such as a network's, but for a disk that is full and a path that is absent or
    forbidden."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, OSError):
        return error.errno not in _LASTING
    return isinstance(error, StoreError) and not error.lasts


def shard_task(name: str) -> Callable[[Callable[P, R]], Task[P, R]]:
    """A task over one shard, tried up to four times with growing, jittered pauses."""
    return task(
        name=name,
        retries=3,
        retry_delay_seconds=exponential_backoff(backoff_factor=1),
        retry_jitter_factor=0.5,
        retry_condition_fn=can_mend,
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def shards(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` items, in order."""
    source = iter(items)
    while shard := list(islice(source, size)):
        yield shard


@lru_cache(maxsize=4)
def opened(settings: Settings) -> Catalog:
    """The catalogue of these settings, opened once a process."""
    return catalog_at(settings)


@shard_task("register")
def register_shard(
    settings: Settings, records: Sequence[Photo | Drop | Notice], run_id: str
) -> Registered:
    """Store what is new of one shard of a source."""
    return register(opened(settings), records, run_id=run_id, workers=settings.decode_workers)


@shard_task("label")
def label_shard(settings: Settings, sighting_ids: Sequence[str], run_id: str) -> Labelled:
    """Read the words of one shard of sightings."""
    return label_sightings(opened(settings), sighting_ids, run_id=run_id)


@shard_task("embed")
def embed_images(
    settings: Settings, way: Way, image_ids: Sequence[str], run_id: str, *, replace: bool
) -> EmbeddedShard:
    """Embed one shard of photos, in one way to run the model, and write them to `cars`."""
    return embed_shard(settings, way, opened(settings), image_ids, run_id, replace=replace)


@shard_task("ask networks")
def ask_shard(
    settings: Settings, space_version: str, image_ids: Sequence[str], run_id: str
) -> Asked:
    """Keep what the networks in use say of one shard of photos, by their stored vectors."""
    catalog = opened(settings)
    ids, vectors = load_vectors(catalog, SPACE, image_ids)
    views = known_views(catalog, ids)
    return ask_photos(
        catalog, load_panel(catalog, space_version), ids, vectors, views, run_id=run_id
    )


@shard_task("refresh")
def refresh_shard(settings: Settings, image_ids: Sequence[str]) -> Differences:
    """Bring the labels of one shard of `cars` up to date."""
    return refresh_labels(opened(settings), image_ids)
