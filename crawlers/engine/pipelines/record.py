"""The last pipeline: stores the listing as seen."""

import asyncio
from typing import Any, Self

from scrapy import signals
from scrapy.crawler import Crawler
from twisted.python.failure import Failure

from crawlers.engine.crawl_state import Delivery, crawl_of

MAX_PENDING_LISTINGS = 60
"""Most listings in the pipelines at a time, so that the search cannot run far ahead of photos."""


class Record:
    """Stores each listing once its photos are fetched, and counts its filled fields."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        crawler.signals.connect(self._left, signal=signals.item_dropped)
        crawler.signals.connect(self._failed, signal=signals.item_error)

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy makes it."""
        return cls(crawler)

    def process_item(self, item: Any) -> Delivery:
        """Store the listing; returns the item."""
        assert isinstance(item, Delivery)
        crawl = crawl_of(self._crawler)
        listing, report = item.listing, crawl.report
        before = crawl.store.listing(listing.listing_id)
        report.listings += 1
        report.fresh += before is None
        report.changed += before is not None and before.stamp != listing.stamp
        crawl.store.store_listing(
            crawl.job.key, crawl.crawl_id, listing, number=report.listings, taken=item.taken
        )
        filled = listing.words | {"license": listing.license, "creator": listing.creator}
        for name, value in filled.items():
            crawl.filled[name] = crawl.filled.get(name, 0) + bool(value)
        backpressure(self._crawler).release()
        return item

    def _left(self) -> None:
        backpressure(self._crawler).release()

    def _failed(self, failure: Failure) -> None:
        crawl_of(self._crawler).stop("failed", f"a listing could not be kept: {failure.value}")
        backpressure(self._crawler).release()


def backpressure(crawler: Any) -> asyncio.Semaphore:
    """The semaphore that a spider acquires before it yields another listing."""
    found: asyncio.Semaphore = crawler.spider.backpressure
    return found
