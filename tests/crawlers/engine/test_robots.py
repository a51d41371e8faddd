"""A robots.txt is read however a server sends it and a webmaster writes it."""

import gzip
import time
import zlib
from dataclasses import replace
from pathlib import Path

import pytest

from crawlers.engine.job import CrawlReport
from crawlers.engine.politeness.gate import THUMB_STEP
from tests.crawlers.crawling import PICTURES, autoscout24_job, crawl
from tests.crawlers.engine.front import Front, Said
from tests.synthetic.replica.asking import Client

WORLD = {
    "seed": 1,
    "listings": 60,
    "photos": 1,
    "sites": ("it",),
    "files": 10,
    "photo_size": (96, 72),
}

ROBOTS = "/robots.txt"
CLOSED = b"User-agent: *\nDisallow: /\n"


def crawled(front: Front, place: Path) -> CrawlReport:
    return crawl(replace(autoscout24_job(front.replica), replica=front.url), place)


def packed(content: bytes, kind: str) -> bytes:
    return gzip.compress(content) if kind == "gzip" else zlib.compress(content)


@pytest.mark.parametrize("kind", ["gzip", "deflate"])
def test_a_site_that_compresses_all_it_sends_is_crawled(
    front: Front, tmp_path: Path, kind: str
) -> None:
    client = Client(front.replica)

    def says(host: str, path: str) -> Said:
        answer = client.get(host, path)
        sent = {"Content-Type": answer.headers["Content-Type"], "Content-Encoding": kind}
        return Said(answer.status, sent, packed(answer.content, kind))

    front.says = says
    report = crawled(front, tmp_path)
    assert (report.ended, report.drops) == ("finished", {})
    assert report.photos == report.listings > 5


def test_a_page_that_comes_compressed_in_place_of_robots_is_no_leave(
    front: Front, tmp_path: Path
) -> None:
    page = Said(200, {"Content-Encoding": "gzip"}, gzip.compress(b"<html>Access denied"))
    front.says = lambda host, path: page if path == ROBOTS else None
    report = crawled(front, tmp_path)
    assert report.ended == "blocked"
    assert "robots.txt is answered with something else" in report.why
    assert {each.path for each in front.came} == {ROBOTS}


def test_rules_that_nobody_here_can_unpack_are_no_leave(front: Front, tmp_path: Path) -> None:
    rules = b"\x8b\x0c\x80" + CLOSED + b"\x03"  # as Brotli has them, under a name of its own
    said = Said(200, {"Content-Encoding": "x-br"}, rules)
    front.says = lambda host, path: said if path == ROBOTS else None
    report = crawled(front, tmp_path)
    assert report.ended == "blocked"
    assert "robots.txt is answered with something else" in report.why
    assert {each.path for each in front.came} == {ROBOTS}


BOMB = gzip.compress(b"#" * 2**24)  # over sixteen times what is read of a robots.txt
WRITTEN = {
    "with a mark": b"\xef\xbb\xbf" + CLOSED,
    "line ends of old": CLOSED.replace(b"\n", b"\r"),
    "in Latin-1": b"# caf\xe9\n" + CLOSED,
    "a blank line between": b"User-agent: *\n\nDisallow: /\n",
    "without blanks": b"user-agent:*\ndisallow:/\n",
    "to us with a version": b"User-agent: *\nAllow: /\n\nUSER-AGENT : marque/1.0 #\nDisallow: /",
}


@pytest.mark.parametrize("rules", WRITTEN.values(), ids=WRITTEN)
def test_rules_are_understood_as_people_write_them(
    front: Front, tmp_path: Path, rules: bytes
) -> None:
    front.says = lambda host, path: Said(200, {}, rules) if path == ROBOTS else None
    report = crawled(front, tmp_path)
    assert report.ended == "blocked"
    assert "robots.txt forbids" in report.why
    assert [each.path for each in front.came] == [ROBOTS]


def test_one_that_unpacks_to_megabytes_is_not_read(front: Front, tmp_path: Path) -> None:
    rules = Said(200, {"Content-Encoding": "gzip"}, BOMB)
    front.says = lambda host, path: rules if path == ROBOTS else None
    report = crawled(front, tmp_path)
    assert report.ended == "failed"
    assert "cannot be read" in report.why
    assert {each.path for each in front.came} == {ROBOTS}


def test_robots_may_ask_for_a_rate(front: Front, tmp_path: Path) -> None:
    rules = Said(200, {}, b"User-agent: *\nRequest-rate: 10/3s\n")
    front.says = lambda host, path: rules if path == ROBOTS and "autoscout24.it" in host else None
    began = time.monotonic()
    assert crawled(front, tmp_path).ended == "finished"
    came = front.of("www.autoscout24.it")
    assert len(came) > 8
    assert came[-1].time - began >= (len(came) - 1) * 0.3
    assert max(one.at_once for one in came) == 1


@pytest.mark.parametrize("seconds", [b"9" * 6, b"9" * 400])
def test_a_rate_that_is_no_leave_to_ask(front: Front, tmp_path: Path, seconds: bytes) -> None:
    rules = Said(200, {}, b"User-agent: *\nRequest-rate: 1/" + seconds + b"\n")
    front.says = lambda host, path: rules if path == ROBOTS else None
    report = crawled(front, tmp_path)
    assert report.ended == "blocked"
    assert "between two requests" in report.why
    assert {each.path for each in front.came} == {ROBOTS}


@pytest.mark.parametrize("compressed", [False, True])
def test_a_refusal_that_no_wait_helps_is_told_from_others(
    front: Front, tmp_path: Path, *, compressed: bool
) -> None:
    """As Wikimedia answers to a width that it does not make."""
    text = b"Use " + THUMB_STEP + b" listed on https://w.wiki/GHai"
    headers = {"Content-Encoding": "gzip"} if compressed else {}
    said = Said(429, headers, gzip.compress(text) if compressed else text)
    front.says = lambda host, path: said if host == PICTURES and path != ROBOTS else None
    report = crawled(front, tmp_path)
    assert report.ended == "finished"
    assert report.drops == {"photo's address answers 429": report.listings}
    assert "429: waited as the site asked" not in report.notices
