"""What the spiders share: asking for a page once, and handing out listings no faster than their
photos arrive."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from urllib.parse import urlsplit

from scrapy import Request, Spider
from scrapy.http import Response

from core.records import Listing
from crawlers.engine.crawl_state import CrawlState, Delivery
from crawlers.engine.pipelines.record import MAX_PENDING_LISTINGS
from crawlers.engine.politeness.agent import TOKEN
from crawlers.engine.politeness.gate import STOPPING, Gate, RefusedError, StoppingError
from crawlers.engine.politeness.robots import ClosedError, Robots
from crawlers.engine.politeness.throttle import Throttle

Keep = Callable[[Response], bytes | None]
"""Of a page what may be kept while its crawl lasts; None: nothing, it has to be asked for again."""

KEPT_AS = 2
"""Raise it when pages are kept otherwise: a crawl that broke off then asks for its own anew."""

UNREACHED = "page could not be fetched"


class UnreachedError(RefusedError):
    """No answer came, as often as it was tried."""


class PoliteSpider(Spider):
    """A spider of one crawl. A site's own one says in `listings` what there is, and in `estimate`
    how much that would be."""

    crawl: CrawlState
    room: asyncio.Semaphore

    async def start(self) -> AsyncIterator[Delivery]:
        """Everything that the crawl is after, until a limit or the manners end it."""
        self.room = asyncio.Semaphore(MAX_PENDING_LISTINGS)
        try:
            if self.crawl.job.dry_run:
                self.crawl.report.estimate = await self.estimate()
            else:
                async for delivery in self._deliveries():
                    yield delivery
        except StoppingError:
            pass
        except ClosedError as error:
            self.crawl.stop("blocked", str(error))
        except RefusedError as error:
            self.crawl.stop("failed", str(error))
        except Exception as error:  # Scrapy would log it, and end as if all were well
            self.crawl.fail(error)
            self.logger.exception("the crawl of %s failed", self.name)
        if self.crawl.report.ended == "running":
            self.crawl.stop("finished", "everything that was asked for was looked at")
        await self._all_kept()

    async def _all_kept(self) -> None:
        """Until no listing is on its way any more. Scrapy itself looks for that every five seconds
        only, but also when a spider has nothing more to start."""
        for _ in range(MAX_PENDING_LISTINGS):
            await self.room.acquire()
        await asyncio.sleep(0.01)  # the last one has still to leave Scrapy's own count

    async def listings(self) -> AsyncIterator[Listing]:
        """The listings that are asked for, each once."""
        raise NotImplementedError
        yield

    async def estimate(self) -> dict[str, float]:
        """How much the crawl would be if nothing of it were known; see `reckon`."""
        raise NotImplementedError

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        async for listing in self.listings():
            await self.room.acquire()
            if self.crawl.stopping:
                self.room.release()
                return
            delivery = self.crawl.take(listing)
            if delivery is not None:
                yield delivery
            else:
                self.room.release()
            if self.crawl.full:
                self.crawl.stop("limit", f"{self.crawl.promised:,} photos were asked for")
                return

    async def page(self, url: str, keep: Keep) -> tuple[Response | None, bytes]:
        """What may be kept of a page: from the store if this crawl asked for it before, else from
        the site.

        With the answer itself where there is one. Where nothing may be kept of it that is empty:
        the spider looks at the answer. Raises as `answer` does.
        """
        # An address may hold a seller's words.
        key = hashlib.sha256(f"{KEPT_AS} {url}".encode()).hexdigest()
        kept = self.crawl.store.page(self.crawl.crawl_id, key)
        if kept is not None:
            return None, kept
        response = await self.answer(url)
        body = keep(response) or b""
        if body:
            self.crawl.store.store_page(self.crawl.crawl_id, key, body)
        return response, body

    def wait(self, url: str, seconds: float) -> None:
        """Ask nothing of the host of an address for so long."""
        gate = self.crawler.get_downloader_middleware(Gate)
        assert gate is not None, "the settings of every crawl name it"
        gate.wait(urlsplit(url).hostname or "", seconds)

    def reckon(
        self, pages: float, photos: float, listings: float, *, scale: float
    ) -> dict[str, float]:
        """What so many requests for pages and for photos take at the site's own pace: bytes, with
        photos `scale` times as heavy as the site's record says, and hours."""
        site, throttle = self.crawl.site, self.crawler.get_extension(Throttle)
        pace = site.pace
        assert throttle is not None, "the settings of every crawl name it"
        floors = throttle.floors
        slowest = max(floors.get(self.crawl.web.name(host), 0.0) for host in site.hosts)
        seconds = pages * max(pace.delay, slowest), photos * pace.photo_delay
        return {
            "listings": listings,
            "photos": photos,
            "requests": pages + photos,
            "bytes": pages * site.page_bytes + photos * site.photo_bytes * scale,
            "hours": max(seconds) / 3600,  # pages and photos come from hosts of their own
        }

    async def answer(self, url: str) -> Response:
        """The site's answer, whatever its status; redirects are not followed.

        Raises `ClosedError`, another `RefusedError` where the request may not be made, and
        `UnreachedError`.
        """
        meta = {"dont_redirect": True, "handle_httpstatus_all": True}
        if urlsplit(url).path == self.crawl.site.api:
            meta["dont_obey_robotstxt"] = True
        engine = self.crawler.engine
        assert engine is not None, "a spider runs while its engine does"
        try:
            return await engine.download_async(Request(url, meta=meta, dont_filter=True))
        except RefusedError:
            raise
        except Exception as error:  # whatever a network can do
            why = f"{url}, {type(error).__name__}: {error}"
            raise UnreachedError(UNREACHED, why) from error

    async def may_ask(self, url: str) -> bool:
        """Whether the site's robots.txt lets us ask for a page; it is read if it was not yet."""
        middleware = self.crawler.get_downloader_middleware(Robots)
        assert middleware is not None, "the settings of every crawl name it"
        rules = await middleware.robot_parser(Request(url))
        if self.crawl.stopping:
            raise StoppingError(STOPPING)
        return rules is None or rules.allowed(url, TOKEN)
