"""Scrapy's AutoThrottle with a least delay for each host, and with the delays of robots.txt."""

import math
from typing import Any
from urllib.parse import urlsplit

from scrapy import Request, Spider, signals
from scrapy.crawler import Crawler
from scrapy.extensions.throttle import AutoThrottle
from scrapy.http import Response
from scrapy.robotstxt import ProtegoRobotParser, RobotParser

from crawlers.engine.crawl_state import crawl_of
from crawlers.engine.politeness.agent import TOKEN

MAX_CRAWL_DELAY = 600.0
"""A site that asks for a longer delay, in seconds, is not crawled."""
MAX_SLOT_DELAY = 60.0
"""Most seconds between two requests to a slow host, unless its floor is higher."""
MIN_DELAY_FLOOR = 0.1
"""Least seconds between two requests to a host that asked to slow down."""


class Throttle(AutoThrottle):
    """Delays requests to slow hosts, and keeps the least delay of each host (its floor).

    AutoThrottle has one floor for all hosts, and Scrapy applies neither Crawl-delay nor
    Request-rate.
    """

    def __init__(self, crawler: Crawler) -> None:
        super().__init__(crawler)
        slots: dict[str, dict[str, Any]] = crawler.settings.getdict("DOWNLOAD_SLOTS")
        self.floors = {host: float(slot["delay"]) for host, slot in slots.items()}
        crawler.signals.connect(self._robots_parsed, signal=signals.robots_parsed)

    def raise_floor(self, host: str, seconds: float) -> None:
        """Make at most one request per `seconds` to a host, one at a time."""
        if seconds <= self.floors.get(host, 0.0):
            return
        self.floors[host] = seconds
        engine = self.crawler.engine
        assert engine is not None, "requests are made while the engine runs"
        given = engine.downloader.per_slot_settings.setdefault(host, {})
        given |= {"delay": seconds, "concurrency": 1}
        if slot := engine.downloader.slots.get(host):
            slot.delay, slot.concurrency = max(seconds, slot.delay), 1

    def slow_down(self, host: str) -> None:
        """Halve the request rate of a host for the rest of the crawl."""
        engine = self.crawler.engine
        assert engine is not None, "requests are made while the engine runs"
        if self.floors.get(host, 0.0) >= MAX_SLOT_DELAY:
            return
        if slot := engine.downloader.slots.get(host):
            slot.delay *= 2  # the delay of a slow host may be above its floor
        self.raise_floor(host, max(2 * self.floors.get(host, 0.0), MIN_DELAY_FLOOR))

    def _robots_parsed(self, robotparser: RobotParser, request: Request) -> None:
        seconds = max(robotparser.crawl_delay(TOKEN) or 0.0, _seconds_a_request(robotparser))
        if seconds and seconds > MAX_CRAWL_DELAY:
            why = f"{request.url} wants {seconds:,.0f} s between two requests"
            crawl_of(self.crawler).stop("blocked", why)
        elif seconds:
            self.raise_floor(urlsplit(request.url).hostname or "", seconds)

    def _response_downloaded(self, response: Response, request: Request, spider: Spider) -> None:
        key, _ = self._get_slot(request, spider)
        self.mindelay = self.floors.get(key or "", 0.0)
        self.maxdelay = max(MAX_SLOT_DELAY, self.mindelay)
        super()._response_downloaded(response, request, spider)


def _seconds_a_request(robotparser: RobotParser) -> float:
    """The delay of a robots.txt's Request-rate, in seconds; its hours are ignored."""
    if not isinstance(robotparser, ProtegoRobotParser):
        return 0.0
    rate = robotparser.rp.request_rate(TOKEN)  # Scrapy itself exposes only the Crawl-delay
    try:
        return 0.0 if rate is None else rate.seconds / rate.requests
    except OverflowError:  # hundreds of digits; Scrapy would log it and keep its own pace
        return math.inf
