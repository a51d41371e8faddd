"""The downloader middleware nearest to the network: it sees every request and every answer."""

import asyncio
import time
from collections import Counter
from contextlib import suppress
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from core.errors import ReasonedError
from crawlers.engine.crawl_state import CrawlComponent
from crawlers.engine.politeness.throttle import MAX_CRAWL_DELAY, Throttle

OTHER_HOST = "address is not one of the source's hosts"
STOPPING = "the crawl is stopping"
ROBOTS_TXT = "/robots.txt"
ROBOTS_MOST = 2**20  # bytes; RFC 9309 wants at least half of that
THUMB_STEP = b"thumbnail steps"
"""In Wikimedia's 429 for a width that it does not make; waiting does not help then."""

MAX_SLOWDOWNS = 2
"""Times that a host may ask to slow down in a row before the crawl ends."""
GOOD_AGAIN = 100
"""Good answers after which an earlier slow-down is forgotten."""


class RefusedError(ReasonedError, IgnoreRequest):
    """A request that is not made."""


class StoppingError(RefusedError):
    """The crawl is stopping and makes no new request."""


class Gate(CrawlComponent):
    """A downloader middleware next to the network, so that retries and redirects pass it too.

    The crawl ends if a site answers 403, keeps asking to slow down, or has a robots.txt that cannot
    be read. Marque never tries to get around that.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        crawler.signals.connect(self._opened, signal=signals.spider_opened)
        crawler.signals.connect(self._received, signal=signals.bytes_received)
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._out: dict[Request, asyncio.Semaphore] = {}
        self._wait_until: dict[str, float] = {}
        self._slowdowns: Counter[str] = Counter()
        self._good: Counter[str] = Counter()

    def is_asked(self, url: str) -> bool:
        """Whether a URL is on one of the site's hosts."""
        parts, site = urlsplit(url), self.crawl.site
        bases = map(self.crawl.web.base, (*site.hosts, *site.photo_hosts))
        return f"{parts.scheme}://{parts.netloc}" in bases

    async def process_request(self, request: Request) -> None:
        """Wait until a request to one of the site's hosts may go out, or refuse it.

        No more requests pass than the host's concurrency allows. Scrapy would queue the others, and
        would still send them after the host said to stop or to wait.
        """
        parts, crawl = urlsplit(request.url), self.crawl
        host = parts.hostname or ""
        if not self.is_asked(request.url):
            raise RefusedError(OTHER_HOST, f"{parts.scheme}://{parts.netloc}")
        if parts.path == ROBOTS_TXT:
            request.meta["download_maxsize"] = ROBOTS_MOST
        if host not in self._turns:
            slots = self.crawler.settings.getdict("DOWNLOAD_SLOTS")
            self._turns[host] = asyncio.Semaphore(int(slots[host]["concurrency"]))
        turn = self._turns[host]
        await turn.acquire()
        self._out[request] = turn
        while (wait := self._wait_until.get(host, 0.0) - time.monotonic()) > 0:
            if crawl.stopping:
                break
            await asyncio.sleep(min(wait, 0.5))
        most = crawl.job.max_requests or crawl.site.max_requests
        if crawl.report.requests >= most:
            crawl.stop("cap", f"{most:,} requests are the most that one run makes")
        if crawl.stopping:
            raise StoppingError(STOPPING)
        crawl.report.requests += 1

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Count an answer; stop or slow down if it says so."""
        self._release_turn(request)
        crawl = self.crawl
        status = response.status
        crawl.report.statuses[str(status)] = crawl.report.statuses.get(str(status), 0) + 1
        host = urlsplit(request.url).hostname or ""
        if self._asks_for_less(request, response):
            return self._slow_down(host, request, response)
        rules = urlsplit(request.url).path == ROBOTS_TXT
        if status == 403 and not rules:  # 403 for robots.txt means no rules (RFC 9309, 2.3.1.3)
            crawl.stop("blocked", f"{host} answered 403 Forbidden to {request.url}")
        elif status >= 500 and rules:
            crawl.stop("blocked", f"{request.url} answers {status}, so nothing may be asked")
        elif status == 200:
            self._good[host] += 1
            if self._good[host] % GOOD_AGAIN == 0:
                self._slowdowns[host] = 0
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:  # noqa: ARG002
        """Let the next request out after one that got no answer."""
        self._release_turn(request)

    def wait(self, host: str, seconds: float) -> None:
        """Make no request to a host for `seconds` seconds."""
        until = time.monotonic() + seconds
        self._wait_until[host] = max(until, self._wait_until.get(host, 0.0))

    def _opened(self) -> None:
        self.crawl.at_stop = self._refuse_queued

    def _refuse_queued(self) -> None:
        """Refuse requests that passed the gate and still wait in Scrapy for their host's delay."""
        engine = self.crawler.engine
        assert engine is not None, "a spider is open while its engine runs"
        for slot in engine.downloader.slots.values():
            while slot.queue:
                _, answer = slot.queue.popleft()
                answer.errback(StoppingError(STOPPING))
                self.crawl.report.requests -= 1

    def _received(self, data: bytes) -> None:
        self.crawl.report.bytes += len(data)  # also of an answer that is cut off

    def _release_turn(self, request: Request) -> None:
        turn = self._out.pop(request, None)
        if turn is not None:  # otherwise it was refused before its turn
            turn.release()

    def _asks_for_less(self, request: Request, response: Response) -> bool:
        """Whether an answer asks for fewer requests."""
        if response.status != 429:
            return response.status == 503 and b"Retry-After" in response.headers
        unpacking = self.crawler.get_downloader_middleware(HttpCompressionMiddleware)
        assert unpacking is not None, "the settings of every crawl leave it in"
        body = response.body
        with suppress(Exception):  # decompressors raise nearly anything
            # Scrapy decompresses only after the gate.
            unpacked = unpacking.process_response(request, response.copy())
            assert isinstance(unpacked, Response)
            body = unpacked.body
        return THUMB_STEP not in body

    def _slow_down(self, host: str, request: Request, response: Response) -> Response | Request:
        crawl = self.crawl
        self._good[host] = 0
        # Several answers may ask at once; they count as one.
        first = time.monotonic() >= self._wait_until.get(host, 0.0)
        self._slowdowns[host] += first
        pace = crawl.job.pace or crawl.site.pace
        seconds = retry_after(response)
        seconds = pace.pause * max(1, self._slowdowns[host]) if seconds is None else seconds
        said = f"{host} answered {response.status} to {request.url}"
        if self._slowdowns[host] > MAX_SLOWDOWNS:
            crawl.stop("blocked", f"{said}, again after waiting as it asked to")
        elif seconds > MAX_CRAWL_DELAY:
            crawl.stop("blocked", f"{said} and wants to be left alone for {seconds:.0f} s")
        if crawl.stopping:
            return response
        crawl.report.count_notice(f"{response.status}: waited as the site asked", request.url)
        self.wait(host, seconds)
        throttle = self.crawler.get_extension(Throttle)
        assert throttle is not None, "the settings of every crawl name it"
        if first:
            throttle.slow_down(host)
        return request.replace(dont_filter=True)


def retry_after(response: Response) -> float | None:
    """The seconds of an answer's Retry-After: a number or a date (RFC 9110, 10.2.3)."""
    value = (response.headers.get(b"Retry-After") or b"").decode("latin-1").strip()
    if value.isdecimal() and value.isascii():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
