"""AutoScout24: from a search to its listings, and past the 4,000 results that a search shows."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from crawlers.errors import UsageMistakeError
from crawlers.pages.autoscout24.codes import SITES, slug
from crawlers.pages.autoscout24.search import Row, SearchPage
from crawlers.pages.autoscout24.slices import (
    CAP,
    Slice,
    beyond_cap,
    body_slices,
    color_slices,
    needs_split,
    split,
)
from crawlers.records import Listing
from crawlers.spiders.autoscout24_closed import find_colors_and_bodies
from crawlers.spiders.autoscout24_offers import Offers
from crawlers.spiders.autoscout24_searches import Searches
from crawlers.spiders.polite import PoliteSpider

BEYOND = "results beyond what a search shows, and that cannot be cut finer"
AGAIN = "listing shown again"


class AutoScout24Spider(PoliteSpider):
    """Walks the search for a make or a model, newest first.

    Colour and body of a new listing come from its offer where robots.txt leaves offers open, else
    from searches by colour and by body.
    """

    name = "autoscout24"

    async def listings(self) -> AsyncIterator[Listing]:
        """The listings of the search, each once."""
        searches, offers = Searches(self), Offers(self)
        root = root_slice(self.crawl.job.asked)
        async for asked, first in self._leaves(searches, root):
            if not first.rows:
                continue
            if await self.may_ask(offers.address(asked, first.rows[0])):
                async for rows in self._new_rows(searches, asked, first):
                    async for listing in offers.read(asked, rows):
                        yield listing
            else:
                async for listing in self._closed(searches, offers, asked, first):
                    yield listing

    async def estimate(self) -> dict[str, float]:
        """What the crawl would take if nothing of it were known."""
        pages = listings = photos = 0.0
        searches, offers = Searches(self), Offers(self)
        async for asked, first in self._leaves(searches, root_slice(self.crawl.job.asked)):
            results = float(min(first.number_of_results, CAP))
            shown = [self._most_photos(row) for row in first.rows] or [0]
            mean = sum(shown) / len(shown)
            if self.crawl.job.limit is not None:
                left = max(0.0, self.crawl.job.limit - photos)
                results = min(results, -(-left // max(mean, 1.0)))
            walked = -(-results // 20)
            opened = not first.rows or await self.may_ask(offers.address(asked, first.rows[0]))
            facets = len(color_slices(asked)) + len(body_slices(asked))
            pages += walked + (results if opened else 2 * walked + facets)
            listings += results
            photos += results * mean
        return self.reckon(pages, photos, listings)

    async def _leaves(
        self, searches: Searches, asked: Slice
    ) -> AsyncIterator[tuple[Slice, SearchPage]]:
        """A slice with its first page, or its parts where a search does not show all of it."""
        first = await searches.page(asked, 1)
        if self.crawl.report.stated is None:
            self.crawl.report.stated = first.number_of_results
        limit = self.crawl.job.limit
        # What a search shows is enough for a small limit, and comes from all of the slice.
        if needs_split(first) and (limit is None or limit > CAP):
            year = datetime.now(UTC).year
            if parts := split(asked, first, this_year=year):
                for part in parts:
                    async for leaf in self._leaves(searches, part):
                        yield leaf
                return
            if lost := beyond_cap(first):
                self.crawl.report.count_notice(BEYOND, f"{lost:,} of {asked}")
        yield asked, first

    async def _new_rows(
        self, searches: Searches, asked: Slice, first: SearchPage
    ) -> AsyncIterator[list[Row]]:
        """Page by page the rows that this crawl meets for the first time."""
        async for page in searches.walk(asked, first):
            fresh = [row for row in page.rows if self._meet(row)]
            while fresh and not self.crawl.full:
                some = self._enough(fresh)
                yield some
                fresh = fresh[len(some) :]
            if self.crawl.full:
                return

    async def _closed(
        self, searches: Searches, offers: Offers, asked: Slice, first: SearchPage
    ) -> AsyncIterator[Listing]:
        rows: list[Row] = []
        promised = self.crawl.promised
        async for page in searches.walk(asked, first):
            fresh = [row for row in page.rows if self._meet(row)]
            rows += fresh
            promised += sum(map(self._most_photos, fresh))
            if self.crawl.job.limit is not None and promised >= self.crawl.job.limit:
                break
        unknown = [row for row in rows if offers.known(asked, row) is None]
        found = await find_colors_and_bodies(searches, asked, unknown)
        for row in rows:
            yield offers.known(asked, row) or offers.listing(asked, row, None, found[row.id])

    def _meet(self, row: Row) -> bool:
        new = self.crawl.meet(row.id)
        if not new:
            self.crawl.report.count_notice(AGAIN, row.id)
        return new

    def _enough(self, rows: list[Row]) -> list[Row]:
        """The first of the rows, as many as a limit of photos needs."""
        limit = self.crawl.job.limit
        if limit is None:
            return rows
        photos = self.crawl.promised
        for number, row in enumerate(rows, start=1):
            photos += self._most_photos(row)
            if photos >= limit:
                return rows[:number]
        return rows

    def _most_photos(self, row: Row) -> int:
        most = self.crawl.job.per_listing
        shown = len(row.photos) - row.cover_is_placeholder
        return shown if most is None else min(shown, most)


def root_slice(asked: dict[str, Any]) -> Slice:
    """The search that a crawl is asked for; raises `UsageMistakeError`."""
    site = SITES.get(asked["site"])
    if site is None:
        known = ", ".join(SITES)
        raise UsageMistakeError(
            f"there is no AutoScout24 site {asked['site']!r}; there are {known}"
        )
    model = asked.get("model")
    first, last = asked.get("years") or (None, None)
    return Slice(
        site=site,
        make=slug(asked["make"]),
        model=slug(model) if model else None,
        year_from=first,
        year_to=last,
    )
