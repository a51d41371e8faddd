"""Searches as slices of the market, and their addresses."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from core.errors import UsageMistakeError
from crawlers.sites.autoscout24.pages.codes import BODIES, COLORS, CountrySite, slug

if TYPE_CHECKING:
    from core.web import Web

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

    site: CountrySite
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
        yield f"there is no color {asked.color}; there are: {', '.join(map(str, COLORS))}"
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


def color_slices(asked: Slice) -> list[Slice]:
    """The slice by color, 14 parts: whatever is in one has that color, without its offer."""
    return [replace(asked, color=color) for color in COLORS]


def body_slices(asked: Slice) -> list[Slice]:
    """The slice by body, nine parts."""
    return [replace(asked, body=body) for body in BODIES]
