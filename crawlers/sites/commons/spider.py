"""The files of categories of Wikimedia Commons, some levels down, and those that searches find."""

import hashlib
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from scrapy.http import Response

from core.errors import MarqueError
from core.licenses import ACCEPTABLE
from core.records import Drop, Listing
from crawlers.engine.polite_spider import PoliteSpider
from crawlers.engine.politeness.gate import STOPPING, StoppingError, retry_after
from crawlers.engine.politeness.throttle import MAX_CRAWL_DELAY
from crawlers.engine.store.state import GONE
from crawlers.sites.commons.pages import api
from crawlers.sites.commons.pages.answers import (
    ApiAnswer,
    ApiError,
    Batch,
    NotApiAnswerError,
    parse_answer,
)
from crawlers.sites.commons.pages.categories import (
    is_denied,
    parse_category_sizes,
    parse_subcategories,
)
from crawlers.sites.commons.pages.drift import check_answer, check_files
from crawlers.sites.commons.pages.fields import Page, said
from crawlers.sites.commons.pages.items import parse_labels
from crawlers.sites.commons.pages.parse import (
    MISSING,
    NO_ADDRESS,
    NO_INFO,
    NOT_A_PHOTO,
    NOT_A_PICTURE,
    parse_file,
)
from crawlers.sites.commons.query import CommonsQuery

DENIED = (
    "logos", "logo", "icons", "museum", "museums", "engines", "engine", "toys", "toy", "model cars",
    "scale models", "diecast", "people", "portraits", "drawings", "paintings", "advertisements",
    "brochures", "diagrams", "videos", "video games", "license plates", "postage stamps", "maps",
)  # fmt: skip
"""Words in the names of categories without photos of cars."""

ABSENT = "category that was asked for is not there, or empty"
AWAY = "category left out for its name"
AGAIN = "file found again"
UNNAMED = "what photos depict cannot be asked for"
WITHDRAWN = "file fetched before is not free any more"
SAY_NOTHING = (NO_INFO, NO_ADDRESS, NOT_A_PICTURE, NOT_A_PHOTO)
"""Reasons that say nothing about a license."""
WAITED = "waited as the API asked"
TRIES = 5
SEARCH_MOST = 10_000  # the API shows no more results of a search


class CommonsSpider(PoliteSpider):
    """Fetches files with all their facts from the API, 50 a request."""

    name = "commons"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._labels: dict[str, str] = {}

    @property
    def query(self) -> CommonsQuery:
        """The query of the crawl."""
        assert isinstance(self.crawl.job.query, CommonsQuery)
        return self.crawl.job.query

    async def listings(self) -> AsyncIterator[Listing]:
        """The photos under an accepted license, each once, with the place where it was found."""
        query = self.query
        await self._report_absent()
        async for title in self._categories():
            async for found in self._files(api.category_files(title, query.width)):
                yield self._found(found, title)
        for text in query.queries:
            async for found in self._files(api.search_files(text, query.width)):
                yield self._found(found, f"search: {text}")
        async for found in self._known_before():
            yield self._found(found, "")

    async def _known_before(self) -> AsyncIterator[Listing]:
        """The files that earlier crawls found and this one did not. Categories and the order of
        searches change, so a file is gone only if its page no longer exists."""
        job, store = self.crawl.job, self.crawl.store
        unseen = store.unseen(job.key, self.crawl.crawl_id)
        ids = [each for each in unseen if each.isdecimal() and each not in self.crawl.met]
        self.crawl.unread.update(ids)  # a file that the API reports as missing leaves this set
        for start in range(0, len(ids), api.FILES_A_REQUEST):
            some = api.files_by_id(ids[start : start + api.FILES_A_REQUEST], self.query.width)
            async for found in self._files(some):
                yield found

    def _found(self, listing: Listing, where: str) -> Listing:
        """The listing with the place where the first crawl found it."""
        known = self.crawl.store.listing(listing.listing_id)
        first = where if known is None else known.words.get("found_in", where)
        return replace(listing, words=listing.words | {"found_in": first})

    async def estimate(self) -> dict[str, float]:
        """At most as many photos as the site counts files: some are drawings, or not free."""
        await self._report_absent()
        titles = [title async for title in self._categories()]
        files = pages = 0.0
        for count in (await self._sizes(titles)).values():
            files += count
            pages += max(1, -(-count // api.FILES_A_REQUEST))
        for text in self.query.queries:
            found = min((await self._ask(api.search_total(text))).total or 0, SEARCH_MOST)
            files += found
            pages += max(1, -(-found // api.FILES_A_REQUEST))
        limit = self.crawl.job.limit
        if limit is not None and files > limit:
            pages *= limit / files
            files = limit
        scale = (self.query.width / 1280) ** 2
        return self.estimate_of(pages + len(titles), files, files, scale=scale)

    async def _sizes(self, titles: Sequence[str]) -> dict[str, int]:
        sizes: dict[str, int] = {}
        for start in range(0, len(titles), api.FILES_A_REQUEST):
            some = api.category_sizes(titles[start : start + api.FILES_A_REQUEST])
            sizes |= parse_category_sizes(await self._ask(some))
        return sizes

    async def _report_absent(self) -> None:
        """Report categories of the query that do not exist: a name may be mistyped."""
        titles = [api.category_title(title) for title in self.query.categories]
        there = {title.casefold() for title in await self._sizes(titles)}
        for title in titles:
            if title.casefold() not in there:
                self.crawl.report.count_notice(ABSENT, title)

    async def _categories(self) -> AsyncIterator[str]:
        """The categories to walk, nearest first, each once: they form a graph with loops."""
        first = dict.fromkeys(map(api.category_title, self.query.categories))
        waiting = deque((title, 0) for title in first)
        met = set(first)
        while waiting:
            title, level = waiting.popleft()
            yield title
            if level >= self.query.depth:
                continue
            async for answer in self._answers(api.subcategories(title)):
                for below in parse_subcategories(answer):
                    if below in met:
                        continue
                    met.add(below)
                    if is_denied(below, DENIED):
                        self.crawl.report.count_notice(AWAY, below)
                    else:
                        waiting.append((below, level + 1))

    async def _files(self, parameters: api.Parameters) -> AsyncIterator[Listing]:
        batch = Batch()
        async for answer in self._answers(parameters):
            whole = batch.add(answer)
            check_files(whole)
            parsed = [(page, parse_file(page, accepted=self.query.accept)) for page in whole]
            await self._ask_labels([found for _, found in parsed if isinstance(found, Listing)])
            for page, found in parsed:
                place = found.source_id if isinstance(found, Drop) else found.listing_id
                if not self.crawl.meet(place):
                    self.crawl.report.count_notice(AGAIN, place)
                elif isinstance(found, Drop):
                    self._refuse(page, found)
                else:
                    yield self._depicting(found)

    async def _ask_labels(self, listings: Sequence[Listing]) -> None:
        """Fetch the names of the items that files depict, each once in a crawl."""
        items = {item for each in listings for item in _items(each)}
        unknown = sorted(items - self._labels.keys())
        for start in range(0, len(unknown), api.FILES_A_REQUEST):
            some = unknown[start : start + api.FILES_A_REQUEST]
            self._labels |= dict.fromkeys(some, "")
            try:
                self._labels |= parse_labels(await self._ask(api.item_labels(some)))
            # Categories and titles can be read without it.
            except (ApiError, NotApiAnswerError) as error:
                self.crawl.report.count_notice(UNNAMED, f"{some[0]}: {error}")

    def _depicting(self, listing: Listing) -> Listing:
        """The listing with the names of the items that it depicts."""
        labels = "; ".join(filter(None, (self._labels.get(item) for item in _items(listing))))
        if not labels:
            return listing
        stamp = f"{listing.stamp}-{hashlib.sha256(labels.encode()).hexdigest()[:8]}"
        return replace(listing, stamp=stamp, words=listing.words | {"depicts": labels})

    def _refuse(self, page: Page, drop: Drop) -> None:
        """Leave a file out. If an earlier crawl fetched it under a license that it no longer has,
        the catalog learns that the license was withdrawn."""
        if drop.reason == MISSING:
            self.crawl.unread.discard(drop.source_id)
            return  # it is gone, if it was known
        self.crawl.drop(drop.source_id, drop.reason, drop.detail)
        known = self.crawl.store.listing(drop.source_id)
        if known is None or known.license_url is None:
            return
        if drop.reason in SAY_NOTHING or not said(page, "LicenseShortName"):
            return  # missing descriptions take no license away
        now = parse_file(page, accepted=ACCEPTABLE)  # another crawl may have asked for more
        if isinstance(now, Listing) and now.license_url == known.license_url:
            return
        self.crawl.report.count_notice(WITHDRAWN, f"{known.page_url}, was {known.license}")
        self.crawl.withdrawn.append(withdrawn(known, drop.reason))

    async def _answers(self, parameters: api.Parameters) -> AsyncIterator[ApiAnswer]:
        """The answer to a request, and all its continuations."""
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

    async def _ask(self, parameters: api.Parameters) -> ApiAnswer:
        """One answer; after an error that passes it waits and asks again, at most `TRIES` times."""
        url = f"{self.crawl.web.base(api.API_HOST)}{api.API}?{urlencode(parameters)}"
        pace = self.crawl.job.pace or self.crawl.site.pace
        for number in range(1, TRIES + 1):
            response, body = await self.page(url, _keep)
            if body:
                answer = parse_answer(body)
                check_answer(answer, parameters)
                return answer
            assert response is not None, "a stored page is never empty"
            if self.crawl.stopping:
                raise StoppingError(STOPPING)
            why = _why_to_wait(response)
            seconds = retry_after(response) or pace.pause * number
            if number == TRIES or seconds > MAX_CRAWL_DELAY:
                break
            self.crawl.report.count_notice(WAITED, why)
            self.wait(url, seconds)
        asked = f"asked {number} times, the API still wants to be left alone for {seconds:.0f} s"
        raise self.blocked(f"{asked} ({why})")


def _items(listing: Listing) -> list[str]:
    return [item for item in listing.words.get("depicts_items", "").split("; ") if item]


def withdrawn(known: Listing, reason: str) -> Listing:
    """A listing whose file is refused now: without a license, and with the former one as a word."""
    words = known.words | {"status": f"{GONE}: {reason}"}
    words["license_before"] = f"{known.license} {known.license_url}"
    return replace(known, words=words, license=None, license_url=None)


def _keep(response: Response) -> bytes | None:
    if response.status != 200:
        return None
    try:
        parse_answer(response.body)
    except MarqueError:
        return None
    return response.body


def _why_to_wait(response: Response) -> str:
    """Why an answer cannot be used; raises `MarqueError` unless the error passes."""
    try:
        parse_answer(response.body)
    except ApiError as error:
        if not error.passes:
            raise
        return f"{error.code}: {error.info}"
    return f"the API answers {response.status}"
