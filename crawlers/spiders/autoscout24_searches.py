"""Asking AutoScout24 for search pages, and telling an answer from a block."""

import json
from collections.abc import AsyncIterator
from urllib.parse import urljoin, urlsplit

from scrapy.http import Response

from crawlers.errors import MarqueError
from crawlers.manners.gate import STOPPING, StoppingError
from crawlers.pages.autoscout24.echo import check_echo
from crawlers.pages.autoscout24.next_data import next_data, page_props
from crawlers.pages.autoscout24.paths import MalformedPageError, Reduced, reduce_search
from crawlers.pages.autoscout24.search import SearchPage, parse_search
from crawlers.pages.autoscout24.slices import Slice, search_url
from crawlers.spiders.polite import PoliteSpider

EMPTY = "search page without a listing, before the number of pages that the site tells"
TRAFFIC = "site's own verdict on the traffic is not ok"
AGAIN = "search page without its listings: asked for once more"


class SearchRefusedError(MarqueError):
    """The site has no such search."""


class Searches:
    """The search pages of one crawl."""

    def __init__(self, spider: PoliteSpider) -> None:
        self._spider = spider
        self._crawl = spider.crawl

    async def walk(self, asked: Slice, first: SearchPage) -> AsyncIterator[SearchPage]:
        """The pages of a search, from its first one on."""
        yield first
        for number in range(2, first.number_of_pages + 1):
            page = await self.page(asked, number)
            if not page.rows and not page.dropped:
                self._crawl.report.count_notice(EMPTY, f"page {number} of {asked}")
                return
            yield page

    async def page(self, asked: Slice, number: int) -> SearchPage:
        """One page of a search, checked to be what was asked.

        Raises `StoppingError` where the crawl ends here, `SearchRefusedError`, and as
        `check_echo` does.
        """
        url = search_url(self._crawl.web, asked, number)
        page = parse_search(await self._reduced(url), asked=asked)
        check_echo(page, asked)
        if page.traffic not in {None, "ok"}:
            self._crawl.report.count_notice(TRAFFIC, f"{page.traffic!r} at {url}")
        for drop in page.dropped:
            self._crawl.report.count_notice(drop.reason, drop.detail)
        return page

    async def _reduced(self, url: str) -> Reduced:
        for last in (False, True):
            response, body = await self._spider.page(url, _keep)
            if body:
                return Reduced(json.loads(body))
            assert response is not None, "only what can be used is kept"
            self._judge(url, response, last=last)
            self._crawl.report.count_notice(AGAIN, url)
        raise AssertionError("the second answer is used, or ends the crawl")

    def _judge(self, url: str, response: Response, *, last: bool) -> None:
        """End the crawl, or the search, for what an answer without listings means."""
        status = response.status
        if self._crawl.stopping:
            raise StoppingError(STOPPING)
        if 300 <= status < 400:
            self._judge_redirect(url, response)
        if status in {404, 410}:
            raise SearchRefusedError(
                f"{url} is answered with {status}: the site knows no such make or model, or no "
                "such parameter any more"
            )
        if status != 200:
            self._crawl.stop("failed", f"{url} is answered with {status} again and again")
        elif b"__NEXT_DATA__" not in response.body:
            why = f"{url} is answered without the page's data, as sites do to block a program"
            self._crawl.stop("blocked", why)
        elif last:
            why = f"{url} is answered without listings twice: an error page, or a block"
            self._crawl.stop("blocked", why)
        else:
            return
        raise StoppingError(STOPPING)

    def _judge_redirect(self, url: str, response: Response) -> None:
        location = (response.headers.get(b"Location") or b"").decode("latin-1")
        target = urljoin(url, location)
        if "/lst/" in urlsplit(target).path:
            raise SearchRefusedError(
                f"{url} leads to {target}; if that is the make or model you mean, ask for it"
            )
        self._crawl.stop("blocked", f"{url} leads to {target}, as sites do to turn a program away")
        raise StoppingError(STOPPING)


def _keep(response: Response) -> bytes | None:
    if response.status != 200:
        return None
    try:
        data = next_data(response.text)
    except MalformedPageError:
        return None
    reduced = {} if data is None else reduce_search(page_props(data))
    return json.dumps(reduced).encode() if "listings" in reduced else None
