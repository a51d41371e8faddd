"""How a search that is too large is cut into smaller ones.

A search shows 200 pages of 20 listings and no more. Beyond that it is cut by model, then by year of
first registration, and never by price: prices change, and listings would slip from one slice into
another between two requests.
"""

from dataclasses import replace

from crawlers.sites.autoscout24.pages.search import SearchPage
from crawlers.sites.autoscout24.pages.slices import CAP, FIRST_YEAR, PAGES, Slice


def needs_split(page: SearchPage) -> bool:
    """Whether a search may have more than it shows.

    Sponsored listings are shown again and again and take places of others, so the pages may run out
    a little before 4,000 results.
    """
    return page.number_of_results > CAP or page.number_of_pages >= PAGES


def beyond_cap(page: SearchPage) -> int:
    """How many of a search's results it can never show."""
    return max(0, page.number_of_results - CAP)


def split(asked: Slice, page: SearchPage, *, this_year: int) -> list[Slice] | None:
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
