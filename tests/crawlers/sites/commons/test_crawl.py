"""Crawls of Wikimedia Commons: a real process asks a real server, which plays its hosts."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from catalog.register import PHOTO_REPLACED, register
from catalog.table import open_catalog
from core.errors import UsageMistakeError
from core.records import Drop, Photo
from core.vocabulary import load_vocabulary
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.pipelines.store_photo import ROBOTS_FORBID_PHOTO
from crawlers.sites.commons.query import CommonsQuery, feature_queries
from crawlers.sites.commons.site import COMMONS
from crawlers.sites.commons.spider import AGAIN, WITHDRAWN
from synthetic.replica.commons_categories import ITEM_IDS
from synthetic.replica.commons_rights import LICENSE_FIELDS, Rights
from synthetic.replica.commons_state import Commons, commons_of
from synthetic.replica.server import LoggedRequest, Replica, start_replica
from synthetic.replica.world import World
from tests.crawlers.crawling import Asked, commons_job, crawl, photos, records
from tests.crawlers.sites.commons import wiki

WORLD = {"seed": 5, "listings": 0, "files": 160}

WIDTH = {"width": 330}
CONTACT = "crawls@example.org"
API, UPLOAD, THUMB = "commons.wikimedia.org", "upload.wikimedia.org", "thumb.wikimedia.org"


@pytest.fixture
def small() -> Iterator[Replica]:
    """A wiki that a test may change."""
    with start_replica(World(seed=5, listings=0, files=24)) as replica:
        yield replica


@dataclass(frozen=True, slots=True)
class Done:
    """A crawl that nothing disturbed."""

    job: CrawlJob
    crawls: Path
    report: CrawlReport
    asked: Asked
    commons: Commons
    records: list[Photo | Drop]

    @property
    def arrived(self) -> list[Photo]:
        return [each for each in self.records if isinstance(each, Photo)]

    @property
    def photos(self) -> dict[str, str]:
        return {each.sighting.source_id: str(each.sha256) for each in self.arrived}


@pytest.fixture(scope="module")
def done(served: Replica, tmp_path_factory: pytest.TempPathFactory) -> Done:
    crawls = tmp_path_factory.mktemp("crawls")
    job = commons_job(served, WIDTH, contact=CONTACT)
    with Asked(served) as asked:
        report = crawl(job, crawls)
    found = records(job, crawls, report)
    return Done(job, crawls, report, asked, commons_of(served.world), found)


def titles(requests: list[LoggedRequest], name: str) -> list[str]:
    """The categories that requests are about, without those that go on from another."""
    queries = [parse_qs(each.query) for each in requests]
    asked = [query for query in queries if name in query and "continue" not in query]
    return [query[name][0].removeprefix("Category:") for query in asked]


def media(asked: Asked) -> list[LoggedRequest]:
    return asked.of(UPLOAD) + asked.of(THUMB)


def test_a_loop_of_categories_is_walked_once_around(done: Done) -> None:
    inside, _ = wiki.walk(done.commons, "Ford Mustang", 2)
    assert "Ford Mustang by color" in inside  # which has Ford Mustang below it
    assert done.report.ended == "finished"
    assert sorted(titles(done.asked.of(API), "gcmtitle")) == sorted(inside)
    below = titles(done.asked.of(API), "cmtitle")
    assert len(below) == len(set(below))


def test_categories_that_lead_away_are_left_out(done: Done) -> None:
    _, outside = wiki.walk(done.commons, "Ford Mustang", 2)
    assert {"Ford Mustang logos", "Model cars of Ford Mustang", "Ford engines"} <= outside
    everything = titles(done.asked.of(API), "gcmtitle") + titles(done.asked.of(API), "cmtitle")
    assert outside.isdisjoint(everything)
    assert done.report.notices["category left out for its name"] == len(outside)


@pytest.mark.parametrize("depth", [0, 1])
def test_no_category_below_the_depth_is_looked_into(
    replica: Replica, done: Done, tmp_path: Path, depth: int
) -> None:
    twice = ["Ford Mustang", "Category:Ford_Mustang"]  # as people may write it
    job = commons_job(replica, WIDTH | {"depth": depth, "categories": twice})
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    inside, _ = wiki.walk(done.commons, "Ford Mustang", depth)
    assert sorted(titles(asked.of(API), "gcmtitle")) == sorted(inside)
    wanted = wiki.free(wiki.files_of(done.commons, depth=depth))
    assert set(photos(job, tmp_path, report)) == wanted
    assert (wanted < wiki.free(wiki.files_of(done.commons))) == (depth == 0)


def test_only_free_photos_arrive_and_each_once(done: Done) -> None:
    files = wiki.files_of(done.commons)
    in_categories = sum(len(file.shown.categories) for file in files)
    assert in_categories > len(files) + 40
    assert sorted(each.sighting.source_id for each in done.arrived) == sorted(wiki.free(files))
    paths = Counter(each.path for each in media(done.asked))
    assert max(paths.values()) == 1
    assert len(paths) == done.report.photos == len(wiki.free(files))
    assert done.report.notices[AGAIN] > 40


def test_every_refusal_has_its_reason(done: Done) -> None:
    files = wiki.files_of(done.commons)
    wanted = wiki.reasons(files)
    assert len(wanted) == 7, wanted  # one of each, or the world is too small
    assert done.report.drops == wanted
    kept = [each.reason for each in done.records if isinstance(each, Drop)]
    assert Counter(kept) == wanted
    assert sum(wanted.values()) + done.report.photos == len(files)


def test_restrictions_are_kept_as_words(done: Done) -> None:
    wanted = {
        str(file.pageid): file.oddity[1]
        for file in wiki.files_of(done.commons)
        if file.oddity and file.oddity[0] == "Restrictions" and wiki.refused(file) is None
    }
    found = {p.sighting.source_id: p.sighting.words.get("restrictions") for p in done.arrived}
    assert wanted
    assert {key: word for key, word in found.items() if word} == wanted


def test_licenses_and_credits_of_all_photos(done: Done) -> None:
    files = {str(file.pageid): file for file in wiki.files_of(done.commons)}
    own_lines = 0
    for photo in done.arrived:
        seen, file = photo.sighting, files[photo.sighting.source_id]
        assert (seen.license, seen.license_url) == wiki.LICENSES[file.rights.short]
        assert seen.attribution == wiki.credit(file)
        own_lines += bool(file.oddity and file.oddity[0] == "Attribution")
        assert str(file.rights.url) in seen.words["license_raw"]
    assert own_lines


def test_what_files_depict_is_asked_for_once_and_told_by_name(done: Done) -> None:
    names = {item: name for name, item in ITEM_IDS.items()}
    items = {str(file.pageid): names.get(file.item or "") for file in done.commons.files()}
    told = {each.sighting.source_id: each.sighting.words.get("depicts") for each in done.arrived}
    assert told == {place: items[place] for place in told}
    asked = "|".join(titles(done.asked.of(API), "ids")).split("|")
    assert sorted(asked) == sorted({*asked} - {""})


def test_what_links_carry_for_statistics_is_neither_asked_for_nor_kept(done: Done) -> None:
    assert not any(each.query for each in media(done.asked))
    assert not any("utm_" in str(photo.sighting) for photo in done.arrived)


def test_every_request_says_whom_to_ask(done: Done) -> None:
    assert {each.host for each in done.asked.requests} == {API, UPLOAD, THUMB}
    agents = {each.user_agent for each in done.asked.requests}
    assert len(agents) == 1
    assert f"({CONTACT})" in agents.pop()


def test_an_unchanged_site_is_asked_for_no_photo_again(done: Done, replica: Replica) -> None:
    with Asked(replica) as asked:
        report = crawl(done.job, done.crawls)
    assert media(asked) == []
    assert (report.photos, report.known) == (0, done.report.photos)
    assert (report.fresh, report.changed, report.gone) == (0, 0, 0)
    assert photos(done.job, done.crawls, report) == done.photos


def test_at_most_three_requests_at_a_time_over_all_hosts(replica: Replica, tmp_path: Path) -> None:
    replica.faults.set("slow-api", "0.1")
    brisk = replace(COMMONS.pace, delay=0.0, photo_delay=0.0)
    with Asked(replica) as asked:
        report = crawl(commons_job(replica, WIDTH | {"depth": 1}, pace=brisk), tmp_path)
    most: Counter[str] = Counter()
    for each in asked.requests:
        most[each.host] = max(most[each.host], each.at_once)
    assert report.ended == "finished"
    assert set(most) == {API, UPLOAD, THUMB}
    assert most.total() <= 3, most


def test_the_api_answers_though_robots_close_it_to_those_who_follow_links(
    replica: Replica, done: Done, tmp_path: Path
) -> None:
    replica.faults.set("robots-closed")
    job = commons_job(replica, WIDTH)
    report = crawl(job, tmp_path)
    assert report.ended == "finished"
    assert photos(job, tmp_path, report) == done.photos


def test_robots_of_the_media_hosts_are_obeyed(replica: Replica, done: Done, tmp_path: Path) -> None:
    replica.faults.set("media-robots-closed")
    job = commons_job(replica, WIDTH)
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    wanted = done.photos
    unscaled = {
        str(file.pageid) for file in wiki.files_of(done.commons) if file.width <= WIDTH["width"]
    }
    unscaled &= wanted.keys()
    assert unscaled
    assert photos(job, tmp_path, report).keys() == unscaled
    assert not any("/thumb/" in each.path for each in media(asked))
    assert report.drops[ROBOTS_FORBID_PHOTO] == len(wanted.keys() - unscaled)
    replica.faults.clear()
    assert photos(job, tmp_path, crawl(job, tmp_path)) == wanted


def test_searches_find_their_files_once(replica: Replica, done: Done, tmp_path: Path) -> None:
    queries = feature_queries(["ford mustang"], ["color"], load_vocabulary())
    assert "ford mustang red" in queries
    job = commons_job(replica, WIDTH | {"categories": [], "queries": queries[1:]})
    report = crawl(job, tmp_path)
    shown = [
        file
        for file in done.commons.files()
        if "Ford Mustang" in file.name and dict(file.shown.choices).get("color")
        if any(file.name.casefold().startswith(query.split()[-1]) for query in queries[1:])
    ]
    assert len(shown) > 10
    assert set(photos(job, tmp_path, report)) == wiki.free(shown)
    found = records(job, tmp_path, report)
    words = {p.sighting.words["found_in"] for p in found if isinstance(p, Photo)}
    assert words <= {f"search: {query}" for query in queries}
    assert len(words) > 3


def test_a_dry_run_only_estimates(replica: Replica, done: Done, tmp_path: Path) -> None:
    asked_for = WIDTH | {"queries": ["red ford mustang"]}
    job = commons_job(replica, asked_for, dry_run=True)
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    inside, _ = wiki.walk(done.commons, "Ford Mustang", 2)
    sizes = [len(done.commons.files_in(name)) for name in inside]
    sizes.append(sum(file.name.startswith("Red Ford Mustang") for file in done.commons.files()))
    files = sum(sizes)  # one that is in several categories counts several times: it is an upper end
    pages = sum(max(1, math.ceil(size / 50)) for size in sizes) + len(inside)
    assert report.estimate == {
        "photos": files,
        "listings": files,
        "requests": pages + files,
        "bytes": pytest.approx(
            pages * COMMONS.page_bytes + files * COMMONS.photo_bytes * (WIDTH["width"] / 1280) ** 2
        ),
        "hours": max(pages * COMMONS.pace.delay, files * COMMONS.pace.photo_delay) / 3600,
    }
    assert media(asked) == []
    assert (report.photos, report.listings) == (0, 0)


def test_a_thumbnail_that_is_wider_than_told_is_measured(
    small: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (20, 40, 60, 120, 250, 500, 960, 1280)  # no 330 any more, though it is still asked for
    monkeypatch.setattr("synthetic.replica.commons_photos.THUMBNAIL_WIDTHS", steps)
    job = commons_job(small, WIDTH)
    report = crawl(job, tmp_path)
    catalog = open_catalog(tmp_path / "catalog")
    register(catalog, records(job, tmp_path, report), run_id="one")
    rows = catalog.table("images").to_arrow()
    widths = set(rows.column("width").to_pylist())
    assert widths == {
        min(500, each.width)
        for each in wiki.files_of(commons_of(small.world))
        if wiki.refused(each) is None
    }
    assert 500 in widths


def test_the_public_domain_mark_comes_only_when_asked_for(
    small: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = "Public Domain Mark 1.0"
    mark = Rights(0, short, "Public domain", "pd", f"{wiki.CC}/publicdomain/mark/1.0/deed.en")
    monkeypatch.setattr("synthetic.replica.commons_state.LICENSE_FIELDS", (*LICENSE_FIELDS, mark))
    commons = commons_of(small.world)
    file = next(each for each in wiki.files_of(commons) if wiki.refused(each) is None)
    commons.relicense(file.name, short)
    first = commons_job(small, WIDTH)
    without = crawl(first, tmp_path)
    assert without.drops["public domain mark was not asked for"] == 1
    assert str(file.pageid) not in photos(first, tmp_path, without)
    asking = commons_job(small, {**WIDTH, "accept": ("by", "by-sa", "cc0", "pdm")})
    arrived = records(asking, tmp_path, crawl(asking, tmp_path))
    seen = {p.sighting.source_id: p.sighting for p in arrived if isinstance(p, Photo)}
    assert seen[str(file.pageid)].license == short
    report = crawl(first, tmp_path)  # who does not ask for it takes nothing from who does
    assert WITHDRAWN not in report.notices


@pytest.mark.parametrize("code", ["by-nc", "by-nd", "sampling+", "gfdl"])
def test_asking_for_a_license_that_is_never_taken_is_an_error(tmp_path: Path, code: str) -> None:
    job = CrawlJob("commons", CommonsQuery(accept=("by", code)), replica="http://127.0.0.1:9")
    with pytest.raises(UsageMistakeError, match="cannot be accepted"):
        crawl(job, tmp_path)


def test_changes_of_the_site_reach_the_catalog(small: Replica, tmp_path: Path) -> None:
    commons, job = commons_of(small.world), commons_job(small, WIDTH)
    deleted, renewed, closed, *others = [
        file for file in wiki.files_of(commons) if wiki.refused(file) is None
    ]
    before = crawl(job, tmp_path)
    catalog = open_catalog(tmp_path / "catalog")
    register(catalog, records(job, tmp_path, before), run_id="one")
    old = photos(job, tmp_path, before)

    commons.delete(deleted.name)
    commons.upload_again(renewed.name)
    commons.relicense(closed.name, "CC BY-NC 2.0")
    with Asked(small) as asked:
        report = crawl(job, tmp_path)
    done = register(catalog, records(job, tmp_path, report), run_id="two")

    assert [each.path.count(renewed.folder) for each in media(asked)] == [1]
    assert (report.ended, report.photos, report.gone) == ("finished", 1, 1)
    assert report.drops["license forbids commercial use"] == 1 + before.drops.get(
        "license forbids commercial use", 0
    )
    assert report.notices[WITHDRAWN] == 1
    assert closed.key in report.examples[WITHDRAWN]
    assert done.changed == 3
    assert done.notices[PHOTO_REPLACED] == 1

    rows = catalog.table("sightings").to_arrow().to_pylist()
    seen = {row["source_id"]: row for row in rows}
    assert len(seen) == len(old) == len(others) + 3
    assert '"status": "gone"' in seen[str(deleted.pageid)]["words"]
    assert seen[str(renewed.pageid)]["image_id"] != old[str(renewed.pageid)]
    assert seen[str(closed.pageid)]["license"] is None
    assert seen[str(closed.pageid)]["license_url"] is None
    assert "license forbids commercial use" in seen[str(closed.pageid)]["words"]
    assert {row["revision"] for key, row in seen.items() if row["run_id"] == "one"} == {1}


def test_a_file_that_no_category_lists_any_more_is_not_gone(small: Replica, tmp_path: Path) -> None:
    """Only a page that is not there any more is: categories and the order of searches change."""
    job = commons_job(small, WIDTH | {"depth": 0})
    first = crawl(job, tmp_path)
    before = photos(job, tmp_path, first)
    commons = commons_of(small.world)
    kept = commons._members["Ford Mustang"]
    lost = next(pageid for pageid in kept if str(pageid) in before)
    commons._members["Ford Mustang"] = [pageid for pageid in kept if pageid != lost]
    with Asked(small) as asked:
        report = crawl(job, tmp_path)
    commons._members["Ford Mustang"] = kept
    assert (report.gone, report.photos) == (0, 0)
    assert any(f"pageids={lost}" in each.query for each in asked.requests)
    assert photos(job, tmp_path, report) == before


def test_a_license_that_was_withdrawn_can_come_back(small: Replica, tmp_path: Path) -> None:
    commons, job = commons_of(small.world), commons_job(small, WIDTH)
    file = next(each for each in wiki.files_of(commons) if wiki.refused(each) is None)
    crawl(job, tmp_path)
    commons.relicense(file.name, "CC BY-ND 4.0")
    assert crawl(job, tmp_path).notices[WITHDRAWN] == 1
    assert WITHDRAWN not in crawl(job, tmp_path).notices  # it is told once
    commons.relicense(file.name, "CC BY 4.0")
    with Asked(small) as asked:
        report = crawl(job, tmp_path)
    found = records(job, tmp_path, report)
    seen = {p.sighting.source_id: p.sighting for p in found if isinstance(p, Photo)}
    assert seen[str(file.pageid)].license == "CC BY 4.0"
    assert not {"status", "license_before"} & seen[str(file.pageid)].words.keys()
    assert media(asked) == []
