"""Photos that processes decode take their memory from the one budget, too."""

import io
from collections.abc import Iterator
from contextlib import closing

import pytest
from PIL import Image

from core.photos.decode import RejectedError
from core.photos.decoding_budget import TOO_MUCH_MEMORY, MemoryBudget
from embeddings import decoding
from embeddings.decoding import DecodePool, picture_of
from embeddings.preparation import Preparation

WANTED = Preparation.of({"size": 32, "mean": (0.5,) * 3, "std": (0.5,) * 3})


def photo(width: int, height: int = 64) -> bytes:
    out = io.BytesIO()
    Image.new("RGBA", (width, height), "red").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
def pool() -> Iterator[DecodePool]:
    with closing(DecodePool(WANTED, "processes", 1)) as made:
        yield made


def test_processes_wait_for_their_share(pool: DecodePool, monkeypatch: pytest.MonkeyPatch) -> None:
    small = photo(64)
    needed = WANTED.decoding_bytes(small)
    budget = MemoryBudget(2 * needed)
    monkeypatch.setattr(decoding, "DECODING_MEMORY", budget)
    most = []
    take = budget.acquire
    monkeypatch.setattr(budget, "acquire", lambda size: (take(size), most.append(budget.taken)))
    futures = [pool.submit(small, None) for _ in range(6)]
    assert {picture_of(each).shape for each in futures} == {(32, 32, 3)}
    assert len(most) == 6
    assert max(most) <= 2 * needed
    for content, reason in ((photo(640), TOO_MUCH_MEMORY), (b"none", "not an image")):
        with pytest.raises(RejectedError, match=reason):
            picture_of(pool.submit(content, None))
    budget.acquire(2 * needed)  # waits until all is given back
