"""The base of all spiders: it fetches each page once, and hands out listings no faster than their
photos arrive.

A spider awaits its pages in `start` and has no callbacks. A walk is then an ordinary loop that can
look at one answer before it asks for the next, split a search, or stop at a limit. Scrapy does not
slow down a spider that yields items, so `backpressure` limits the listings whose photos are not
there yet.
"""

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
from crawlers.engine.registry import load_class

Keep = Callable[[Response], bytes | None]
"""Takes the part of an answer that is stored while its crawl lasts; None if nothing is stored, and
the page is fetched again."""

KEPT_AS = 2
"""Raise it when pages are stored in another form: a resumed crawl then fetches them again."""

UNREACHED = "page could not be fetched"


class UnreachedError(RefusedError):
    """No answer came, after all retries."""


class PoliteSpider(Spider):
    """The spider of one crawl. A site's own spider yields its listings in `listings`, and says in
    `estimate` how much that would be."""

    crawl: CrawlState
    backpressure: asyncio.Semaphore

    async def start(self) -> AsyncIterator[Delivery]:
        """Yield the listings that are wanted, until a limit or politeness ends the crawl."""
        self.backpressure = asyncio.Semaphore(MAX_PENDING_LISTINGS)
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
        except Exception as error:  # Scrapy would log it, and end as if nothing had happened
            self.crawl.fail(error)
            self.logger.exception("the crawl of %s failed", self.name)
        if self.crawl.report.ended == "running":
            self.crawl.stop("finished", "everything that was asked for was looked at")
        # Wait until no listing is on its way. Scrapy itself checks that only every five seconds,
        # and when a spider's `start` ends.
        for _ in range(MAX_PENDING_LISTINGS):
            await self.backpressure.acquire()
        await asyncio.sleep(0.01)  # the last one still counts as active in Scrapy

    async def listings(self) -> AsyncIterator[Listing]:
        """Yield the listings that the query asks for, each once."""
        raise NotImplementedError
        yield

    async def estimate(self) -> dict[str, float]:
        """The size of the crawl if no listing were known; see `estimate_of`."""
        raise NotImplementedError

    async def _deliveries(self) -> AsyncIterator[Delivery]:
        async for listing in self.listings():
            await self.backpressure.acquire()
            if self.crawl.stopping:
                self.backpressure.release()
                return
            try:
                delivery = self.crawl.take(listing)
            except Exception:
                self.backpressure.release()  # otherwise `start` would wait for it forever
                raise
            if delivery is not None:
                yield delivery
            else:
                self.backpressure.release()
            if self.crawl.full:
                self.crawl.stop("limit", f"{self.crawl.promised:,} photos were asked for")
                return

    async def page(self, url: str, keep: Keep) -> tuple[Response | None, bytes]:
        """Fetch a page. Returns the answer, and the part of it that `keep` takes.

        If this crawl fetched the page before, that part comes from the store and the answer is
        None. The part is empty if `keep` takes nothing; the answer then says why. Raises as
        `answer` does.
        """
        # Hashed, because a URL may hold a seller's words.
        key = hashlib.sha256(f"{KEPT_AS} {url}".encode()).hexdigest()
        kept = self.crawl.store.page(self.crawl.crawl_id, key)
        if kept is not None:
            return None, kept
        response = await self.answer(url)
        body = keep(response) or b""
        if body:
            self.crawl.store.store_page(self.crawl.crawl_id, key, body)
        return response, body

    def blocked(self, why: str) -> StoppingError:
        """End the crawl because the site turns it away; returns the error to raise."""
        self.crawl.stop("blocked", why)
        return StoppingError(STOPPING)

    def wait(self, url: str, seconds: float) -> None:
        """Send no request to the host of a URL for `seconds` seconds."""
        gate = self.crawler.get_downloader_middleware(Gate)
        assert gate is not None, "the settings of every crawl name it"
        gate.wait(urlsplit(url).hostname or "", seconds)

    def estimate_of(
        self, pages: float, photos: float, listings: float, *, scale: float
    ) -> dict[str, float]:
        """The requests, bytes and hours of a crawl of this size at the site's own pace.

        `scale` is the size of a photo relative to the `photo_bytes` of the site's record.
        """
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
            "hours": max(seconds) / 3600,  # pages and photos come from different hosts
        }

    async def answer(self, url: str) -> Response:
        """Fetch a URL. Returns the answer, whatever its status; redirects are not followed.

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
        """Whether the site's robots.txt allows a page; it is fetched if it was not yet."""
        middleware = self.crawler.get_downloader_middleware(Robots)
        assert middleware is not None, "the settings of every crawl name it"
        rules = await middleware.robot_parser(Request(url))
        if self.crawl.stopping:
            raise StoppingError(STOPPING)
        return rules is None or rules.allowed(url, TOKEN)


def load_spider(site: str) -> type[PoliteSpider]:
    """The spider of a site, the one `PoliteSpider` in its `spider.py`; raises `SourceError`."""
    return load_class(site, "spider", PoliteSpider)
