"""Past the 4,000 results that a search shows, and what no part of a search shows."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.sites.autoscout24.pages.slices import CAP
from crawlers.sites.autoscout24.spider import BEYOND, HIDDEN
from synthetic.replica.fleet import CAR_MODELS
from synthetic.replica.server import Replica, start_replica
from synthetic.replica.world import World
from tests.crawlers.crawling import Asked, autoscout24_job, crawl
from tests.crawlers.sites.autoscout24.truth import (
    assert_all_there,
    found_facts,
    listings,
    offered,
    true_facts,
)


@dataclass(frozen=True, slots=True)
class Large:
    """More Fiats, and more of the one model 500, than a search shows; all were crawled."""

    replica: Replica
    job: CrawlJob
    crawls: Path
    report: CrawlReport
    asked: Asked


def fiats(site: str) -> World:
    """4,110 Fiats: more 500s than a search shows, and a few Pandas and Doblos."""
    world = World(seed=1, listings=4110, photos=1, sites=(site,), photo_size=(64, 48))
    names = [model.name for model in CAR_MODELS]
    world.columns.model[:] = names.index("500")
    world.columns.model[::100] = names.index("Panda")
    world.columns.model[50::100] = names.index("Doblo")
    return world


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Large]:
    world = fiats("de")
    crawls = tmp_path_factory.mktemp("large")
    with start_replica(world) as replica:
        job = autoscout24_job(replica, {"site": "de"})
        with Asked(replica) as asked:
            report = crawl(job, crawls)
        yield Large(replica, job, crawls, report, asked)


def test_every_listing_comes_once(large: Large) -> None:
    """By models, the largest of them by years of first registration."""
    cars = offered(large.replica, "de")
    models = Counter(car.model.name for car in cars)
    assert len(cars) > models["500"] > CAP
    assert_all_there(large.replica, large.job, large.crawls, large.report, cars)
    assert large.report.stated == len(cars)
    words = listings(large.job, large.crawls, large.report)
    for car in cars:
        assert found_facts(words[car.guid]) == true_facts(car, by_offer=False)
    queries = [each.query for each in large.asked.of("www", "/lst/")]
    assert any("mmmv=" in query and "fregfrom=" in query for query in queries)
    assert not any("price" in query for query in queries)


def test_a_dry_run_estimates_close_to_it(large: Large) -> None:
    """Ten searches tell: of the whole, of three models, of years of the largest."""
    dry = autoscout24_job(large.replica, {"site": "de"}, dry_run=True)
    with Asked(large.replica) as asked:
        report = crawl(dry, large.crawls)
    assert report.estimate is not None
    assert len(asked.of()) <= 12
    assert report.estimate["listings"] == large.report.listings
    assert report.estimate["photos"] == large.report.photos
    assert report.estimate["requests"] == pytest.approx(large.report.requests, rel=0.05)


def test_new_cars_that_no_year_shows_are_told_and_not_gone(large: Large) -> None:
    """Searches by year leave out what has no first registration: all new cars of the 500."""
    large.replica.faults.set("unregistered-hidden")
    report = crawl(large.job, large.crawls)
    large.replica.faults.clear()
    new = [car for car in offered(large.replica, "de") if car.model.name == "500" and car.is_new]
    assert report.ended == "finished"
    assert report.notices[HIDDEN] == 1
    assert report.examples[HIDDEN].startswith(f"{len(new)} of de fiat")
    assert report.listings == large.report.listings - len(new)
    assert report.gone == 0


def test_what_cannot_be_cut_finer_is_told(tmp_path: Path) -> None:
    """4,000 and more of one model's single year: as many as are shown come, the others may be
    there for all one knows."""
    world = fiats("it")
    world.columns.year[:] = 2026
    with start_replica(world) as replica:
        job = autoscout24_job(replica, {"model": "500", "years": [2026, 2026]}, dry_run=True)
        report = crawl(job, tmp_path)
    count = sum(car.model.name == "500" for car in offered(replica))
    assert report.notices[BEYOND] == 1
    assert report.examples[BEYOND].startswith(f"{count - CAP} of it fiat 500")
    assert report.estimate is not None
    assert report.estimate["listings"] == CAP
