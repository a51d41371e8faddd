"""A search page: its listings, and what it says of the search."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core.errors import DriftError, MarqueError
from core.records import Drop
from crawlers.sites.autoscout24.pages.codes import SOURCE, same_name
from crawlers.sites.autoscout24.pages.drift import FEW_ROWS, check_search
from crawlers.sites.autoscout24.pages.gallery import GUID, GalleryPhoto, read_gallery
from crawlers.sites.autoscout24.pages.offer_link import offer_guid
from crawlers.sites.autoscout24.pages.paths import PageData, ReducedPage
from crawlers.sites.autoscout24.pages.slices import PAGES, Slice

NO_ID = "row has no id"
NO_LINK = "row has no link of its own"
NOT_MAIN = "row is a recommendation"
NOT_ASKED = "row is another make or model"
NO_PHOTOS = "row has no photos"
LIES_IN = {
    NO_ID: "listings[].id",
    NO_LINK: "listings[].url",
    NOT_MAIN: "listings[].searchResultSection",
    NOT_ASKED: "listings[].vehicle.make",
    NO_PHOTOS: "listings[].images[]",
}
"""Reason -> the path that says so."""
MANY = 10
"""If at least this many cars all lack photos, the page is wrong, not the cars."""

_MMMV = re.compile(r"([0-9]{0,9})\|([0-9]{0,9})\|[^,]*")
_CAT = re.compile(r"ma([0-9]{1,9})(?:mo([0-9]{1,9}))?(?:[a-z]{2}[0-9]{1,9})*")
_NEEDED = ("listings", "numberOfResults", "numberOfPages")
LIST = "list"
"""The `pageid` of a search page."""


class NoListingsError(MarqueError):
    """A page has no list of listings, or no count: it is not a search, not even an empty one."""


class TaxonomyEntry(NamedTuple):
    """A make, model, color or body of the site: its number, and its name there."""

    id: int
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A listing as a search page shows it.

    `url` is its offer's path. `first_registration` is "05-2024", or "new". `cover_is_placeholder`
    says that the first of `photos` shows no car.
    """

    id: str
    url: str
    make: str
    section: str
    model: str | None = None
    make_id: int | None = None
    model_id: int | None = None
    model_group: str | None = None
    variant: str | None = None
    version: str | None = None
    first_registration: str | None = None
    mileage_km: int | None = None
    price_eur: int | None = None
    photos: tuple[GalleryPhoto, ...] = ()
    cover_is_placeholder: bool = False
    sponsored: bool = False


@dataclass(frozen=True, slots=True)
class SearchPage:
    """The content of a search page: its rows, the rows left out, and the search that it answers.

    `echo` is the search as the site understood it. `makes` are all that it knows, `models` those of
    the make, `colors` and `bodies` what the search can be narrowed to. `traffic` is the site's
    verdict on the visitor; only "ok" was ever seen. `unread` counts rows with photos whose URLs all
    have an unknown form.
    """

    rows: tuple[Row, ...]
    dropped: tuple[Drop, ...]
    number_of_results: int
    number_of_pages: int
    echo: Mapping[str, str] = field(default_factory=dict)
    makes: tuple[TaxonomyEntry, ...] = ()
    models: tuple[TaxonomyEntry, ...] = ()
    colors: tuple[TaxonomyEntry, ...] = ()
    bodies: tuple[TaxonomyEntry, ...] = ()
    traffic: str | None = None
    unread: int = 0

    @property
    def make_id(self) -> int | None:
        """The make that the search was understood as."""
        return _ids(self.echo)[0]

    @property
    def model_id(self) -> int | None:
        """The model that the search was understood as."""
        return _ids(self.echo)[1]


def _ids(echo: Mapping[str, str]) -> tuple[int | None, int | None]:
    """The ids of make and model in `mmmv`, such as `13|1641||`. A page without it may have `cat`,
    such as `ma13mo1641`; no search is sent with that, because robots.txt forbids it. None if the
    page names no car, or several."""
    mmmv = echo.get("mmmv")
    found = _CAT.fullmatch(echo.get("cat", "")) if mmmv is None else _MMMV.fullmatch(mmmv)
    if found is None:
        return None, None
    return (int(found[1]) if found[1] else None, int(found[2]) if found[2] else None)


def parse_search(props: ReducedPage, *, search: Slice, where: str = "") -> SearchPage:
    """Read a search page; rows of another make or model than those of `search` are left out.

    A listing that the page shows twice is there twice. Raises `NoListingsError` if it is not a
    search page, and `DriftError` if it lacks a required path; `where` names the page there.
    """
    if props.get("pageid") == LIST or "listings" in props:
        check_search(props, where or f"the answer to {search}")
    missing = [name for name in _NEEDED if props.get(name) is None]
    if missing:
        raise NoListingsError(
            f"the page that answers the search for {search} has no {', no '.join(missing)}: "
            "it is an error page, or the site's pages have changed"
        )
    taxonomy = props.get("taxonomy") or {}
    makes = (
        (key, (make or {}).get("label")) for key, make in (taxonomy.get("makes") or {}).items()
    )
    echo = {
        name: value for name, value in (props.get("pageQuery") or {}).items() if value is not None
    }
    make_id, model_id = _ids(echo)
    rows, dropped = _sort_out(props["listings"], search, model_id)
    return SearchPage(
        rows=tuple(rows),
        dropped=tuple(dropped),
        number_of_results=props["numberOfResults"],
        number_of_pages=min(props["numberOfPages"], PAGES),
        echo=echo,
        makes=tuple(TaxonomyEntry(int(key), label) for key, label in makes if label),
        models=_labels((taxonomy.get("models") or {}).get(str(make_id))),
        colors=_labels(taxonomy.get("bodyColor")),
        bodies=_labels(taxonomy.get("bodyType")),
        traffic=props.get("trafficAnalysisResult"),
        unread=sum(
            not read_gallery(raw["images"], raw.get("id") or "")
            for raw in props["listings"]
            if raw.get("images")
        ),
    )


def check_rows(page: SearchPage, *, expected: bool, where: str) -> None:
    """Raise `DriftError` if all rows of a page are left out for the same reason, and the page is at
    fault.

    `expected` says that the page must have results, and not recommendations alone.
    """
    reasons = {drop.reason for drop in page.dropped}
    if page.rows or len(reasons) != 1 or len(page.dropped) < FEW_ROWS:
        return
    reason = reasons.pop()
    if reason == NOT_MAIN and not expected:
        return
    # Some cars are sold without photos, but not all cars of a page.
    if reason == NO_PHOTOS and not page.unread and len(page.dropped) < MANY:
        return
    first = page.dropped[0].detail
    why = f"says of all {len(page.dropped)} rows of {where} {reason!r}, as of the first: {first}"
    raise DriftError(LIES_IN[reason], why)


def _sort_out(
    raws: list[PageData], search: Slice, understood: int | None
) -> tuple[list[Row], list[Drop]]:
    rows, dropped = [], []
    for place, raw in enumerate(raws, start=1):
        row = _row(raw)
        if reason := _reason(row, search, understood):
            detail = f"row {place} of {search}: {row.make} {row.model}, {row.section}, {row.url!r}"
            dropped.append(Drop(SOURCE, row.id, reason, detail))
        else:
            rows.append(row)
    return rows, dropped


def _labels(found: list[PageData] | None) -> tuple[TaxonomyEntry, ...]:
    said = ((each.get("value"), each.get("label")) for each in found or ())
    return tuple(TaxonomyEntry(value, name) for value, name in said if value is not None and name)


def _row(raw: PageData) -> Row:
    vehicle, tracking = raw.get("vehicle") or {}, raw.get("tracking") or {}
    listing_id = raw.get("id") or ""
    price = raw.get("price") or {}
    make = re.search(r"\bmake_id:([0-9]{1,9})\b", tracking.get("modelTaxonomy") or "")
    return Row(
        id=listing_id,
        url=raw.get("url") or "",
        make=vehicle.get("make") or "",
        section=raw.get("searchResultSection") or "",
        model=vehicle.get("model"),
        make_id=int(make[1]) if make else None,
        model_id=vehicle.get("modelId"),
        model_group=vehicle.get("modelGroup"),
        variant=vehicle.get("variant"),
        version=vehicle.get("modelVersionInput"),
        first_registration=tracking.get("firstRegistration"),
        mileage_km=_digits(tracking.get("mileage")),
        price_eur=price.get("priceRaw") or _digits(tracking.get("price")),
        photos=read_gallery(raw.get("images") or [], listing_id),
        # "no-placeholder|0.18" where it is a photo
        cover_is_placeholder=(tracking.get("imageContent") or "").split("|")[0] == "placeholder",
        sponsored=raw.get("searchResultType") == "Nfm",
    )


def _digits(text: Any) -> int | None:
    """A number written in digits only; any other form depends on the language."""
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text) else None


def _reason(row: Row, search: Slice, understood: int | None) -> str | None:
    """The reason to leave a row out, or None.

    `understood` is the model id that the site understood the search as (`SearchPage.model_id`).
    """
    if not re.fullmatch(GUID, row.id):
        return NO_ID
    if row.section != "Main":
        return NOT_MAIN
    if not same_name(row.make, search.make) or not _is_model(row, search, understood):
        return NOT_ASKED
    if not re.match("/[^/]", row.url) or offer_guid(row.url) != row.id:
        return NO_LINK
    return None if len(row.photos) > row.cover_is_placeholder else NO_PHOTOS


def _is_model(row: Row, search: Slice, understood: int | None) -> bool:
    if search.model_id is not None:
        return row.model_id == search.model_id
    if search.model is None:
        return True
    if None not in {row.model_id, understood}:
        return row.model_id == understood
    return same_name(row.model or "", search.model)
