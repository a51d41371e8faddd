"""The rows of a search page, with the site's names and types."""

from typing import Any

from synthetic.replica import invented
from synthetic.replica.autoscout24.addresses import gallery_urls, offer_path
from synthetic.replica.autoscout24.sites import COUNTRIES, CountrySite
from synthetic.replica.autoscout24.words import (
    BODY_NAMES,
    FIELD_WORDS,
    FUEL_WORDS,
    GEAR_WORDS,
    grouped,
)
from synthetic.replica.cars import OfferedCar
from synthetic.replica.world import World

Json = dict[str, Any]

PRICE_LABELS = ("toolow-price ", "good-price", "fair-price", "somewhat-expensive")
"""The blank of the first is the site's."""


def row(
    world: World, car: OfferedCar, site: CountrySite, kind: str = "Organic", section: str = "Main"
) -> Json:
    """One row: `kind` is `Organic`, or `Nfm` for a sponsored one."""
    boost = "sponsored" if kind == "Nfm" else "boost"
    return {
        "id": car.guid,
        "identifier": {"legacyId": None, "crossReferenceId": f"crx{car.number}"},
        "crossReferenceId": f"crx{car.number}",
        "images": gallery_urls(world, car, "250x188.webp"),
        "ocsImagesA": [],
        "price": _price(world, car, site),
        "availableNow": True,
        "availability": {"fromDate": None, "inDays": None},
        "superDeal": {"oldPriceFormatted": "", "isEligible": False},
        "url": offer_path(car, site),
        "vehicle": _vehicle(car, site),
        "location": location(car),
        "seller": _seller(car),
        "appliedAdTier": "T50",
        "adTier": "T50",
        "isOcs": False,
        "specialConditions": [],
        "statistics": {"leadsRange": "Some"},
        "searchResultType": kind,
        "searchResultSection": section,
        "tracking": _tracking(car),
        "coverImageAttractiveness": attractiveness(car),
        "vehicleDetails": _details(car, site),
        "wltpValues": [],
        "trackingParameters": [
            {"key": "boost_level", "value": "t50"},
            {"key": "applied_boost_level", "value": "t50"},
            {"key": "relevance_adjustment", "value": boost},
        ],
    }


def price_text(euros: int, site: CountrySite) -> str:
    """A price as displayed."""
    return f"€ {grouped(euros, site.language)}"


def kilometres(car: OfferedCar, site: CountrySite) -> str:
    """A mileage as displayed."""
    return f"{grouped(car.mileage, site.language)} km"


def displacement(car: OfferedCar) -> int:
    """The engine's displacement in cubic centimetres; 0 if it is electric."""
    return 0 if car.fuel == "E" else 899 + car.number % 21 * 100


def location(car: OfferedCar) -> Json:
    """The location of the car; all but the country is invented."""
    return {
        "countryCode": COUNTRIES[car.country][1],
        "zip": f"{invented.MARK}-{car.number % 999}",
        "city": invented.invented_city(car.number),
        "street": invented.street(car.number),
    }


def attractiveness(car: OfferedCar) -> float:
    """The site's score of the first photo, between 0 and 1."""
    return 0.1 + car.number % 7919 / 10_000


def is_private(car: OfferedCar) -> bool:
    """Whether a private person sells the car, not a dealer."""
    return car.number % 5 == 0


def phones(car: OfferedCar) -> list[Json]:
    """The seller's telephones."""
    number = invented.phone(car.number)
    return [{"phoneType": "Office", "formattedNumber": number, "callTo": number}]


def _price(world: World, car: OfferedCar, site: CountrySite) -> Json:
    price = {
        "priceFormatted": price_text(car.price, site),
        "priceEvaluation": car.number % 4,
        "isVatLabelLegallyRequired": False,
        "priceRaw": car.price,
        "isPriceEvaluationEnabled": True,
        "isConditionalPrice": False,
    }
    if world.faults.strikes("missing-price-raw", car.guid, "search"):
        del price["priceRaw"]
    return price


def _vehicle(car: OfferedCar, site: CountrySite) -> Json:
    model = car.model
    body = BODY_NAMES[site.language][str(car.body_id)]
    return {
        "articleType": "Car",
        "type": "Car",
        "make": model.make,
        "model": model.name,
        "modelGroup": model.group_name,
        "variant": body if model.make == "BMW" else None,  # other makes say little there
        "modelId": model.model_id,
        "modelVersionInput": car.title,
        "modelVersionCustom": None,
        "subtitle": invented.company(car.number) if car.number % 2 else None,
        "offerType": car.state,
        "transmission": GEAR_WORDS[site.language][car.gear],
        "fuel": FUEL_WORDS[site.language][car.fuel],
        "mileageInKm": kilometres(car, site),
        "engineDisplacementInCCM": f"{grouped(displacement(car), site.language)} cm³",
        "isCurrentlyDamaged": False,
    }


def _seller(car: OfferedCar) -> Json:
    return {
        "id": f"{car.number % 97:08d}",
        "type": "PrivateSeller" if is_private(car) else "Dealer",
        "companyName": invented.company(car.number),
        "contactName": invented.person(car.number),
        "phones": phones(car),
    }


def _tracking(car: OfferedCar) -> Json:
    model = car.model
    return {
        "firstRegistration": "new" if car.is_new else f"{car.month:02d}-{car.year}",
        "fuelType": car.fuel.lower(),
        "imageContent": f"no-placeholder|{attractiveness(car)}",
        "isSmyleEligible": "false",
        "mileage": str(car.mileage),
        "priceLabel": PRICE_LABELS[car.number % 4],
        "price": str(car.price),
        "orderBucket": "unknown",
        "modelTaxonomy": f"[make_id:{model.make_id}, model_group_id:{model.group_id}];",
    }


def _details(car: OfferedCar, site: CountrySite) -> list[Json]:
    names = FIELD_WORDS[site.language]
    registered = "-/-" if car.is_new else f"{car.month:02d}/{car.year}"
    return [
        _detail(kilometres(car, site), "mileage_odometer", names["mileage"]),
        _detail(GEAR_WORDS[site.language][car.gear], "gearbox", names["gear"]),
        _detail(registered, "calendar", names["registered"]),
        _detail(FUEL_WORDS[site.language][car.fuel], "gas_pump", names["fuel"]),
        _detail(f"{car.power} kW", "speedometer", names["power"]),
        {**_detail("- (l/100 km)", "water_drop", "l/100 km"), "isPlaceholder": True},
    ]


def _detail(text: str, icon: str, label: str) -> Json:
    return {"data": text, "iconName": icon, "ariaLabel": label}
