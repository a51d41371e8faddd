"""The first pipeline: drops invalid listings with a reason."""

from typing import Any, Self
from urllib.parse import urlsplit

from scrapy.crawler import Crawler
from scrapy.exceptions import DropItem

from crawlers.engine.crawl_state import Delivery, crawl_of

LISTING_WITHOUT_ID = "listing has no id"
LISTING_WITHOUT_PHOTOS = "listing shows no photo"
LISTING_URL_NOT_HTTP = "listing URL is not http(s)"


class Validate:
    """Passes valid listings; `listing_fault` says what is wrong with others."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy makes it."""
        return cls(crawler)

    def process_item(self, item: Any) -> Delivery:
        """The item itself; raises `DropItem` after counting the reason."""
        assert isinstance(item, Delivery)
        reason = listing_fault(item)
        if reason is None:
            return item
        listing = item.listing
        crawl_of(self._crawler).drop(listing.listing_id or "?", reason, listing.page_url)
        raise DropItem(reason)


def listing_fault(item: Delivery) -> str | None:
    """What is wrong with a listing, as a short constant; None if it is valid."""
    listing = item.listing
    if not listing.listing_id.strip():
        return LISTING_WITHOUT_ID
    if not listing.photos:
        return LISTING_WITHOUT_PHOTOS
    addresses = [listing.page_url, *(link.url for link in listing.photos)]
    return None if all(map(_is_of_the_web, addresses)) else LISTING_URL_NOT_HTTP


def _is_of_the_web(address: str) -> bool:
    try:
        parts = urlsplit(address)
        sound = parts.port != 0  # reading it may raise, too
    except ValueError:  # such as half of an IPv6 address
        return False
    return sound and parts.scheme in {"http", "https"} and bool(parts.hostname)
