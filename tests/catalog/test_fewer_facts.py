"""A source whose later visit knows less: what was known stays, or its going is counted."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

from catalog.register import FACTS_KEPT, register
from catalog.table import Catalog
from core.records import Box, Listing, Photo, PhotoLink
from crawlers.engine.job import CrawlJob
from crawlers.engine.query import SiteQuery
from crawlers.engine.runner import crawled, store_folder
from crawlers.engine.store.files import store_photo
from crawlers.engine.store.state import StoredPhoto, open_store
from crawlers.imports.stanford.classes import load_classes, photo_of
from tests.catalog.making import png

HUMMER = load_classes()[0]
OPEN_BODY = next(each for each in load_classes() if "body_type" not in each)


def row(catalog: Catalog) -> dict[str, object]:
    (found,) = catalog.table("sightings").to_arrow().to_pylist()
    return dict(found)


def test_stanford_cars_in_a_layout_that_knows_less(catalog: Catalog, tmp_path: Path) -> None:
    file = tmp_path / "00001.png"
    file.write_bytes(png(1))
    name, box = HUMMER["class_name"], Box(1, 1, 60, 60)
    register(catalog, photo_of(file, "train/00001.png", name, "train", box), run_id="r1")
    before = row(catalog)
    done = register(catalog, photo_of(png(1), "train/00001.png", None, None), run_id="r2")
    assert (row(catalog), done.changed, done.facts) == (before, 0, {})
    other = photo_of(file, "train/00001.png", OPEN_BODY["class_name"], None)
    done = register(catalog, other, run_id="r3")
    assert done.facts["body_type", "withdrawn"] == 1, "another class is another car"
    assert done.facts["class_name", "changed"] == 1
    assert (row(catalog)["split"], row(catalog)["box"]) == ("train", [1, 1, 60, 60])


def test_a_crawl_whose_pages_lack_a_field_takes_nothing_back(
    catalog: Catalog, tmp_path: Path
) -> None:
    job = CrawlJob("a site", SiteQuery())
    page = Listing("a site", "1", "https://a.b/1", "s", {"make": "Fiat", "color": "red"},
                   (PhotoLink("1/0", "https://a.b/1.png"),), license="CC0")  # fmt: skip
    lost = replace(page, stamp="t", words={"make": "Kia"}, license=None)
    with closing(open_store(store_folder(tmp_path, job))) as store:
        digest = store_photo(store.folder, png(1))
        store.store_photo(page.photos[0], StoredPhoto(digest, None))
        for number, shown in enumerate([page, lost]):
            store.begin(job.key, f"crawl {number}", float(number), keep_for=1.0)
            store.store_report(f"crawl {number}", "{}", ended="finished")
            store.store_listing(job.key, f"crawl {number}", shown, number=1, taken=1)
            source = crawled(job, tmp_path, f"crawl {number}", is_sound=number == 0)
            done = register(catalog, source.records(), run_id=f"r{number}")
    assert done.facts == {("make", "changed"): 1}
    assert done.notices == {FACTS_KEPT: 1}
    assert (row(catalog)["words"], row(catalog)["license"]) == (
        '{"color": "red", "make": "Kia"}', "CC0",
    )  # fmt: skip
    sound = register(catalog, crawled(job, tmp_path, "crawl 1").records(), run_id="r2")
    assert sound.facts == {("color", "withdrawn"): 1, ("license", "withdrawn"): 1}


def test_a_place_twice_in_a_batch_is_counted_once(catalog: Catalog) -> None:
    (first,) = [each for each in photo_of(png(1), "a", None, None) if isinstance(each, Photo)]
    register(catalog, [first], run_id="r1")
    more = replace(first, sighting=replace(first.sighting, words={"make": "Fiat"}))
    done = register(catalog, [more, more], run_id="r2")
    assert (done.facts, done.changed, done.known) == ({("make", "set"): 1}, 1, 2)
