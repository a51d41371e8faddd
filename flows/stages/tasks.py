"""One shard of a stage: may be repeated, and adds nothing twice.

Inside a Prefect run a shard is a task, with its retries, its line in Prefect's pages and perhaps a
machine of its own; outside it is a plain call with the same retries. This module decides which.
Only errors that may pass are retried: a network that fails, a commit that another writer preempted.
"""

import errno
import functools
import logging
import random
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, Protocol, TypeVar

from catalog.register import register
from catalog.registration_counts import RegistrationCounts
from catalog.table import Catalog, StoreError
from core.records import Drop, Notice, Photo
from embeddings.registry import SpaceSpec
from embeddings.tuning import RunConfig
from flows.prefect_context import in_prefect_run
from flows.resources import catalog_at
from flows.settings import Settings
from flows.stages.embed import EmbeddedShard, ShardVectors, embed_shard, embed_vectors
from labeling.label import LabelCounts, label_sightings
from labeling.networks import PredictionCounts, ask_photos, load_vector_labelers
from labeling.pending import KNOWN, VIEW
from labeling.publish.cars import DisagreementCounts, refresh_cars
from labeling.truth import known_views, load_vectors

if TYPE_CHECKING:
    from prefect.tasks import Task

VECTOR_SHARDS = 8
"""Shards of photos in one task where no photo is read, only its vector or its labels."""

REFRESH_SHARDS = 64
"""Shards in one refresh: a commit writes whole columns, so the fewer the better."""

RETRIES = 3
JITTER = 0.5
"""How much longer or shorter a pause may be, as a share of it."""

AT_ONCE = 2
"""Shards under way at the same time: the model works at one while another is read or written."""

_LASTING = {errno.ENOSPC, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOENT}

_T = TypeVar("_T")
P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)
_logger = logging.getLogger(__name__)


class PendingResult(Protocol[R_co]):
    """The result of a submitted shard, once it is done."""

    def result(self) -> R_co:
        """Wait for it."""
        ...


class ShardTask(Generic[P, R]):
    """A function over one shard; calling it does the shard, retries and all."""

    def __init__(self, name: str, function: Callable[P, R], retries: int) -> None:
        functools.update_wrapper(self, function)
        self.name = name
        self._function = function
        self._retries = retries

    def __call__(self, *given: P.args, **named: P.kwargs) -> R:
        """Do the shard."""
        if in_prefect_run():
            done: R = self._task(
                *_quoted(given), **dict(zip(named, _quoted(named.values()), strict=True))
            )
            return done
        return tried(self.name, lambda: self._function(*given, **named), self._retries)

    def submitter(self, stack: ExitStack) -> Callable[P, PendingResult[R]]:
        """A function that begins a shard; what it needs for that ends with `stack`."""
        if in_prefect_run():
            return lambda *given, **named: self._task.submit(*_quoted(given), **named)
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE, thread_name_prefix=self.name))
        return lambda *given, **named: pool.submit(self, *given, **named)

    @functools.cached_property
    def _task(self) -> "Task[..., Any]":
        from prefect import task
        from prefect.cache_policies import NO_CACHE
        from prefect.tasks import exponential_backoff

        return task(
            name=self.name,
            retries=self._retries,
            retry_delay_seconds=exponential_backoff(backoff_factor=1),
            retry_jitter_factor=JITTER,
            retry_condition_fn=lambda _task, _run, state: is_transient(
                state.result(raise_on_failure=False)
            ),
            cache_policy=NO_CACHE,
            persist_result=False,
        )(self._function)


def _quoted(given: Iterable[Any]) -> list[Any]:
    """The arguments marked so that Prefect does not search each photo in them for futures."""
    from prefect.utilities.annotations import quote

    return [quote(each) for each in given]


def shard_task(name: str, retries: int = RETRIES) -> Callable[[Callable[P, R]], ShardTask[P, R]]:
    """Decorate a function over one shard: transient errors are retried, `retries` times, after
    growing, jittered pauses."""
    return lambda function: ShardTask(name, function, retries)


def is_transient(error: object) -> bool:
    """Whether a retry may succeed.

    It may after a `StoreError` that does not last, such as a write that did not reach the store,
    and after most `OSError`s, such as those of a network. It cannot while a disk is full or
    read-only, or a path is missing or forbidden.
    """
    if isinstance(error, OSError):
        return error.errno not in _LASTING
    return isinstance(error, StoreError) and not error.lasts


def tried(name: str, call: Callable[[], R], retries: int) -> R:
    """What `call` returns. A transient error is retried, `retries` times, after growing, jittered
    pauses, as in a Prefect task of this module."""
    for number in range(retries):
        try:
            return call()
        except Exception as error:
            if not is_transient(error):
                raise
            pause = 2**number * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - no secret
            _logger.info("%s failed, the next try is in %.1f s", name, pause, exc_info=True)
        time.sleep(pause)
    return call()


def overlapped(work: ShardTask[P, R], calls: Iterable[tuple[Any, ...]]) -> Iterator[R]:
    """The results of calls with these arguments, in order; `AT_ONCE` of them run at a time."""
    submitted: deque[PendingResult[R]] = deque()
    with ExitStack() as stack:
        begin: Callable[..., PendingResult[R]] = work.submitter(stack)
        try:
            for given in calls:
                submitted.append(begin(*given))
                if len(submitted) == AT_ONCE:
                    yield submitted.popleft().result()
            while submitted:
                yield submitted.popleft().result()
        finally:
            for other in submitted:  # the caller is about to close what these still use
                with suppress(Exception):
                    other.result()


def shards(items: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of at most `size` items, in order."""
    source = iter(items)
    while shard := list(islice(source, size)):
        yield shard


@lru_cache(maxsize=4)
def opened(settings: Settings) -> Catalog:
    """The catalog of these settings, opened once a process."""
    return catalog_at(settings)


@shard_task("register")
def register_shard(
    settings: Settings, records: Sequence[Photo | Drop | Notice], run_id: str
) -> RegistrationCounts:
    """Store what is new of one shard of a source."""
    return register(opened(settings), records, run_id=run_id, workers=settings.decode_workers)


@shard_task("label")
def label_shard(settings: Settings, sighting_ids: Sequence[str], run_id: str) -> LabelCounts:
    """Read the words of one shard of sightings."""
    return label_sightings(opened(settings), sighting_ids, run_id=run_id)


@shard_task("embed")
def embed_images(
    settings: Settings, config: RunConfig, image_ids: Sequence[str], run_id: str, replace: bool
) -> EmbeddedShard:
    """Embed one shard of photos with the model run as `config`, and write them to `cars`."""
    return embed_shard(settings, config, opened(settings), image_ids, run_id, replace=replace)


@shard_task("embed into a space")
def embed_into(
    settings: Settings,
    config: RunConfig,
    image_ids: Sequence[str],
    run_id: str,
    space: SpaceSpec,
) -> ShardVectors:
    """Embed one shard of photos into a space with its model run as `config`."""
    return embed_vectors(settings, config, opened(settings), image_ids, run_id, space)


@shard_task("ask networks")
def ask_shard(
    settings: Settings, space: str, space_version: str, image_ids: Sequence[str], run_id: str
) -> PredictionCounts:
    """Keep what the networks in use say of one shard of photos, by their stored vectors."""
    catalog = opened(settings)
    labelers = load_vector_labelers(catalog, space_version)
    ids, vectors = load_vectors(catalog, space, image_ids)
    # Where none of them looks for the view, what others have said of it counts.
    own = labelers.find_classifier(VIEW) is not None
    views = known_views(catalog, ids, KNOWN if own else (*KNOWN, "model"))
    return ask_photos(catalog, labelers, ids, vectors, views, run_id=run_id)


@shard_task("refresh")
def refresh_shard(settings: Settings, image_ids: Sequence[str]) -> DisagreementCounts:
    """Bring the labels of one shard of `cars` up to date."""
    return refresh_cars(opened(settings), image_ids)
