"""A site whose answers change while it is crawled: the crawl stops at the page, names the path,
keeps what came, and does not say that the site wants no crawl, nor that it has no listings."""

from pathlib import Path

import pytest

from crawlers.engine.job import CrawlReport
from crawlers.sites.autoscout24.offers import LACKS
from crawlers.sites.autoscout24.pages.drift import FEW_ROWS
from synthetic.replica.server import Replica, start_replica
from synthetic.replica.world import World
from tests.crawlers.crawling import (
    FAST,
    Asked,
    autoscout24_job,
    commons_job,
    crawl,
    photos,
)
from tests.crawlers.sites.autoscout24.truth import (
    assert_all_there,
    listings,
    offered,
    offers_asked,
    true_photos,
)

WORLD = {
    "seed": 6,
    "listings": 520,
    "photos": 1,
    "files": 39,
    "sites": ("it", "es", "lu", "de"),
    "photo_size": (96, 72),
}


def assert_drifted(report: CrawlReport, path: str) -> None:
    assert report.ended == "failed"
    assert report.why.startswith(f"drift: {path} is ")
    assert report.failures[0] == report.why
    assert not any(
        "does not want" in each or "no listing was parsed" in each for each in report.failures
    )
    assert report.gone == 0
    assert report.goes_on is None, "asking the same again would end the same"


def test_a_search_stops_at_the_page_that_changed(replica: Replica, tmp_path: Path) -> None:
    """The first page was whole: its photos stay."""
    replica.faults.set("drift", "listings.searchResultSection", only="page", after=1)
    job = autoscout24_job(replica, {"site": "de"})
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert_drifted(report, "listings[].searchResultSection")
    assert "page 2 of de fiat" in report.why
    assert asked.count("www", "/lst/") == 2


def test_offers_that_changed_end_the_crawl_and_those_before_stay(
    replica: Replica, tmp_path: Path
) -> None:
    replica.faults.set("drift", "listingDetails.prices", after=1 + 20)
    job = autoscout24_job(replica)
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert_drifted(report, "listingDetails.prices")
    assert len(offers_asked(asked)) <= 20 + FEW_ROWS + 2 * FAST.concurrency
    kept = photos(job, tmp_path, report)
    assert len(kept) == report.photos
    assert set(kept) < true_photos(replica.world, offered(replica))


def test_an_odd_offer_is_read_and_told(replica: Replica, tmp_path: Path) -> None:
    replica.faults.set("drift", "listingDetails.prices", after=5, first=1)
    job = autoscout24_job(replica)
    report = crawl(job, tmp_path)
    assert_all_there(replica, job, tmp_path, report, offered(replica))
    assert report.notices[f"{LACKS} listingDetails.prices"] == 1


def test_an_odd_offer_alone_is_new_waits_for_a_crawl_that_can_tell(tmp_path: Path) -> None:
    """A crawl of a day reads one offer or two: an odd one would end it, and each after it."""
    world = World(seed=9, listings=60, photos=1, sites=("it",), photo_size=(96, 72))
    with start_replica(world) as replica:
        job = autoscout24_job(replica)
        replica.faults.set("drift", "listingDetails.prices")
        assert_drifted(crawl(autoscout24_job(replica, limit=1), tmp_path), "listingDetails.prices")
        replica.faults.clear()
        cars = offered(replica)
        assert crawl(job, tmp_path).listings == len(cars)
        world.retitle(cars[1].number, "Turbo Edition")
        replica.faults.set("drift", "listingDetails.prices")
        odd = crawl(job, tmp_path)
        assert (odd.ended, odd.failures, odd.gone) == ("finished", [], 0)
        assert odd.drops == {f"{LACKS} listingDetails.prices": 1}
        replica.faults.clear()
        with Asked(replica) as asked:
            sound = crawl(job, tmp_path)
        assert_all_there(replica, job, tmp_path, sound, offered(replica))
        assert len(offers_asked(asked)) == 1


def test_a_list_without_its_listings_has_changed(replica: Replica, tmp_path: Path) -> None:
    """Unlike an error page, which does not say that it is a list."""
    replica.faults.set("drift", "listings")
    report = crawl(autoscout24_job(replica), tmp_path)
    assert_drifted(report, "listings")


def test_luxembourg_has_no_language_in_its_addresses(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica, {"site": "lu"})
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert_all_there(replica, job, tmp_path, report, offered(replica, "lu"))
    assert asked.count("www.autoscout24.lu", "/lst/fiat") > 0
    assert all(path.startswith("/offres/fiat-") for path in offers_asked(asked))
    assert not any("cat=" in each.query for each in asked.of())


def test_the_spanish_words_are_read_and_13_is_burgundy(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica, {"site": "es"})
    cars = offered(replica, "es")
    assert "violet" in {car.color for car in cars}
    report = crawl(job, tmp_path)
    assert_all_there(replica, job, tmp_path, report, cars)
    words = listings(job, tmp_path, report)
    for car in cars:
        said = {"violet": "Burgundy", "pink": None}.get(car.color, car.color.capitalize())
        assert words[car.guid].get("color") == said


@pytest.mark.parametrize("path", ["imageinfo.extmetadata", "imageinfo.thumburl"])
def test_files_of_commons_that_all_lack_something(
    replica: Replica, tmp_path: Path, path: str
) -> None:
    replica.faults.set("api-drift", f"query.pages.{path}")
    with Asked(replica) as asked:
        report = crawl(commons_job(replica, {"width": 330}), tmp_path)
    assert_drifted(report, f"query.pages[].{path.replace('imageinfo.', 'imageinfo[0].')}")
    assert asked.count("upload") == 0
    assert report.drops == {}
