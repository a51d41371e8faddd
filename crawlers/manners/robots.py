"""Scrapy's obedience to robots.txt, and more of it."""

import asyncio
from collections import defaultdict
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.crawler import Crawler
from scrapy.downloadermiddlewares.robotstxt import RobotsTxtMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.robotstxt import RobotParser

from crawlers.manners.gate import Gate, RefusedError
from crawlers.under_way import crawl_of
from crawlers.web import LOCAL

CLOSED = "robots.txt forbids the address"


def _unread(host: str) -> str:
    if LOCAL in host:
        return f"the robots.txt of {host} cannot be read; is `marque replica` running there?"
    return f"the robots.txt of {host} cannot be read, so nothing is asked; is there internet?"


class ClosedError(RefusedError):
    """The robots.txt of a host forbids an address of it."""


class Robots(RobotsTxtMiddleware):
    """Reads each host's robots.txt once, and refuses what it forbids; ends the crawl where it
    cannot be read, which Scrapy takes for leave to ask for everything.

    Scrapy's own refusal is told from others, such as that of a redirect too many, by its text only.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def robot_parser(self, request: Request) -> RobotParser | None:
        """The rules of a request's host; None where they cannot be read."""
        host = urlsplit(request.url).netloc
        async with self._reading[host]:  # of several that wait, Scrapy 2.19 tells but one the rules
            rules = await super().robot_parser(request)
        gate = self.crawler.get_downloader_middleware(Gate)
        assert gate is not None, "the settings of every crawl name it"
        if rules is None and gate.is_asked(request.url):
            crawl_of(self.crawler).stop("failed", _unread(host))
        return rules

    def process_request_2(self, rp: RobotParser | None, request: Request) -> None:
        """Raises `ClosedError`."""
        try:
            super().process_request_2(rp, request)
        except IgnoreRequest as refused:
            raise ClosedError(CLOSED, request.url) from refused
