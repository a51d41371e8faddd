"""Offer pages: two real ones, their facts written by hand, and what those pages do not show."""

import copy
from typing import Any

import pytest

from crawlers.sites.autoscout24.pages import offer
from crawlers.sites.autoscout24.pages.codes import BODIES, COUNTRY_SITES
from crawlers.sites.autoscout24.pages.offer import OfferError, OfferFacts, offer_guid, parse_offer
from crawlers.sites.autoscout24.pages.paths import reduce_offer
from crawlers.sites.autoscout24.pages.search import Row

Json = dict[str, Any]

I4 = "e6c9d4d1-0d6b-504f-9140-522b7e37a65a"
FIAT = "1a3ee59e-17f0-5889-82b9-78957e782694"
STEM = "https://prod.pictures.autoscout24.net/listing-images/{}_{}.jpg"


def _row(guid: str, make: str, make_id: int | None = None) -> Row:
    return Row(id=guid, url=f"/angebote/{guid}", make=make, make_id=make_id, section="Main")


def _parse(props: Json, row: Row | None = None, language: str = "de") -> OfferFacts:
    row = row or _row(I4, "BMW", 13)
    return parse_offer(reduce_offer(props), row=row, language=language)


def _changed(props: Json, **values: Any) -> Json:
    """The offer with other values: `vehicle__bodyColor=None` is `vehicle.bodyColor`."""
    props = copy.deepcopy(props)
    for name, value in values.items():
        *parents, key = name.split("__")
        target = props["listingDetails"]
        for parent in parents:
            target = target[parent]
        target[key] = value
    return props


def test_a_real_offer_with_german_labels(real_offer_de: Json) -> None:
    facts = _parse(real_offer_de)
    assert (facts.id, facts.status) == (I4, "Active")
    assert (facts.make, facts.make_id) == ("BMW", 13)
    assert (facts.model, facts.model_id, facts.model_group) == ("i4", 75941, "i4")
    assert (facts.variant, facts.version) == (None, "eDrive40 Gran Coupé DAB Tempomat Klimaaut.")
    assert (facts.color, facts.color_from) == ("Grey", "vehicle.bodyColor")
    assert facts.maker_color == "Skyscraper Grau"
    assert (facts.body_id, facts.body_word) == (3, "Coupé")
    assert facts.body_from == "trackingParams.classified_bodyType"
    assert facts.first_registration == "2022-08-01"
    assert (facts.mileage_km, facts.price_eur, facts.production_year) == (790, 34990, None)
    first, last = "c9f83c98-1e3b-5772-8fbc-fefca9424478", "4f03aebb-9fef-57cd-98b9-e864cd26ecee"
    assert len(facts.photos) == 22
    assert facts.photos[0] == (first, STEM.format(I4, first))
    assert facts.photos[-1] == (last, STEM.format(I4, last))
    assert not facts.cover_is_placeholder


def test_a_real_offer_with_english_labels(real_offer_com: Json) -> None:
    facts = _parse(real_offer_com, _row(FIAT, "Fiat", 28), "en")
    assert (facts.id, facts.status) == (FIAT, "Active")
    assert (facts.make, facts.make_id) == ("Fiat", 28)
    assert (facts.model, facts.model_id, facts.model_group) == ("500", 15160, "500")
    assert (facts.variant, facts.version) == ("500", "Lim. Dolcevita 1.0*PDCh*DAB*Klima*uvm")
    assert (facts.color, facts.color_from) == ("White", "vehicle.bodyColorRaw")
    assert facts.maker_color == "Weiß"
    assert (facts.body_id, facts.body_word) == (6, "Limousine")
    assert facts.first_registration == "2022-10-01"
    assert (facts.mileage_km, facts.price_eur, facts.production_year) == (28558, 13270, None)
    first, last = "c4a0606f-dfb5-5de0-8b5c-325bfe98770b", "f6e86654-7267-52d4-85e3-c4c0ef5240c5"
    assert len(facts.photos) == 18
    assert facts.photos[0] == (first, STEM.format(FIAT, first))
    assert facts.photos[-1] == (last, STEM.format(FIAT, last))


@pytest.mark.parametrize(("code", "word"), [("3", "Coupé"), (4, "SUV/Geländewagen/Pickup")])
def test_a_body_id_is_a_number_or_its_digits(
    real_offer_de: Json, code: int | str, word: str
) -> None:
    facts = _parse(_changed(real_offer_de, trackingParams__classified_bodyType=code))
    assert (facts.body_id, facts.body_word) == (int(code), word)


def test_a_missing_body_id_is_looked_for_elsewhere(real_offer_de: Json) -> None:
    without = _changed(real_offer_de, trackingParams={})
    facts = _parse(without)
    assert (facts.body_id, facts.body_from) == (3, "adTargetingString.art")
    without["listingDetails"]["adTargetingString"] = "not JSON"
    facts = _parse(without)
    assert (facts.body_id, facts.body_from) == (3, "vehicle.rawData.bodyType.raw")
    without["listingDetails"]["vehicle"]["rawData"]["bodyType"] = None
    facts = _parse(without)
    assert (facts.body_id, facts.body_from) == (3, "vehicle.bodyType")
    without["listingDetails"]["vehicle"]["bodyType"] = None
    facts = _parse(without)
    assert (facts.body_id, facts.body_word, facts.body_from) == (None, None, "")


def test_a_raw_body_of_an_estate(real_offer_de: Json) -> None:
    """Two words in English, one word there."""
    raw = {"raw": "StationWagon", "formatted": "Kombi"}
    page = _changed(
        real_offer_de, trackingParams={}, adTargetingString=None, vehicle__rawData__bodyType=raw
    )
    facts = _parse(page)
    assert (facts.body_id, facts.body_word) == (5, "Kombi")
    assert facts.body_from == "vehicle.rawData.bodyType.raw"


@pytest.mark.parametrize(
    ("label", "number"), [("Familiar", 5), ("Coche pequeño", 1), ("Sedán", 6), ("Deportivo", None)]
)
def test_a_spanish_body_is_read_by_its_label(
    real_offer_de: Json, label: str, number: int | None
) -> None:
    page = _changed(
        real_offer_de,
        trackingParams={},
        adTargetingString=None,
        vehicle__rawData__bodyType=None,
        vehicle__bodyType=label,
    )
    facts = _parse(page, language="es")
    assert facts.body_id == number
    assert facts.body_word == (BODIES[number] if number else f"body {label}")


@pytest.mark.parametrize(
    ("said", "year"), [("2026", 2026), (2026, 2026), (None, None), ("", None), ("09/2026", None)]
)
def test_a_production_year_is_a_text_of_four_digits(
    real_offer_de: Json, said: Any, year: int | None
) -> None:
    assert _parse(_changed(real_offer_de, vehicle__productionYear=said)).production_year == year


def test_an_unknown_body_is_reported_and_not_guessed(real_offer_de: Json) -> None:
    new_id = _changed(real_offer_de, trackingParams__classified_bodyType=14)
    assert _parse(new_id).body_from == "adTargetingString.art"
    new_id["listingDetails"]["adTargetingString"] = None
    new_id["listingDetails"]["vehicle"]["rawData"]["bodyType"]["raw"] = "Van"
    new_id["listingDetails"]["vehicle"]["bodyType"] = "Lieferwagen"
    facts = _parse(new_id)
    assert (facts.body_id, facts.body_word) == (None, "body 14")
    assert facts.body_from == "trackingParams.classified_bodyType"


def test_no_color_is_no_color(real_offer_de: Json) -> None:
    facts = _parse(
        _changed(real_offer_de, vehicle__bodyColor=None, vehicle__rawData__bodyColor=None)
    )
    assert (facts.color, facts.color_from) == (None, "")


@pytest.mark.parametrize("status", ["Inactive", "Deleted", None])
def test_an_offer_that_is_not_active(real_offer_de: Json, status: str | None) -> None:
    with pytest.raises(OfferError, match=I4) as caught:
        _parse(_changed(real_offer_de, status=status))
    assert caught.value.reason == offer.NOT_ACTIVE


def test_an_answer_about_another_offer(real_offer_de: Json) -> None:
    with pytest.raises(OfferError, match=I4) as caught:
        _parse(real_offer_de, _row(FIAT, "BMW", 13))
    assert caught.value.reason == offer.OTHER_ID


@pytest.mark.parametrize(("make", "make_id"), [("Fiat", 28), ("Fiat", None), ("BMW", 28)])
def test_an_id_that_is_used_again(real_offer_de: Json, make: str, make_id: int | None) -> None:
    with pytest.raises(OfferError, match=r"used again.*BMW") as caught:
        _parse(real_offer_de, _row(I4, make, make_id))
    assert caught.value.reason == offer.OTHER_MAKE


def test_a_page_that_is_no_offer() -> None:
    with pytest.raises(OfferError) as caught:
        _parse({"pageid": "home"})
    assert caught.value.reason == offer.NO_OFFER


@pytest.mark.parametrize(
    ("url", "guid"),
    [
        (f"https://www.autoscout24.de/angebote/bmw-i4-elektro-grau-{I4}", I4),
        (f"https://www.autoscout24.de/angebote/bmw-i4-{I4}?sort=age&position=1", I4),
        (f"/offers/x-cat_ma13mo75941-{I4}#photos", I4),
        (f"/angebote/{I4}/", I4),
        (f"/angebote/{I4}-verkauft", None),
        (f"/lst/bmw?id={I4}", None),
        (f"/angebote/x{I4}", None),
        ("https://www.autoscout24.it/lst/bmw", None),
        ("", None),
    ],
)
def test_the_id_in_the_link_of_an_offer(url: str, guid: str | None) -> None:
    assert offer_guid(url) == guid


def test_the_id_in_real_links(real_search: Json, real_offer_de: Json) -> None:
    for row in real_search["listings"]:
        assert offer_guid(row["url"]) == row["id"]
    assert offer_guid(real_offer_de["listingDetails"]["webPage"]) == I4


def test_every_site_names_its_offers() -> None:
    assert {site.offers for site in COUNTRY_SITES.values()} == {
        "/angebote/",
        "/annunci/",
        "/aanbod/",
        "/fr/offres/",
        "/nl/aanbod/",
        "/offres/",
        "/offers/",
        "/anuncios/",
    }
