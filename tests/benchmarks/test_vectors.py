"""The benchmark of stored vectors, at a size that takes seconds."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.vectors import (
    EXACT,
    INDEXED,
    SWEEP,
    TYPES,
    K,
    Row,
    decision,
    measure_all,
    mixture,
    page_of,
)


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    absent = tmp_path_factory.mktemp("none") / "absent"
    return measure_all(1200, queries=10, photos=absent, limit=500)


def test_every_way_is_measured_for_both_types(rows: list[Row]) -> None:
    assert len(rows) == len({(row.data, row.stored, row.way) for row in rows})
    assert len(rows) == len(TYPES) * (2 + 1 + len(SWEEP))
    assert all(0 <= row.recall <= 1 and 0 < row.p50 <= row.p99 for row in rows)
    assert all((row.partitions is None) == (row.way == EXACT) for row in rows)


@pytest.mark.parametrize("size", ["500", "1,200"])
def test_exact_rows_are_exact_at_both_sizes(rows: list[Row], size: str) -> None:
    exact = {row.stored: row for row in rows if row.way == EXACT and row.data == f"mixture, {size}"}
    assert exact["float32"].recall == 1
    assert exact["float16"].recall > 0.95
    assert 0.45 < exact["float16"].megabytes / exact["float32"].megabytes < 0.6


def test_the_index_that_the_catalog_builds_is_asked(rows: list[Row]) -> None:
    indexed = [row for row in rows if row.way == INDEXED]
    assert [row.data for row in indexed] == ["mixture, 1,200"] * len(TYPES)
    assert all(row.recall > 0.9 for row in indexed)
    assert all(row.build_s and row.partitions for row in indexed)


def test_the_mixture_is_of_unit_vectors_and_the_same_each_time() -> None:
    one, two = mixture(300, 7), mixture(300, 7)
    assert one.rows.shape == (300, 512)
    assert one.queries.shape == (7, 512)
    assert np.allclose(np.linalg.norm(one.rows, axis=1), 1, atol=1e-5)
    assert np.array_equal(one.rows, two.rows)


def test_the_page_holds_every_row_and_names_no_place(rows: list[Row]) -> None:
    text = page_of(rows)
    assert text.count("\n| mixture") == len(rows)
    assert f"the {K} nearest" in text
    assert str(Path.home()) not in text
    assert "/work" not in text
    assert "/tmp" not in text


def test_the_decision_follows_from_the_numbers() -> None:
    def both(recall: float) -> list[Row]:
        return [
            Row("d", "float16", 1, EXACT, recall, 70, 90),
            Row("d", "float32", 2, EXACT, 1.0, 80, 99),
        ]

    assert "stored as float16" in decision(both(0.999))
    assert "0.9990 at 70.0 ms (d, float16)" in decision(both(0.999))
    assert "stored as float32" in decision(both(0.98))
