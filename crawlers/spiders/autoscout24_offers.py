"""Asking AutoScout24 for offers: only for listings that are new or changed."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from scrapy.http import Response

from crawlers.manners.gate import STOPPING, RefusedError, StoppingError
from crawlers.pages.autoscout24.listing import Searched, make_listing, stamp
from crawlers.pages.autoscout24.next_data import next_data, page_props
from crawlers.pages.autoscout24.offer import OfferError, OfferFacts, offer_guid, parse_offer
from crawlers.pages.autoscout24.paths import MalformedPageError, Reduced, reduce_offer
from crawlers.pages.autoscout24.search import Row
from crawlers.pages.autoscout24.slices import Slice
from crawlers.records import Listing
from crawlers.spiders.polite import PoliteSpider
from crawlers.store.state import GONE

REUSED = "offer leads to another listing"
TO_A_LIST = "offer leads to a list of others: it was removed"
REMOVED = "offer was removed, though a search shows it"
IN_CIRCLES = "offer leads on and on"

MOVING = ("price_eur", "mileage_km")
"""What a search tells anew of a listing that has not changed otherwise."""
HOPS = 3
DEAD_IN_A_ROW = 8
"""So many removed offers one after the other are no chance: the site answers so when it is asked
too much."""


class Offers:
    """The offers of one crawl."""

    def __init__(self, spider: PoliteSpider) -> None:
        self._spider = spider
        self._crawl = spider.crawl
        self._dead = 0

    def address(self, asked: Slice, row: Row) -> str:
        """The address of a listing's offer, without what links add to it."""
        return self._crawl.web.base(asked.site.host) + urlsplit(row.url).path

    def known(self, asked: Slice, row: Row) -> Listing | None:
        """A listing as it was read before, if a search shows it unchanged; its price, mileage and
        the size of its photos are those of now."""
        before = self._crawl.store.listing(row.id)
        if before is None or before.stamp != stamp(row):
            return None
        now = self.listing(asked, row, None, Searched())
        words = before.words | {name: now.words[name] for name in MOVING if name in now.words}
        if words.get("status") == GONE:
            words["status"] = "Active"
        return replace(now, words=words, page_url=before.page_url)

    def listing(
        self, asked: Slice, row: Row, facts: OfferFacts | None, searched: Searched, url: str = ""
    ) -> Listing:
        """The record of a listing."""
        size = self._crawl.job.asked["size"]
        page_url = url or self.address(asked, row)
        return make_listing(row, facts, searched, page_url=page_url, size=size)

    async def read(self, asked: Slice, rows: Sequence[Row]) -> AsyncIterator[Listing]:
        """The listings of rows; offers are asked for side by side, as far as the pace allows."""
        for listing in await asyncio.gather(*(self._read(asked, row) for row in rows)):
            if listing is not None:
                yield listing

    async def _read(self, asked: Slice, row: Row) -> Listing | None:
        known = self.known(asked, row)
        if known is not None:
            return known
        try:
            url, body = await self._fetch(self.address(asked, row), row.id)
            props = Reduced(json.loads(body))
            facts = parse_offer(props, row=row, language=asked.site.language)
        except StoppingError:
            raise
        except (OfferError, RefusedError) as error:
            self._crawl.drop(row.id, error.reason, error.detail)
            return None
        self._dead = 0
        return self.listing(asked, row, facts, Searched(), url)

    async def _fetch(self, url: str, listing_id: str) -> tuple[str, bytes]:
        """An offer's address in the end, and what is read of it."""
        for _ in range(HOPS):
            response, body = await self._spider.page(url, _keep)
            if body:
                return url, body
            assert response is not None, "only what can be used is kept"
            if not 300 <= response.status < 400:
                raise self._refusal(url, response)
            location = (response.headers.get(b"Location") or b"").decode("latin-1")
            target = urljoin(url, location)
            if (found := offer_guid(target)) != listing_id:
                raise OfferError(TO_A_LIST if found is None else REUSED, target)
            url = target
        raise OfferError(IN_CIRCLES, url)

    def _refusal(self, url: str, response: Response) -> OfferError | StoppingError:
        if self._crawl.stopping:
            return StoppingError(STOPPING)
        if response.status in {404, 410}:
            self._dead += 1
            if self._dead >= DEAD_IN_A_ROW:
                why = f"{self._dead} offers in a row were answered as removed, though searches show"
                self._crawl.stop("blocked", f"{why} them; the last was {url}")
                return StoppingError(STOPPING)
            return OfferError(REMOVED, f"{url} is answered with {response.status}")
        if response.status != 200:
            return OfferError(f"offer is answered with {response.status}", url)
        why = f"{url} is answered without the page's data, as sites do to block a program"
        self._crawl.stop("blocked", why)
        return StoppingError(STOPPING)


def _keep(response: Response) -> bytes | None:
    if response.status != 200:
        return None
    try:
        data = next_data(response.text)
    except MalformedPageError:
        return None
    return None if data is None else json.dumps(reduce_offer(page_props(data))).encode()
