"""A second crawl of AutoScout24: what is new or changed is asked for, what is gone is marked."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from core.records import Photo
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.sites.autoscout24.query import AutoScout24Query
from synthetic.replica.cars import OfferedCar
from synthetic.replica.server import Replica, start_replica
from synthetic.replica.world import World
from synthetic.scenes import BODY_TYPES
from synthetic.scenes.scene import SCENE_COLORS
from tests.crawlers.crawling import PICTURES, Asked, autoscout24_job, crawl, photos, records
from tests.crawlers.sites.autoscout24.truth import (
    Words,
    found_facts,
    listings,
    offered,
    offers_asked,
    true_facts,
)


@dataclass(frozen=True, slots=True)
class Crawl:
    """A crawl, what it asked, the words of what it saw, and the cars that were on offer then."""

    report: CrawlReport
    asked: Asked
    words: dict[str, Words]
    photos: set[str]
    cars: list[OfferedCar]

    @property
    def searches(self) -> list[str]:
        return [f"{each.path}?{each.query}" for each in self.asked.of("www", "/lst/")]

    @property
    def offers(self) -> set[str]:
        """The listings whose offers were asked for."""
        return {path[-36:] for path in offers_asked(self.asked)}

    @property
    def pictures(self) -> list[str]:
        return [each.path for each in self.asked.of(PICTURES)]


def crawl_once(replica: Replica, job: CrawlJob, crawls: Path) -> Crawl:
    """Crawl; what comes is what is on offer, and is true."""
    assert isinstance(job.query, AutoScout24Query)
    site = job.query.site
    with Asked(replica) as asked:
        report = crawl(job, crawls)
    cars = offered(replica, site)
    words = listings(job, crawls, report)
    assert (report.ended, report.failures, report.listings) == ("finished", [], len(cars))
    for car in cars:
        by_offer = site == "it"
        assert found_facts(words[car.guid]) == true_facts(car, by_offer=by_offer)
    return Crawl(report, asked, words, set(photos(job, crawls, report)), cars)


def put_back(world: World, car: OfferedCar) -> None:
    world.columns.gone[car.number] = 0
    world.reprice(car.number, car.price)  # so that searches are made anew


@dataclass(frozen=True, slots=True)
class Story:
    """Four crawls of one job: the first, one of the same site, one after all kinds of changes, and
    one after what was sold is on offer again."""

    first: Crawl
    same: Crawl
    changed: Crawl
    back: Crawl
    sold: OfferedCar
    dearer: OfferedCar
    retitled: tuple[OfferedCar, OfferedCar]
    regallery: OfferedCar
    added: set[str]
    new_photos: set[str]


@pytest.fixture(scope="module", params=["it", "de"])
def story(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    world = World(seed=8, listings=200, photos=2, sites=("it", "de"), photo_size=(96, 72))
    crawls = tmp_path_factory.mktemp(f"again-{request.param}")
    with start_replica(world) as replica:
        job = autoscout24_job(replica, {"site": request.param})
        first, same = (crawl_once(replica, job, crawls) for _ in range(2))
        sold, dearer, near, regallery, *_, far, _ = first.cars
        world.remove(sold.number)
        world.reprice(dearer.number, dearer.price + 500)
        for car in (near, far):
            world.retitle(car.number, "Turbo Edition")
        world.regallery(regallery.number, [1, 8, 9])
        added = {world.guid(number) for number in world.add(30)}
        changed = crawl_once(replica, job, crawls)
        put_back(world, sold)
        back = crawl_once(replica, job, crawls)
        new_photos = set(map(world.photo_guid, world.car(regallery.number).photos[1:]))
        added &= {car.guid for car in changed.cars}
        assert added
        yield Story(
            first, same, changed, back, sold, dearer, (near, far), regallery, added, new_photos
        )


def is_open(story: Story) -> bool:
    """Whether the site leaves offers open."""
    return bool(story.first.offers)


def test_an_unchanged_site_is_asked_for_searches_only(story: Story) -> None:
    """No offer, no photo; and not one search by color or body where offers are closed."""
    report = story.same.report
    assert story.same.offers == set()
    assert story.same.pictures == []
    assert (report.fresh, report.changed, report.gone, report.photos) == (0, 0, 0, 0)
    assert report.known == 2 * len(story.first.cars)
    assert len(story.same.searches) == -(-len(story.first.cars) // 19)
    assert set(story.same.searches) <= set(story.first.searches)
    assert not any("bcol" in each or "body" in each for each in story.same.searches)
    assert story.same.words == story.first.words
    assert story.same.photos == story.first.photos


def test_another_price_takes_no_offer(story: Story) -> None:
    guid = story.dearer.guid
    assert story.changed.words[guid]["price_eur"] == str(story.dearer.price + 500)
    assert guid not in story.changed.offers
    rest = {name: word for name, word in story.first.words[guid].items() if name != "price_eur"}
    assert rest.items() < story.changed.words[guid].items()


def test_only_new_and_changed_listings_are_asked_for(story: Story) -> None:
    """Two with a new title, near the newest and near the oldest of all, and one with new photos."""
    changed = {car.guid for car in (*story.retitled, story.regallery)}
    assert story.changed.offers == (changed | story.added if is_open(story) else set())
    assert story.changed.report.fresh == len(story.added)
    assert story.changed.report.changed == len(changed)
    for car in story.retitled:
        assert story.changed.words[car.guid]["version"] == "Turbo Edition"


def test_only_new_photos_are_fetched(story: Story) -> None:
    """Of the changed gallery two; the third was there, and what is shown no more is left out."""
    of_new = {path for path in story.changed.pictures if path.split("_")[0][-36:] in story.added}
    others = set(story.changed.pictures) - of_new
    assert len(of_new) == 2 * len(story.added)
    assert {path.split("_")[1][:36] for path in others} == story.new_photos
    shown = {each for each in story.changed.photos if each.startswith(story.regallery.guid)}
    assert len(shown) == 3


def test_what_is_sold_is_gone(story: Story) -> None:
    """Its photos are told once more, with that word."""
    assert story.changed.report.gone == 1
    words = story.changed.words
    assert {guid for guid in words if words[guid].get("status") == "gone"} == {story.sold.guid}
    assert words.keys() == {car.guid for car in story.changed.cars} | {story.sold.guid}
    assert sum(each.startswith(story.sold.guid) for each in story.changed.photos) == 2


def test_what_is_on_offer_again_is_gone_no_more(story: Story) -> None:
    assert story.back.words[story.sold.guid]["status"] == "Active"
    assert story.back.report.gone == 0
    assert story.back.offers == set()
    assert story.back.pictures == []


def test_an_old_listing_that_changes_keeps_its_color_without_offers(tmp_path: Path) -> None:
    """All cars have one color and one body: the changed one stands on the third page of each."""
    world = World(seed=8, listings=160, photos=1, sites=("de",), photo_size=(96, 72))
    world.columns.color[:] = SCENE_COLORS.index("red")
    world.columns.body[:] = BODY_TYPES.index("hatchback")
    with start_replica(world) as replica:
        job = autoscout24_job(replica, {"site": "de"})
        cars = crawl_once(replica, job, tmp_path).cars
        assert len(cars) > 2 * 19
        world.retitle(cars[-1].number, "Turbo Edition")
        again = crawl_once(replica, job, tmp_path)
        assert again.words[cars[-1].guid]["color"] == "Red"
        assert (again.report.fresh, again.report.changed) == (0, 1)


def test_a_limited_crawl_takes_nothing_for_gone(tmp_path: Path) -> None:
    world = World(seed=8, listings=90, photos=1, sites=("it",), photo_size=(96, 72))
    with start_replica(world) as replica:
        job, few = autoscout24_job(replica), autoscout24_job(replica, limit=12)
        first = crawl_once(replica, job, tmp_path)
        world.remove(first.cars[3].number)
        report = crawl(few, tmp_path)
        assert (report.ended, report.gone) == ("limit", 0)
        assert crawl_once(replica, job, tmp_path).report.gone == 1


def test_more_than_half_gone_at_once_is_not_believed(tmp_path: Path) -> None:
    world = World(seed=8, listings=200, photos=1, sites=("it",), photo_size=(96, 72))
    with start_replica(world) as replica:
        job = autoscout24_job(replica)
        cars = crawl_once(replica, job, tmp_path).cars
        sold = cars[: len(cars) // 2 + 1]
        assert len(sold) > 20
        world.remove(*(car.number for car in sold))
        report = crawl_once(replica, job, tmp_path).report
        assert report.gone == 0
        (warning,) = report.warnings
        assert warning.startswith(f"{len(sold)} of {len(cars)} known listings were not shown")
        # With one of them back it is half, and that may be.
        put_back(world, sold[0])
        report = crawl_once(replica, job, tmp_path).report
        assert report.warnings == []
        assert report.gone == len(sold) - 1
        gone = [
            each
            for each in records(job, tmp_path, report)
            if isinstance(each, Photo) and each.sighting.words["status"] == "gone"
        ]
        assert len(gone) == len(sold) - 1
