"""Searches that AutoScout24 does not answer, and answers that turn a program away: the crawl stops,
says why, keeps what it has, and takes nothing for gone."""

import shutil
from pathlib import Path

import pytest

from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.sites.autoscout24.offers import LATELY, MOST_DEAD, REMOVED
from crawlers.sites.autoscout24.searches import AGAIN
from synthetic.replica.server import Replica, start_replica
from synthetic.replica.world import World
from tests.crawlers.crawling import (
    FAST,
    Asked,
    autoscout24_job,
    crawl,
    photos,
    records,
    store,
)
from tests.crawlers.sites.autoscout24.truth import (
    assert_all_there,
    found_facts,
    listings,
    offered,
    offers_asked,
    true_facts,
    true_photos,
)

WORLD = {"seed": 6, "listings": 260, "photos": 1, "sites": ("it", "de"), "photo_size": (96, 72)}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"make": "fiatt"}, r"knows no make 'fiatt'; near it: Fiat"),
        ({"model": "pandora"}, r"knows no model 'pandora'; look up its name"),
    ],
)
def test_an_unknown_name_is_not_the_whole_market(
    replica: Replica, tmp_path: Path, asked: dict[str, str], said: str
) -> None:
    """The site answers with all cars it has."""
    job = autoscout24_job(replica, asked)
    with Asked(replica) as made:
        report = crawl(job, tmp_path)
    assert report.ended == "failed"
    assert said in report.why
    assert report.failures == [report.why]
    assert report.goes_on is None, "asking the same again would end the same"
    assert len(made.of()) == 1
    assert records(job, tmp_path, report) == []


def test_a_parameter_that_the_site_does_not_take(replica: Replica, tmp_path: Path) -> None:
    replica.faults.set("search-404")
    job = autoscout24_job(replica, {"years": [2015, None]})
    with Asked(replica) as made:
        report = crawl(job, tmp_path)
    assert report.ended == "failed"
    assert "fregfrom=2015" in report.why
    assert "is answered with 404: the site knows no such make or model, or no such" in report.why
    assert len(made.of()) == 1


def test_a_lost_field_is_named_with_its_share(replica: Replica, tmp_path: Path) -> None:
    """From the tenth on no offer says a color: what was fetched stays, the run fails."""
    replica.faults.set("null-color", after=10)
    job = autoscout24_job(replica)
    report = crawl(job, tmp_path)
    cars = offered(replica)
    assert report.ended == "finished"
    assert report.listings == len(cars)
    assert 0 < report.fill["color"] < 0.25
    (failure,) = report.failures
    share = f"{report.fill['color']:.1%}"
    assert failure.startswith(f"drift: color is filled in {share} of {len(cars)} listings, 50% are")
    assert set(photos(job, tmp_path, report)) == true_photos(replica.world, cars)
    words = listings(job, tmp_path, report)
    with_color = [guid for guid in words if "color" in words[guid]]
    assert len(with_color) == round(report.fill["color"] * len(cars))


def test_the_english_color_may_be_lost(replica: Replica, tmp_path: Path) -> None:
    raw = "bodyColorRaw", "rawData.bodyColor.raw"
    replica.faults.set("drift", "+".join(f"listingDetails.vehicle.{path}" for path in raw))
    job = autoscout24_job(replica)
    report = crawl(job, tmp_path)
    assert_all_there(replica, job, tmp_path, report, offered(replica))
    words = listings(job, tmp_path, report)
    for car in offered(replica):
        assert found_facts(words[car.guid]) == true_facts(car, by_offer=True)
    froms = {each.get("color_from", "offer page vehicle.bodyColor") for each in words.values()}
    assert froms == {"offer page vehicle.bodyColor"}


@pytest.fixture(scope="module")
def well(served: Replica, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a crawl brought while all was well."""
    crawls = tmp_path_factory.mktemp("well")
    job = autoscout24_job(served)
    assert_all_there(served, job, crawls, crawl(job, crawls), offered(served))
    return crawls


@pytest.fixture
def known(well: Path, tmp_path: Path) -> Path:
    """The same, to be crawled on."""
    return shutil.copytree(well, tmp_path / "known")


def assert_none_gone(replica: Replica, job: CrawlJob, crawls: Path, report: CrawlReport) -> None:
    assert report.gone == 0
    kept = store(job, crawls)
    assert not any(kept.is_gone(car.guid) for car in offered(replica))
    kept.close()


def test_rows_that_lost_their_section_are_not_gone(replica: Replica, known: Path) -> None:
    job = autoscout24_job(replica)
    replica.faults.set("drift", "listings.searchResultSection")
    report = crawl(job, known)
    assert report.listings == 0
    assert_none_gone(replica, job, known, report)


def test_a_page_without_its_count_fails_the_run_until_it_has_one(
    replica: Replica, tmp_path: Path
) -> None:
    replica.faults.set("drift", "numberOfResults")
    job = autoscout24_job(replica)
    report = crawl(job, tmp_path)
    assert report.ended == "failed"
    assert "drift: numberOfResults is not there in page 1 of it fiat" in report.why
    replica.faults.clear()
    # What could not be read is not kept for going on.
    assert_all_there(replica, job, tmp_path, crawl(job, tmp_path), offered(replica))


@pytest.mark.parametrize(("fault", "site"), [("no-listings", "it"), ("empty-listings", "de")])
def test_a_page_without_its_listings_is_asked_for_again(
    replica: Replica, tmp_path: Path, fault: str, site: str
) -> None:
    """Once, and then it is there."""
    replica.faults.set(fault, after=1, first=1)
    job = autoscout24_job(replica, {"site": site})
    report = crawl(job, tmp_path)
    assert_all_there(replica, job, tmp_path, report, offered(replica, site))
    assert report.notices[AGAIN] == 1


@pytest.mark.parametrize(("fault", "page"), [("no-listings", 1), ("empty-listings", 2)])
def test_a_page_without_its_listings_is_no_empty_page(
    replica: Replica, known: Path, fault: str, page: int
) -> None:
    """Asked for twice it ends the crawl, and what stands on it is not gone."""
    job = autoscout24_job(replica)
    replica.faults.set(fault, after=page - 1)
    with Asked(replica) as asked:
        report = crawl(job, known)
    assert report.ended == "blocked"
    assert f"page={page} is answered without listings twice" in report.why
    assert report.failures == [f"the site does not want this crawl: {report.why}"]
    assert asked.count("www", "/lst/") == page + 1
    assert_none_gone(replica, job, known, report)


BLOCKS = {
    "no-next-data": "is answered without the page's data, as sites do to block a program",
    "bounce-home": "as sites do to turn a program away",
    "forbidden-403": "answered 403 Forbidden to",
}


@pytest.mark.parametrize("fault", BLOCKS)
def test_a_search_that_is_blocked_ends_the_crawl(
    replica: Replica, tmp_path: Path, fault: str
) -> None:
    """On its second page: it is not tried again."""
    replica.faults.set(fault, only="search", after=1)
    with Asked(replica) as asked:
        report = crawl(autoscout24_job(replica), tmp_path)
    assert report.ended == "blocked"
    assert BLOCKS[fault] in report.why
    assert asked.count("www", "/lst/") == 2
    assert len(offers_asked(asked)) == 20  # of the first page


@pytest.mark.parametrize("fault", BLOCKS)
def test_an_offer_that_is_blocked_ends_the_crawl(
    replica: Replica, tmp_path: Path, fault: str
) -> None:
    """After ten that were answered well. Who goes on later does so to the end."""
    replica.faults.set(fault, only=[car.guid for car in offered(replica)], after=10)
    job = autoscout24_job(replica)
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert report.ended == "blocked"
    assert BLOCKS[fault] in report.why
    assert report.goes_on is not None
    assert report.failures == [f"the site does not want this crawl: {report.why}"]
    assert asked.count("www", "/lst/") == 1
    # What was on its way already is still answered; a page that has to be read before it is known
    # for what it is has made room for others by then.
    read_first = 2 if fault == "no-next-data" else 1
    assert len(offers_asked(asked)) <= 10 + read_first * FAST.concurrency
    replica.faults.clear()
    with Asked(replica) as more:
        again = crawl(job, tmp_path)
    assert again.crawl_id == report.crawl_id
    assert_all_there(replica, job, tmp_path, again, offered(replica))
    read = {each.path for each in asked.of("www") if each.status == 200}
    asked_twice = read & {each.path for each in more.of("www", "/annunci/")}
    assert len(asked_twice) <= (1 if fault == "no-next-data" else 0) * FAST.concurrency


def test_live_offers_that_answer_404_are_a_block(tmp_path: Path) -> None:
    """New offers that a search shows, and that all seem removed; none is gone, none was sold."""
    world = World(seed=7, listings=120, photos=1, sites=("it",), photo_size=(96, 72))
    with start_replica(world) as replica:
        job = autoscout24_job(replica)
        assert_all_there(replica, job, tmp_path, crawl(job, tmp_path), offered(replica))
        world.add(150)
        replica.faults.set("transient-404", every=2)
        with Asked(replica) as asked:
            report = crawl(job, tmp_path)
        assert report.ended == "blocked"
        assert f"{MOST_DEAD + 1} of the last" in report.why
        assert REMOVED in report.why
        assert report.drops[REMOVED] == MOST_DEAD + 1
        assert len(offers_asked(asked)) <= LATELY + FAST.concurrency
        assert_none_gone(replica, job, tmp_path, report)
        replica.faults.clear()
        again = crawl(job, tmp_path)
        assert_all_there(replica, job, tmp_path, again, offered(replica))


def test_a_changed_listing_that_cannot_be_read_now_is_not_gone(
    replica: Replica, known: Path
) -> None:
    job = autoscout24_job(replica)
    car = offered(replica)[6]
    replica.world.retitle(car.number, "Sport Lounge")
    replica.faults.set("removed-404", only=car.guid)
    report = crawl(job, known)
    assert report.ended == "finished"
    assert report.drops == {REMOVED: 1}
    assert_none_gone(replica, job, known, report)
