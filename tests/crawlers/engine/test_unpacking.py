"""The budget that threads unpack pictures in, and photos of a crawl that ask for too much."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from PIL import Image

from core.photos.decoding_budget import (
    TOO_MANY_SCANS,
    TOO_MUCH_MEMORY,
    ImageTooCostlyError,
    MemoryBudget,
)
from crawlers.engine.pipelines import store_photo
from crawlers.engine.pipelines.store_photo import PERMANENT_REASONS, content_fault


def test_threads_never_hold_more_than_there_is() -> None:
    budget, dice = MemoryBudget(100), Random(1)
    sizes = [dice.choice([0, 1, 30, 60, 100]) for _ in range(400)]
    lock, held, most = threading.Lock(), 0, 0

    def use(size: int) -> None:
        nonlocal held, most
        with budget.share(size):
            with lock:
                held += size
                most = max(most, held)
            with lock:
                held -= size

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, sizes))
    assert 60 < most <= 100
    assert budget.taken == 0


def test_a_large_one_is_not_passed_by_small_ones() -> None:
    budget = MemoryBudget(100)
    budget.acquire(60)
    served: list[int] = []
    threads = []
    for waiting, size in enumerate((100, 10, 20), start=1):
        thread = threading.Thread(
            target=lambda size=size: (budget.acquire(size), served.append(size))
        )
        thread.start()
        threads.append(thread)
        while len(budget._turns) < waiting:
            assert thread.is_alive()
    assert served == []
    budget.release(60)
    threads[0].join()
    assert served == [100]
    budget.release(100)
    for thread in threads:
        thread.join()
    assert sorted(served) == [10, 20, 100]
    assert budget.taken == 30


def test_what_never_fits_is_refused_at_once() -> None:
    budget = MemoryBudget(100)
    budget.acquire(100)
    with pytest.raises(ImageTooCostlyError) as refused:
        budget.acquire(101)
    assert (refused.value.reason, refused.value.detail) == (TOO_MUCH_MEMORY, "it takes 101 bytes")


def test_a_share_is_given_back_after_an_error() -> None:
    budget = MemoryBudget(100)
    for _ in range(3):
        with pytest.raises(KeyError), budget.share(100):
            raise KeyError
    assert budget.taken == 0


def test_photos_of_a_crawl_that_ask_for_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    png, jpeg = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (90, 90)).save(png, "PNG")
    Image.new("RGB", (90, 90)).save(jpeg, "JPEG", progressive=True)
    whole = jpeg.getvalue()
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    cut_off = whole[:-2] + 90 * scan  # one that ends as it should is decoded later
    assert content_fault(png.getvalue()) == (None, "")
    assert content_fault(cut_off)[0] == TOO_MANY_SCANS
    monkeypatch.setattr(store_photo, "DECODING_MEMORY", MemoryBudget(90 * 90))
    assert content_fault(png.getvalue()) == (TOO_MUCH_MEMORY, "it takes 32,400 bytes")
    assert {TOO_MANY_SCANS, TOO_MUCH_MEMORY} < set(PERMANENT_REASONS)
