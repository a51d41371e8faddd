"""What a crawl of the replica's AutoScout24 should bring, said by its world and not by a parser."""

from collections.abc import Mapping
from pathlib import Path

from core.records import Photo
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.sites.autoscout24.pages.codes import BODIES
from synthetic.replica.cars import OfferedCar
from synthetic.replica.server import Replica
from synthetic.replica.world import World
from tests.crawlers.crawling import Asked, photos, records

Words = Mapping[str, str]

SEARCHES = "/lst/"
NOT_OFFERED = ("/lst/", "/robots.txt")


def offered(replica: Replica, site: str = "it", make: str = "Fiat") -> list[OfferedCar]:
    """The cars of a make that stand in a country now, the newest first."""
    cars = (replica.world.car(number) for number in reversed(range(len(replica.world))))
    return [car for car in cars if car.country == site and car.model.make == make and not car.gone]


def true_photos(world: World, cars: list[OfferedCar]) -> set[str]:
    """The ids of all photos of cars."""
    return {f"{car.guid}/{world.photo_guid(photo)}" for car in cars for photo in car.photos}


def true_facts(car: OfferedCar, *, by_offer: bool) -> dict[str, str]:
    """What is to be known of a car, however it was found out; a pink one has no color, for the
    sites have no such. Offers give the first day of a month where searches give the month."""
    facts = {
        "make": car.model.make,
        "model": car.model.name,
        "version": car.title,
        "body_type": BODIES[car.body_id],
        "color": car.color.capitalize(),
        "price_eur": str(car.price),
        "mileage_km": str(car.mileage),
        "first_registration": f"{car.year}-{car.month:02d}-01"
        if by_offer
        else f"{car.month:02d}-{car.year}",
    }
    if car.is_new:
        facts["first_registration"] = "new"
    if car.color == "pink":
        del facts["color"]
    return facts


def found_facts(words: Words) -> dict[str, str]:
    """Of a listing's words those that `true_facts` speaks of."""
    names = ("make", "model", "version", "body_type", "color", "price_eur", "mileage_km")
    return {name: words[name] for name in (*names, "first_registration") if name in words}


def listings(job: CrawlJob, crawls: Path, report: CrawlReport) -> dict[str, Words]:
    """Listing -> its words, which are those of each of its photos."""
    found: dict[str, Words] = {}
    for photo in records(job, crawls, report):
        if isinstance(photo, Photo):
            guid = photo.sighting.source_id.partition("/")[0]
            assert found.setdefault(guid, photo.sighting.words) == photo.sighting.words
    return found


def assert_all_there(
    replica: Replica, job: CrawlJob, crawls: Path, report: CrawlReport, cars: list[OfferedCar]
) -> None:
    """A crawl brought these cars with all of their photos, and nothing else."""
    assert report.ended == "finished", report
    assert report.failures == []
    assert set(photos(job, crawls, report)) == true_photos(replica.world, cars)
    assert report.listings == len(cars)


def offers_asked(asked: Asked) -> list[str]:
    """The paths of offers that were asked for."""
    pages = asked.of("www.autoscout24.")
    return [page.path for page in pages if not page.path.startswith(SEARCHES)]
