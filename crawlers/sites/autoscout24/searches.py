"""Fetches search pages of AutoScout24, and distinguishes an answer from a block."""

import json
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlsplit

from scrapy.http import Response

from core.errors import UsageMistakeError
from crawlers.engine.polite_spider import PoliteSpider
from crawlers.engine.politeness.gate import STOPPING, StoppingError
from crawlers.sites.autoscout24.answers import (
    BARE,
    is_bare,
    page_data,
    redirect_target,
)
from crawlers.sites.autoscout24.pages.drift import check_search
from crawlers.sites.autoscout24.pages.echo import check_echo
from crawlers.sites.autoscout24.pages.paths import ReducedPage, reduce_search
from crawlers.sites.autoscout24.pages.search import LIST, SearchPage, check_rows, parse_search
from crawlers.sites.autoscout24.pages.site_words import SiteWords, site_words
from crawlers.sites.autoscout24.pages.slices import CAP, PAGES, Slice, search_url

EMPTY = "search page without a listing, before the number of pages that the site tells"
TRAFFIC = "site's own verdict on the traffic is not ok"
AGAIN = "search page without its listings: asked for once more"
STRANGE = "site's own word for a color or body is another than the one that is known"

ROWS_A_PAGE = CAP // PAGES
"""Listings on a page, at most."""


class SearchRefusedError(UsageMistakeError):
    """The site has no such search."""


class Searches:
    """The search pages of one crawl."""

    def __init__(self, spider: PoliteSpider) -> None:
        self._spider = spider
        self._crawl = spider.crawl
        self._words: SiteWords | None = None

    @property
    def words(self) -> SiteWords:
        """The site's words for colors and bodies, as its first page gave them."""
        assert self._words is not None, "a page was fetched before"
        return self._words

    async def walk(self, search: Slice, first: SearchPage) -> AsyncIterator[SearchPage]:
        """The pages of a search, from its first one on."""
        yield first
        for number in range(2, first.number_of_pages + 1):
            page = await self.page(search, number)
            if not page.rows and not page.dropped:
                self._crawl.report.count_notice(EMPTY, _page_name(search, number))
                return
            yield page

    async def page(self, search: Slice, number: int) -> SearchPage:
        """Fetch one page of a search, and check that it answers it.

        Raises `StoppingError` if the crawl ends here, `SearchRefusedError`, and as
        `check_echo`, `parse_search` and `check_rows` do.
        """
        url = search_url(self._crawl.web, search, number)
        keep, where = partial(_keep, search=search, number=number), _page_name(search, number)
        for last in (False, True):
            response, body = await self._spider.page(url, keep)
            if body:
                break
            assert response is not None, "a stored page is never empty"
            self._judge(url, response, where, last=last)
            self._crawl.report.count_notice(AGAIN, url)
        page = parse_search(ReducedPage(json.loads(body)), search=search, where=where)
        if page.traffic not in {None, "ok"}:
            self._crawl.report.count_notice(TRAFFIC, f"{page.traffic!r} at {url}")
        if self._words is None:
            self._words = site_words(search.site, page)
            for text in self._words.strange:
                self._crawl.report.count_notice(STRANGE, f"{search.site.host}: {text}")
        for drop in page.dropped:
            self._crawl.report.count_notice(drop.reason, drop.detail)
        return page

    def _judge(self, url: str, response: Response, where: str, *, last: bool) -> None:
        """Raise the error that an answer without listings means. Only the first of two may raise
        none: asking again may help."""
        if self._crawl.stopping:
            raise StoppingError(STOPPING)
        target, status = redirect_target(url, response), response.status
        if target is not None and "/lst/" in urlsplit(target).path:
            raise SearchRefusedError(
                f"{url} leads to {target}; if that is the make or model you mean, ask for it"
            )
        if status in {404, 410}:
            raise SearchRefusedError(
                f"{url} is answered with {status}: the site knows no such make or model, or no "
                "such parameter any more"
            )
        if target is not None:
            raise self._spider.blocked(
                f"{url} leads to {target}, as sites do to turn a program away"
            )
        if status != 200:
            self._crawl.stop("failed", f"{url} is answered with {status} again and again")
            raise StoppingError(STOPPING)
        if is_bare(response):
            raise self._spider.blocked(f"{url} is answered {BARE}")
        if last:
            # A search page without its listings has changed; another page is an error or a block.
            props = reduce_search(page_data(response) or {})
            if props.get("pageid") == LIST:
                check_search(props, where)
            why = f"{url} is answered without listings twice: an error, or a block"
            raise self._spider.blocked(why)


def _keep(response: Response, *, search: Slice, number: int) -> bytes | None:
    """The part of a search page that is read; None for any other answer. Raises as `check_echo` and
    `check_rows` do for a page that answers another search or has changed; it is not stored."""
    props = page_data(response)
    reduced = ReducedPage({}) if props is None else reduce_search(props)
    before = ROWS_A_PAGE * (number - 1)
    if reduced.get("listings") is None:
        return None
    if not reduced["listings"] and (reduced.get("numberOfResults") or 0) > before:
        return None  # empty, although the pages before it cannot have shown all results
    where = _page_name(search, number)
    page = parse_search(reduced, search=search, where=where)
    check_echo(page, search)
    check_rows(page, expected=page.number_of_results > before, where=where)
    return json.dumps(reduced).encode()


def _page_name(search: Slice, number: int) -> str:
    return f"page {number} of {search}"
