"""Searches as slices of the market: their addresses, and how one too large is cut into smaller.

A search shows 200 pages of 20 listings and no more. Beyond that it is cut by model, then by year of
first registration, and never by price: prices change, and listings would slip from one slice into
another between two requests.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from crawlers.errors import UsageMistakeError
from crawlers.pages.autoscout24.codes import BODIES, COLORS, Site, slug

if TYPE_CHECKING:
    from crawlers.pages.autoscout24.search import SearchPage
    from crawlers.web import Web

PAGES = 200
CAP = PAGES * 20
FIRST_YEAR = 1900
"""The earliest year of first registration that a search can be asked for."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One search: a make on one site, and what narrows it; years include both ends.

    `make` and `model` are slugs. With `model_id`, the site's number, `model` is left out and
    `make_id` is needed.
    """

    site: Site
    make: str
    model: str | None = None
    make_id: int | None = None
    model_id: int | None = None
    year_from: int | None = None
    year_to: int | None = None
    color: int | None = None
    body: int | None = None

    def __post_init__(self) -> None:
        for fault in _faults(self):
            raise UsageMistakeError(fault)

    def __str__(self) -> str:
        named = [self.site.name, self.make, self.model or ""]
        return " ".join([*filter(None, named), *(f"{k}={v}" for k, v in filters(self).items())])


def _faults(asked: Slice) -> Iterator[str]:
    # The site's robots.txt closes searches without a make.
    if not asked.make:
        yield "a search needs a make, such as 'alfa-romeo'"
    for name in filter(None, (asked.make, asked.model)):
        if name != slug(name):
            yield f"a search needs the name as paths have it: {slug(name)!r}, not {name!r}"
    if asked.model_id is not None and (asked.make_id is None or asked.model):
        yield f"model_id {asked.model_id} goes with make_id and without model: {asked.model!r}"
    if asked.year_from and asked.year_to and asked.year_from > asked.year_to:
        yield f"no year is from {asked.year_from} to {asked.year_to}: exchange the two"
    if asked.color not in {None, *COLORS}:
        yield f"there is no colour {asked.color}; there are: {', '.join(map(str, COLORS))}"
    if asked.body not in {None, *BODIES}:
        yield f"there is no body {asked.body}; there are: {', '.join(map(str, BODIES))}"


def filters(asked: Slice) -> dict[str, str]:
    """The parameters that narrow a search; the page is to answer with each of them."""
    values = {
        "cy": asked.site.country or None,
        "mmmv": f"{asked.make_id}|{asked.model_id}||" if asked.model_id is not None else None,
        "fregfrom": asked.year_from,
        "fregto": asked.year_to,
        "bcol": asked.color,
        "body": asked.body,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def search_url(web: "Web", asked: Slice, page: int) -> str:
    """The address of a page of a search, newest listings first; `page` counts from 1.

    Raises `UsageMistakeError` for a page that no search has.
    """
    if not 1 <= page <= PAGES:
        raise UsageMistakeError(f"a search has pages 1 to {PAGES}, not {page}")
    names = "/".join(quote(name, safe="") for name in (asked.make, asked.model) if name)
    query = {"sort": "age", "desc": "1", **filters(asked), "page": str(page)}
    base = web.base(asked.site.host)
    return f"{base}{asked.site.search}/{names}?{urlencode(query, quote_via=quote)}"


def needs_split(page: "SearchPage") -> bool:
    """Whether a search may have more than it shows.

    Sponsored listings are shown again and again and take places of others, so the pages may run out
    a little before 4,000 results.
    """
    return page.number_of_results > CAP or page.number_of_pages >= PAGES


def beyond_cap(page: "SearchPage") -> int:
    """How many of a search's results it can never show."""
    return max(0, page.number_of_results - CAP)


def split(asked: Slice, page: "SearchPage", *, this_year: int) -> list[Slice] | None:
    """The parts of a slice, none of which overlap; None where it is one model's single year.

    `page` is a page of the slice, which names the make's models. Outer ends of years stay open. A
    car without a first registration is in no part of a slice that is cut by years, if the site
    leaves it out when asked for years; nothing seen tells whether it does.
    """
    make_id = asked.make_id if asked.make_id is not None else page.make_id
    if asked.model is None and asked.model_id is None and make_id is not None and page.models:
        return [replace(asked, make_id=make_id, model_id=model.id) for model in page.models]
    first = asked.year_from if asked.year_from is not None else FIRST_YEAR
    last = asked.year_to if asked.year_to is not None else this_year
    if first >= last:
        return None
    middle = (first + last) // 2
    return [replace(asked, year_to=middle), replace(asked, year_from=middle + 1)]


def color_slices(asked: Slice) -> list[Slice]:
    """The slice by colour, 14 parts: whatever is in one has that colour, without its offer."""
    return [replace(asked, color=color) for color in COLORS]


def body_slices(asked: Slice) -> list[Slice]:
    """The slice by body, nine parts."""
    return [replace(asked, body=body) for body in BODIES]
