"""The first pipeline: drops invalid listings with a reason."""

from typing import Any
from urllib.parse import urlsplit

from scrapy.exceptions import DropItem

from crawlers.engine.crawl_state import CrawlComponent, Delivery

LISTING_WITHOUT_ID = "listing has no id"
LISTING_WITHOUT_PHOTOS = "listing shows no photo"
LISTING_URL_NOT_HTTP = "listing URL is not http(s)"


class Validate(CrawlComponent):
    """Passes valid listings on; `listing_fault` says what is wrong with the others."""

    def process_item(self, item: Any) -> Delivery:
        """Return the item, or count the reason and raise `DropItem`."""
        assert isinstance(item, Delivery)
        reason = listing_fault(item)
        if reason is None:
            return item
        listing = item.listing
        self.crawl.drop(listing.listing_id or "?", reason, listing.page_url)
        raise DropItem(reason)


def listing_fault(item: Delivery) -> str | None:
    """The reason why a listing is invalid, as a short constant; None if it is valid."""
    listing = item.listing
    if not listing.listing_id.strip():
        return LISTING_WITHOUT_ID
    if not listing.photos:
        return LISTING_WITHOUT_PHOTOS
    urls = [listing.page_url, *(link.url for link in listing.photos)]
    return None if all(map(_is_http, urls)) else LISTING_URL_NOT_HTTP


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
        sound = parts.port != 0  # reading it may raise, too
    except ValueError:  # such as half of an IPv6 address
        return False
    return sound and parts.scheme in {"http", "https"} and bool(parts.hostname)
