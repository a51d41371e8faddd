"""The benchmark of the embedding stage, at a size that takes seconds: never its speed."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import embedding
from benchmarks.embedding import Cost, Measured, Row, measure_rows, page_of, small_photos
from embeddings.registry import TINY
from embeddings.tuning import RunConfig, Tuning
from flows.settings import Settings

WAY = RunConfig(threads=1, batch_size=8)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    folder = tmp_path_factory.mktemp("benchmark")
    name, contents = small_photos(20, folder / "none")
    assert name == "scenes"
    contents = [*contents[:18], *(embedding.draw_up(each, 0) for each in contents[18:])]
    settings = Settings(home=folder, semantic_model=TINY, device="cpu", shard_size=7)
    return measure_rows(folder, contents, "scenes, 224 x 224", settings, WAY)


def test_every_type_is_measured(rows: list[Row]) -> None:
    assert [row.config for row in rows] == [replace(WAY, dtype=each) for each in ("fp32", "bf16")]
    for row in rows:
        for cost in (row.decode, row.decode_whole, row.forward, row.stage):
            assert cost.clock > 0
            assert cost.cores > 0
        assert row.stage.cores > row.forward.cores / 2


def test_the_page_follows_from_the_numbers() -> None:
    fast, slow = Cost(0.01, 0.02), Cost(0.011, 0.023)
    small = Row("cars", replace(WAY, dtype="bf16"), Cost(0.001, 0.001), slow, fast, slow)
    large = replace(small, data="cars drawn up", stage=Cost(0.03, 0.03))
    tuning = Tuning(
        "m", "cpu", RunConfig("bf16", 1, 8, "threads", 2), {"bf16": 90.0}, "bf16: 90", "now"
    )
    text = page_of(Measured(20, tuning, [small, large], {}))
    assert "(wanted 0.85: reached)" in text
    assert "(wanted 0.9: missed)" in text
    assert "make peers" in text
    assert "the right choice" in text
    assert text.count("\n| cars") == 2
    assert str(Path.home()) not in text
