"""The state of a running crawl: what its spider, its politeness and its pipelines share."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.errors import DriftError, MarqueError, UsageMistakeError
from core.records import Drop, Listing
from core.text import visible
from core.web import Web
from crawlers.engine.job import COMPLETE, CrawlJob, CrawlReport, Ending
from crawlers.engine.site import Site
from crawlers.engine.store import CrawlStore


@dataclass(frozen=True, slots=True)
class Delivery:
    """A listing on its way to the store: its first `taken` photos are wanted."""

    listing: Listing
    taken: int


@dataclass(slots=True)
class CrawlState:
    """One crawl while it runs, in its own process.

    `partial` says that the spider could not see everything that was asked for, `unread` which
    listings it saw and could not read, `withdrawn` which are not free any more. `not_resumable`
    says that the same crawl would end the same way again.
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
    at_stop: Callable[[], None] | None = None
    _met: set[str] = field(default_factory=set)

    @property
    def crawl_id(self) -> str:
        """The key of the crawl in its store."""
        return self.report.crawl_id

    @property
    def stopping(self) -> bool:
        """Whether no request may begin any more, not even for photos that were promised."""
        return self.report.ended not in {"running", *COMPLETE}

    def stop(self, ending: Ending, why: str) -> None:
        """Look for nothing more. After a complete ending the photos that were promised are still
        fetched, and another ending may break that off. Of several such endings the first counts."""
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
        """Whether this crawl meets a listing for the first time."""
        if listing_id in self._met:
            return False
        self._met.add(listing_id)
        return True

    def has_met(self, listing_id: str) -> bool:
        """Whether this crawl met a listing."""
        return listing_id in self._met

    def take(self, listing: Listing) -> Delivery | None:
        """The listing with as many photos as the limits leave; None where they leave none."""
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
        """Whether as many photos as the limit allows are on their way."""
        return self.job.limit is not None and self.promised >= self.job.limit

    def drop(self, source_id: str, reason: str, detail: str = "") -> None:
        """Count something that is left out, and keep it with its reason."""
        self.report.count_drop(reason, f"{source_id} {detail}".strip())
        self.store.store_drop(self.crawl_id, Drop(self.site.name, source_id, reason, detail))

    def keep_report(self) -> None:
        """Write the report as it is now, so that it is there after a crash; raises `DiskError`."""
        text = self.report.to_json()
        self.store.store_report(self.crawl_id, text, ended=None)

    def measure_fill(self) -> None:
        """Bring the report's fill rates up to date."""
        listings = max(self.report.listings, 1)
        wanted = [fill.field for fill in self.site.expected.fills]
        self.report.fill = {name: round(self.filled.get(name, 0) / listings, 4) for name in wanted}


def crawl_of(crawler: Any) -> CrawlState:
    """The crawl that a Scrapy crawler is making."""
    found: CrawlState = crawler.spider.crawl
    return found


def now_text() -> str:
    """The time now, UTC, as reports give it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
