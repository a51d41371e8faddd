"""The record of a listing: a row of a search, with what its offer and narrowed searches add."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, NamedTuple

from core.records import Listing, PhotoLink
from crawlers.sites.autoscout24.pages.codes import SOURCE
from crawlers.sites.autoscout24.pages.gallery import GalleryPhoto, photo_url
from crawlers.sites.autoscout24.pages.offer import OfferFacts
from crawlers.sites.autoscout24.pages.search import Row

READER = 2
"""Raise it when more is read of an offer, or in another way: known listings are then read anew."""


class Narrowed(NamedTuple):
    """What a search was narrowed to: the site's id, and the word that is kept."""

    id: int
    word: str


@dataclass(frozen=True, slots=True)
class Searched:
    """The color and the body by which searches found a listing."""

    color: Narrowed | None = None
    body: Narrowed | None = None


def make_listing(
    row: Row, facts: OfferFacts | None, searched: Searched, *, page_url: str, size: str
) -> Listing:
    """The record of a listing; its photos are fetched in `size`, one of `gallery.SIZES`.

    The offer goes before the row, and the row before narrowed searches. The words `color_from` and
    `body_type_from` name where color and body come from. Raises
    `UsageMistakeError` if there is no such size.
    """
    words = _shared(row, facts) | _color(facts, searched) | _body(facts, searched)
    return Listing(
        source=SOURCE,
        listing_id=row.id,
        page_url=page_url,
        stamp=stamp(row),
        words={name: str(value) for name, value in words.items() if value not in {None, ""}},
        photos=tuple(
            PhotoLink(f"{row.id}/{photo.guid}", photo_url(photo, size), version=size)
            for photo in _photos(row, facts)
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


def _color(facts: OfferFacts | None, searched: Searched) -> dict[str, Any]:
    if facts and facts.color:
        return {"color": facts.color, "color_from": f"offer page {facts.color_from}"}
    if searched.color is None:
        return {}
    return {
        "color": searched.color.word,
        "color_from": f"search by bcol={searched.color.id}",
    }


def _body(facts: OfferFacts | None, searched: Searched) -> dict[str, Any]:
    if facts and facts.body_word:
        return {"body_type": facts.body_word, "body_type_from": f"offer page {facts.body_from}"}
    if searched.body is None:
        return {}
    return {
        "body_type": searched.body.word,
        "body_type_from": f"search by body={searched.body.id}",
    }


def _photos(row: Row, facts: OfferFacts | None) -> tuple[GalleryPhoto, ...]:
    """The gallery without a placeholder cover; the offer's gallery where the offer was read."""
    shown = facts if facts and facts.photos else row
    return shown.photos[1:] if shown.cover_is_placeholder else shown.photos


def stamp(row: Row) -> str:
    """32 hex digits that change with the car or its gallery, and not with price or mileage."""
    photos = sorted(photo.guid for photo in row.photos)
    content = [READER, row.make, row.model, row.version, row.first_registration, photos]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]
