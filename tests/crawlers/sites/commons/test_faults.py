"""What goes wrong at Wikimedia, by name, and what a crawl makes of it."""

import itertools
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.records import Photo
from crawlers.engine.job import CrawlReport
from crawlers.engine.pipelines.store_photo import ANSWER_NOT_A_PHOTO, OPTED_OUT
from crawlers.sites.commons.spider import TRIES, UNNAMED, WAITED
from synthetic.replica.commons_continue import MediaWikiError
from synthetic.replica.commons_state import commons_of
from synthetic.replica.server import LoggedRequest, Replica
from tests.crawlers.crawling import FAST, Asked, commons_job, crawl, photos, records
from tests.crawlers.sites.commons import wiki

WORLD = {"seed": 5, "listings": 0, "files": 39}

SHALLOW = {"width": 330, "depth": 0}
API = "commons.wikimedia.org"
MEDIA = ("upload.wikimedia.org", "thumb.wikimedia.org")


@pytest.fixture(scope="module")
def calm(served: Replica, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What comes when nothing is wrong."""
    crawls = tmp_path_factory.mktemp("calm")
    job = commons_job(served, {"width": 330})
    report = crawl(job, crawls)
    found = photos(job, crawls, report)
    assert set(found) == wiki.free(wiki.files_of(commons_of(served.world)))
    assert len(found) > 10
    return found


def gaps(requests: list[LoggedRequest]) -> list[float]:
    """Seconds between one request and the next."""
    return [after.time - before.time for before, after in itertools.pairwise(requests)]


def has_failed(report: CrawlReport, why: str) -> bool:
    """Whether a run that uses this report fails, and says why."""
    return any(why in failure for failure in report.failures)


@pytest.mark.parametrize("kind", ["refused", "no answer"])
def test_photos_come_though_nobody_says_what_items_are_called(
    replica: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    def entities(_: object) -> dict[str, Any]:
        if kind == "refused":
            raise MediaWikiError("unknown_action", "there are no items here")
        return {"entities": [], "success": 1}

    monkeypatch.setattr("synthetic.replica.commons.entities", entities)
    job = commons_job(replica, {"width": 330})
    report = crawl(job, tmp_path)
    assert (report.ended, report.failures) == ("finished", [])
    assert report.notices[UNNAMED] >= 1
    taken = (each for each in records(job, tmp_path, report) if isinstance(each, Photo))
    found = [each.sighting.words for each in taken]
    assert any("depicts_items" in words for words in found)
    assert not any("depicts" in words for words in found)


@pytest.mark.parametrize("fault", ["empty-page-with-continue", "split-props"])
def test_files_come_whole_and_once_however_they_are_handed_out(
    replica: Replica, calm: dict[str, str], tmp_path: Path, fault: str
) -> None:
    replica.faults.set(fault)
    job = commons_job(replica, {"width": 330})
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert any("continue=" in each.query for each in asked.of(API))
    assert photos(job, tmp_path, report) == calm
    assert report.listings == len(calm)
    found = records(job, tmp_path, report)
    assert all(each.sighting.license and each.sighting.words["title"] for each in found
               if isinstance(each, Photo))  # fmt: skip


def test_errors_that_pass_are_waited_for_as_the_api_asks(
    replica: Replica, calm: dict[str, str], tmp_path: Path
) -> None:
    replica.faults.set("short-retry-after", "1")
    replica.faults.set("maxlag", "7.2", first=1)
    replica.faults.set("ratelimited", first=1)
    replica.faults.set("readonly", first=1)
    job = commons_job(replica, {"width": 330})
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    first = asked.of(API)[:4]
    assert len({each.query for each in first}) == 1  # the same request, until it is answered
    assert min(gaps(first)) >= 1.0
    assert report.notices[WAITED] == 3
    assert photos(job, tmp_path, report) == calm
    assert report.failures == []


@pytest.mark.parametrize("code", ["maxlag", "ratelimited", "readonly"])
def test_an_api_that_puts_off_for_ever_is_no_wiki_without_photos(
    replica: Replica, tmp_path: Path, code: str
) -> None:
    replica.faults.set("short-retry-after", "0")  # then our own pause counts
    replica.faults.set(code)
    hasty = replace(FAST, pause=0.05)
    with Asked(replica) as asked:
        report = crawl(commons_job(replica, SHALLOW, pace=hasty), tmp_path)
    assert report.ended == "blocked"
    assert code in report.why
    assert has_failed(report, code)
    assert report.goes_on
    assert asked.count() == TRIES
    for number, waited in enumerate(gaps(asked.of(API)), start=1):
        assert waited >= hasty.pause * number


def test_an_api_that_wants_to_be_left_alone_for_long_is(replica: Replica, tmp_path: Path) -> None:
    replica.faults.set("short-retry-after", "86400")
    replica.faults.set("maxlag")
    with Asked(replica) as asked:
        report = crawl(commons_job(replica, SHALLOW), tmp_path)
    assert report.ended == "blocked"
    assert "86400 s" in report.why
    assert asked.count() == 1


def test_another_error_with_status_200_fails_with_its_code(
    replica: Replica, calm: dict[str, str], tmp_path: Path
) -> None:
    replica.faults.set("error-in-200", after=2)
    job = commons_job(replica, {"width": 330})
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert report.ended == "failed"
    assert has_failed(report, "internal_api_error_DBQueryError")
    assert asked.count(API) == 3  # it is not asked again
    replica.faults.clear()
    with Asked(replica) as asked:
        again = crawl(job, tmp_path)
    assert photos(job, tmp_path, again) == calm
    known = report.photos
    assert (again.known, again.photos) == (known, len(calm) - known)
    assert sum(asked.count(host) for host in MEDIA) == len(calm) - known


def test_an_unknown_category_fails(replica: Replica, tmp_path: Path) -> None:
    report = crawl(commons_job(replica, {"categories": ["Horses of Turin"]}), tmp_path)
    assert has_failed(report, "no listing was parsed")


@pytest.mark.parametrize(
    ("fault", "ended", "why"),
    [
        ("html-403", "blocked", "answered 403 Forbidden"),
        ("html-200", "failed", "not an answer of MediaWiki's API"),
    ],
)
def test_a_page_for_people_in_place_of_the_api_ends_the_crawl(
    replica: Replica, tmp_path: Path, fault: str, ended: str, why: str
) -> None:
    replica.faults.set(fault, after=1)
    job = commons_job(replica, {"width": 330})
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    assert report.ended == ended
    assert has_failed(report, why)
    assert asked.count(API) == 2
    assert report.gone == 0
    assert not any("<!DOCTYPE" in reason for reason in report.drops)


def test_an_api_that_answers_429_is_asked_again_when_it_says(
    replica: Replica, calm: dict[str, str], tmp_path: Path
) -> None:
    replica.faults.set("short-retry-after", "1")
    replica.faults.set("api-429", "0", after=1, first=1)
    job = commons_job(replica, {"width": 330})
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    _, refused, again = asked.of(API)[:3]
    assert refused.status == 429
    assert again.query == refused.query
    assert again.time - refused.time >= 1.0
    assert photos(job, tmp_path, report) == calm


def test_an_api_that_answers_429_again_and_again_is_left_alone(
    replica: Replica, tmp_path: Path
) -> None:
    replica.faults.set("short-retry-after", "0")
    replica.faults.set("api-429", "0")
    with Asked(replica) as asked:
        report = crawl(commons_job(replica, SHALLOW), tmp_path)
    assert report.ended == "blocked"
    assert has_failed(report, "answered 429")
    assert asked.count() == 3


def test_a_width_that_is_made_no_more_is_not_asked_for_twice(
    replica: Replica, calm: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthetic.replica.commons_upload.THUMBNAIL_WIDTHS", (20, 40, 500, 960))
    replica.faults.set("thumb-step-429")
    job = commons_job(replica, {"width": 330})
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    files = wiki.files_of(commons_of(replica.world))
    whole = {str(each.pageid) for each in files if each.width <= 330} & calm.keys()
    assert photos(job, tmp_path, report).keys() == whole
    assert report.ended == "finished"
    assert report.drops["photo's address answers 429"] == len(calm) - len(whole) > 10
    paths = Counter(each.path for host in MEDIA for each in asked.of(host))
    assert max(paths.values()) == 1
    assert len(paths) == len(calm)


def test_a_media_host_that_asks_for_less_gets_less(
    replica: Replica, calm: dict[str, str], tmp_path: Path
) -> None:
    replica.faults.set("too-many-requests", "1", after=3, first=1)
    one_at_a_time = replace(FAST, photo_concurrency=1)
    job = commons_job(replica, {"width": 330}, pace=one_at_a_time)
    with Asked(replica) as asked:
        report = crawl(job, tmp_path)
    refused = next(each for host in MEDIA for each in asked.of(host) if each.status == 429)
    after = [each.time - refused.time for each in asked.of(refused.host)]
    assert min(waited for waited in after if waited > 0) >= 1.0
    assert photos(job, tmp_path, report) == calm
    assert report.drops == wiki.reasons(wiki.files_of(commons_of(replica.world)))


def test_photos_that_are_none_are_counted_with_their_reason(
    replica: Replica, calm: dict[str, str], tmp_path: Path
) -> None:
    files = {str(each.pageid): each.key for each in wiki.files_of(commons_of(replica.world))}
    page, closed = sorted(calm)[:2]
    replica.faults.set("html-as-jpeg", only=files[page])
    replica.faults.set("noai", only=files[closed])
    job = commons_job(replica, {"width": 330})
    report = crawl(job, tmp_path)
    assert photos(job, tmp_path, report).keys() == calm.keys() - {page, closed}
    assert (report.drops[ANSWER_NOT_A_PHOTO], report.drops[OPTED_OUT]) == (1, 1)
