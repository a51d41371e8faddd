"""The last thing that every request passes on its way out, and the first that sees its answer."""

import asyncio
import time
from collections import Counter
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Self
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from crawlers.manners.throttle import Throttle
from crawlers.under_way import UnderWay, crawl_of

OTHER_HOST = "address is not one of the source's hosts"
STOPPING = "the crawl is stopping"
THUMB_STEP = b"thumbnail steps"  # Wikimedia's 429 for a width it does not make: no wait helps

MAX_SLOWDOWNS = 2
"""So often may a host ask to slow down in a row before the crawl ends."""
GOOD_AGAIN = 100
"""After so many good answers an earlier slow-down is forgotten."""
LONGEST_WAIT = 600.0


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
        self._wait_until: dict[str, float] = {}
        self._slowdowns: Counter[str] = Counter()
        self._good: Counter[str] = Counter()

    @classmethod
    def from_crawler(cls, crawler: Crawler) -> Self:
        """As Scrapy makes it."""
        return cls(crawler)

    @property
    def crawl(self) -> UnderWay:
        """The crawl that this gate belongs to."""
        return crawl_of(self._crawler)

    @cached_property
    def _bases(self) -> frozenset[str]:
        site = self.crawl.site
        return frozenset(self.crawl.web.base(host) for host in (*site.hosts, *site.photo_hosts))

    async def process_request(self, request: Request) -> None:
        """Let a request to one of the source's hosts out when it is time, or refuse it."""
        crawl = self.crawl
        parts = urlsplit(request.url)
        if f"{parts.scheme}://{parts.netloc}" not in self._bases:
            raise RefusedError(OTHER_HOST, f"{parts.scheme}://{parts.netloc}")
        host = parts.hostname or ""
        while (wait := self._wait_until.get(host, 0.0) - time.monotonic()) > 0:
            if crawl.stopping:
                break
            await asyncio.sleep(min(wait, 0.5))
        most = min(crawl.job.max_requests or crawl.site.max_requests, crawl.site.max_requests)
        if crawl.report.requests >= most:
            crawl.stop("cap", f"{most:,} requests are the most that one run makes")
        if crawl.stopping:
            raise StoppingError(STOPPING)
        crawl.report.requests += 1

    def process_response(self, request: Request, response: Response) -> Response | Request:
        """Count an answer, and stop or slow down where the site says so."""
        crawl = self.crawl
        status = response.status
        crawl.report.statuses[str(status)] = crawl.report.statuses.get(str(status), 0) + 1
        crawl.report.bytes += len(response.body)
        host = urlsplit(request.url).hostname or ""
        if _asks_for_less(response):
            return self._slow_down(host, request, response)
        if status == 403:
            crawl.stop("blocked", f"{host} answered 403 Forbidden to {request.url}")
        elif status >= 500 and urlsplit(request.url).path == "/robots.txt":
            crawl.stop("blocked", f"{request.url} answers {status}, so nothing may be asked")
        elif status == 200:
            self._good[host] += 1
            if self._good[host] % GOOD_AGAIN == 0:
                self._slowdowns[host] = 0
        return response

    def process_exception(self, request: Request, exception: Exception) -> None:
        """Without its robots.txt nothing is asked of a host."""
        if urlsplit(request.url).path == "/robots.txt" and not isinstance(exception, RefusedError):
            self.crawl.stop("blocked", f"{request.url} cannot be read: {exception}")

    def wait(self, host: str, seconds: float) -> None:
        """Ask nothing of a host for so long."""
        until = time.monotonic() + seconds
        self._wait_until[host] = max(until, self._wait_until.get(host, 0.0))

    def _slow_down(self, host: str, request: Request, response: Response) -> Response | Request:
        crawl = self.crawl
        self._good[host] = 0
        self._slowdowns[host] += 1
        pace = crawl.job.pace or crawl.site.pace
        seconds = retry_after(response)
        seconds = pace.pause * self._slowdowns[host] if seconds is None else seconds
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
        throttle.slow_down(host)
        return request.replace(dont_filter=True)


def _asks_for_less(response: Response) -> bool:
    if response.status == 503:
        return b"Retry-After" in response.headers
    return response.status == 429 and THUMB_STEP not in response.body


def retry_after(response: Response) -> float | None:
    """The seconds of an answer's Retry-After, which gives seconds or a date (RFC 9110, 10.2.3)."""
    value = (response.headers.get(b"Retry-After") or b"").decode("latin-1").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
