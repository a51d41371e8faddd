"""Crawls a search of AutoScout24, also if it has more than the 4,000 results that one shows."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from math import ceil

from core.records import Listing
from crawlers.engine.polite_spider import PoliteSpider
from crawlers.sites.autoscout24.closed_offers import find_colors_and_bodies
from crawlers.sites.autoscout24.offers import Offers
from crawlers.sites.autoscout24.pages.search import Row, SearchPage
from crawlers.sites.autoscout24.pages.slices import CAP, Slice, body_slices, color_slices
from crawlers.sites.autoscout24.pages.splitting import beyond_cap, needs_split, split
from crawlers.sites.autoscout24.query import AutoScout24Query
from crawlers.sites.autoscout24.searches import ROWS_A_PAGE, Searches

BEYOND = "results beyond what a search shows, and that cannot be cut finer"
HIDDEN = "results of a search that are in none of its parts"
AGAIN = "listing shown again"

TURNOVER = 0.01
"""The share of results that may come and go while the parts of a search are asked for."""


class AutoScout24Spider(PoliteSpider):
    """Walks the search for a make or a model, newest first.

    Color and body of a new listing come from its offer if robots.txt allows offers, otherwise from
    searches by color and by body.
    """

    name = "autoscout24"

    @property
    def query(self) -> AutoScout24Query:
        """The query of the crawl."""
        assert isinstance(self.crawl.job.query, AutoScout24Query)
        return self.crawl.job.query

    async def listings(self) -> AsyncIterator[Listing]:
        """The listings of the search, each once."""
        searches, offers = Searches(self), Offers(self, self.query.size)
        read = self._by_offers if await self._may_ask_offers() else self._by_searches
        async for search, first in self._slices(searches):
            async for listing in read(searches, offers, search, first):
                yield listing

    async def estimate(self) -> dict[str, float]:
        """The size of the crawl if no listing were known."""
        by_offers = await self._may_ask_offers()
        pages = listings = photos = 0.0
        async for search, first in self._slices(Searches(self)):
            results, shown = self._results(first, photos)
            walked = -(-results // ROWS_A_PAGE)
            narrowed = 2 * walked + len(color_slices(search)) + len(body_slices(search))
            if results:
                pages += walked - 1 + (results if by_offers else narrowed)
            listings += results
            photos += results * shown
        # The crawl makes the requests of this estimate, too.
        width, height = map(int, self.query.size.split("x"))
        scale = width * height / (1280 * 960)
        return self.estimate_of(self.crawl.report.requests + pages, photos, listings, scale=scale)

    def _results(self, page: SearchPage, photos: float) -> tuple[int, float]:
        """How many listings of a slice to read, and the mean number of photos of each.

        `page` is the first page of the slice; `photos` photos of earlier slices count toward the
        limit of the crawl.
        """
        results = min(page.number_of_results, CAP)
        shown = sum(map(self._most_photos, page.rows)) / max(len(page.rows), 1)
        if self.crawl.job.limit is not None:
            left = max(self.crawl.job.limit - photos, 0.0)
            results = min(results, ceil(left / max(shown, 1.0)))
        return results, shown

    async def _may_ask_offers(self) -> bool:
        """Whether robots.txt allows the pages of offers."""
        site = self.query.search().site
        return await self.may_ask(self.crawl.web.base(site.host) + site.offers)

    async def _slices(self, searches: Searches) -> AsyncIterator[tuple[Slice, SearchPage]]:
        """The query as slices that a search can show, each with its first page."""
        root = self.query.search()
        first = await searches.page(root, 1)
        self.crawl.report.stated = first.number_of_results
        async for leaf in self._leaves(searches, root, first):
            yield leaf

    async def _leaves(
        self, searches: Searches, search: Slice, first: SearchPage
    ) -> AsyncIterator[tuple[Slice, SearchPage]]:
        """A slice with its first page, or its parts where one search does not show all of it."""
        limit = self.crawl.job.limit
        # One search is enough for a small limit.
        if not needs_split(first) or (limit is not None and limit <= CAP):
            yield search, first
            return
        parts = split(search, first, this_year=datetime.now(UTC).year)
        if parts is None:
            self._report_unseen(BEYOND, beyond_cap(first), search)
            yield search, first
            return
        pages = [await searches.page(part, 1) for part in parts]
        hidden = first.number_of_results - sum(page.number_of_results for page in pages)
        if hidden > TURNOVER * first.number_of_results:
            self._report_unseen(HIDDEN, hidden, search)
        for part, page in zip(parts, pages, strict=True):
            async for leaf in self._leaves(searches, part, page):
                yield leaf

    def _report_unseen(self, text: str, count: int, search: Slice) -> None:
        """Report results that the crawl cannot see."""
        if count > 0:
            self.crawl.report.count_notice(text, f"{count:,} of {search}")
            self.crawl.partial = True

    async def _by_offers(
        self, searches: Searches, offers: Offers, search: Slice, first: SearchPage
    ) -> AsyncIterator[Listing]:
        """The listings of a slice, page by page; new ones are read from their offers."""
        async for page in searches.walk(search, first):
            fresh = [row for row in page.rows if self._meet(row)]
            while fresh and not self.crawl.full:
                some = fresh[: self._needed(fresh)]
                for listing in await offers.read(search, some):
                    yield listing
                fresh = fresh[len(some) :]
            if self.crawl.full:
                return

    async def _by_searches(
        self, searches: Searches, offers: Offers, search: Slice, first: SearchPage
    ) -> AsyncIterator[Listing]:
        """The listings of a slice, read from searches alone, since offers are not allowed."""
        rows = await self._newest(searches, search, first)
        new = [number for number, row in enumerate(rows, 1) if offers.known(search, row) is None]
        found = await find_colors_and_bodies(searches, search, rows[: max(new, default=0)])
        for row in rows:
            yield offers.known(search, row) or offers.listing(search, row, None, found[row.id])

    async def _newest(self, searches: Searches, search: Slice, first: SearchPage) -> list[Row]:
        """The rows of a slice, newest first, as many as a limit needs.

        A sponsored row is out of order. If the row is shown again in its own place, it counts
        there, otherwise it comes last.
        """
        rows: list[Row] = []
        sponsored: list[Row] = []
        async for page in searches.walk(search, first):
            sponsored += [row for row in page.rows if row.sponsored]
            rows += [row for row in page.rows if not row.sponsored and self._meet(row)]
            if (needed := self._needed(rows)) is not None:
                return rows[:needed]
        return rows + [row for row in sponsored if self._meet(row)]

    def _meet(self, row: Row) -> bool:
        new = self.crawl.meet(row.id)
        if not new:
            self.crawl.report.count_notice(AGAIN, row.id)
        return new

    def _needed(self, rows: Sequence[Row]) -> int | None:
        """How many of the first rows a limit of photos needs; None if they are not enough."""
        photos = self.crawl.promised
        for number, row in enumerate(rows, start=1):
            photos += self._most_photos(row)
            if self.crawl.job.limit is not None and photos >= self.crawl.job.limit:
                return number
        return None

    def _most_photos(self, row: Row) -> int:
        most = self.crawl.job.per_listing
        shown = len(row.photos) - row.cover_is_placeholder
        return shown if most is None else min(shown, most)
