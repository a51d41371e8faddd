"""Crawls of a replica, as fast as it answers, and what they left behind."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from core.records import Drop, Photo
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.runner import crawled, run_crawl, store_folder
from crawlers.engine.site import Pace
from crawlers.engine.store import CrawlStore, open_store
from crawlers.sites.autoscout24.query import AutoScout24Query
from crawlers.sites.commons.query import CommonsQuery
from synthetic.replica.server import LoggedRequest, Replica

# An answer that a busy machine is late with would be asked for again, and counted twice.
FAST = Pace(0.0, 8, 0.0, 8, timeout=300.0, pause=0.2)
PICTURES = "prod.pictures.autoscout24.net"


def autoscout24_job(
    replica: Replica, query: Mapping[str, Any] | None = None, **more: Any
) -> CrawlJob:
    """Fiats of the Italian site, whose robots.txt leaves offers open."""
    wanted = AutoScout24Query(**(AutoScout24Query.example | dict(query or {})))
    return CrawlJob("autoscout24", wanted, **({"replica": replica.url, "pace": FAST} | more))


def commons_job(replica: Replica, query: Mapping[str, Any] | None = None, **more: Any) -> CrawlJob:
    """Photos of the Ford Mustang, by its category."""
    wanted = CommonsQuery(**(CommonsQuery.example | {"depth": 2} | dict(query or {})))
    return CrawlJob("commons", wanted, **({"replica": replica.url, "pace": FAST} | more))


class Asked:
    """The requests that a replica got inside the block."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica

    def __enter__(self) -> "Asked":
        self._before = len(self._replica.requests)
        return self

    def __exit__(self, *_: object) -> None:
        self.requests: list[LoggedRequest] = self._replica.requests[self._before :]

    def count(self, host: str = "", path: str = "") -> int:
        """How many were for a host whose name begins so, and a path that does."""
        return len(self.of(host, path))

    def of(self, host: str = "", path: str = "") -> list[LoggedRequest]:
        """Those for a host whose name begins so, and a path that does, but for robots.txt."""
        return [
            each
            for each in self.requests
            if each.host.startswith(host)
            and each.path.startswith(path)
            and each.path != "/robots.txt"
        ]


def crawl(job: CrawlJob, crawls: Path) -> CrawlReport:
    """Make a crawl into the folder `crawls`."""
    return run_crawl(job, crawls)


def records(job: CrawlJob, crawls: Path, report: CrawlReport) -> list[Photo | Drop]:
    """What a crawl brought for the catalog."""
    found = list(crawled(job, crawls, report.crawl_id).records())
    return [each for each in found if isinstance(each, Photo | Drop)]


def photos(job: CrawlJob, crawls: Path, report: CrawlReport) -> dict[str, str]:
    """Photo -> SHA-256 of its bytes; each is there once."""
    found = [each for each in records(job, crawls, report) if isinstance(each, Photo)]
    counts = Counter(each.sighting.source_id for each in found)
    assert not counts or max(counts.values()) == 1, counts.most_common(3)
    return {each.sighting.source_id: str(each.sha256) for each in found}


def store(job: CrawlJob, crawls: Path) -> CrawlStore:
    """The store that a crawl was made into."""
    return open_store(store_folder(crawls, job))
