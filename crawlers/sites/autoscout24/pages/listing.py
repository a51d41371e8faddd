"""The record of a listing: a row of a search, with what its offer and narrowed searches add."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.records import Listing, PhotoLink
from crawlers.sites.autoscout24.pages.codes import SOURCE
from crawlers.sites.autoscout24.pages.gallery import photo_url
from crawlers.sites.autoscout24.pages.offer import OfferFacts
from crawlers.sites.autoscout24.pages.search import Row

READER = 2
"""Raise it when an offer is read differently: known listings are then read again."""


class FilterValue(NamedTuple):
    """A color or a body that narrows a search: the site's id, and the kept word."""

    id: int
    word: str


@dataclass(frozen=True, slots=True)
class SearchFacts:
    """The color and the body by which searches found a listing."""

    color: FilterValue | None = None
    body: FilterValue | None = None


def make_listing(
    row: Row, facts: OfferFacts | None, searched: SearchFacts, *, page_url: str, size: str
) -> Listing:
    """The record of a listing; its photos are fetched in `size`, one of `gallery.PHOTO_SIZES`.

    Words of the offer count more than those of the row, and both more than narrowed searches. The
    words `color_from` and `body_type_from` name where color and body come from. Raises
    `UsageMistakeError` if there is no such size.
    """
    words = _shared(row, facts) | _color_and_body(facts, searched)
    # The offer's gallery if the offer was read.
    gallery = facts if facts and facts.photos else row
    return Listing(
        source=SOURCE,
        listing_id=row.id,
        page_url=page_url,
        stamp=stamp(row),
        words={name: str(value) for name, value in words.items() if value not in {None, ""}},
        photos=tuple(
            PhotoLink(f"{row.id}/{photo.guid}", photo_url(photo, size), version=size)
            for photo in gallery.photos[bool(gallery.cover_is_placeholder) :]
        ),
    )


def _shared(row: Row, facts: OfferFacts | None) -> dict[str, Any]:
    names = (
        "make",
        "model",
        "model_group",
        "variant",
        "version",
        "first_registration",
        "mileage_km",
        "price_eur",
    )
    words = {name: getattr(row, name) for name in names}
    if facts is None:
        return words
    said = {name: getattr(facts, name) for name in names if getattr(facts, name) is not None}
    more = {name: getattr(facts, name) for name in ("maker_color", "production_year", "status")}
    return words | said | more


def _color_and_body(facts: OfferFacts | None, searched: SearchFacts) -> dict[str, Any]:
    color = body = color_from = body_from = None
    if facts and facts.color:
        color, color_from = facts.color, f"offer page {facts.color_from}"
    elif searched.color:
        color, color_from = searched.color.word, f"search by bcol={searched.color.id}"
    if facts and facts.body_word:
        body, body_from = facts.body_word, f"offer page {facts.body_from}"
    elif searched.body:
        body, body_from = searched.body.word, f"search by body={searched.body.id}"
    return {
        "color": color, "color_from": color_from, "body_type": body, "body_type_from": body_from
    }  # fmt: skip


def stamp(row: Row) -> str:
    """32 hex digits that change with the car or its gallery, and not with price or mileage."""
    photos = sorted(photo.guid for photo in row.photos)
    content = [READER, row.make, row.model, row.version, row.first_registration, photos]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
