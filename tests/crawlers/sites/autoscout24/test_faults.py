"""What is wrong with single listings, rows and fields of AutoScout24, one name each: the crawl
says so and goes on."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.records import Photo
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.runner import store_folder
from crawlers.sites.autoscout24 import offers
from crawlers.sites.autoscout24.pages.search import NOT_MAIN
from crawlers.sites.autoscout24.searches import EMPTY
from synthetic.replica.autoscout24 import pictures
from synthetic.replica.cars import OfferedCar
from synthetic.replica.server import Replica
from tests.crawlers.crawling import Asked, autoscout24_job, crawl, photos, records
from tests.crawlers.sites.autoscout24.truth import (
    Words,
    found_facts,
    listings,
    offered,
    offers_asked,
    true_facts,
    true_photos,
)

WORLD = {"seed": 5, "listings": 260, "photos": 2, "sites": ("it", "de"), "photo_size": (96, 72)}


STRUCK = ("removed-410", "removed-404", "redirect-to-list", "guid-reused", "inactive")
HARMLESS = ("slug-changed", "null-color", "png-stems")


@dataclass(frozen=True, slots=True)
class Faulty:
    """A crawl of a site with much wrong at once: each switch strikes a car of its own."""

    job: CrawlJob
    crawls: Path
    report: CrawlReport
    asked: Asked
    cars: list[OfferedCar]
    by: dict[str, OfferedCar]

    @property
    def words(self) -> dict[str, Words]:
        return listings(self.job, self.crawls, self.report)

    def dropped(self, name: str) -> str:
        """The reason why the car that a switch struck was left out, for good."""
        guid = self.by[name].guid
        assert guid not in self.words
        found = records(self.job, self.crawls, self.report)
        (reason,) = [drop.reason for drop in found if not isinstance(drop, Photo)
                     and drop.source_id == guid]  # fmt: skip
        assert self.report.drops[reason] >= 1
        return reason


@pytest.fixture(scope="module")
def faulty(served: Replica, tmp_path_factory: pytest.TempPathFactory) -> Faulty:
    served.faults.clear()
    cars = offered(served)
    by = {name: cars[3 + 4 * number] for number, name in enumerate((*STRUCK, *HARMLESS))}
    for name, car in by.items():
        served.faults.set(name, only=car.guid)
    served.faults.set("missing-price-raw")
    served.faults.set("pages-beyond-end", "5")
    served.faults.set("recommendations")
    job, crawls = autoscout24_job(served), tmp_path_factory.mktemp("faulty")
    with Asked(served) as asked:
        report = crawl(job, crawls)
    served.faults.clear()
    return Faulty(job, crawls, report, asked, cars, by)


def test_what_is_sound_comes_in_whole(served: Replica, faulty: Faulty) -> None:
    struck = {faulty.by[name].number for name in STRUCK}
    sound = [car for car in faulty.cars if car.number not in struck]
    assert faulty.report.ended == "finished"
    assert set(photos(faulty.job, faulty.crawls, faulty.report)) == true_photos(served.world, sound)
    assert faulty.report.listings == len(sound)
    assert sum(faulty.report.drops.values()) == len(STRUCK)


def test_repeated_rows_are_one_listing(faulty: Faulty) -> None:
    assert faulty.report.notices["listing shown again"] >= 1
    assert max(Counter(offers_asked(faulty.asked)).values()) == 1


def test_pages_beyond_the_end_are_not_asked_on_and_on(faulty: Faulty) -> None:
    """Five pages are told that are not there: the first of them ends the walk."""
    there = -(-len(faulty.cars) // 19)
    assert faulty.asked.count("www", "/lst/") == there + 1
    assert faulty.report.notices[EMPTY] == 1


def test_recommendations_are_not_taken(faulty: Faulty) -> None:
    """Three on each page, other makes among them."""
    assert faulty.report.notices[NOT_MAIN] == 3 * (faulty.asked.count("www", "/lst/") - 1)
    assert {words["make"] for words in faulty.words.values()} == {"Fiat"}


def test_a_missing_raw_price_is_read_elsewhere(faulty: Faulty) -> None:
    words = faulty.words
    prices = {car.guid: str(car.price) for car in faulty.cars if car.guid in words}
    assert {guid: words[guid]["price_eur"] for guid in words} == prices


def test_a_null_color_is_no_color(faulty: Faulty) -> None:
    car = faulty.by["null-color"]
    assert car.color != "pink"
    expected = true_facts(car, by_offer=True)
    del expected["color"]
    assert found_facts(faulty.words[car.guid]) == expected
    assert "color_from" not in faulty.words[car.guid]


def test_a_removed_offer_is_left_out(faulty: Faulty) -> None:
    assert faulty.dropped("removed-410") == offers.REMOVED
    assert faulty.dropped("removed-404") == offers.REMOVED


def test_an_offer_that_leads_to_a_list_is_left_out(faulty: Faulty) -> None:
    assert faulty.dropped("redirect-to-list") == offers.TO_A_LIST
    # The list is not asked for: it is not what was wanted.
    assert faulty.asked.count("www", "/lst/fiat/") == 0


def test_a_guid_that_leads_to_another_car_is_not_followed(served: Replica, faulty: Faulty) -> None:
    assert faulty.dropped("guid-reused") == offers.REUSED
    others = {car.guid for car in faulty.cars}
    assert {path[-36:] for path in offers_asked(faulty.asked)} <= others


def test_an_inactive_offer_is_left_out(faulty: Faulty) -> None:
    assert faulty.dropped("inactive") == "offer is not active"


def test_a_changed_slug_is_followed_once(faulty: Faulty) -> None:
    car = faulty.by["slug-changed"]
    first, second = [path for path in offers_asked(faulty.asked) if path.endswith(car.guid)]
    assert "renewed" in second
    assert "renewed" not in first
    found = {photo.sighting.page_url for photo in records(
        faulty.job, faulty.crawls, faulty.report
    ) if isinstance(photo, Photo) and photo.sighting.source_id.startswith(car.guid)}  # fmt: skip
    (page_url,) = found
    assert page_url is not None
    assert page_url.endswith(f"/annunci/fiat-{car.model.name.lower()}-{car.guid}")


def test_stems_of_photos_may_say_png(faulty: Faulty) -> None:
    car = faulty.by["png-stems"]
    asked = [each.path for each in faulty.asked.of("prod", f"/listing-images/{car.guid}")]
    assert len(asked) == 2
    assert all(path.endswith(".png/480x360.jpg") for path in asked)


def test_another_make_under_the_same_guid_is_left_out(replica: Replica, tmp_path: Path) -> None:
    cars = offered(replica)
    replica.faults.set("guid-reused", "content", only=cars[4].guid)
    job = autoscout24_job(replica, limit=20)
    report = crawl(job, tmp_path)
    assert report.drops == {"listing id is used again for another car": 1}
    assert cars[4].guid in report.examples["listing id is used again for another car"]
    words = listings(job, tmp_path, report)
    assert cars[4].guid not in words
    assert {each["make"] for each in words.values()} == {"Fiat"}
    assert report.photos == 20  # what was left out is made up for


@pytest.mark.parametrize(
    ("site", "by_offer", "labels"), [("de", False, ""), ("com", True, ""), ("it", True, "english")]
)
def test_numbers_do_not_depend_on_the_language(
    replica: Replica, tmp_path: Path, site: str, by_offer: bool, labels: str
) -> None:
    """A German page writes 20.000, an English one 20,000: texts that are shown are not read."""
    replica.faults.set("missing-price-raw")
    if labels:
        replica.faults.set("english-labels")
    countries = ("it", "de") if site == "com" else (site,)
    cars = {car.guid: car for country in countries for car in offered(replica, country, "Audi")}
    assert any(car.price > 1000 and car.mileage > 1000 for car in cars.values())
    job = autoscout24_job(replica, {"site": site, "make": "audi", "per_listing": 1})
    report = crawl(job, tmp_path)
    assert report.ended == "finished"
    words = listings(job, tmp_path, report)
    assert words.keys() == cars.keys()
    for guid, car in cars.items():
        assert found_facts(words[guid]) == true_facts(car, by_offer=by_offer)


def test_the_same_photo_of_two_listings_is_one_file(
    replica: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The replica marks each photo as a file of its own; without that, cars of the same body and
    color show the same ones, as dealers do who put a car in again."""
    monkeypatch.setattr(pictures, "marked_jpeg", lambda jpeg, text: jpeg)
    job = autoscout24_job(replica)
    report = crawl(job, tmp_path)
    found = photos(job, tmp_path, report)
    assert set(found) == true_photos(replica.world, offered(replica))
    folder = store_folder(tmp_path, job) / "photos"
    files = {path.name for path in folder.rglob("*") if path.is_file()}
    assert files == set(found.values())
    guids = {sha256: {each[:36] for each in found if found[each] == sha256} for sha256 in files}
    assert max(map(len, guids.values())) > 1
