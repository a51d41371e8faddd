"""What a task tries again, and what it does not."""

import errno
from contextlib import suppress

import pytest
from prefect import flow

from catalog.table import CatalogError, StoreError
from flows.tasks import shard_task, shards

pytestmark = pytest.mark.usefixtures("prefect_harness")


def tries_until(error: Exception, succeeds_at: int) -> int:
    """How often a shard task runs that fails with `error` until its n-th try."""
    tries = 0

    @shard_task("shard")
    def work() -> None:
        nonlocal tries
        tries += 1
        if tries < succeeds_at:
            raise error

    @flow
    def run() -> None:
        work()

    with suppress(type(error)):
        run()
    return tries


def test_what_can_mend_is_tried_again() -> None:
    assert tries_until(ConnectionError("the network is away"), 2) == 2
    assert tries_until(StoreError("another writer was first"), 2) == 2


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "no space left"),
        PermissionError(errno.EACCES, "no"),
        StoreError("the disk is full", lasts=True),
        CatalogError("a key is there twice"),
        RuntimeError("out of memory"),
        RecursionError("too deep"),
        ValueError("x"),
    ],
)
def test_what_stays_as_it_is_fails_at_once(error: Exception) -> None:
    assert tries_until(error, 2) == 1


def test_shards_hold_everything_once_in_order() -> None:
    assert list(shards(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(shards([], 3)) == []
