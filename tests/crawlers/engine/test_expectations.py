"""What a crawl brought is held against what its source is expected to bring."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.licenses import NOT_STATED
from crawlers.engine.expectations import check_ending, check_expectations
from crawlers.engine.job import COMPLETE, CrawlReport, Ending
from crawlers.engine.registry import load_sites
from crawlers.engine.site import Expectations, FillRate, Site
from crawlers.sites.autoscout24.site import AUTOSCOUT24
from crawlers.sites.commons.site import COMMONS

SMALL = replace(
    AUTOSCOUT24,
    expected=Expectations(
        least_share=0.9,
        most_photos=10,
        why="cars are sold",
        fills=(
            FillRate("make", 0.99, "each row has it"),
            FillRate("color", 0.5, "some leave it out"),
        ),
    ),
)


def report(**more: object) -> CrawlReport:
    """One that brought what was expected."""
    good = CrawlReport(
        "autoscout24", "crawl", "now", listings=100, photos=300, known=200, stated=100,
        ended="finished", fill={"make": 1.0, "color": 0.7},
    )  # fmt: skip
    for name, value in more.items():
        setattr(good, name, value)
    return good


def judged(site: Site = SMALL, **more: object) -> CrawlReport:
    found = report(**more)
    check_expectations(found, site)
    return found


def test_what_was_expected_passes() -> None:
    assert judged().failures == judged().warnings == []


def test_too_few_listings_fail() -> None:
    assert judged(listings=90).failures == []
    (failure,) = judged(listings=89).failures
    assert failure == "89 listings of the 100 that the site counts, under 90% (cars are sold)"


def test_no_listing_at_all_fails() -> None:
    (failure,) = judged(listings=0, photos=0, known=0, fill={}).failures
    assert "no listing was parsed" in failure
    assert judged(listings=0, photos=0, known=0, fill={}, stated=0).failures, "whatever it counts"


def test_too_many_photos_warn() -> None:
    assert judged(photos=800, known=200).warnings == []
    found = judged(photos=801, known=200)
    assert found.failures == []
    (warning,) = found.warnings
    assert warning.startswith("10.0 photos a listing, over the 10 that are expected at most")


def test_drift_names_the_field_and_its_share() -> None:
    (failure,) = judged(fill={"make": 1.0, "color": 0.123}).failures
    assert failure == (
        "drift: color is filled in 12.3% of 100 listings, 50% are expected (some leave it out); "
        "the site's pages may have changed"
    )
    both = judged(fill={}).failures
    assert [failure.partition(" is filled")[0] for failure in both] == ["drift: make",
                                                                       "drift: color"]  # fmt: skip


def test_few_listings_say_nothing_of_shares() -> None:
    few = {"listings": 19, "stated": 19, "photos": 19 * 30, "fill": {}}
    assert judged(**few).failures == judged(**few).warnings == []
    assert judged(**(few | {"listings": 20, "stated": 20})).failures


@pytest.mark.parametrize("ended", ["limit", "cap", "stopped", "blocked", "failed", "died"])
def test_a_crawl_that_did_not_see_everything_is_judged_by_its_fields_only(ended: Ending) -> None:
    assert judged(ended=ended, listings=40).failures == []
    assert judged(ended=ended, listings=0, photos=0, known=0).failures == []
    assert len(judged(ended=ended, listings=40, fill={"make": 1.0}).failures) == 1


def test_a_crawl_that_the_site_or_an_error_ended_has_failed() -> None:
    blocked = report(ended="blocked", why="403", failures=["drift"])
    check_ending(blocked)
    assert blocked.failures == ["the site does not want this crawl: 403", "drift"]
    failed = report(ended="failed", why="TypeError")
    check_ending(failed)
    assert failed.failures == ["TypeError"]
    for ended in (*COMPLETE, "cap", "stopped"):
        other = report(ended=ended)
        check_ending(other)
        assert other.failures == [], ended


@pytest.mark.parametrize("site", load_sites().values(), ids=load_sites())
@given(data=st.data())
def test_shares_at_their_least_pass_and_under_it_fail(site: Site, data: st.DataObject) -> None:
    expected = site.expected
    listings = data.draw(st.integers(expected.judge_from, 5000))
    fill = {each.field: each.least for each in expected.fills}
    good = {"listings": listings, "photos": listings, "known": 0, "stated": listings, "fill": fill}
    assert judged(site, **good).failures == []
    drifted = data.draw(st.sampled_from(expected.fills))
    less = data.draw(st.floats(0, drifted.least, exclude_max=True))
    (failure,) = judged(site, **(good | {"fill": fill | {drifted.field: less}})).failures
    assert failure.startswith(f"drift: {drifted.field} is filled in ")
    assert drifted.why in failure


def test_commons_counts_files_that_are_no_photos() -> None:
    found = judged(COMMONS, listings=50, photos=50, known=0, stated=4000, fill={"creator": 0.9})
    assert found.failures == found.warnings == []


@pytest.mark.parametrize(("refused", "fails"), [(50, False), (150, True)])
def test_files_that_lost_their_licenses_are_drift(refused: int, fails: bool) -> None:
    drops = {NOT_STATED: refused, "file is no picture": 10}
    found = judged(COMMONS, listings=40, photos=40, known=0, fill={"creator": 0.9}, drops=drops)
    assert len(found.failures) == fails
    assert all("75.0% of 200 were left out as 'no license is stated'" in each
               for each in found.failures)  # fmt: skip
