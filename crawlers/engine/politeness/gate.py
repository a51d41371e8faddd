"""The last thing that every request passes on its way out, and the first that sees its answer."""

import asyncio
import time
from collections import Counter
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request, signals
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawlers.engine.crawl_state import CrawlState, crawl_of
from crawlers.engine.politeness.throttle import LONGEST_WAIT, Throttle

OTHER_HOST = "address is not one of the source's hosts"
STOPPING = "the crawl is stopping"
ROBOTS_TXT = "/robots.txt"
ROBOTS_MOST = 2**20  # bytes; RFC 9309 has crawlers read half of that at least
THUMB_STEP = b"thumbnail steps"  # Wikimedia's 429 for a width it does not make: no wait helps

MAX_SLOWDOWNS = 2
"""So often may a host ask to slow down in a row before the crawl ends."""
GOOD_AGAIN = 100
"""After so many good answers an earlier slow-down is forgotten."""


class RefusedError(IgnoreRequest):
    """A request that is not made; `reason` is a constant to be counted."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class StoppingError(RefusedError):
    """The crawl is stopping, and asks nothing new."""


class Gate:
    """A downloader middleware next to the network, so that retries and redirects pass it too.

    A site that answers 403, that keeps asking to slow down, or whose robots.txt cannot be read
    ends the crawl: nothing is tried to get round it.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        crawler.signals.connect(self._opened, signal=signals.spider_opened)
        crawler.signals.connect(self._came, signal=signals.bytes_received)
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._out: dict[Request, asyncio.Semaphore] = {}
        self._wait_until: dict[str, float] = {}
        self._slowdowns: Counter[str] = Counter()
        self._good: Counter[str] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy makes it."""
        return cls(crawler)

    @property
    def crawl(self) -> CrawlState:
        """The crawl that this gate belongs to."""
        return crawl_of(self._crawler)

    def is_asked(self, url: str) -> bool:
        """Whether an address is on one of the hosts that are asked at all."""
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.netloc}" in self._bases

    async def process_request(self, request: Request) -> None:
        """Let a request to one of the source's hosts out when it is time, or refuse it.

        A host gets no more at a time than it is asked at once: Scrapy queues what has passed, and
        what waits there would still go out after the host said to stop or to wait.
        """
        parts = urlsplit(request.url)
        if not self.is_asked(request.url):
            raise RefusedError(OTHER_HOST, f"{parts.scheme}://{parts.netloc}")
        if parts.path == ROBOTS_TXT:
            request.meta["download_maxsize"] = ROBOTS_MOST
        turn = self._turn(parts.hostname or "")
        await turn.acquire()
        self._out[request] = turn
        await self._until(parts.hostname or "")
        self._count()

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Count an answer, and stop or slow down where the site says so."""
        self._is_back(request)
        crawl = self.crawl
        status = response.status
        crawl.report.statuses[str(status)] = crawl.report.statuses.get(str(status), 0) + 1
        host = urlsplit(request.url).hostname or ""
        if self._asks_for_less(request, response):
            return self._slow_down(host, request, response)
        rules = urlsplit(request.url).path == ROBOTS_TXT
        if status == 403 and not rules:  # a robots.txt that is refused is none (RFC 9309, 2.3.1.3)
            crawl.stop("blocked", f"{host} answered 403 Forbidden to {request.url}")
        elif status >= 500 and rules:
            crawl.stop("blocked", f"{request.url} answers {status}, so nothing may be asked")
        elif status == 200:
            self._good[host] += 1
            if self._good[host] % GOOD_AGAIN == 0:
                self._slowdowns[host] = 0
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:  # noqa: ARG002
        """Let the next request out in place of one that got no answer."""
        self._is_back(request)

    def wait(self, host: str, seconds: float) -> None:
        """Ask nothing of a host for so long."""
        until = time.monotonic() + seconds
        self._wait_until[host] = max(until, self._wait_until.get(host, 0.0))

    @cached_property
    def _bases(self) -> frozenset[str]:
        site = self.crawl.site
        return frozenset(self.crawl.web.base(host) for host in (*site.hosts, *site.photo_hosts))

    def _opened(self) -> None:
        self.crawl.at_stop = self._refuse_queued

    def _refuse_queued(self) -> None:
        """Of what was let out, some still waits for the end of its host's delay."""
        engine = self._crawler.engine
        assert engine is not None, "a spider is open while its engine runs"
        for slot in engine.downloader.slots.values():
            while slot.queue:
                _, answer = slot.queue.popleft()
                answer.errback(StoppingError(STOPPING))
                self.crawl.report.requests -= 1

    def _turn(self, host: str) -> asyncio.Semaphore:
        if host not in self._turns:
            slots = self._crawler.settings.getdict("DOWNLOAD_SLOTS")
            self._turns[host] = asyncio.Semaphore(int(slots[host]["concurrency"]))
        return self._turns[host]

    async def _until(self, host: str) -> None:
        while (wait := self._wait_until.get(host, 0.0) - time.monotonic()) > 0:
            if self.crawl.stopping:
                break
            await asyncio.sleep(min(wait, 0.5))

    def _count(self) -> None:
        crawl = self.crawl
        most = crawl.job.max_requests or crawl.site.max_requests
        if crawl.report.requests >= most:
            crawl.stop("cap", f"{most:,} requests are the most that one run makes")
        if crawl.stopping:
            raise StoppingError(STOPPING)
        crawl.report.requests += 1

    def _came(self, data: bytes) -> None:
        self.crawl.report.bytes += len(data)  # those of an answer that is cut off too

    def _is_back(self, request: Request) -> None:
        turn = self._out.pop(request, None)
        if turn is not None:  # else it was refused before it had one
            turn.release()

    def _asks_for_less(self, request: Request, response: Response) -> bool:
        if response.status == 503:
            return b"Retry-After" in response.headers
        return response.status == 429 and THUMB_STEP not in self._plain(request, response).body

    def _plain(self, request: Request, response: Response) -> Response:
        """An answer without its compression, which Scrapy takes off behind the gate only; as it
        came where that cannot be done."""
        unpacking = self._crawler.get_downloader_middleware(HttpCompressionMiddleware)
        assert unpacking is not None, "the settings of every crawl leave it in"
        try:
            plain = unpacking.process_response(request, response.copy())
        except Exception:  # what is no gzip raises whatever its reader does
            return response
        assert isinstance(plain, Response)
        return plain

    def _slow_down(self, host: str, request: Request, response: Response) -> Response | Request:
        crawl = self.crawl
        self._good[host] = 0
        first = time.monotonic() >= self._wait_until.get(host, 0.0)  # else several asked at once
        self._slowdowns[host] += first
        pace = crawl.job.pace or crawl.site.pace
        seconds = retry_after(response)
        seconds = pace.pause * max(1, self._slowdowns[host]) if seconds is None else seconds
        said = f"{host} answered {response.status} to {request.url}"
        if self._slowdowns[host] > MAX_SLOWDOWNS:
            crawl.stop("blocked", f"{said}, again after waiting as it asked to")
        elif seconds > LONGEST_WAIT:
            crawl.stop("blocked", f"{said} and wants to be left alone for {seconds:.0f} s")
        if crawl.stopping:
            return response
        crawl.report.count_notice(f"{response.status}: waited as the site asked", request.url)
        self.wait(host, seconds)
        throttle = self._crawler.get_extension(Throttle)
        assert throttle is not None, "the settings of every crawl name it"
        if first:
            throttle.slow_down(host)
        return request.replace(dont_filter=True)


def retry_after(response: Response) -> float | None:
    """The seconds of an answer's Retry-After, which gives seconds or a date (RFC 9110, 10.2.3)."""
    value = (response.headers.get(b"Retry-After") or b"").decode("latin-1").strip()
    if value.isdecimal() and value.isascii():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
