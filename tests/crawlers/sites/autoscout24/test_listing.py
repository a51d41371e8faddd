"""Listings as records: the words and photos of real ones, and that nobody's data is in them."""

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest

from core.errors import UsageMistakeError
from core.records import Listing, PhotoLink
from crawlers.sites.autoscout24.pages.codes import BODIES, COUNTRY_SITES
from crawlers.sites.autoscout24.pages.gallery import PHOTO_SIZES, GalleryPhoto
from crawlers.sites.autoscout24.pages.listing import FilterValue, SearchFacts, make_listing, stamp
from crawlers.sites.autoscout24.pages.offer import OfferFacts, parse_offer
from crawlers.sites.autoscout24.pages.paths import reduce_offer, reduce_search
from crawlers.sites.autoscout24.pages.search import Row, parse_search
from crawlers.sites.autoscout24.pages.slices import Slice

Json = dict[str, Any]

GUID = "bf14de34-41f2-58ce-a1b6-44f2e3e7f0d7"
PHOTO = "32e0ce9e-1cec-5419-b012-6420aac8ce65"
PICTURES = "https://prod.pictures.autoscout24.net/listing-images"
I4 = "e6c9d4d1-0d6b-504f-9140-522b7e37a65a"
FIAT = "1a3ee59e-17f0-5889-82b9-78957e782694"


def _rows(props: Json) -> tuple[Row, ...]:
    search = Slice(COUNTRY_SITES["de"], "bmw", model="320")
    return parse_search(reduce_search(props), search=search).rows


def _facts(props: Json, guid: str, make: str) -> tuple[Row, OfferFacts]:
    row = Row(id=guid, url=f"/offers/{guid}", make=make, section="Main", price_eur=1, version="x")
    return row, parse_offer(reduce_offer(props), row=row, language="de")


def _make(
    row: Row,
    facts: OfferFacts | None = None,
    searched: SearchFacts | None = None,
    size: str = PHOTO_SIZES[3],
) -> Listing:
    return make_listing(
        row, facts, searched or SearchFacts(), page_url=f"https://x.org{row.url}", size=size
    )


def test_a_real_row_whose_color_and_body_a_search_tells(real_search: Json) -> None:
    row = _rows(real_search)[0]
    listing = _make(
        row,
        searched=SearchFacts(FilterValue(10, "Red"), FilterValue(4, BODIES[4])),
        size="1280x960",
    )
    assert (listing.source, listing.listing_id) == ("autoscout24", GUID)
    assert listing.page_url == f"https://x.org{row.url}"
    assert listing.words == {
        "make": "BMW",
        "model": "320",
        "model_group": "3er",
        "variant": "Limousine",
        "version": "d xDrive Mild-Hybrid Aut.",
        "first_registration": "05-2024",
        "mileage_km": "74983",
        "price_eur": "20000",
        "color": "Red",
        "color_from": "search by bcol=10",
        "body_type": "SUV/Geländewagen/Pickup",
        "body_type_from": "search by body=4",
    }
    assert len(listing.photos) == 18
    assert listing.photos[0] == PhotoLink(
        f"{GUID}/{PHOTO}", f"{PICTURES}/{GUID}_{PHOTO}.jpg/1280x960.jpg", "1280x960"
    )
    assert listing.license is None


def test_a_real_row_alone_says_nothing_of_color_and_body(real_search: Json) -> None:
    for row in _rows(real_search):
        words = _make(row).words
        assert words.keys().isdisjoint({"color", "color_from", "body_type", "body_type_from"})


def test_a_real_offer_goes_before_its_row_and_searches(real_offer_de: Json) -> None:
    row, facts = _facts(real_offer_de, I4, "BMW")
    listing = _make(row, facts, SearchFacts(FilterValue(10, "Red"), FilterValue(6, BODIES[6])))
    assert listing.words == {
        "make": "BMW",
        "model": "i4",
        "model_group": "i4",
        "version": "eDrive40 Gran Coupé DAB Tempomat Klimaaut.",
        "first_registration": "2022-08-01",
        "mileage_km": "790",
        "price_eur": "34990",
        "maker_color": "Skyscraper Grau",
        "status": "Active",
        "color": "Grey",
        "color_from": "offer page vehicle.bodyColor",
        "body_type": "Coupé",
        "body_type_from": "offer page trackingParams.classified_bodyType",
    }
    assert len(listing.photos) == 22


def test_an_offer_without_a_color_leaves_it_to_searches(real_offer_de: Json) -> None:
    row, facts = _facts(real_offer_de, I4, "BMW")
    facts = replace(facts, color=None, color_from="", body_word=None, body_id=None, body_from="")
    words = _make(row, facts, SearchFacts(FilterValue(6, "Grey"))).words
    assert (words["color"], words["color_from"]) == ("Grey", "search by bcol=6")
    assert "body_type" not in words


@pytest.mark.parametrize("size", PHOTO_SIZES)
def test_photos_are_asked_for_as_jpeg_in_the_size(real_search: Json, size: str) -> None:
    for row in _rows(real_search):
        listing = _make(row, size=size)
        assert len(listing.photos) == len(row.photos)
        for photo, link in zip(row.photos, listing.photos, strict=True):
            assert link.url == f"{photo.stem}/{size}.jpg"
            assert (link.source_id, link.version) == (f"{row.id}/{photo.guid}", size)


def test_a_png_is_asked_for_as_jpeg(real_search: Json) -> None:
    links = [photo.url for photo in _make(_rows(real_search)[4]).photos]
    assert sum(link.endswith(".png/720x540.jpg") for link in links) == 2


@pytest.mark.parametrize("size", ["800x600", "1280x960.jpg", ""])
def test_a_size_that_the_site_does_not_have(real_search: Json, size: str) -> None:
    with pytest.raises(UsageMistakeError, match="1280x960"):
        _make(_rows(real_search)[0], size=size)


def test_a_cover_that_is_a_placeholder_is_left_out(real_search: Json, real_offer_de: Json) -> None:
    row = replace(_rows(real_search)[0], cover_is_placeholder=True)
    assert len(_make(row).photos) == 17
    assert PHOTO not in _make(row).photos[0].source_id
    row, facts = _facts(real_offer_de, I4, "BMW")
    assert len(_make(row, replace(facts, cover_is_placeholder=True)).photos) == 21


def test_a_stamp_is_of_the_car_and_its_gallery(real_search: Json) -> None:
    row = _rows(real_search)[0]
    other = GalleryPhoto(I4, row.photos[0].stem)
    same = {
        stamp(row),
        stamp(replace(row, price_eur=1, mileage_km=2, sponsored=False, url="/x")),
        stamp(replace(row, photos=row.photos[::-1])),
    }
    changed = {
        stamp(replace(row, make="Fiat")),
        stamp(replace(row, model="318")),
        stamp(replace(row, version="d")),
        stamp(replace(row, first_registration="06-2024")),
        stamp(replace(row, photos=row.photos[1:])),
        stamp(replace(row, photos=(*row.photos, other))),
    }
    assert len(same) == 1
    assert len(changed | same) == 7


def test_a_stamp_is_the_same_on_every_machine() -> None:
    row = Row(id=GUID, url="/x", make="Fiat", section="Main", photos=(GalleryPhoto(PHOTO, "s"),))
    # of the text [2, "Fiat", null, null, null, ["32e0ce9e-..."]], by another program
    assert stamp(row) == "f9ce4db82ec0840de47ed71542779c2b"


PERSONAL = (
    "seller",
    "location",
    "whatsappNumber",
    "licensePlate",
    "identifier",
    "crossReferenceId",
    "description",
    "classified_zipcode",
    "classified_customerID",
    "pageTitle",
)


def _personal(value: Any, below: bool = False) -> Iterator[str]:
    """The texts and numbers under a key that is about a person or names one car in the world."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _personal(item, below or key in PERSONAL)
    elif isinstance(value, list):
        for item in value:
            yield from _personal(item, below)
    elif below and value is not None and len(str(value)) > 4:
        yield str(value)


def _marked(value: Any, below: bool = False) -> Any:
    """The page with a mark for each of these, for the real ones were taken out of it."""
    if isinstance(value, dict):
        return {key: _marked(item, below or key in PERSONAL) for key, item in value.items()}
    if isinstance(value, list):
        return [_marked(item, below) for item in value] or (["Mustermann"] if below else [])
    return "Mustermann" if below else value


def _kept(search: Json, offers: list[Json]) -> str:
    """Everything that is held of these pages, as one text."""
    held: list[Any] = [reduce_search(search)]
    held += [asdict(_make(row)) for row in _rows(search)]
    for props, guid, make in zip(offers, (I4, FIAT), ("BMW", "Fiat"), strict=True):
        held += [reduce_offer(props), asdict(_make(*_facts(props, guid, make)))]
    return json.dumps(held, ensure_ascii=False)


def test_nobody_is_in_a_record(
    real_search: Json, real_offer_de: Json, real_offer_com: Json
) -> None:
    offers = [real_offer_de, real_offer_com]
    words = {word for page in (real_search, *offers) for word in _personal(page)}
    assert {"53474", "37574", "50433550", "Example", "+00 000 000000"} <= words
    assert real_offer_com["listingDetails"]["vehicle"]["identifier"]["vin"] in words
    kept = _kept(real_search, offers)
    assert [word for word in words if word in kept] == []


def test_nobody_would_be_in_a_record(
    real_search: Json, real_offer_de: Json, real_offer_com: Json
) -> None:
    pages = [_marked(page) for page in (real_search, real_offer_de, real_offer_com)]
    assert json.dumps(pages).count("Mustermann") > 100
    kept = _kept(pages[0], pages[1:])
    assert "Mustermann" not in kept
    assert kept == _kept(real_search, [real_offer_de, real_offer_com])
