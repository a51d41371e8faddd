"""The benchmark of filling a column, at sizes that take seconds."""

from benchmarks.fill import LANCE, MARQUE, Filled, Pending, cost_of, fill, page_of


def test_each_way_fills_every_row_and_is_measured() -> None:
    for way in (MARQUE, LANCE):
        (found,) = fill(way, 3_000, 64)
        assert 1 <= found.table <= 1.2
        assert found.written is None or found.written > found.table
        assert found.seconds > 0


def test_a_few_new_photos_are_cheaper_to_move() -> None:
    found = cost_of(20, 64, fragment=4_000)
    assert 0 < found.moved < found.column


def test_the_page_follows_from_the_numbers() -> None:
    few, many = (Filled(MARQUE, n, 1.0016, 2.1, 300.0, 1.5, 2.5) for n in (100_000, 1_000_000))
    page = page_of([few, many], [Pending(100, 1.25, 34.0)])
    assert "| Marque | 100,000 | 1.002 | 2.100 | 300 | 1.5 | 2.5 |" in page
    assert "grew by 1.002 times the column (wanted: at most 1.2, reached)" in page
    assert "lance-ray, add_columns: not measured here" in page
    assert "| 100 | 1.2 | 34.0 |" in page
