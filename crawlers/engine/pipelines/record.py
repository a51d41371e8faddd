"""The last pipeline: stores the listing as it was seen."""

from typing import Any

from scrapy import signals
from scrapy.crawler import Crawler
from twisted.python.failure import Failure

from crawlers.engine.crawl_state import CrawlComponent, Delivery

MAX_PENDING_LISTINGS = 60
"""Most listings in the pipelines at a time, so that the search cannot run far ahead of photos."""


class StoreListing(CrawlComponent):
    """Stores each listing when its photos are fetched, and counts its filled fields."""

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        crawler.signals.connect(self._release, signal=signals.item_dropped)
        crawler.signals.connect(self._failed, signal=signals.item_error)

    def process_item(self, item: Any) -> Delivery:
        """Store the listing; returns the item."""
        assert isinstance(item, Delivery)
        crawl = self.crawl
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
        self._release()
        return item

    def _release(self) -> None:
        """Let the spider yield another listing."""
        spider: Any = self.crawler.spider
        spider.backpressure.release()

    def _failed(self, failure: Failure) -> None:
        self.crawl.stop("failed", f"a listing could not be kept: {failure.value}")
        self._release()
