"""The query of a search, parsed from its URL, and the echo of it in the page."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from synthetic.replica.autoscout24.sites import SiteLocale
from synthetic.replica.autoscout24.words import slug_of
from synthetic.replica.fleet import CAR_MODELS, MAKE_NAMES

PAGE_ROWS = 20
_MOST_ROWS = 100
_DEFAULT_ECHO = {
    "sort": "standard", "desc": "0", "atype": "C", "damaged_listing": "exclude",
    "powertype": "kw", "ocs_listing": "include", "lm_premium": "true",
    "specialconditions": "true", "show_nfm": "true", "pricetype": "public",
    "tier_rotation": "true",
}  # fmt: skip
_NOISE = frozenset(_DEFAULT_ECHO) | {"source", "search_id", "query_id", "cat"}
_RANGES = {"freg": "year", "price": "price", "km": "mileage"}
_MMMV = re.compile(r"\d+\|\d*\|\d*\|[^|,]*")


class UnknownParameterError(ValueError):
    """The URL has an unknown parameter; the site answers 404."""


@dataclass(frozen=True, slots=True)
class CarFilter:
    """The wanted cars and their order.

    `models` are pairs of a make id and a model id (None: every model); None means all cars.
    `ranges` are (column of the world, least, greatest). `countries`, `bodies`, `colors` and
    `states` are the site's ids; None means all.
    """

    models: tuple[tuple[int, int | None], ...] | None = None
    countries: tuple[str, ...] = ()
    bodies: tuple[int, ...] | None = None
    colors: tuple[int, ...] | None = None
    states: tuple[str, ...] = ("N", "U")
    ranges: tuple[tuple[str, int, int], ...] = ()
    cars: bool = True
    sort: str = "standard"
    descending: bool = False


@dataclass(frozen=True, slots=True)
class OfferQuery:
    """A search: the filter, the page (from 1), the rows of a page, and the echo."""

    wanted: CarFilter
    page: int = 1
    size: int = PAGE_ROWS
    echo: Mapping[str, str] = field(default_factory=dict)


def parse_query(site: SiteLocale, slugs: tuple[str, ...], given: Mapping[str, str]) -> OfferQuery:
    """Parse a search from the path segments after `/lst` and from the parameters.

    As on the site, an unknown make or model is ignored and everything is searched. Raises
    `UnknownParameterError` for an unknown parameter, for a filter that the replica lacks, and for
    an invalid number.
    """
    given = {name: value for name, value in given.items() if value or name == "cy"}
    echo = {**_DEFAULT_ECHO, "cy": site.cy, **given}
    known = {f"{name}{end}" for name in _RANGES for end in ("from", "to")}
    known |= _NOISE | {"page", "size", "cy", "body", "bcol", "mmmv", "ustate"}
    if unknown := set(given) - known:
        raise UnknownParameterError(", ".join(sorted(unknown)))
    mmmv = given.get("mmmv") or _mmmv_of(slugs)
    models = _models(mmmv)
    echo.pop("mmmv", None)
    if models:
        category = ",".join(category_of(*pair) for pair in models)
        echo |= {"mmmv": mmmv, "cat": category, "mcat": category}
    ranges = []
    for name, column in _RANGES.items():
        low, high = given.get(f"{name}from"), given.get(f"{name}to")
        if low or high:
            ranges.append((column, _number(low, 0), _number(high, 2**31 - 1)))
    wanted = CarFilter(
        models=models,
        countries=_texts(echo["cy"]),
        bodies=_numbers(given.get("body")),
        colors=_numbers(given.get("bcol")),
        states=_texts(given.get("ustate", "N,U")),
        ranges=tuple(ranges),
        cars=echo["atype"] == "C",
        sort=echo["sort"],
        descending=echo["desc"] == "1",
    )
    page, size = _number(given.get("page"), 1), _number(given.get("size"), PAGE_ROWS)
    return OfferQuery(wanted, max(1, page), min(max(2, size), _MOST_ROWS), echo)


def category_of(make_id: int, model_id: int | None) -> str:
    """Make and model as in the site's newer URLs, such as `ma13mo1641`."""
    return f"ma{make_id}" + (f"mo{model_id}" if model_id else "")


def _mmmv_of(slugs: tuple[str, ...]) -> str:
    """The path's make and model as a value of the parameter `mmmv`, such as "13|1641||"; empty if
    the path names no make, or an unknown make or model."""
    if not slugs:
        return ""
    for make_id, make in MAKE_NAMES.items():
        if slug_of(make) == slugs[0]:
            if len(slugs) == 1:
                return f"{make_id}|||"
            for model in CAR_MODELS:
                if model.make_id == make_id and slug_of(model.name) == slugs[1]:
                    return f"{make_id}|{model.model_id}||"
    return ""


def _models(mmmv: str) -> tuple[tuple[int, int | None], ...] | None:
    if not mmmv:
        return None
    pairs = []
    for part in mmmv.split(","):
        if not _MMMV.fullmatch(part):
            raise UnknownParameterError(f"mmmv={mmmv}")
        make, model, *_ = part.split("|")
        pairs.append((int(make), int(model) if model else None))
    return tuple(pairs)


def _numbers(text: str | None) -> tuple[int, ...] | None:
    return tuple(_number(part, 0) for part in text.split(",")) if text else None


def _texts(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _number(text: str | None, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal():
        raise UnknownParameterError(text)
    return int(text)
