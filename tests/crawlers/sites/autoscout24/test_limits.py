"""How much of AutoScout24 a crawl asks for, and what a dry run says of it beforehand."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.records import Photo
from crawlers.sites.autoscout24.site import AUTOSCOUT24
from synthetic.replica.server import Replica
from tests.crawlers.crawling import (
    PICTURES,
    Asked,
    autoscout24_job,
    crawl,
    photos,
    records,
    store,
)
from tests.crawlers.sites.autoscout24.truth import offered, offers_asked, true_photos

WORLD = {"seed": 9, "listings": 260, "photos": 5, "sites": ("it", "de"), "photo_size": (96, 72)}


@pytest.mark.parametrize(
    ("query", "more"),
    [({"site": "it", "per_listing": 2}, {}), ({"site": "de"}, {}), ({"site": "de"}, {"limit": 37})],
)
def test_a_dry_run_estimates_what_the_crawl_then_does(
    replica: Replica, tmp_path: Path, query: dict[str, Any], more: dict[str, Any]
) -> None:
    """From two requests, robots.txt and one search; photos exactly, for all cars here have as
    many; requests within a tenth, for searches by color and body are estimated at their most."""
    job = autoscout24_job(replica, query, **more)
    with Asked(replica) as asked:
        dry = crawl(replace(job, dry_run=True), tmp_path)
    assert [each.path for each in asked.requests] == ["/robots.txt", "/lst/fiat"]
    assert dry.estimate is not None
    assert (dry.photos, dry.listings, dry.failures) == (0, 0, [])
    report = crawl(job, tmp_path)
    assert dry.estimate["listings"] == report.listings
    assert dry.estimate["photos"] == pytest.approx(report.photos, abs=5)
    assert dry.estimate["requests"] == pytest.approx(report.requests, rel=0.1, abs=12)
    cars, most = offered(replica, query["site"]), query.get("per_listing", 5)
    first = [replace(car, photos=car.photos[:most]) for car in cars]
    found = set(photos(job, tmp_path, report))
    assert found <= true_photos(replica.world, first)
    assert len(found) == more.get("limit", len(cars) * most)


def test_a_dry_run_estimates_hours_and_bytes_at_the_pace(replica: Replica, tmp_path: Path) -> None:
    """The pace is the site's own, also on a replica. Photos come from a host of their own: the
    slower of the two hosts decides. A photo weighs as its size says."""
    dry = crawl(autoscout24_job(replica, dry_run=True), tmp_path)
    count = len(offered(replica))
    assert dry.estimate is not None
    pages = dry.estimate["requests"] - 5 * count
    slowest = max(pages * AUTOSCOUT24.pace.delay, 5 * count * AUTOSCOUT24.pace.photo_delay)
    assert dry.estimate["hours"] * 3600 == pytest.approx(slowest)
    small = 170_000 * 480 * 360 / (1280 * 960)
    assert dry.estimate["bytes"] == pytest.approx(5 * count * small + pages * 150_000)


def test_a_dry_run_disturbs_no_crawl_that_broke_off(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica)
    broken = crawl(replace(job, max_requests=60), tmp_path)
    assert broken.ended == "cap"
    crawl(replace(job, dry_run=True), tmp_path)
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert report.crawl_id == broken.crawl_id
    assert asked.count("www", "/lst/") <= -(-len(offered(replica)) // 19) - 1
    assert set(photos(job, tmp_path, report)) == true_photos(replica.world, offered(replica))


def test_a_limit_is_kept_to_the_photo(replica: Replica, tmp_path: Path) -> None:
    """Twelve photos are of the newest listings: five of two, two of a third."""
    job = autoscout24_job(replica, limit=12)
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert (report.ended, report.photos, report.listings) == ("limit", 12, 3)
    assert asked.count(PICTURES) == 12
    assert len(offers_asked(asked)) == 3
    shares = Counter(each[:36] for each in photos(job, tmp_path, report))
    assert sorted(shares.values()) == [2, 5, 5]
    # More of it later is what is missing, and no more.
    with Asked(replica) as more:
        report = crawl(replace(job, limit=20), tmp_path)
    assert (report.photos, report.known) == (8, 12)
    assert more.count(PICTURES) == 8


def test_another_size_is_other_photos_of_the_same_listings(
    replica: Replica, tmp_path: Path
) -> None:
    small = autoscout24_job(replica, {"size": "250x188"}, limit=10)
    crawl(small, tmp_path)
    large = autoscout24_job(replica, {"size": "1280x960"}, limit=10)
    with Asked(replica) as asked:
        report = crawl(large, tmp_path)
    assert report.photos == 10
    assert offers_asked(asked) == []
    assert all(each.path.endswith("/1280x960.jpg") for each in asked.of(PICTURES))
    for photo in records(large, tmp_path, report):
        assert isinstance(photo, Photo)
        assert b"/1280x960.jpg" in photo.read()


@pytest.mark.parametrize("site", ["it", "de"])
def test_a_cap_of_requests_is_gone_on_from(replica: Replica, tmp_path: Path, site: str) -> None:
    """Run after run nothing is asked for twice, and the end is that of an undisturbed crawl."""
    job = autoscout24_job(replica, {"site": site}, max_requests=150)
    whole = true_photos(replica.world, offered(replica, site))
    with Asked(replica) as asked:
        reports = [crawl(job, tmp_path)]
        while reports[-1].ended == "cap":
            assert reports[-1].requests <= 150
            assert reports[-1].why == "150 requests are the most that one run makes"
            assert reports[-1].goes_on is not None
            assert "run the same command again" in reports[-1].goes_on
            reports.append(crawl(job, tmp_path))
            assert len(reports) < 10
    assert len(reports) > 1
    assert reports[-1].ended == "finished"
    assert reports[-1].failures == []
    assert {report.crawl_id for report in reports} == {reports[0].crawl_id}
    assert set(photos(job, tmp_path, reports[-1])) == whole
    assert sum(report.photos for report in reports) == len(whole)
    kept = store(job, tmp_path)
    assert all(kept.listing(car.guid) for car in offered(replica, site))
    kept.close()
    assert sum(report.requests for report in reports) == len(asked.requests)
    addresses = Counter((each.path, each.query) for each in asked.of())
    assert max(addresses.values()) == 1
