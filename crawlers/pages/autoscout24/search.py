"""A search page: the listings in it, and what it says of the search."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crawlers.errors import MarqueError
from crawlers.pages.autoscout24.codes import SOURCE, same_name
from crawlers.pages.autoscout24.gallery import GUID, GalleryPhoto, read_gallery
from crawlers.pages.autoscout24.offer_link import offer_guid
from crawlers.pages.autoscout24.paths import Json, Reduced
from crawlers.pages.autoscout24.slices import PAGES, Slice
from crawlers.records import Drop

NO_ID = "row has no id"
NO_LINK = "row has no link of its own"
NOT_MAIN = "row is a recommendation"
NOT_ASKED = "row is another make or model"
NO_PHOTOS = "row has no photos"

_MMMV = re.compile(r"([0-9]{0,9})\|([0-9]{0,9})\|[^,]*")


_NEEDED = ("listings", "numberOfResults", "numberOfPages")


class NoListingsError(MarqueError):
    """A page has no list of listings, or no count of them: it is no search, not an empty one."""


class Label(NamedTuple):
    """A make or a model: the site's number for it, and its name."""

    id: int
    label: str


@dataclass(frozen=True, slots=True)
class Row:
    """A listing as a search page shows it.

    `url` is its offer's path. `first_registration` is "05-2024", or "new". `cover_is_placeholder`
    is said of the first of `photos`.
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
    """What a search page says: its rows, why others were left out, and the search it answers.

    `echo` is the search as the site understood it. `makes` are all it knows, `models` those of the
    make that was searched. `traffic` is its word for who asked: "ok", as far as seen.
    """

    rows: tuple[Row, ...]
    dropped: tuple[Drop, ...]
    number_of_results: int
    number_of_pages: int
    echo: Mapping[str, str] = field(default_factory=dict)
    makes: tuple[Label, ...] = ()
    models: tuple[Label, ...] = ()
    traffic: str | None = None

    @property
    def make_id(self) -> int | None:
        """The make that the search was understood as."""
        return _ids(self.echo)[0]

    @property
    def model_id(self) -> int | None:
        """The model that the search was understood as."""
        return _ids(self.echo)[1]


def _ids(echo: Mapping[str, str]) -> tuple[int | None, int | None]:
    found = _MMMV.fullmatch(echo.get("mmmv", ""))
    if found is None:
        return None, None
    return (int(found[1]) if found[1] else None, int(found[2]) if found[2] else None)


def parse_search(props: Reduced, *, asked: Slice) -> SearchPage:
    """Read a search page; rows of another make or model than `asked` are left out.

    A listing that stands in it twice is there twice. Raises `NoListingsError` if it is no search.
    """
    missing = [name for name in _NEEDED if name not in props]
    if missing:
        raise NoListingsError(
            f"the page that answers the search for {asked} has no {', no '.join(missing)}: "
            "it is an error page, or the site's pages have changed"
        )
    echo = props.get("pageQuery", {})
    taxonomy = props.get("taxonomy", {})
    rows, dropped = _sort_out(props["listings"], asked, _ids(echo)[1])
    return SearchPage(
        rows=tuple(rows),
        dropped=tuple(dropped),
        number_of_results=props["numberOfResults"],
        number_of_pages=min(props["numberOfPages"], PAGES),
        echo=echo,
        makes=_makes(taxonomy.get("makes", {})),
        models=_models(taxonomy.get("models", {}).get(str(_ids(echo)[0]), [])),
        traffic=props.get("trafficAnalysisResult"),
    )


def _sort_out(
    raws: list[Json], asked: Slice, understood: int | None
) -> tuple[list[Row], list[Drop]]:
    rows, dropped = [], []
    for place, raw in enumerate(raws, start=1):
        row = _row(raw)
        if reason := _reason(row, asked, understood):
            detail = f"row {place} of {asked}: {row.make} {row.model}, {row.section}, {row.url!r}"
            dropped.append(Drop(SOURCE, row.id, reason, detail))
        else:
            rows.append(row)
    return rows, dropped


def _makes(found: Json) -> tuple[Label, ...]:
    return tuple(Label(int(key), make["label"]) for key, make in found.items() if make)


def _models(found: list[Json]) -> tuple[Label, ...]:
    return tuple(Label(m["value"], m["label"]) for m in found if m.keys() >= {"value", "label"})


def _row(raw: Json) -> Row:
    vehicle, tracking = raw.get("vehicle", {}), raw.get("tracking", {})
    listing_id = raw.get("id", "")
    price = raw.get("price", {})
    return Row(
        id=listing_id,
        url=raw.get("url", ""),
        make=vehicle.get("make", ""),
        section=raw.get("searchResultSection", ""),
        model=vehicle.get("model"),
        make_id=_make_id(tracking),
        model_id=vehicle.get("modelId"),
        model_group=vehicle.get("modelGroup"),
        variant=vehicle.get("variant"),
        version=vehicle.get("modelVersionInput"),
        first_registration=tracking.get("firstRegistration"),
        mileage_km=_digits(tracking.get("mileage")),
        price_eur=price.get("priceRaw") or _digits(tracking.get("price")),
        photos=read_gallery(raw.get("images", []), listing_id),
        # "no-placeholder|0.18" where it is a photo
        cover_is_placeholder=tracking.get("imageContent", "").split("|")[0] == "placeholder",
        sponsored=raw.get("searchResultType") == "Nfm",
    )


def _make_id(tracking: Json) -> int | None:
    found = re.search(r"\bmake_id:([0-9]{1,9})\b", tracking.get("modelTaxonomy", ""))
    return int(found[1]) if found else None


def _digits(text: Any) -> int | None:
    """A number that is written in digits only; any other text depends on the language."""
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text) else None


def _reason(row: Row, asked: Slice, understood: int | None) -> str | None:
    """Why a row is left out; None if it is not. `understood` is the model of the page's echo."""
    if not re.fullmatch(GUID, row.id):
        return NO_ID
    if row.section != "Main":
        return NOT_MAIN
    if not same_name(row.make, asked.make) or not _is_model(row, asked, understood):
        return NOT_ASKED
    if not re.match("/[^/]", row.url) or offer_guid(row.url) != row.id:
        return NO_LINK
    return None if len(row.photos) > row.cover_is_placeholder else NO_PHOTOS


def _is_model(row: Row, asked: Slice, understood: int | None) -> bool:
    if asked.model_id is not None:
        return row.model_id == asked.model_id
    if asked.model is None:
        return True
    if None not in {row.model_id, understood}:
        return row.model_id == understood
    return same_name(row.model or "", asked.model)
