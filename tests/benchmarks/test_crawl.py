"""The benchmark of crawling, over a few listings."""

import pytest

from benchmarks.crawl import Again, Measured, Peak, Run, beside_bare, marginal, page_of, run_again


def test_what_a_listing_and_a_photo_cost_is_solved_from_runs_of_known_cost() -> None:
    runs = [Run(n, p, 0.5 + 0.002 * n + 0.003 * p, 0.4 + 0.001 * n + 0.002 * p)
            for n, p in ((10, 10), (100, 100), (20, 400))]  # fmt: skip
    assert marginal(runs, [run.ours for run in runs]) == pytest.approx((2.0, 3.0))
    assert marginal(runs, [run.bare for run in runs]) == pytest.approx((1.0, 2.0))


def test_the_bare_spider_downloads_what_the_crawl_did() -> None:
    run = beside_bare(12, 2, (240, 200))
    assert run.photos == 2 * run.listings > 0
    assert 0 < run.bare < run.ours * 5


def test_a_second_run_asks_for_nothing_that_is_there() -> None:
    again = run_again(12, 2)
    assert again.photos == 2 * again.offers > 0
    assert (again.offers_again, again.photos_again) == (0, 0)


@pytest.mark.parametrize(
    ("ours", "peak", "offers", "photos", "missed"),
    [(1.4, 240, 5, 0, 0), (1.6, 240, 5, 0, 2), (1.4, 260, 5, 0, 1), (1.4, 240, 6, 1, 2)],
)
def test_the_verdicts_follow_from_what_was_measured(
    ours: float, peak: float, offers: int, photos: int, missed: int
) -> None:
    runs = [Run(n, p, ours * (n + p) / 1000, (n + p) / 1000)
            for n, p in ((10, 10), (100, 100), (20, 400))]  # fmt: skip
    measured = Measured(runs, [Peak(5, 100), Peak(50, peak)], Again(100, 200, offers, photos))
    text = page_of(measured)
    assert text.count("| missed |") == missed
    assert text.count("| reached |") == 5 - missed
