"""An offer's page: what it says of the car, and whether it is still the expected listing."""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from core.errors import DriftError, MarqueError, ReasonedError
from crawlers.sites.autoscout24.pages.codes import (
    BODIES,
    RAW_BODIES,
    body_id,
    color_word,
    same_name,
)
from crawlers.sites.autoscout24.pages.drift import lacking
from crawlers.sites.autoscout24.pages.gallery import GalleryPhoto, read_gallery
from crawlers.sites.autoscout24.pages.offer_link import offer_guid
from crawlers.sites.autoscout24.pages.paths import OFFER, PageData, ReducedPage
from crawlers.sites.autoscout24.pages.search import Row

__all__ = [
    "NOT_ACTIVE",
    "NO_OFFER",
    "OTHER_ID",
    "OTHER_MAKE",
    "OfferError",
    "OfferFacts",
    "offer_guid",
    "offer_lacks",
    "parse_offer",
]

NO_OFFER = "page is not an offer"
OTHER_ID = "page is of another offer"
OTHER_MAKE = "listing id is used again for another car"
NOT_ACTIVE = "offer is not active"
DETAIL = "detail"
"""The `pageid` of an offer's page."""
_LABEL = "vehicle.bodyType"
_VITAL = ("listingDetails", "listingDetails.id", "listingDetails.status")


class OfferError(ReasonedError, MarqueError):
    """A page says nothing about the expected listing."""


@dataclass(frozen=True, slots=True)
class OfferFacts:
    """The facts of an offer about its car.

    `color_from` and `body_from` are the paths below `listingDetails` where color and body were
    found. `body_id` is None for an unknown body, and `body_word` then names it.
    `first_registration` is the first day of a month, "2024-05-01".
    """

    id: str
    status: str
    make: str | None
    make_id: int | None
    model: str | None
    model_id: int | None
    model_group: str | None
    variant: str | None
    version: str | None
    color: str | None
    color_from: str
    maker_color: str | None
    body_id: int | None
    body_word: str | None
    body_from: str
    first_registration: str | None
    production_year: int | None
    mileage_km: int | None
    price_eur: int | None
    photos: tuple[GalleryPhoto, ...]
    cover_is_placeholder: bool


def offer_lacks(props: ReducedPage) -> list[str]:
    """The required paths that an offer's page lacks."""
    return [path for path, _ in lacking(props, OFFER)]


def parse_offer(
    props: ReducedPage, *, row: Row, language: str, forgiven: Collection[str] = ()
) -> OfferFacts:
    """Read the offer of `row`; `language` is that of the site's labels.

    Raises `OfferError` if the page is not an offer, is of another listing or make, or is no longer
    active. Raises `DriftError` if it lacks a required path, unless that is one of `forgiven` and
    the rest can be read without it.
    """
    lacks = [path for path in offer_lacks(props) if path in _VITAL or path not in forgiven]
    if "listingDetails" in lacks and props.get("pageid") == DETAIL:
        raise _drifted("listingDetails", row)
    details = props.get("listingDetails")
    if not details:
        raise OfferError(NO_OFFER, f"asked for {row.id}, and the page has no listingDetails")
    _check(details, row, lacks)
    if lacks:
        raise _drifted(lacks[0], row)
    return _facts(details, row, language)


def _drifted(path: str, row: Row) -> DriftError:
    return DriftError(path, f"is not there in the offer {row.id}")


def _facts(details: PageData, row: Row, language: str) -> OfferFacts:
    vehicle = details.get("vehicle") or {}
    color, color_from = color_word(vehicle, language)
    body, body_word, body_from = _body(details, language)
    year = str(vehicle.get("productionYear"))
    return OfferFacts(
        id=details["id"],
        status=details["status"],
        make=vehicle.get("make"),
        make_id=vehicle.get("makeId"),
        model=vehicle.get("model"),
        model_id=vehicle.get("modelId"),
        model_group=vehicle.get("modelGroup"),
        variant=vehicle.get("variant"),
        version=vehicle.get("modelVersionInput"),
        color=color,
        color_from=color_from,
        maker_color=vehicle.get("bodyColorOriginal"),
        body_id=body,
        body_word=body_word,
        body_from=body_from,
        first_registration=vehicle.get("firstRegistrationDateRaw"),
        production_year=int(year) if re.fullmatch("[0-9]{4}", year) else None,
        mileage_km=vehicle.get("mileageInKmRaw"),
        price_eur=_in(details, "prices", "public").get("priceRaw"),
        photos=read_gallery(details.get("images") or [], row.id),
        cover_is_placeholder=bool(details.get("isCoverImagePlaceholder")),
    )


def _in(place: PageData, *names: str) -> PageData:
    """The object at a path of names; empty where there is none."""
    for name in names:
        place = place.get(name) or {}
    return place


def _check(details: PageData, row: Row, lacks: Collection[str]) -> None:
    found = details.get("id")
    if found != row.id and "listingDetails.id" not in lacks:
        raise OfferError(OTHER_ID, f"asked for {row.id}, and the page is of {found}")
    vehicle = details.get("vehicle") or {}
    make, make_id = vehicle.get("make"), vehicle.get("makeId")
    renamed = make is not None and not same_name(make, row.make)
    if renamed or (None not in {make_id, row.make_id} and make_id != row.make_id):
        raise OfferError(OTHER_MAKE, f"{row.id} was {row.make} {row.make_id}, is {make} {make_id}")
    if details.get("status") != "Active" and "listingDetails.status" not in lacks:
        raise OfferError(NOT_ACTIVE, f"{row.id} has the status {details.get('status')!r}")


def _body(details: PageData, language: str) -> tuple[int | None, str | None, str]:
    """The body's id, its word, and where it was found."""
    unknown: tuple[int | None, str | None, str] = (None, None, "")
    for path, code in _bodies(details):
        if path == _LABEL:
            number = body_id(code, language)
        else:
            number = int(code) if re.fullmatch("[0-9]{1,9}", code) else RAW_BODIES.get(code)
        if number in BODIES:
            return number, BODIES[number], path
        if unknown[1] is None:
            unknown = (None, f"body {code}", path)
    return unknown


def _bodies(details: PageData) -> Iterator[tuple[str, str]]:
    """Paths of the body with their values: first the site's number, then its own word, then the
    label in its language."""
    vehicle = _in(details, "vehicle")
    told = json.loads(details.get("adTargetingString") or "{}") or {}
    for path, value in (
        (
            "trackingParams.classified_bodyType",
            _in(details, "trackingParams").get("classified_bodyType"),
        ),
        ("adTargetingString.art", told.get("art")),
        ("vehicle.rawData.bodyType.raw", _in(vehicle, "rawData", "bodyType").get("raw")),
        (_LABEL, vehicle.get("bodyType")),
    ):
        if value not in {None, ""}:
            yield path, str(value).strip()
