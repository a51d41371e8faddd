"""The benchmark of versions, at a size that takes seconds."""

from benchmarks.versions import Disk, measure, page_of


def test_what_small_imports_and_a_relabeling_leave_goes() -> None:
    full, grown, cleaned, relabeled, compact = measure(photos=300, imports=4)
    assert grown.cars > cleaned.cars > full.cars
    assert cleaned.cars < 1.3 * full.cars * 340 / 300
    assert grown.versions > cleaned.versions == 1
    assert relabeled.assertions > 1.5 * cleaned.assertions
    assert compact.assertions < 0.75 * relabeled.assertions


def test_the_page_follows_from_the_numbers() -> None:
    assert "| then | 12.3 | 7 | 0.5 |" in page_of([Disk("then", 12.34, 0.45, 7)])
