"""The benchmark of stored vectors, at a size that takes seconds."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.vectors import SWEEP, TYPES, K, Row, decision, measure_all, mixture, page


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    return measure_all(2000, queries=10, photos=tmp_path_factory.mktemp("none") / "absent")


def test_every_way_is_measured_for_both_types(rows: list[Row]) -> None:
    assert len(rows) == len(TYPES) * (1 + len(SWEEP))
    assert all(0 <= row.recall <= 1 and 0 < row.p50 <= row.p99 for row in rows)
    exact = {row.stored: row for row in rows if row.way == "exact"}
    assert exact["float32"].recall == 1
    assert exact["float16"].recall > 0.95
    assert 0.4 < exact["float16"].megabytes / exact["float32"].megabytes < 0.6


def test_the_mixture_is_of_unit_vectors_and_the_same_each_time() -> None:
    one, two = mixture(300, 7), mixture(300, 7)
    assert one.rows.shape == (300, 512)
    assert one.queries.shape == (7, 512)
    assert np.allclose(np.linalg.norm(one.rows, axis=1), 1, atol=1e-5)
    assert np.array_equal(one.rows, two.rows)


def test_the_page_holds_every_row_and_names_no_place(rows: list[Row]) -> None:
    text = page(rows, "python -m benchmarks")
    assert text.count("\n| mixture") == len(rows)
    assert f"the {K} nearest" in text
    assert str(Path.home()) not in text
    assert "/work" not in text
    assert "/tmp" not in text


def test_the_decision_follows_from_the_numbers() -> None:
    def both(recall: float) -> list[Row]:
        return [
            Row("d", "float16", 1, "exact", recall, 1, 1),
            Row("d", "float32", 2, "exact", 1.0, 1, 1),
        ]

    assert "stored as float16" in decision(both(0.999))
    assert "stored as float32" in decision(both(0.98))
