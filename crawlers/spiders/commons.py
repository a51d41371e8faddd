"""Wikimedia Commons: the files of categories, some levels down, and those that searches find."""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from urllib.parse import urlencode

from scrapy.http import Response

from crawlers.errors import MarqueError
from crawlers.manners.gate import STOPPING, StoppingError, retry_after
from crawlers.pages.commons import api
from crawlers.pages.commons.answers import Answer, ApiError, Batch, parse_answer
from crawlers.pages.commons.categories import (
    is_denied,
    parse_category_sizes,
    parse_subcategories,
)
from crawlers.pages.commons.parse import parse_file
from crawlers.records import Drop, Listing
from crawlers.spiders.polite import PoliteSpider

DENIED = (
    "logos", "logo", "icons", "museum", "museums", "engines", "engine", "toys", "toy", "model cars",
    "scale models", "diecast", "people", "portraits", "drawings", "paintings", "advertisements",
    "brochures", "diagrams", "videos", "video games", "license plates", "postage stamps", "maps",
)  # fmt: skip
"""Words of categories that lead away from photos of cars."""

AWAY = "category left out for its name"
AGAIN = "file found again"
WAITED = "waited as the API asked"
TRIES = 5
SEARCH_MOST = 10_000  # a search goes no further


class CommonsSpider(PoliteSpider):
    """Asks the API for files with all their facts, 50 a request."""

    name = "commons"

    async def listings(self) -> AsyncIterator[Listing]:
        """The photos under an accepted licence, each once, with where it was found."""
        asked = self.crawl.job.asked
        async for title in self._categories():
            async for found in self._files(api.category_files(title, asked["width"])):
                yield replace(found, words=found.words | {"found_in": title})
        for text in asked["queries"]:
            async for found in self._files(api.search_files(text, asked["width"])):
                yield replace(found, words=found.words | {"found_in": f"search: {text}"})

    async def estimate(self) -> dict[str, float]:
        """At most as many photos as the site counts files: some are drawings, or not free."""
        titles = [title async for title in self._categories()]
        files = pages = 0.0
        for start in range(0, len(titles), api.FILES_A_REQUEST):
            some = api.category_sizes(titles[start : start + api.FILES_A_REQUEST])
            for count in parse_category_sizes(await self._ask(some)).values():
                files += count
                pages += max(1, -(-count // api.FILES_A_REQUEST))
        for text in self.crawl.job.asked["queries"]:
            found = min((await self._ask(api.search_total(text))).total or 0, SEARCH_MOST)
            files += found
            pages += max(1, -(-found // api.FILES_A_REQUEST))
        limit = self.crawl.job.limit
        if limit is not None and files > limit:
            pages *= limit / files
            files = limit
        return self.reckon(pages + len(titles), files, files)

    async def _categories(self) -> AsyncIterator[str]:
        """The categories to look into, nearest first; each once, for they form a graph."""
        asked = self.crawl.job.asked
        waiting = deque((api.category_title(title), 0) for title in asked["categories"])
        met = {title for title, _ in waiting}
        while waiting:
            title, level = waiting.popleft()
            yield title
            if level >= asked["depth"]:
                continue
            async for answer in self._answers(api.subcategories(title)):
                for below in parse_subcategories(answer):
                    if below in met:
                        continue
                    met.add(below)
                    if is_denied(below, asked.get("deny", DENIED)):
                        self.crawl.report.count_notice(AWAY, below)
                    else:
                        waiting.append((below, level + 1))

    async def _files(self, parameters: api.Parameters) -> AsyncIterator[Listing]:
        batch = Batch()
        async for answer in self._answers(parameters):
            for page in batch.add(answer):
                found = parse_file(page, accepted=self.crawl.job.accepted)
                place = found.source_id if isinstance(found, Drop) else found.listing_id
                if not self.crawl.meet(place):
                    self.crawl.report.count_notice(AGAIN, place)
                elif isinstance(found, Drop):
                    self.crawl.drop(found.source_id, found.reason, found.detail)
                else:
                    yield found

    async def _answers(self, parameters: api.Parameters) -> AsyncIterator[Answer]:
        """The answers to a request and to all that goes on from it."""
        more: dict[str, str] = {}
        asked: set[tuple[tuple[str, str], ...]] = set()
        while (key := tuple(sorted(more.items()))) not in asked:
            asked.add(key)
            answer = await self._ask(parameters | more)
            yield answer
            if not answer.more:
                return
            more = {name: str(value) for name, value in answer.more.items()}
        raise MarqueError(f"the API goes round in circles: {more} came twice for {parameters}")

    async def _ask(self, parameters: api.Parameters) -> Answer:
        """One answer; an error that passes is waited for, some times."""
        url = f"{self.crawl.web.base(api.HOST)}{api.API}?{urlencode(parameters)}"
        pace = self.crawl.job.pace or self.crawl.site.pace
        for number in range(1, TRIES + 1):
            response, body = await self.page(url, _keep)
            if body:
                return parse_answer(body)
            assert response is not None, "only what can be used is kept"
            if self.crawl.stopping:
                raise StoppingError(STOPPING)
            try:
                parse_answer(response.body)  # says what is wrong
            except ApiError as error:
                if not error.passes:
                    raise
                why = f"{error.code}: {error.info}"
            if response.status != 200:
                why = f"the API answers {response.status}"
            self.crawl.report.count_notice(WAITED, why)
            self.wait(url, retry_after(response) or pace.pause * number)
        self.crawl.stop("blocked", f"the API still asks to wait after {TRIES} times ({why})")
        raise StoppingError(STOPPING)


def _keep(response: Response) -> bytes | None:
    if response.status != 200:
        return None
    try:
        parse_answer(response.body)
    except MarqueError:
        return None
    return response.body
