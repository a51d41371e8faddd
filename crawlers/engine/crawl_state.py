"""The state of a running crawl, shared by its spider, politeness middlewares and pipelines."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

from scrapy.crawler import Crawler

from core.errors import DriftError, MarqueError, UsageMistakeError
from core.records import Drop, Listing
from core.text import visible
from core.web import Web
from crawlers.engine.job import COMPLETE, CrawlJob, CrawlReport, Ending
from crawlers.engine.site import Site
from crawlers.engine.store import CrawlStore


@dataclass(frozen=True, slots=True)
class Delivery:
    """A listing on its way to the store; its first `taken` photos are wanted."""

    listing: Listing
    taken: int


@dataclass(slots=True)
class CrawlState:
    """The state of one running crawl, which has a process of its own.

    `partial`: the spider could not see everything that was asked for. `unread`: ids of listings
    that it saw and could not read. `withdrawn`: listings whose license is no longer free.
    `not_resumable`: running the same job again would end the same way. `filled`: field -> the
    number of listings that have it. `met`: ids of the listings that the spider came across.
    """

    job: CrawlJob
    site: Site
    web: Web
    store: CrawlStore
    report: CrawlReport
    promised: int = 0
    partial: bool = False
    not_resumable: bool = False
    unread: set[str] = field(default_factory=set)
    withdrawn: list[Listing] = field(default_factory=list)
    filled: dict[str, int] = field(default_factory=dict)
    met: set[str] = field(default_factory=set)
    at_stop: Callable[[], None] | None = None

    @property
    def crawl_id(self) -> str:
        """The key of the crawl in its store."""
        return self.report.crawl_id

    @property
    def stopping(self) -> bool:
        """Whether to make no new request, not even for promised photos."""
        return self.report.ended not in {"running", *COMPLETE}

    def stop(self, ending: Ending, why: str) -> None:
        """Look for no more listings. After a complete ending (`finished`, `limit`) promised photos
        are still fetched, until another ending stops that too. The first of other endings counts.
        """
        if self.stopping or self.report.ended == ending:
            return
        self.report.ended, self.report.why = ending, visible(why)
        if self.stopping and self.at_stop is not None:
            self.at_stop()

    def fail(self, error: BaseException) -> None:
        """End the crawl for an error."""
        known = isinstance(error, MarqueError)
        self.not_resumable = isinstance(error, UsageMistakeError | DriftError)
        self.stop("failed", str(error) if known else f"{type(error).__name__}: {error}")

    def meet(self, listing_id: str) -> bool:
        """Mark a listing as met; returns whether this is the first time in this crawl."""
        if listing_id in self.met:
            return False
        self.met.add(listing_id)
        return True

    def take(self, listing: Listing) -> Delivery | None:
        """The listing with as many photos as the limits allow; None if they allow none."""
        most = len(listing.photos)
        if self.job.per_listing is not None:
            most = min(most, self.job.per_listing)
        if self.job.limit is not None:
            most = min(most, self.job.limit - self.promised)
        if most <= 0:
            return None
        self.promised += most
        return Delivery(listing, most)

    @property
    def full(self) -> bool:
        """Whether the limit of photos is reached."""
        return self.job.limit is not None and self.promised >= self.job.limit

    def drop(self, source_id: str, reason: str, detail: str = "") -> None:
        """Count a drop and store it with its reason."""
        self.report.count_drop(reason, f"{source_id} {detail}".strip())
        self.store.store_drop(self.crawl_id, Drop(self.site.name, source_id, reason, detail))

    def keep_report(self) -> None:
        """Store the report as it is now, so that it survives a crash; raises `DiskError`."""
        text = self.report.to_json()
        self.store.store_report(self.crawl_id, text, ended=None)


def crawl_of(crawler: Any) -> CrawlState:
    """The crawl of a Scrapy crawler."""
    found: CrawlState = crawler.spider.crawl
    return found


class CrawlComponent:
    """A middleware or a pipeline, as Scrapy makes it."""

    def __init__(self, crawler: Crawler) -> None:
        self.crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """Called by Scrapy."""
        return cls(crawler)

    @property
    def crawl(self) -> CrawlState:
        """The crawl that it works for."""
        return crawl_of(self.crawler)


def now_text() -> str:
    """The current time in UTC, in the format of reports."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
