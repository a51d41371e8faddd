"""Every path of the replica's data is one of the site's own data, with the same types there."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crawlers.sites.autoscout24.pages.paths import OFFER as READ_OFFER
from crawlers.sites.autoscout24.pages.paths import SEARCH as READ_SEARCH
from synthetic.replica.autoscout24 import words
from synthetic.replica.server import start_replica
from synthetic.replica.world import World
from tests.synthetic.replica.asking import Client, offer_path

Types = dict[str, set[str]]

UNSEEN = {
    "translations": {"dict"},  # cut out of the real file; its words hold "captcha"
    "listings[].vehicle.variant": {"NoneType"},  # in 29 of 79 rows that were counted
    "listings[].seller.phones[]": {"dict"},  # emptied in the real files, as it is personal
    # Echoed if asked for, as everything is.
    **{f"pageQuery.{name}": {"str"} for name in ("size", "page", "ustate", "fregfrom", "fregto")},
    **{f"pageQuery.{name}": {"str"} for name in ("body", "bcol")},
    "listingDetails.seller.phones[]": {"dict"},
    "listingDetails.vehicle.licensePlate": {"str"},  # filled here, to show that it is never kept
    "listingDetails.description": {"str"},
    "listingDetails.vehicle.rawData.identifier.licensePlate": {"str"},
    "listingDetails.vehicle.bodyColorRaw": {"NoneType"},  # as pages of early 2026 have it
    "listingDetails.vehicle.productionYear": {"str"},  # null of both real cars
    # Null where there is nothing to say, which the two real cars do not show.
    "listingDetails.vehicle.bodyColor": {"NoneType"},
    "listingDetails.vehicle.bodyColorOriginal": {"NoneType"},
    "listingDetails.vehicle.rawData.bodyColor": {"NoneType"},
    "listingDetails.vehicle.rawData.bodyColorOriginal": {"NoneType"},
    "listingDetails.vehicle.firstRegistrationDate": {"NoneType"},
    "listingDetails.vehicle.firstRegistrationDateRaw": {"NoneType"},
    "listingDetails.vehicle.rawData.condition.firstRegistrationDate": {"NoneType"},
}
"""What the real files do not show, each with its reason."""

PAGE = """
    pageQuery.mmmv pageQuery.cy pageQuery.sort numberOfResults numberOfPages numberOfOcsResults
    cultureInfo.isoCulture cultureInfo.tld trafficAnalysisResult deliverableTailTotalItems
    taxonomy.makes.*.value taxonomy.makes.*.label taxonomy.models.*[].value
    taxonomy.models.*[].label taxonomy.models.*[].makeId taxonomy.bodyColor[].value
    taxonomy.bodyType[].value taxonomy.bodyType[].label
"""
ROW = """
    id identifier.crossReferenceId url images[] price.priceFormatted price.priceRaw
    price.priceEvaluation price.isConditionalPrice vehicle.articleType vehicle.type vehicle.make
    vehicle.model vehicle.modelGroup vehicle.variant vehicle.modelId vehicle.modelVersionInput
    vehicle.offerType vehicle.transmission vehicle.fuel vehicle.mileageInKm
    vehicle.engineDisplacementInCCM location.countryCode location.zip location.city
    location.street seller.id seller.type seller.companyName seller.contactName seller.phones
    tracking.firstRegistration tracking.fuelType tracking.mileage tracking.price
    tracking.priceLabel tracking.imageContent tracking.modelTaxonomy tracking.orderBucket
    vehicleDetails[].data vehicleDetails[].iconName searchResultType searchResultSection
    appliedAdTier isOcs availability trackingParameters[].key
"""
OFFER = """
    id webPage status articleType createdTimestampWithOffset vehicle.make vehicle.makeId
    vehicle.model vehicle.modelId vehicle.modelGroup vehicle.variant vehicle.modelGenerationId
    vehicle.modelVersionInput vehicle.bodyType vehicle.rawData.bodyType.raw
    vehicle.rawData.bodyType.formatted trackingParams.classified_bodyType vehicle.bodyColor
    vehicle.bodyColorRaw vehicle.rawData.bodyColor.raw vehicle.rawData.bodyColor.formatted
    vehicle.bodyColorOriginal vehicle.paintType vehicle.firstRegistrationDateRaw
    vehicle.firstRegistrationDate vehicle.productionYear vehicle.mileageInKmRaw
    vehicle.mileageInKm prices.public.priceRaw prices.public.price prices.public.taxDeductible
    prices.public.vatRate prices.public.netPriceRaw prices.public.onRequestOnly
    prices.public.negotiable price.priceFormatted price.isConditionalPrice images[] headerImage
    isCoverImagePlaceholder threeSixty youtubeLink vehicle.numberOfDoors vehicle.numberOfSeats
    vehicle.rawPowerInKw vehicle.rawPowerInHp vehicle.rawDisplacementInCCM
    vehicle.transmissionType vehicle.fuelCategory.raw vehicle.noOfPreviousOwners
    vehicle.hadAccident vehicle.offerType vehicle.hsnTsn vehicle.licensePlate vehicle.isRental
    vehicle.legalCategoriesRaw location.latitude location.street seller.id seller.isDealer
    seller.phones
"""
WANTED = [
    *PAGE.split(),
    *(f"listings[].{path}" for path in ROW.split()),
    *(f"listingDetails.{path}" for path in OFFER.split()),
]
"""What a reader of the site's pages could want of them."""


ASKED = "fregfrom=1990&fregto=2026&body=1,2,3,4,5,6&bcol=2,6,10,11,14&ustate=N,U&size=50"


def paths(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each path with the type that is there; items of a list are one path, numbered keys too."""
    yield path, type(value).__name__
    if isinstance(value, dict):
        for key, inner in value.items():
            name = "*" if key.isdecimal() else key
            yield from paths(inner, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{path}[]")
    elif path.endswith("adTargetingString"):  # JSON in a text
        yield from (
            (f"{path}{{}}.{key}", type(text).__name__) for key, text in json.loads(value).items()
        )


def types(*pages: Any) -> Types:
    found: Types = {}
    for page in pages:
        for path, kind in paths(page):
            found.setdefault(path, set()).add(kind)
    return found


@pytest.fixture(scope="module")
def real(shared_data: Path) -> Types:
    folder = shared_data / "autoscout24"
    search, offer = (
        json.loads((folder / name).read_text(encoding="utf-8"))["props"]["pageProps"]
        for name in ("search_de_2026-07.next_data.json", "detail_de_2026-01.next_data.json")
    )
    other = json.loads((folder / "detail_com_2026-05.listing_details.json").read_text("utf-8"))
    return types(search, offer, {"listingDetails": other})


@pytest.fixture(scope="module")
def played() -> Types:
    with start_replica(World(seed=4, listings=200, photos=2, sites=["it"])) as replica:
        client = Client(replica)
        searches = [
            client.get("www.autoscout24.it", f"/lst/bmw?{ASKED}&page={n}").props for n in (1, 2)
        ]
        searches.append(client.get("www.autoscout24.com", "/lst?cy=I&ustate=N,U&size=50").props)
        hosts = ("www.autoscout24.it", "www.autoscout24.de", "www.autoscout24.com")
        offers = [
            client.get(host, offer_path(client, number, host)).props
            for host in hosts
            for number in range(100)
        ]
        return types(*searches, *offers)


def test_every_path_of_the_replica_is_the_sites_with_its_types(real: Types, played: Types) -> None:
    below = tuple(f"{path}." for path, kinds in UNSEEN.items() if kinds == {"dict"})
    wrong = {
        path: kinds - real.get(path, set()) - UNSEEN.get(path, set())
        for path, kinds in played.items()
        if not path.startswith(below)
    }
    assert {path: kinds for path, kinds in wrong.items() if kinds} == {}


def test_what_pages_are_read_for_is_there(real: Types, played: Types) -> None:
    assert [path for path in WANTED if path not in played] == []
    assert [path for path in WANTED if path not in real] == []


def test_what_the_parsers_read_is_there_with_types_that_they_know(played: Types) -> None:
    for field in (*READ_SEARCH, *READ_OFFER):
        kinds = {kind.__name__ for kind in field.kinds} | (
            {"NoneType"} if field.optional else set()
        )
        assert field.path in played, field
        assert played[field.path] <= kinds, field


def test_what_the_real_files_do_not_show_is_still_not_shown(real: Types, played: Types) -> None:
    """An exception that is no longer needed would hide a mistake."""
    for path, kinds in UNSEEN.items():
        assert kinds <= played.get(path, set()), path
        assert not kinds <= real.get(path, set()), path


def test_the_words_are_the_sites(shared_data: Path) -> None:
    codes = json.loads((shared_data / "autoscout24" / "codes.json").read_text("utf-8"))
    for name, table in (
        ("bodyType", words.BODY_NAMES), ("bodyColor", words.COLOR_WORDS),
        ("fuelType", words.FUEL_WORDS), ("gearing", words.GEAR_WORDS),
        ("offer", words.STATE_WORDS), ("bodyPainting", words.PAINT_WORDS),
        ("country", words.COUNTRY_NAMES),
    ):  # fmt: skip
        for language in ("de", "nl", "it", "en", "fr"):
            real = {key: by[language] for key, by in codes[name].items() if language in by}
            ours = table[language]
            assert {key: ours[key] for key in ours if key in real} == {
                key: real[key] for key in ours if key in real
            }
    assert set(words.COLOR_WORDS["de"]) == set(codes["bodyColor"])
    assert set(words.BODY_NAMES["de"]) == set(codes["bodyType"])
