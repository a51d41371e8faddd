"""The benchmark of networks, at a size that takes seconds: never its speed."""

from pathlib import Path

from benchmarks.embedding import Cost, small_photos
from benchmarks.networks import SIZES, Row, measure_network, page_of
from embeddings.tuning import RunConfig


def test_every_way_to_run_a_network_is_measured(tmp_path: Path) -> None:
    contents = small_photos(10, tmp_path / "none")[1]
    row = measure_network("torchvision:squeezenet1_0", contents, tmp_path)
    assert len(row.bare) == 4 * len(SIZES)
    assert row.best.clock > 0
    assert row.stage.cores > row.best.cores / 2


def test_the_page_follows_from_the_numbers() -> None:
    bare = {"as it is": Cost(0.02, 0.02), "folded": Cost(0.01, 0.01)}
    fast = Row("fast", RunConfig(), bare, Cost(0.0105, 0.01))
    slow = Row("slow", RunConfig(), bare, Cost(0.02, 0.02))
    assert "at least 0.95 of the best bare forward pass (fast; wanted 0.9: reached)" in page_of(
        [fast]
    )
    assert "(slow; wanted 0.9: missed)" in page_of([fast, slow])
