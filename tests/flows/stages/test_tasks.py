"""What a shard tries again, and what it does not: by hand and as a task of Prefect alike."""

import errno
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from catalog.table import CatalogError, StoreError
from flows.stages import tasks
from flows.stages.tasks import overlapped, shard_task, shards

Run = Callable[[Callable[[], object]], None]


def by_hand(call: Callable[[], object]) -> None:
    call()


@pytest.fixture(params=["by hand", "flow"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Calls something outside Prefect, or inside a flow."""
    if request.param == "by hand":
        monkeypatch.setattr(tasks.time, "sleep", lambda seconds: None)  # type: ignore[attr-defined]
        return by_hand
    request.getfixturevalue("prefect_harness")
    from prefect import flow

    def inside(call: Callable[[], object]) -> None:
        @flow
        def whole() -> None:
            call()

        whole()

    return inside


def tries_until(run: Run, error: Exception, succeeds_at: int) -> int:
    """How often a shard runs that fails with `error` until its n-th try."""
    tries = 0

    @shard_task("shard")
    def work() -> None:
        nonlocal tries
        tries += 1
        if tries < succeeds_at:
            raise error

    with suppress(type(error)):
        run(work)
    return tries


def test_a_transient_error_is_retried(run: Run) -> None:
    assert tries_until(run, ConnectionError("the network is away"), 2) == 2
    assert tries_until(run, StoreError("another writer was first"), 2) == 2


def test_pauses_grow_and_there_are_three(monkeypatch: pytest.MonkeyPatch) -> None:
    paused: list[float] = []
    monkeypatch.setattr(tasks.time, "sleep", paused.append)  # type: ignore[attr-defined]
    assert tries_until(by_hand, ConnectionError("the network is away"), 9) == 4
    for at, pause in enumerate(paused):
        assert 0.5 * 2**at <= pause <= 1.5 * 2**at
    assert len(paused) == 3


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
def test_what_stays_as_it_is_fails_at_once(run: Run, error: Exception) -> None:
    assert tries_until(run, error, 2) == 1


def test_two_are_under_way_and_come_in_order(run: Run) -> None:
    both = threading.Barrier(2)  # which only two can pass

    @shard_task("pair")
    def work(number: int) -> int:
        both.wait(60)
        return number

    found: list[int] = []
    run(lambda: found.extend(overlapped(work, ((number,) for number in range(4)))))
    assert found == [0, 1, 2, 3]


def test_one_that_fails_waits_for_the_other(run: Run) -> None:
    begun, ended = threading.Event(), threading.Event()

    @shard_task("pair")
    def work(number: int) -> None:
        if number == 0:
            begun.wait(60)
            raise ValueError("the first")
        begun.set()
        ended.set()

    with pytest.raises(ValueError, match="the first"):
        run(lambda: list(overlapped(work, [(0,), (1,)])))
    assert ended.is_set()


def test_shards_hold_everything_once_in_order() -> None:
    assert list(shards(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(shards([], 3)) == []
