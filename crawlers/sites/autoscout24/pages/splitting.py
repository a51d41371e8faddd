"""How a search that is too large is split.

A search shows 200 pages of 20 listings and no more. A larger one is split by model, then by year of
first registration. It is never split by price: prices change, and listings would move from one
slice to another between two requests.
"""

from dataclasses import replace

from crawlers.sites.autoscout24.pages.search import SearchPage
from crawlers.sites.autoscout24.pages.slices import CAP, FIRST_YEAR, PAGES, Slice


def needs_split(page: SearchPage) -> bool:
    """Whether a search may have more results than it shows.

    Sponsored listings are repeated and take the places of others, so the pages may run out a little
    before 4,000 results.
    """
    return page.number_of_results > CAP or page.number_of_pages >= PAGES


def beyond_cap(page: SearchPage) -> int:
    """How many of a search's results it can never show."""
    return max(0, page.number_of_results - CAP)


def split(search: Slice, page: SearchPage, *, this_year: int) -> list[Slice] | None:
    """The parts of a slice, without overlap; None where it is a single year of one model.

    `page` is a page of the slice, which names the make's models. The outer ends of years stay open.
    Whether a part by years shows a car without a first registration is not known.
    """
    make_id = search.make_id if search.make_id is not None else page.make_id
    if search.model is None and search.model_id is None and make_id is not None and page.models:
        return [replace(search, make_id=make_id, model_id=model.id) for model in page.models]
    first = search.year_from if search.year_from is not None else FIRST_YEAR
    last = search.year_to if search.year_to is not None else this_year
    if first >= last:
        return None
    middle = (first + last) // 2
    return [replace(search, year_to=middle), replace(search, year_from=middle + 1)]
