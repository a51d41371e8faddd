"""A search is a slice of the market; its parts and its URLs."""

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
"""The earliest year of first registration that a search can have."""


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


def _faults(search: Slice) -> Iterator[str]:
    # The site's robots.txt closes searches without a make.
    if not search.make:
        yield "a search needs a make, such as 'alfa-romeo'"
    for name in filter(None, (search.make, search.model)):
        if name != slug(name):
            yield f"a search needs the name as paths have it: {slug(name)!r}, not {name!r}"
    if search.model_id is not None and (search.make_id is None or search.model):
        yield f"model_id {search.model_id} goes with make_id and without model: {search.model!r}"
    if search.year_from and search.year_to and search.year_from > search.year_to:
        yield f"no year is from {search.year_from} to {search.year_to}: exchange the two"
    if search.color not in {None, *COLORS}:
        yield f"there is no color {search.color}; there are: {', '.join(map(str, COLORS))}"
    if search.body not in {None, *BODIES}:
        yield f"there is no body {search.body}; there are: {', '.join(map(str, BODIES))}"


def filters(search: Slice) -> dict[str, str]:
    """The parameters that narrow a search; the page must echo each of them."""
    values = {
        "cy": search.site.country or None,
        "mmmv": f"{search.make_id}|{search.model_id}||" if search.model_id is not None else None,
        "fregfrom": search.year_from,
        "fregto": search.year_to,
        "bcol": search.color,
        "body": search.body,
    }
    return {name: str(value) for name, value in values.items() if value is not None}


def search_url(web: "Web", search: Slice, page: int) -> str:
    """The URL of a page of a search, newest listings first; `page` counts from 1.

    Raises `UsageMistakeError` for a page that no search has.
    """
    if not 1 <= page <= PAGES:
        raise UsageMistakeError(f"a search has pages 1 to {PAGES}, not {page}")
    names = "/".join(quote(name, safe="") for name in (search.make, search.model) if name)
    query = {"sort": "age", "desc": "1", **filters(search), "page": str(page)}
    base = web.base(search.site.host)
    return f"{base}{search.site.search}/{names}?{urlencode(query, quote_via=quote)}"


def color_slices(search: Slice) -> list[Slice]:
    """The slice by color, 14 parts: every listing of a part has that color."""
    return [replace(search, color=color) for color in COLORS]


def body_slices(search: Slice) -> list[Slice]:
    """The slice by body, nine parts."""
    return [replace(search, body=body) for body in BODIES]
