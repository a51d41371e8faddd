"""Answers that no honest site gives, and what is left of a crawl after them."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from scrapy import Request
from scrapy.utils.request import fingerprint

from core.errors import UsageMistakeError
from core.records import Listing, PhotoLink
from core.web import Web
from crawlers.engine.crawl_state import Delivery
from crawlers.engine.job import CrawlReport
from crawlers.engine.pipelines.validate import LISTING_URL_NOT_HTTP, listing_fault
from crawlers.engine.politeness.fingerprint import PhotoFingerprinter
from crawlers.engine.store import open_store
from crawlers.sites.commons.pages.markup import LONGEST_DESCRIPTION, plain_text
from crawlers.sites.commons.spider import WITHDRAWN
from tests.crawlers.crawling import autoscout24_job, commons_job, crawl, photos, records
from tests.crawlers.engine.front import Front, Said
from tests.synthetic.replica.asking import Client

WORLD = {
    "seed": 3,
    "listings": 80,
    "photos": 1,
    "files": 60,
    "sites": ("it",),
    "photo_size": (96, 72),
}

SITE = "www.autoscout24.it"
API = "commons.wikimedia.org"


@pytest.mark.parametrize(
    "body",
    [b"<html>Access denied", "User-agent: *\nDisallow: /".encode("utf-16"), b"\xef\xbb\xbf <!doc"],
)
def test_a_page_in_place_of_robots_txt_is_no_leave(
    front: Front, tmp_path: Path, body: bytes
) -> None:
    front.says = lambda host, path: Said(200, {}, body) if path == "/robots.txt" else None
    report = crawl(replace(autoscout24_job(front.replica), replica=front.url), tmp_path)
    assert report.ended == "blocked"
    assert {each.path for each in front.came} == {"/robots.txt"}


def test_a_delay_of_years_is_a_refusal(front: Front, tmp_path: Path) -> None:
    rules = Said(200, {}, b"User-agent: *\nCrawl-delay: 1000000000\n")
    front.says = lambda host, path: rules if path == "/robots.txt" else None
    report = crawl(replace(autoscout24_job(front.replica), replica=front.url), tmp_path)
    assert report.ended == "blocked"
    assert "1,000,000,000 s between two requests" in report.why


def test_an_outage_of_descriptions_takes_no_license_away(front: Front, tmp_path: Path) -> None:
    job = replace(commons_job(front.replica, {"width": 330, "depth": 0}), replica=front.url)
    before = photos(job, tmp_path, crawl(job, tmp_path))
    assert len(before) > 2
    client = Client(front.replica)

    def bare(host: str, path: str) -> Said | None:
        if host != API or "imageinfo" not in path:
            return None
        answer = json.loads(client.get(host, path).content)
        for page in answer.get("query", {}).get("pages", []):
            for info in page.get("imageinfo", []):
                info["extmetadata"] = {}
        return Said(200, {"Content-Type": "application/json"}, json.dumps(answer).encode())

    front.says = bare
    report = crawl(job, tmp_path)
    assert report.failures
    assert WITHDRAWN not in report.notices
    front.says = lambda host, path: None
    last = crawl(job, tmp_path)
    assert photos(job, tmp_path, last) == before
    assert all(each.sighting.license for each in records(job, tmp_path, last)
               if not hasattr(each, "reason"))  # fmt: skip


def test_two_photos_at_one_address_are_two_requests() -> None:
    first, second = (
        Request("http://a.b/c.jpg", meta={"link": PhotoLink(name, "http://a.b/c.jpg")})
        for name in "ab"
    )
    fingerprinter = PhotoFingerprinter()
    assert fingerprinter.fingerprint(first) != fingerprinter.fingerprint(second)
    plain = Request("http://a.b/c.jpg")
    assert fingerprinter.fingerprint(plain) == fingerprint(plain)


@pytest.mark.parametrize("port", ["99999", "abc", "-1"])
def test_a_port_that_is_none_is_a_fault_of_its_listing(port: str) -> None:
    link = PhotoLink("a/0", f"http://a.b:{port}/c.jpg")
    one = Listing("a site", "a", "http://a.b/a", "s", {}, (link,))
    assert listing_fault(Delivery(one, 1)) == LISTING_URL_NOT_HTTP
    with pytest.raises(UsageMistakeError, match="a replica is on this machine"):
        Web(f"http://127.0.0.1:{port}")


def test_markup_that_pythons_parser_gives_up_on() -> None:
    assert plain_text("a <![ b").startswith("a")
    assert len(plain_text("word " * LONGEST_DESCRIPTION)) <= LONGEST_DESCRIPTION


def test_half_a_character_does_not_break_a_report() -> None:
    report = CrawlReport("a site", "id", "now")
    report.count_notice("left out \ud800", "\ud800 example")
    report.count_drop("reason \udfff", "\udfff")
    report.to_json().encode()


def test_what_another_job_saw_since_is_not_gone(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    one = Listing("a site", "a", "http://a.b/a", "s", {}, ())
    for number, (job, crawl_id) in enumerate([("wide", "1"), ("narrow", "2"), ("wide", "3")]):
        store.begin(job, crawl_id, float(number), keep_for=0.0)
        store.store_listing(job, crawl_id, one, number=1, taken=0)
    store.begin("narrow", "4", 4.0, keep_for=0.0)
    assert store.unseen("narrow", "4") == []
    store.begin("wide", "5", 5.0, keep_for=0.0)
    assert store.unseen("wide", "5") == ["a"]
    store.close()
