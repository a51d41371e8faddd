"""A crawl asks as the site wants to be asked: measured at a replica, where every bound is one that
a busy machine can only keep better."""

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy import Request, Spider
from scrapy.core.downloader import Slot
from scrapy.http import Response
from scrapy.utils.test import get_crawler

from core.errors import UsageMistakeError
from crawlers.engine.job import CrawlJob
from crawlers.engine.politeness.gate import OTHER_HOST, retry_after
from crawlers.engine.politeness.throttle import Throttle
from crawlers.engine.registry import load_query, load_sites
from crawlers.engine.runner import check_job
from crawlers.engine.site import Pace, Site
from synthetic.replica.server import Replica
from tests.crawlers.crawling import (
    FAST,
    PICTURES,
    Asked,
    autoscout24_job,
    commons_job,
    crawl,
    photos,
)
from tests.crawlers.engine.front import Front, Said

WORLD = {"seed": 1, "listings": 60, "photos": 3, "sites": ("it", "de"), "files": 40}
"""Eight Fiats in Italy with three photos each, and some in Germany."""

SITE = "www.autoscout24.it"
GERMAN = "www.autoscout24.de"
ONE = Pace(0.0, 1, 0.0, 1, timeout=300.0, pause=0.2)


def fiats(front: Front, asked: Mapping[str, Any] | None = None, **more: Any) -> CrawlJob:
    """The crawl of `autoscout24_job`, by way of the front."""
    return replace(autoscout24_job(front.replica, asked, **more), replica=front.url)


def test_two_requests_to_a_host_are_apart_by_its_delay(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica, pace=Pace(0.15, 1, 0.06, 1, timeout=300.0))
    began = time.monotonic()
    with Asked(replica) as asked:
        assert crawl(job, tmp_path).ended == "finished"
    pages = [one.time for one in asked.requests if one.host == SITE]
    pictures = [one.time for one in asked.requests if one.host == PICTURES]
    assert len(pages) > 8
    assert len(pictures) > 20
    # Each was sent so much after the one before it, and none came before it was sent: the first
    # page not before the crawl began, and no photo before the last offer was read.
    assert pages[-1] - began >= (len(pages) - 1) * 0.15
    assert pictures[-1] - pages[-1] >= (len(pictures) - 1) * 0.06


def test_robots_may_ask_for_more_than_our_delay(replica: Replica, tmp_path: Path) -> None:
    replica.faults.set("crawl-delay", "0.3")
    began = time.monotonic()
    with Asked(replica) as asked:
        assert crawl(autoscout24_job(replica), tmp_path).ended == "finished"
    came = [one for one in asked.requests if one.host == SITE]
    assert came[0].path == "/robots.txt"
    assert len(came) > 8
    assert came[-1].time - began >= (len(came) - 1) * 0.3
    assert max(one.at_once for one in came) == 1


def test_no_more_requests_at_once_than_the_pace_allows(front: Front, tmp_path: Path) -> None:
    front.seconds = 0.05  # so that more would gather if they could
    job = fiats(front, pace=replace(FAST, concurrency=2))
    assert crawl(job, tmp_path).ended == "finished"
    assert max(one.at_once for one in front.of(SITE)) == 2
    assert 2 < max(one.at_once for one in front.of(PICTURES)) <= 8


def test_what_robots_close_is_not_asked(front: Front, tmp_path: Path) -> None:
    """On .de the offers are closed; here the photos are too, all of them wanted at once."""
    closed = Said(200, {"Content-Type": "text/plain"}, b"User-agent: *\nDisallow: /\n")
    front.says = lambda host, path: closed if (host, path) == (PICTURES, "/robots.txt") else None
    job = fiats(front, {"site": "de"})
    report = crawl(job, tmp_path)
    assert report.ended == "finished"
    assert report.listings > 0
    assert not front.of(GERMAN, "/angebote/")
    assert front.of(GERMAN, "/lst/")
    assert [one.path for one in front.of(PICTURES)] == ["/robots.txt"]
    assert report.drops == {"robots.txt forbids the photo": 3 * report.listings}


def test_robots_speak_to_us_by_name(front: Front, tmp_path: Path) -> None:
    ours = Said(200, {}, b"User-agent: *\nAllow: /\n\nUser-agent: marque\nDisallow: /\n")
    front.says = lambda host, path: ours if (host, path) == (SITE, "/robots.txt") else None
    report = crawl(fiats(front), tmp_path)
    assert report.ended == "blocked"
    assert "robots.txt forbids" in report.why
    assert [one.path for one in front.came] == ["/robots.txt"]


LEADS_AWAY = Said(302, {"Location": "http://example.org.localhost:1/robots.txt"})
IN_CIRCLES = Said(302, {"Location": "/robots.txt"})
UNREADABLE = {"500": Said(500), "503": Said(503), "silence": Said(0), "leads away": LEADS_AWAY,
              "in circles": IN_CIRCLES}  # fmt: skip


@pytest.mark.parametrize("said", UNREADABLE.values(), ids=UNREADABLE)
def test_where_robots_cannot_be_read_nothing_is_asked(
    said: Said, front: Front, tmp_path: Path
) -> None:
    front.says = lambda host, path: said if path == "/robots.txt" else None
    report = crawl(fiats(front), tmp_path)
    assert report.ended == ("blocked" if said.status >= 500 else "failed")
    assert "robots.txt" in report.why
    assert SITE in report.why
    assert {one.path for one in front.came} == {"/robots.txt"}
    assert report.failures[0].endswith(report.why)


def test_nor_are_photos_of_a_host_without_readable_robots(front: Front, tmp_path: Path) -> None:
    front.says = lambda host, path: Said(500) if (host, path) == (PICTURES, "/robots.txt") else None
    report = crawl(fiats(front), tmp_path)
    assert report.ended == "blocked"
    assert PICTURES in report.why
    assert {one.path for one in front.of(PICTURES)} == {"/robots.txt"}


class OnceThen:
    """The n-th request for a path that begins so is answered like this, the others well."""

    def __init__(self, *rules: tuple[str, str, int, Said]) -> None:
        self.rules = rules
        self.counts = [0] * len(rules)

    def __call__(self, host: str, path: str) -> Said | None:
        for number, (of, begins, nth, said) in enumerate(self.rules):
            if host == of and path.startswith(begins):
                self.counts[number] += 1
                if self.counts[number] == nth:
                    return said
        return None


def test_retry_after_is_waited_for_and_the_rate_is_halved(front: Front, tmp_path: Path) -> None:
    """429 with seconds from the pages, 503 with seconds from the photos."""
    front.says = OnceThen(
        (SITE, "/annunci/", 2, Said(429, {"Retry-After": "1"})),
        (PICTURES, "/listing-images/", 3, Said(503, {"Retry-After": "1"})),
    )
    pace = Pace(0.1, 1, 0.0, 1, timeout=300.0)
    job = fiats(front, pace=pace)
    report = crawl(job, tmp_path)
    assert report.ended == "finished", report.why
    assert report.notices["429: waited as the site asked"] == 1
    assert report.notices["503: waited as the site asked"] == 1
    assert report.drops == {}
    assert len(photos(job, tmp_path, report)) == 3 * report.listings

    offers = front.of(SITE, "/annunci/")
    after = offers[2:]
    assert offers[1].path in {one.path for one in after}, "it is asked again"
    assert after[0].time - offers[1].time >= 1.0
    assert after[-1].time - offers[1].time >= 1.0 + 0.2 * (len(after) - 1), "0.1 s before"

    pictures = front.of(PICTURES, "/listing-images/")
    later = pictures[3:]
    assert pictures[2].path in {one.path for one in later}
    assert later[-1].time - pictures[2].time >= 1.0 + 0.1 * (len(later) - 1), "no delay before"


def test_a_site_that_goes_on_refusing_is_left_alone(replica: Replica, tmp_path: Path) -> None:
    replica.faults.set("too-many-requests", only="search")
    with Asked(replica) as asked:
        report = crawl(autoscout24_job(replica, pace=ONE), tmp_path)
    assert report.ended == "blocked"
    assert "429" in report.why
    assert "again after waiting" in report.why
    came = asked.of(SITE)
    assert len(came) == 3, "twice waited, then no more"
    assert came[1].time - came[0].time >= 0.2
    assert came[2].time - came[1].time >= 0.4
    assert report.goes_on
    replica.faults.clear()
    assert crawl(autoscout24_job(replica), tmp_path).ended == "finished"


def test_who_wants_us_to_wait_for_hours_is_left_alone_at_once(
    replica: Replica, tmp_path: Path
) -> None:
    replica.faults.set("too-many-requests", "7200", only="search")
    with Asked(replica) as asked:
        report = crawl(autoscout24_job(replica, pace=ONE), tmp_path)
    assert report.ended == "blocked"
    assert "left alone for 7200 s" in report.why
    assert asked.count(SITE) == 1


def test_after_403_nothing_is_asked(front: Front, tmp_path: Path) -> None:
    """Not even the offers that were wanted at the same time."""
    front.says = OnceThen((SITE, "/annunci/", 3, Said(403)))
    report = crawl(fiats(front, pace=ONE), tmp_path)
    assert report.ended == "blocked"
    assert "403 Forbidden" in report.why
    offers = front.of(SITE, "/annunci/")
    assert len(offers) == 3
    assert front.of(SITE)[-1] == offers[-1]
    assert report.requests == len(front.came)


def test_a_cap_of_requests_ends_a_run_and_the_next_goes_on(
    replica: Replica, tmp_path: Path
) -> None:
    job = autoscout24_job(replica)
    with Asked(replica) as asked:
        report = crawl(replace(job, max_requests=9), tmp_path)
    assert report.ended == "cap"
    assert "9 requests are the most that one run makes" in report.why
    assert report.requests == len(asked.requests) <= 9
    assert report.goes_on
    assert not report.failures
    with Asked(replica) as more:
        report = crawl(job, tmp_path)
    assert report.ended == "finished"
    first = {(one.host, one.path, one.query) for one in asked.requests}
    again = {(one.host, one.path, one.query) for one in more.requests} & first
    assert {path for _, path, _ in again} <= {"/robots.txt"}


@pytest.mark.parametrize("site", load_sites().values(), ids=load_sites())
def test_a_job_cannot_raise_the_sites_cap(site: Site) -> None:
    query = load_query(site.name)
    live = CrawlJob(site.name, query(**query.example), contact="me@example.org", permission=True,
                    max_requests=site.max_requests)  # fmt: skip
    check_job(live)
    with pytest.raises(UsageMistakeError, match="makes at most 20,000 requests"):
        check_job(replace(live, max_requests=site.max_requests + 1))


def test_a_robots_txt_that_is_refused_is_none(front: Front, tmp_path: Path) -> None:
    """RFC 9309, 2.3.1.3; what is behind it may still be refused, and then is."""
    front.says = lambda host, path: Said(403) if path == "/robots.txt" else None
    report = crawl(fiats(front), tmp_path)
    assert report.ended in {"finished", "limit"}
    assert report.photos > 0
    assert report.statuses["403"] == 2


def test_no_other_host_is_asked(replica: Replica, tmp_path: Path) -> None:
    """The machine's own network, files and other ports are behind redirects of photos."""
    fiats = [car for car in map(replica.world.car, range(60))
             if car.model.make == "Fiat" and car.country == "it"]  # fmt: skip
    faults = ("redirect-metadata", "redirect-file", "redirect-loopback-other-port")
    for fault, car in zip(faults, fiats, strict=False):
        replica.faults.set(fault, only=replica.world.photo_guid(car.photos[0]))
    job = autoscout24_job(replica)
    report = crawl(job, tmp_path)
    assert report.ended == "finished"
    refused = sum(report.drops.values())
    assert refused == 3, report.drops
    assert report.drops[OTHER_HOST] >= 2
    assert len(photos(job, tmp_path, report)) == 3 * report.listings - refused


def test_commons_is_asked_at_its_api_whatever_robots_close(
    replica: Replica, tmp_path: Path
) -> None:
    replica.faults.set("robots-closed")
    with Asked(replica) as asked:
        report = crawl(commons_job(replica), tmp_path)
    assert report.ended == "finished"
    assert {one.path for one in asked.of("commons.")} == {"/w/api.php"}
    agents = {one.user_agent for one in asked.requests}
    assert len(agents) == 1
    assert agents.pop().startswith("Marque/")


def answered(value: bytes | None) -> Response:
    headers = {} if value is None else {b"Retry-After": value}
    return Response("http://a.localhost/", status=429, headers=headers)


def test_retry_after_in_seconds_or_as_a_date() -> None:
    assert retry_after(answered(b"120")) == 120.0
    assert retry_after(answered(b" 0 ")) == 0.0
    assert retry_after(answered(None)) is None
    later = datetime.now(UTC) + timedelta(seconds=600)
    seconds = retry_after(answered(format_datetime(later, usegmt=True).encode()))
    assert seconds is not None
    assert 0 < seconds <= 600
    assert retry_after(answered(formatdate(0, usegmt=True).encode())) == 0.0, "past"


@given(st.binary(max_size=40) | st.sampled_from([b"\xb2", b"-5", b"1.5", b"soon", b"1" * 400]))
def test_retry_after_of_any_text_is_a_wait_or_none(value: bytes) -> None:
    seconds = retry_after(answered(value))
    assert seconds is None or seconds >= 0


def test_a_floor_above_a_minute_is_kept_however_fast_the_answers_are() -> None:
    """AutoThrottle's own highest delay is a minute."""
    settings = {"AUTOTHROTTLE_ENABLED": True, "DOWNLOAD_SLOTS": {"a.b": {"delay": 300.0}}}
    crawler = get_crawler(settings_dict=settings)
    throttle, slot = Throttle(crawler), Slot(1, 300.0, 0)
    crawler._engine = SimpleNamespace(  # type: ignore[assignment]
        downloader=SimpleNamespace(slots={"a.b": slot}, per_slot_settings={})
    )
    request = Request("https://a.b/", meta={"download_slot": "a.b", "download_latency": 0.01})
    throttle._response_downloaded(Response(request.url), request, Spider("any"))
    assert slot.delay == 300.0
    throttle.slow_down("a.b")
    assert slot.delay == throttle.floors["a.b"] == 300.0, "that is slow enough"
    throttle.raise_floor("a.b", 600.0)
    assert slot.delay == throttle.floors["a.b"] == 600.0
    throttle.raise_floor("a.b", 10.0)
    assert throttle.floors["a.b"] == 600.0, "it is never lowered"
