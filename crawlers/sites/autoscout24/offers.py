"""Fetching offers of AutoScout24: only those of listings that are new or changed."""

import asyncio
import json
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import urlsplit

from scrapy.http import Response

from core.errors import DriftError
from core.records import Listing
from crawlers.engine.polite_spider import PoliteSpider
from crawlers.engine.politeness.gate import STOPPING, RefusedError, StoppingError
from crawlers.engine.store.state import GONE
from crawlers.sites.autoscout24.answers import BARE, is_bare, page_data, redirect_target
from crawlers.sites.autoscout24.pages.codes import slug
from crawlers.sites.autoscout24.pages.drift import LackCounter
from crawlers.sites.autoscout24.pages.listing import SearchFacts, make_listing, stamp
from crawlers.sites.autoscout24.pages.offer import (
    DETAIL,
    NO_OFFER,
    OfferError,
    OfferFacts,
    offer_guid,
    offer_lacks,
    parse_offer,
)
from crawlers.sites.autoscout24.pages.offer_link import without_words
from crawlers.sites.autoscout24.pages.paths import ReducedPage, reduce_offer
from crawlers.sites.autoscout24.pages.search import Row
from crawlers.sites.autoscout24.pages.slices import Slice

REUSED = "offer leads to another listing"
TO_A_LIST = "offer leads to a list of others: it was removed"
LACKS = "offer lacks"
REMOVED = "offer was removed, though a search shows it"
IN_CIRCLES = "offer leads on and on"

MOVING = ("price_eur", "mileage_km")
"""Words that a search updates although the listing has not changed otherwise."""
HOPS = 3
LATELY = 20
MOST_DEAD = 8
"""The most unreadable offers among the last `LATELY` ones. Searches show all of them, so more
are no accident: the site answers like that to a program that asks too much."""


class Offers:
    """The offers of one crawl; photos are asked for in `size`, such as "1280x960"."""

    def __init__(self, spider: PoliteSpider, size: str) -> None:
        self._spider = spider
        self._crawl = spider.crawl
        self._size = size
        self._lately: deque[bool] = deque(maxlen=LATELY)  # whether each could be read
        self._lacks = LackCounter()
        self._any_known = False

    def known(self, search: Slice, row: Row) -> Listing | None:
        """A listing as it was read before, if a search shows it unchanged. Its price, its mileage
        and the size of its photos are taken from now."""
        before = self._crawl.store.listing(row.id)
        if before is None or before.stamp != stamp(row):
            return None
        now = self.listing(search, row, None, SearchFacts())
        words = before.words | {name: now.words[name] for name in MOVING if name in now.words}
        if words.get("status") == GONE:
            words["status"] = "Active"
        return replace(now, words=words)

    def listing(
        self, search: Slice, row: Row, facts: OfferFacts | None, searched: SearchFacts
    ) -> Listing:
        """The record of a listing."""
        # The site finds an offer by its id. The words before it are a seller's, so ours replace
        # them.
        words = "-".join(filter(None, (slug(row.make), slug(row.model or ""), row.id)))
        page_url = f"{self._crawl.web.base(search.site.host)}{search.site.offers}{words}"
        return make_listing(row, facts, searched, page_url=page_url, size=self._size)

    async def read(self, search: Slice, rows: Sequence[Row]) -> list[Listing]:
        """The listings of rows; offers are fetched concurrently, as far as the pace allows."""
        before = [self.known(search, row) for row in rows]
        self._any_known = self._any_known or any(before)
        new = [row for row, known in zip(rows, before, strict=True) if known is None]
        answers = await asyncio.gather(*(self._read(search, row) for row in new))
        read = dict(zip(new, answers, strict=True))
        if lost := self._lacks.never_there():
            self._doubt(read, lost)
        found = [known or read[row] for row, known in zip(rows, before, strict=True)]
        return [listing for listing in found if listing is not None]

    def _doubt(self, read: dict[Row, Listing | None], lost: str) -> None:
        """End the crawl, because all offers that it read lack `lost`. If it met known listings, the
        new ones may be one or two exceptions: they are left out until a crawl can decide."""
        if not self._any_known:
            raise self._drifted(lost)
        for row in [row for row, listing in read.items() if listing is not None]:
            self._leave_out(row, f"{LACKS} {lost}", "and no other offer of this crawl has it")
            read[row] = None

    async def _read(self, search: Slice, row: Row) -> Listing | None:
        lacks: list[str] = []
        try:
            # Without the parameters that links add.
            url = self._crawl.web.base(search.site.host) + urlsplit(row.url).path
            props = ReducedPage(json.loads(await self._fetch(url, row.id)))
            lacks = offer_lacks(props)
            facts = parse_offer(props, row=row, language=search.site.language, forgiven=lacks)
        except StoppingError:
            raise
        except DriftError as error:
            self._leave_out(row, f"{LACKS} {error.path}", "")
            self._count_lacks(row, lacks)
            return None
        except (OfferError, RefusedError) as error:
            self._leave_out(row, error.reason, without_words(error.detail))
            self._lately.append(False)
            if (dead := self._lately.count(False)) > MOST_DEAD:
                why = f"{dead} of the last {len(self._lately)} offers cannot be read, though"
                raise self._spider.blocked(
                    f"{why} searches show them; the last one: {error}"
                ) from error
            return None
        self._lately.append(True)
        self._count_lacks(row, lacks)
        return self.listing(search, row, facts, SearchFacts())

    def _leave_out(self, row: Row, reason: str, detail: str) -> None:
        self._crawl.drop(row.id, reason, detail)
        self._crawl.unread.add(row.id)

    def _count_lacks(self, row: Row, lacks: Sequence[str]) -> None:
        """Count what an offer lacks. End the crawl if several offers in a row lack the same."""
        for path in lacks:
            self._crawl.report.count_notice(f"{LACKS} {path}", row.id)
        if lost := self._lacks.lost(lacks):
            raise self._drifted(lost)

    def _drifted(self, path: str) -> StoppingError:
        offers = self._lacks.missed[path]
        told = "the offer that was read" if offers == 1 else f"the last {offers} offers"
        self._crawl.fail(DriftError(path, f"is not there in {told}"))
        return StoppingError(STOPPING)

    async def _fetch(self, url: str, listing_id: str) -> bytes:
        """The part of an offer that is read, as JSON."""
        for _ in range(HOPS):
            response, body = await self._spider.page(url, _keep)
            if body:
                return body
            assert response is not None, "a stored page is never empty"
            if self._crawl.stopping:
                raise StoppingError(STOPPING)
            target = redirect_target(url, response)
            if target is None:
                raise self._refusal(url, response)
            # Only to the same listing: the words in its link may have changed.
            found = offer_guid(target)
            if found is None and "/lst" in target:
                raise OfferError(TO_A_LIST, target)
            if found is None:
                told = f"{without_words(url)} leads to {target}"
                raise self._spider.blocked(f"{told}, as sites do to turn a program away")
            if found != listing_id:
                raise OfferError(REUSED, without_words(target))
            url = target
        raise OfferError(IN_CIRCLES, without_words(url))

    def _refusal(self, url: str, response: Response) -> OfferError | StoppingError:
        url = without_words(url)
        if is_bare(response):
            return self._spider.blocked(f"{url} is answered {BARE}")
        if response.status in {404, 410}:
            return OfferError(REMOVED, f"{url} is answered with {response.status}")
        if response.status != 200:
            return OfferError(f"offer is answered with {response.status}", url)
        return OfferError(NO_OFFER, url)


def _keep(response: Response) -> bytes | None:
    """The part of an offer's page that is read; None of any other answer."""
    props = page_data(response)
    reduced = {} if props is None else reduce_offer(props)
    changed = "listingDetails" not in reduced and reduced.get("pageid") == DETAIL
    return json.dumps(reduced).encode() if reduced.get("listingDetails") or changed else None
