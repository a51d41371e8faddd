"""Photos that are none, that have no end, or that lead elsewhere: each has its counted reason, and
the crawl goes on."""

import resource
import socket
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from core.records import Drop
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.pipelines.store_photo import (
    ANSWER_NOT_A_PHOTO,
    OPTED_OUT,
    PHOTO_DAMAGED,
    PHOTO_TOO_LARGE,
    REDIRECTED_OFF_WEB,
    TOO_SLOW,
)
from crawlers.engine.politeness.gate import OTHER_HOST
from crawlers.engine.runner import store_folder
from crawlers.sites.autoscout24.site import AUTOSCOUT24
from synthetic.replica.autoscout24 import pictures
from synthetic.replica.server import Replica
from tests.crawlers.crawling import (
    FAST,
    PICTURES,
    Asked,
    autoscout24_job,
    crawl,
    photos,
    records,
)

WORLD = {"seed": 4, "listings": 40, "photos": 6, "sites": ("it",)}

# The one photo that has no end is waited for so long three times; the others were made before.
IMPATIENT = replace(FAST, timeout=15.0)
PASSING = {
    "html-as-jpeg": ANSWER_NOT_A_PHOTO,
    "truncated": PHOTO_DAMAGED,
    "slow-forever": TOO_SLOW,
    "redirect-metadata": OTHER_HOST,
    "redirect-file": REDIRECTED_OFF_WEB,
    "redirect-loopback-other-port": OTHER_HOST,
    "not-found": "photo's address answers 404",
}
LASTING = {
    "endless": PHOTO_TOO_LARGE,
    "noai": OPTED_OUT,
    "noimageai": OPTED_OUT,
    "noindex": OPTED_OUT,
}
REASONS = PASSING | LASTING
BUFFERS = 16_000_000  # of the two ends of a connection: what was sent, and never read


@dataclass(frozen=True, slots=True)
class Bad:
    """A crawl in which each fault struck one photo, and the next crawl, when all was well again but
    for one photo, which said that it has 10 GB."""

    good: dict[str, str]
    struck: dict[str, str]
    first: CrawlReport
    first_photos: dict[str, str]
    first_drops: list[Drop]
    asked: Asked
    next: CrawlReport
    next_photos: dict[str, str]
    asked_again: Asked
    sent: int
    memory: int
    connections: int
    crawls: Path


@pytest.fixture(scope="module")
def bad(served: Replica, tmp_path_factory: pytest.TempPathFactory) -> Bad:
    calm, crawls = tmp_path_factory.mktemp("calm"), tmp_path_factory.mktemp("bad")
    job = autoscout24_job(served)
    good = photos(job, calm, crawl(job, calm))
    memory = _largest_child()
    struck = dict(zip(REASONS, sorted(good)[:: len(good) // len(REASONS)], strict=False))
    assert struck.keys() == REASONS.keys()
    with socket.create_server(("127.0.0.1", 0)) as other, pytest.MonkeyPatch.context() as patch:
        sent = _count_endless(patch)
        values = {"redirect-loopback-other-port": str(other.getsockname()[1])}
        for fault, photo in struck.items():
            served.faults.set(fault, values.get(fault, ""), only=_guid(photo))
        with Asked(served) as asked:
            first = crawl(replace(job, pace=IMPATIENT), crawls)
        first_found = photos(job, crawls, first), _drops(job, crawls, first)
        served.faults.clear()
        served.faults.set("endless", "declared", only=_guid(struck["not-found"]))
        with Asked(served) as asked_again:
            after = crawl(job, crawls)
        after_found = photos(job, crawls, after)
        connections = _connections(other)
    served.faults.clear()
    return Bad(
        good, struck, first, *first_found, asked, after, after_found, asked_again, sent.total(),
        _largest_child() - memory, connections, crawls,
    )  # fmt: skip


def _guid(photo: str) -> str:
    return photo.partition("/")[2]


def _drops(job: CrawlJob, crawls: Path, report: CrawlReport) -> list[Drop]:
    return [each for each in records(job, crawls, report) if isinstance(each, Drop)]


def _largest_child() -> int:
    """Bytes that the largest process had which ever ran for this one."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def _count_endless(patch: pytest.MonkeyPatch) -> Counter[str]:
    """Bytes of endless photos that the replica gets rid of."""
    sent: Counter[str] = Counter()
    endless = pictures._endless

    async def counted(content: bytes) -> AsyncIterator[bytes]:
        async for some in endless(content):
            sent["bytes"] += len(some)
            yield some

    patch.setattr(pictures, "_endless", counted)
    return sent


def _connections(server: socket.socket) -> int:
    server.setblocking(False)
    try:
        server.accept()
    except BlockingIOError:
        return 0
    return 1


def test_all_good_photos_arrive(bad: Bad) -> None:
    assert bad.first.ended == "finished"
    assert bad.first.failures == []
    wanted = {key: sha for key, sha in bad.good.items() if key not in bad.struck.values()}
    assert bad.first_photos == wanted
    assert bad.first.photos == len(wanted) > 40


def test_each_fault_has_its_counted_reason(bad: Bad) -> None:
    assert bad.first.drops == Counter(REASONS.values())
    reasons = {drop.source_id: drop.reason for drop in bad.first_drops}
    assert reasons == {photo: REASONS[fault] for fault, photo in bad.struck.items()}


def test_the_reasons_say_what_was_found(bad: Bad) -> None:
    details = {drop.source_id: drop.detail for drop in bad.first_drops}
    said = {fault: details[photo] for fault, photo in bad.struck.items()}
    assert "<!DOCTYPE html>" in said["html-as-jpeg"]
    assert "truncated" in said["truncated"]
    assert said["redirect-metadata"] == "http://169.254.169.254"
    assert said["redirect-file"].startswith("file:")
    assert said["redirect-loopback-other-port"].startswith("http://127.0.0.1:")
    assert said["noimageai"] == "noimageai"
    assert all(said[fault] for fault in said)


def test_nothing_of_them_is_kept(bad: Bad) -> None:
    files = {path.name for path in bad.crawls.rglob("photos/*/*")}
    assert files == set(bad.next_photos.values())
    assert set(bad.first_photos.values()) <= files


def test_no_request_leaves_for_another_host(bad: Bad) -> None:
    assert bad.connections == 0
    assert {each.host for each in bad.asked.requests} == {"www.autoscout24.it", PICTURES}


def test_what_is_slow_is_tried_again_and_nothing_else(bad: Bad) -> None:
    paths = Counter(each.path for each in bad.asked.of(PICTURES))
    slow = _guid(bad.struck["slow-forever"])
    assert [count for path, count in paths.items() if slow in path] == [3]
    assert {count for path, count in paths.items() if slow not in path} == {1}


def test_a_photo_without_end_is_cut_off_while_it_comes(bad: Bad) -> None:
    most = AUTOSCOUT24.max_photo_bytes
    assert most < bad.first.bytes < most + 20_000_000
    assert most < bad.sent < most + 2 * BUFFERS  # the next crawl had one begun too
    assert bad.memory < 150_000_000


def test_a_photo_that_says_how_large_it_is_is_not_taken_at_all(bad: Bad) -> None:
    assert bad.next.drops == Counter(LASTING.values()) + Counter([PHOTO_TOO_LARGE])
    assert bad.next.bytes < 10_000_000


def test_what_was_refused_for_good_is_not_asked_for_again(bad: Bad) -> None:
    asked = {each.path.split("_")[1].split(".")[0] for each in bad.asked_again.of(PICTURES)}
    assert asked == {_guid(bad.struck[fault]) for fault in PASSING}
    lasting = {bad.struck[fault] for fault in (*LASTING, "not-found")}
    assert bad.next_photos == {k: sha for k, sha in bad.good.items() if k not in lasting}
    assert (bad.next.photos, bad.next.known) == (len(PASSING) - 1, bad.first.photos)


def test_a_photo_host_that_forbids_is_asked_for_nothing_more(
    replica: Replica, tmp_path: Path
) -> None:
    replica.faults.set("forbidden-403", only="photo", after=5)
    one_at_a_time = replace(FAST, photo_concurrency=1)
    with Asked(replica) as asked:
        report = crawl(autoscout24_job(replica, pace=one_at_a_time), tmp_path)
    replica.faults.clear()
    assert [each.status for each in asked.of(PICTURES)] == [200] * 5 + [403]
    assert (report.ended, report.photos) == ("blocked", 5)
    assert report.drops == {"photo's address answers 403": 1}


def test_a_disk_that_takes_no_photo_ends_the_crawl(replica: Replica, tmp_path: Path) -> None:
    job = autoscout24_job(replica, limit=6)
    in_the_way = store_folder(tmp_path, job) / "photos"
    in_the_way.mkdir(parents=True)
    for number in range(256):
        (in_the_way / f"{number:02x}").write_bytes(b"")
    report = crawl(job, tmp_path)
    assert report.ended == "failed"
    assert "a listing could not be kept" in report.why
    assert (report.photos, report.drops) == (0, {})
