"""A stricter form of Scrapy's robots.txt middleware."""

import asyncio
import re
from collections import defaultdict
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response
from scrapy.robotstxt import RobotParser

from core.web import REPLICA_SUFFIX
from crawlers.engine.crawl_state import crawl_of
from crawlers.engine.politeness.agent import TOKEN
from crawlers.engine.politeness.gate import Gate, RefusedError

CLOSED = "robots.txt forbids the address"

_NAMED = re.compile(rb"(user-agent\s*:\s*%b)/[^\s#]*" % TOKEN.encode(), re.I)
"""A user-agent line with our name and a version: RFC 9309 (2.2.1) compares only the name."""

_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
"""Control characters that no text has. Short compressed data may lack NUL, so there are more."""


class ClosedError(RefusedError):
    """The robots.txt of a host forbids a URL."""


class Robots(RobotsTxtMiddleware):
    """Reads each host's robots.txt once and refuses what it forbids.

    If it cannot be read, the crawl ends; Scrapy would then allow everything. Refusals are raised as
    `ClosedError`: Scrapy's own differ from others, such as too many redirects, only by their text.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def _parse_robots(self, response: Response, netloc: str, request: Request) -> None:
        # For a page or compressed data Scrapy would allow everything. In the gate a compressed
        # robots.txt is still compressed, so this is checked here.
        text = response.body.removeprefix(b"\xef\xbb\xbf").lstrip()
        is_text = not text.startswith(b"<") and _CONTROL.search(text.rstrip(b"\x1a")) is None
        if response.status == 200 and not is_text:
            why = f"{response.url} is answered with something else, such as a page"
            crawl_of(self.crawler).stop("blocked", why)
        plain = response.replace(body=_NAMED.sub(rb"\1", response.body))
        await super()._parse_robots(plain, netloc, request)

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """The rules of a request's host; None if they cannot be read."""
        host = urlsplit(request.url).netloc
        async with self._reading[host]:  # Scrapy 2.19 gives the rules to one waiting request only
            rules = await super().robot_parser(request)
        gate = self.crawler.get_downloader_middleware(Gate)
        assert gate is not None, "the settings of every crawl name it"
        if rules is None and gate.is_asked(request.url):
            step = ", so nothing is asked; is there internet?"
            if REPLICA_SUFFIX in host:
                step = "; is `marque replica` running there?"
            crawl_of(self.crawler).stop("failed", f"the robots.txt of {host} cannot be read{step}")
        return rules

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Raises `ClosedError`."""
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as refused:
            raise ClosedError(CLOSED, request.url) from refused
