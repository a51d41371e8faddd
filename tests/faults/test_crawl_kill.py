"""A crawl that is killed, or whose disk fills, goes on where it was: the photos of an undisturbed
one, none twice, and nothing asked again that had come.

`make chaos` runs the long form; CHAOS_ROUNDS and CHAOS_SEED say how often and with which dice.
"""

import hashlib
import os
import random
import re
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.runner import CrawlError, store_folder
from crawlers.engine.site import Pace
from crawlers.engine.store import DiskError
from crawlers.engine.store.files import photo_path, store_photo
from synthetic.replica.server import Replica
from tests.crawlers.crawling import Asked, autoscout24_job, commons_job, crawl, photos, store
from tests.faults.disks import Disk

WORLD = {"seed": 1, "listings": 80, "photos": 3, "sites": ("it", "de"), "files": 60}

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
PACE = Pace(0.0, 2, 0.0, 2, timeout=300.0, pause=0.2)
ON_THEIR_WAY = 2 * (PACE.concurrency + PACE.photo_concurrency)
"""So many answers at most have come, or nearly, and are not on disk yet."""

JOBS: dict[str, Callable[[Replica], CrawlJob]] = {
    "offers open": lambda replica: autoscout24_job(replica, pace=PACE),
    "offers closed": lambda replica: autoscout24_job(replica, {"site": "de"}, pace=PACE),
    "commons": lambda replica: commons_job(replica, pace=PACE),
}
every_job = pytest.mark.parametrize("make", JOBS.values(), ids=JOBS)


class Killer:
    """Kills the crawl of a job as soon as the replica has answered so many requests."""

    def __init__(self, replica: Replica, job: CrawlJob, crawls: Path, after: int) -> None:
        self._replica = replica
        self._lock = store_folder(crawls, job) / "lock"
        self._at = len(replica.log) + after
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while len(self._replica.log) < self._at:
            if self._over.wait(0.001):
                return
        os.kill(int(self._lock.read_text()), signal.SIGKILL)


def check_sound(job: CrawlJob, crawls: Path) -> None:
    """Every file is what its name says, and the database is whole."""
    folder = store_folder(crawls, job)
    for path in (folder / "photos").glob("*/*"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    with closing(store(job, crawls)) as found:
        assert found._db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def crawl_under_fire(
    job: CrawlJob, crawls: Path, replica: Replica, points: list[int]
) -> tuple[CrawlReport, int]:
    """Crawl, killed after so many answers and again, until a crawl gets through; the last report,
    and how often one was killed."""
    kills = 0
    for after in points:
        with Killer(replica, job, crawls, after):
            report = crawl(job, crawls)
        check_sound(job, crawls)
        if report.complete:
            return report, kills
        kills += 1
        assert report.ended == "died"
        assert "signal 9" in report.why
        assert report.goes_on
        assert len(report.failures) == 1
        with closing(store(job, crawls)) as found:
            assert found.report(report.crawl_id) == report.to_json()
        photos(job, crawls, report)  # each once
    return crawl(job, crawls), kills


def check_undisturbed(job: CrawlJob, tmp_path: Path, replica: Replica, points: list[int]) -> int:
    """What is there after kills is what an undisturbed crawl brings; how often it was killed."""
    whole = photos(job, tmp_path / "whole", crawl(job, tmp_path / "whole"))
    assert whole
    with Asked(replica) as asked:
        report, kills = crawl_under_fire(job, tmp_path / "killed", replica, points)
    assert report.ended == "finished"
    assert not report.failures
    assert photos(job, tmp_path / "killed", report) == whole
    assert report.photos + report.known == len(whole)
    counts = Counter((one.host, one.path, one.query) for one in asked.of())
    again = sum(count - 1 for count in counts.values())
    assert again <= kills * ON_THEIR_WAY, counts.most_common(ON_THEIR_WAY + 1)
    assert not list((store_folder(tmp_path / "killed", job) / "aside").glob("*"))
    return kills


@every_job
def test_killed_at_several_points(
    make: Callable[[Replica], CrawlJob], tmp_path: Path, replica: Replica
) -> None:
    dice = random.Random(SEED)
    points = [1, 4, dice.randint(5, 12), dice.randint(8, 16)]
    assert check_undisturbed(make(replica), tmp_path, replica, points) >= 3


@pytest.mark.chaos
@every_job
def test_killed_at_random_points(
    make: Callable[[Replica], CrawlJob], tmp_path: Path, replica: Replica, kills: Counter[str]
) -> None:
    dice = random.Random(SEED)
    for number in range(ROUNDS):
        points = [dice.randint(1, 30) for _ in range(12)]
        job = make(replica)
        kills["crawl"] += check_undisturbed(job, tmp_path / str(number), replica, points)
        print(f"round {number}: {kills['crawl']} kills so far")  # noqa: T201 - minutes pass
    assert kills.total() >= ROUNDS


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk", 16)
    yield made
    made.close()


FULL = r"could not be written: .*(No space left|is full|disk I/O).*; make room on that disk"


@pytest.mark.parametrize("leave", [0, 40_000, 120_000])
def test_the_disk_fills(leave: int, disk: Disk, tmp_path: Path, replica: Replica) -> None:
    """At the start of a crawl, and amid its pages and its photos."""
    job = autoscout24_job(replica, pace=PACE)
    whole = photos(job, tmp_path / "whole", crawl(job, tmp_path / "whole"))
    crawls = disk.path / "crawls"
    some = crawl(replace(job, limit=2), crawls)
    assert some.ended == "limit"
    disk.fill(leave=leave)
    said = ""
    try:
        report = crawl(job, crawls)
        said = report.why
        assert report.ended == "failed"
        assert report.failures == [report.why]
        assert report.goes_on
    except CrawlError as error:
        said = str(error)
    assert str(store_folder(crawls, job)) in said
    assert "Traceback" not in said
    assert re.search(FULL, said), said
    assert not list((store_folder(crawls, job) / "aside").glob("*")), "half of one takes room only"
    disk.make_room()
    check_sound(job, crawls)
    assert len(photos(job, crawls, some)) == 2, "what was there can still be read"
    report = crawl(job, crawls)
    assert report.ended == "finished"
    assert photos(job, crawls, report) == whole


def test_a_photo_that_does_not_fit_leaves_nothing(disk: Disk) -> None:
    content = b"\xff" * 3_000_000
    disk.fill(leave=1_000_000)
    with pytest.raises(DiskError, match="No space left on device; make room on that disk"):
        store_photo(disk.path, content)
    assert not [path for path in disk.path.rglob("*") if path.is_file() and path.name != "filler"]
    disk.make_room()
    digest = store_photo(disk.path, content)
    assert photo_path(disk.path, digest).read_bytes() == content


def test_a_disk_that_may_not_be_written(disk: Disk, replica: Replica) -> None:
    job = commons_job(replica, limit=1)
    some = crawl(job, disk.path)
    disk.allow_writes(False)
    with pytest.raises(CrawlError, match=r"Read-only file system; make room .* or make the place"):
        crawl(job, disk.path)
    disk.allow_writes(True)
    assert len(photos(job, disk.path, some)) == 1
