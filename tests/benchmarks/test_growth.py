"""The benchmark of growth, at sizes that take seconds."""

from benchmarks.growth import Cost, measure_all, page_of


def test_every_call_on_a_table_is_measured() -> None:
    costs = measure_all((600, 1_500), ("images", "cars"), repeats=1)
    assert len(costs) == 2 * 2 * 7
    assert all(cost.processor > 0 and cost.wall > 0 for cost in costs)


def test_the_page_follows_from_the_numbers() -> None:
    sizes = (Cost("cars", "look", 600, 10.0, 20.0, 11.0), Cost("cars", "look", 1500, 25, 30, 26))
    assert "| cars | look | 10 (11) | 25 (26) | 2.5 | 1.5 |" in page_of(sizes)
