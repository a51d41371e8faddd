"""Crawls of AutoScout24 by both roads, held against the world that the replica shows."""

import hashlib
import sqlite3
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from core.records import Photo
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.runner import store_folder
from synthetic.replica.cars import OfferedCar
from synthetic.replica.invented import DIGITS, MARK, seller_facts
from synthetic.replica.server import Replica, start_replica
from synthetic.replica.world import World
from tests.crawlers.crawling import PICTURES, Asked, autoscout24_job, crawl, records
from tests.crawlers.sites.autoscout24.truth import (
    assert_all_there,
    found_facts,
    listings,
    offered,
    offers_asked,
    true_facts,
)
from tests.synthetic.replica.asking import Client

WORLD = {
    "seed": 3,
    "listings": 320,
    "photos": 2,
    "sites": ("it", "de", "fr"),
    "photo_size": (96, 72),
}


@dataclass(frozen=True, slots=True)
class Crawled:
    """A crawl that was made, and all that it asked."""

    job: CrawlJob
    crawls: Path
    report: CrawlReport
    asked: Asked
    cars: list[OfferedCar]

    @property
    def words(self) -> dict[str, dict[str, str]]:
        found = listings(self.job, self.crawls, self.report)
        return {guid: dict(words) for guid, words in found.items()}


def crawled(replica: Replica, crawls: Path, site: str) -> Crawled:
    job = autoscout24_job(replica, {"site": site})
    with Asked(replica) as asked:
        report = crawl(job, crawls)
    return Crawled(job, crawls, report, asked, offered(replica, site))


@pytest.fixture(scope="module")
def italy(served: Replica, tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    """The site whose robots.txt leaves offers open."""
    return crawled(served, tmp_path_factory.mktemp("it"), "it")


@pytest.fixture(scope="module")
def germany(served: Replica, tmp_path_factory: pytest.TempPathFactory) -> Crawled:
    """The site whose robots.txt closes them."""
    return crawled(served, tmp_path_factory.mktemp("de"), "de")


@pytest.mark.parametrize("road", ["italy", "germany"])
def test_every_listing_comes_once_with_all_of_its_photos(
    replica: Replica, road: str, request: pytest.FixtureRequest
) -> None:
    made: Crawled = request.getfixturevalue(road)
    assert len(made.cars) > 25
    assert_all_there(replica, made.job, made.crawls, made.report, made.cars)
    assert made.report.stated == len(made.cars)
    assert made.report.fresh == len(made.cars)
    # Sponsored listings stand on several pages, and were met again.
    assert made.report.notices["listing shown again"] >= 1
    # Nothing was asked for twice.
    addresses = Counter((each.host, each.path, each.query) for each in made.asked.of())
    assert max(addresses.values()) == 1
    assert made.report.requests == len(made.asked.requests)


@pytest.mark.parametrize("road", ["italy", "germany"])
def test_photos_are_the_bytes_that_were_served(road: str, request: pytest.FixtureRequest) -> None:
    made: Crawled = request.getfixturevalue(road)
    for photo in records(made.job, made.crawls, made.report):
        assert isinstance(photo, Photo)
        content = photo.read()
        assert hashlib.sha256(content).hexdigest() == photo.sha256
        # The replica writes the path of each photo into its file.
        assert photo.sighting.source_id.replace("/", "_").encode() in content
        assert b"/480x360.jpg" in content


def test_open_offers_say_color_and_body(italy: Crawled) -> None:
    assert len(offers_asked(italy.asked)) == len(italy.cars)
    words = italy.words
    for car in italy.cars:
        found = words[car.guid]
        assert found_facts(found) == true_facts(car, by_offer=True)
        assert found.get("color_from") == (
            None if car.color == "pink" else "offer page vehicle.bodyColorRaw"
        )
        assert found["body_type_from"] == "offer page trackingParams.classified_bodyType"
        assert found["status"] == "Active"
    assert any(car.color == "pink" for car in italy.cars)


def test_closed_offers_are_not_asked_and_searches_say_color_and_body(germany: Crawled) -> None:
    assert offers_asked(germany.asked) == []
    words = germany.words
    for car in germany.cars:
        found = words[car.guid]
        assert found_facts(found) == true_facts(car, by_offer=False)
        assert found.get("color_from") == (
            None if car.color == "pink" else f"search by bcol={car.color_id}"
        )
        assert found["body_type_from"] == f"search by body={car.body_id}"
    assert any(car.color == "pink" for car in germany.cars)
    # Of the whole, of each of 14 colors and of nine bodies at least one page; and of all pages,
    # 19 listings each, at most one that is not full for each of the 24 searches.
    pages = germany.asked.count("www", "/lst/")
    assert 24 <= pages <= 24 + 3 * (len(germany.cars) // 19)


def test_labels_in_french_become_the_same_words(replica: Replica, tmp_path: Path) -> None:
    """.fr says colors in French only, as it did until May 2026, and leaves offers open."""
    raw = "bodyColorRaw", "rawData.bodyColor.raw"
    replica.faults.set("drift", "+".join(f"listingDetails.vehicle.{path}" for path in raw))
    france = crawled(replica, tmp_path, "fr")
    assert_all_there(replica, france.job, tmp_path, france.report, france.cars)
    assert len(offers_asked(france.asked)) == len(france.cars)
    words = france.words
    for car in france.cars:
        assert found_facts(words[car.guid]) == true_facts(car, by_offer=True)
        if car.color != "pink":
            assert words[car.guid]["color_from"] == "offer page vehicle.bodyColor"


def test_a_limit_without_offers_takes_few_searches(replica: Replica, tmp_path: Path) -> None:
    """Ten photos are of the five newest listings: they stand on the first page of each search."""
    job = autoscout24_job(replica, {"site": "de"}, limit=10)
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert (report.ended, report.photos, report.listings) == ("limit", 10, 5)
    newest = offered(replica, "de")[:5]
    words = listings(job, tmp_path, report)
    assert set(words) == {car.guid for car in newest}
    for car in newest:
        assert found_facts(words[car.guid]) == true_facts(car, by_offer=False)
    # The whole, 14 colors and nine bodies a page each; and a second page, which shows that there
    # is no more, of at most five colors and five bodies.
    assert asked.count("www", "/lst/") <= 24 + 10
    assert asked.count(PICTURES) == 10


def test_a_limit_with_offers_asks_for_no_offer_too_many(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica, {"per_listing": 1}, limit=7)
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert (report.ended, report.photos, report.listings) == ("limit", 7, 7)
    assert len(offers_asked(asked)) == 7
    assert asked.count("www", "/lst/") == 1


def test_pages_are_asked_in_order_and_once(italy: Crawled, germany: Crawled) -> None:
    """No address has a parameter twice, and no data route is used, which each deployment moves."""
    for made in (italy, germany):
        searches: dict[str, list[int]] = {}
        for each in made.asked.of("www", "/lst/"):
            query = parse_qs(each.query, strict_parsing=True)
            assert all(len(values) == 1 for values in query.values()), each.query
            page = int(query.pop("page")[0])
            searches.setdefault(f"{each.path} {query}", []).append(page)
        for pages in searches.values():
            assert pages == list(range(1, len(pages) + 1))
        assert made.asked.count("www", "/_next") == 0


PERSONAL = (MARK.encode(), MARK.upper().encode(), DIGITS.encode())


def kept_texts(folder: Path) -> Iterator[bytes]:
    """All that is in a store: its files as they are, and its tables value by value."""
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes()
    with sqlite3.connect(folder / "crawls.sqlite") as db:
        for (table,) in db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            for row in db.execute(f"SELECT * FROM {table}"):
                for value in row:
                    if isinstance(value, bytes):
                        yield zlib.decompress(value)
                    elif value is not None:
                        yield str(value).encode()


def assert_nothing_personal(texts: Iterator[bytes]) -> None:
    for text in texts:
        assert not any(word in text for word in PERSONAL)


@pytest.mark.parametrize("road", ["italy", "germany"])
def test_nothing_of_sellers_and_plates_is_kept(road: str, request: pytest.FixtureRequest) -> None:
    made: Crawled = request.getfixturevalue(road)
    assert_nothing_personal(kept_texts(store_folder(made.crawls, made.job)))
    found = records(made.job, made.crawls, made.report)
    assert_nothing_personal(repr(record).encode() for record in found)


@pytest.mark.parametrize("site", ["it", "de"])
def test_nor_in_the_pages_that_a_broken_crawl_keeps(
    replica: Replica, site: str, tmp_path: Path
) -> None:
    job = autoscout24_job(replica, {"site": site}, max_requests=30)
    assert crawl(job, tmp_path).ended == "cap"
    folder = store_folder(tmp_path, job)
    with sqlite3.connect(folder / "crawls.sqlite") as db:
        assert db.execute("SELECT count(*) FROM pages").fetchone()[0] > 5
    assert_nothing_personal(kept_texts(folder))


def test_nor_what_a_seller_writes_into_the_address_of_an_offer(tmp_path: Path) -> None:
    world = World(seed=3, listings=60, photos=1, sites=("it",), photo_size=(96, 72))
    for number in range(len(world)):
        world.retitle(number, f"GTI {seller_facts(number)['phone']}")
    with start_replica(world) as running:
        job = autoscout24_job(running, max_requests=32)
        with Asked(running) as asked:
            assert crawl(job, tmp_path).ended == "cap"
        assert any(DIGITS in path for path in offers_asked(asked)), (
            "the site itself redirects there"
        )
        assert_nothing_personal(kept_texts(store_folder(tmp_path, job)))
        report = crawl(autoscout24_job(running), tmp_path)
        assert report.photos + report.known == len(offered(running, "it")) > 5
        assert_nothing_personal(kept_texts(store_folder(tmp_path, job)))


def test_the_pages_that_were_read_do_have_sellers_and_plates(
    replica: Replica, italy: Crawled
) -> None:
    """Else the tests above would look for what nobody ever sent."""
    client = Client(replica)
    offer = next(each for each in italy.asked.of("www", "/annunci/"))
    search = italy.asked.of("www", "/lst/")[0]
    for page in (offer.path, f"{search.path}?{search.query}"):
        content = client.get("www.autoscout24.it", page).content
        assert MARK.encode() in content
        assert DIGITS.encode() in content
    assert MARK.upper().encode() in client.get("www.autoscout24.it", offer.path).content
