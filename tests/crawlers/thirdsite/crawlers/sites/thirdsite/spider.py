"""The way through the third site: from a search, page by page, to its cars."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

from scrapy.http import Response

from core.records import Listing
from crawlers.engine.polite_spider import PoliteSpider
from crawlers.engine.politeness.gate import STOPPING, StoppingError
from crawlers.sites.thirdsite.pages.parse import parse_car, parse_search
from crawlers.sites.thirdsite.query import ThirdSiteQuery


class ThirdSiteSpider(PoliteSpider):
    """Asks for the page of a car only if a search shows it new or changed."""

    name = "thirdsite"

    @property
    def query(self) -> ThirdSiteQuery:
        """What the crawl asks for."""
        assert isinstance(self.crawl.job.query, ThirdSiteQuery)
        return self.crawl.job.query

    async def listings(self) -> AsyncIterator[Listing]:
        """The cars of the search, each once."""
        url: str | None = self._search_url()
        while url is not None:
            page = parse_search(await self._html(url))
            self.crawl.report.stated = page.total
            for row in page.rows:
                if not self.crawl.meet(row.id):
                    continue
                known = self.crawl.store.listing(row.id)
                if known is not None and known.stamp == row.stamp:
                    yield known
                else:
                    yield parse_car(await self._html(row.url), row)
            url = page.next_url

    async def estimate(self) -> dict[str, float]:
        """By the first page of the search, with three photos a car."""
        page = parse_search(await self._html(self._search_url()))
        pages = page.total / max(len(page.rows), 1)
        return self.estimate_of(pages + page.total, 3.0 * page.total, page.total, scale=1.0)

    def _search_url(self) -> str:
        query = {"make": self.query.make, "order": self.query.order}
        if self.query.max_price is not None:
            query["max"] = str(self.query.max_price)
        return f"{self.crawl.web.base(self.crawl.site.hosts[0])}/cars?{urlencode(query)}"

    async def _html(self, url: str) -> str:
        response, body = await self.page(url, _keep)
        if not body:
            assert response is not None, "only an answer can have nothing to keep"
            self.crawl.stop("failed", f"{url} is answered with {response.status}")
            raise StoppingError(STOPPING)
        return body.decode()


def _keep(response: Response) -> bytes | None:
    return response.body if response.status == 200 else None
