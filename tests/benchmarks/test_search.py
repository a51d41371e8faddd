"""The benchmark of search, at a size that takes seconds."""

import pytest

from benchmarks.search import (
    EXACT,
    IDS,
    IDS_BARE,
    NUMPY,
    WHOLE,
    WHOLE_BARE,
    K,
    Measured,
    Row,
    measure,
    page_of,
    verdict,
)


@pytest.fixture(scope="module")
def done() -> Measured:
    return measure(1500, queries=12, slow=5)


def test_every_way_is_measured_and_finds_the_neighbors(done: Measured) -> None:
    ways = [row.way for row in done.rows]
    assert ways[:-1] == [WHOLE, WHOLE_BARE, IDS, IDS_BARE, EXACT, NUMPY]
    assert ways[-1].startswith("FAISS HNSW")
    assert all(row.recall > 0.9 and 0 < row.p50 <= row.p99 for row in done.rows)
    by_way = {row.way: row.recall for row in done.rows}
    assert by_way[NUMPY] == 1
    # The same query in both: it must find the same, or something else is compared.
    assert by_way[WHOLE] == by_way[WHOLE_BARE]
    assert by_way[IDS] == by_way[IDS_BARE]


def test_the_page_holds_every_row_and_names_no_place(done: Measured) -> None:
    text = page_of(done)
    assert text.startswith("# Search in 1,500 photos")
    assert all(f"\n| {row.way} | {row.recall:.4f} |" in text for row in done.rows)
    assert f"the {K} nearest" in text
    assert "/tmp" not in text


@pytest.mark.parametrize(
    ("recall", "ours", "said"),
    [(0.995, 12.0, "reached"), (0.98, 12.0, "missed"), (0.995, 14.0, "missed")],
)
def test_the_verdict_follows_from_the_numbers(recall: float, ours: float, said: str) -> None:
    rows = [Row(WHOLE, recall, ours, 20), Row(WHOLE_BARE, 1, 10.0, 20)]
    rows += [Row(IDS, 1, 5.0, 9), Row(IDS_BARE, 1, 5.0, 9)]
    assert verdict(rows).endswith(f"{said}.**")
