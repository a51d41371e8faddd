"""The data of an offer's page, with the site's names and types."""

import json
from typing import Any

from synthetic.replica import invented
from synthetic.replica.autoscout24.addresses import gallery_urls, offer_path
from synthetic.replica.autoscout24.rows import (
    Json,
    attractiveness,
    displacement,
    is_private,
    kilometres,
    location,
    phones,
    price_text,
)
from synthetic.replica.autoscout24.sites import COUNTRIES, CountrySite
from synthetic.replica.autoscout24.words import (
    BODY_NAMES,
    BODY_RAW,
    COLOR_WORDS,
    FUEL_WORDS,
    GEAR_WORDS,
    PAINT_WORDS,
    STATE_WORDS,
    grouped,
)
from synthetic.replica.cars import OfferedCar
from synthetic.replica.world import World

_LEGAL = {"U": "UsedVehicle", "N": "NewVehicle", "J": "EmployeeVehicle", "D": "DemoVehicle"}
_RAW_ENGLISH = frozenset({"com", "it", "fr", "lu"})
"""Sites whose pages give the color in English too."""


def details(world: World, car: OfferedCar, site: CountrySite) -> Json:
    """The `listingDetails` of an offer's page."""
    urls = gallery_urls(world, car, "1280x960.webp")
    head = urls[0].rsplit("/", 1)[0] if urls else None
    active = not world.faults.strikes("inactive", car.guid, "offer")
    created = car.created.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "id": car.guid,
        "searchResultType": "Organic",
        "isDeliverable": False,
        "description": invented.chatter(car.number),
        "images": urls,
        "headerImage": f"{head}/120x90.webp" if head else None,
        "youtubeLink": None,
        "isCoverImagePlaceholder": False,
        "coverImageAttractiveness": attractiveness(car),
        "hasThreeSixtyContent": False,
        "threeSixty": None,
        **_prices(world, car, site),
        "availability": {"rawFromDate": None, "fromDate": None, "inDays": None},
        "vehicle": _vehicle(world, car, site),
        "identifier": {
            "offerReference": str(car.number),
            "legacyId": None,
            "crossReferenceId": f"crx{car.number}",
        },
        "location": {**location(car), "latitude": 0.0, "longitude": 0.0},
        "seller": _seller(car),
        "whatsappNumber": invented.phone(car.number),
        "webPage": world.web.base(site.host) + offer_path(car, site),
        "status": "Active" if active else "Inactive",
        "warrantyExists": False,
        "trackingParams": _tracking(car),
        "adTargetingString": _targeting(car),
        "appliedAdTier": "T50",
        "adTier": "T50",
        "specialConditions": [],
        "imgAltText": f"{car.model.make} {car.model.name} {car.title}",
        "createdTimestampWithOffset": created,
        "vehicleType": "ev" if car.fuel == "E" else "ice",
        "articleType": "car",
        "isNew": car.is_new,
    }


def _prices(world: World, car: OfferedCar, site: CountrySite) -> Json:
    text = price_text(car.price, site)
    public: Json = {
        "price": text,
        "priceRaw": car.price,
        "taxDeductible": False,
        "negotiable": car.number % 2 == 0,
        "onRequestOnly": False,
        "netPrice": None,
        "netPriceRaw": None,
        "vatRate": 19 if car.number % 3 == 0 else None,
        "category": car.number % 4,
        "evaluationRanges": None,
    }
    if world.faults.strikes("missing-price-raw", car.guid, "offer"):
        del public["priceRaw"]
    shown = {
        "priceFormatted": text,
        "priceEvaluation": car.number % 4,
        "isVatLabelLegallyRequired": False,
        "isConditionalPrice": False,
    }
    return {"prices": {"isFinalPrice": False, "public": public, "error": None}, "price": shown}


def _color_word(world: World, car: OfferedCar, site: CountrySite) -> str | None:
    """The site's word for the car's color; None if the offer states none."""
    if world.faults.strikes("null-color", car.guid, "offer"):
        return None
    return COLOR_WORDS[site.language].get(str(car.color_id))


def _vehicle(world: World, car: OfferedCar, site: CountrySite) -> Json:
    model, language = car.model, site.language
    color = _color_word(world, car, site)
    vehicle: Json = {
        "licensePlate": invented.plate(car.number),
        "makeId": model.make_id,
        "modelOrModelLineId": model.model_id,
        "make": model.make,
        "model": model.name,
        "modelGroup": model.group_name,
        "variant": BODY_NAMES[language][str(car.body_id)] if model.make == "BMW" else None,
        "modelId": model.model_id,
        "modelGroupIds": [model.group_id],
        "modelGenerationId": 700 + model.model_id % 100,
        "modelVariantId": None,
        "motorTypeId": 1000 + car.number % 97,
        "trimLineId": 2000 + car.number % 89,
        "modelVersionInput": car.title,
        "type": "Car",
        "hsnTsn": None,
        "mileageInKmRaw": car.mileage,
        "mileageInKm": kilometres(car, site),
        "firstRegistrationDateRaw": _registered(car, "{year}-{month:02d}-01"),
        "firstRegistrationDate": _registered(car, "{month:02d}/{year}"),
        "bodyType": BODY_NAMES[language][str(car.body_id)],
        "numberOfSeats": 2 + car.number % 4,
        "numberOfDoors": 3 + car.number % 3,
        "bodyColor": color,
        "paintType": PAINT_WORDS[language]["M" if color and car.number % 2 else "O"],
        "bodyColorOriginal": _maker_color(car) if color else None,
        **_engine(car, language),
        "equipment": _equipment(car),
        "legalCategories": [STATE_WORDS[language][car.state]],
        "legalCategoriesRaw": [_LEGAL[car.state]],
        "hadAccident": False,
        "noOfPreviousOwners": 0 if car.is_new else 1 + car.number % 3,
        "isRental": False,
        "productionYear": str(car.year) if car.is_new else None,
        "rawData": _raw(car, site, color),
        "offerType": car.state,
        "identifier": {"vin": invented.chassis(car.number)},
    }
    if site.tld in _RAW_ENGLISH:
        vehicle["bodyColorRaw"] = color and COLOR_WORDS["en"][str(car.color_id)]
    return vehicle


def _engine(car: OfferedCar, language: str) -> Json:
    cc, horses = displacement(car), round(car.power * 1.36)
    return {
        "powerInKw": f"{car.power} kW",
        "powerInHp": f"{horses} PS",
        "rawPowerInKw": car.power,
        "rawPowerInHp": horses,
        "transmissionType": GEAR_WORDS[language][car.gear],
        "displacementInCCM": f"{grouped(cc, language)} cm³",
        "rawDisplacementInCCM": cc,
        "fuelCategory": {"raw": car.fuel, "formatted": FUEL_WORDS[language][car.fuel]},
    }


def _registered(car: OfferedCar, form: str) -> str | None:
    return None if car.is_new else form.format(year=car.year, month=car.month)


def _maker_color(car: OfferedCar) -> str | None:
    """The maker's name of the color, if the seller gave it."""
    names = ("Polar", "Arktis", "Monza", "Imola")
    if car.number % 3 == 0:
        return None
    return f"{names[car.number % 4]} {COLOR_WORDS['de'].get(str(car.color_id), '')}".strip()


def _equipment(car: OfferedCar) -> Json:
    """Equipment by category; empty for some cars."""
    if car.number % 7 == 0:
        return {}
    item = {"id": "ABS", "categoryName": "Safety", "categoryId": "safetyAndSecurity"}
    return {"safetyAndSecurity": [item]}


def _raw(car: OfferedCar, site: CountrySite, color: str | None) -> Json:
    model, language = car.model, site.language
    body: Json = {"formatted": BODY_NAMES[language][str(car.body_id)], "raw": BODY_RAW[car.body_id]}
    painted: Json | None = {"formatted": color} if color else None
    if painted and site.tld in _RAW_ENGLISH:
        painted["raw"] = COLOR_WORDS["en"][str(car.color_id)]
    return {
        "usageState": "N" if car.is_new else "U",
        "productionDate": None,
        "classification": {
            "type": "Car",
            "modelYear": None,
            "make": {"raw": model.make_id, "formatted": model.make},
            "model": {"raw": model.model_id, "formatted": model.name},
            "modelGroups": [{"raw": model.group_id, "formatted": model.group_name}],
            "modelVariant": None,
            "modelVersionInput": car.title,
        },
        "condition": {
            "firstRegistrationDate": _both(
                _registered(car, "{year}-{month:02d}-01"), _registered(car, "{month:02d}/{year}")
            ),
            "mileageInKm": _both(car.mileage, kilometres(car, site)),
        },
        "bodyType": body,
        "bodyColor": painted,
        "bodyColorOriginal": _maker_color(car) if color else None,
        "identifier": {
            "licensePlate": invented.plate(car.number),
            "vin": invented.chassis(car.number),
        },
    }


def _both(raw: Any, formatted: str | None) -> Json | None:
    return None if raw is None else {"raw": raw, "formatted": formatted}


def _seller(car: OfferedCar) -> Json:
    """The seller with a number as id; in a row of a search the id is a string."""
    return {
        "id": car.number % 97,
        "sellId": car.number % 97,
        "isDealer": not is_private(car),
        "type": "Private" if is_private(car) else "Dealer",
        "companyName": invented.company(car.number),
        "contactName": invented.person(car.number),
        "phones": phones(car),
    }


def _tracking(car: OfferedCar) -> Json:
    model = car.model
    return {
        "classified_recency": "regular",
        "classified_makeId": model.make_id,
        "classified_makeTxt": model.make.lower(),
        "classified_modelID": model.model_id,
        "classified_modelGroupID": model.group_id,
        "classified_modelTxt": model.name.lower(),
        "classified_mileage": car.mileage,
        "classified_power": car.power,
        "classified_price": car.price,
        "classified_fueltype": car.fuel.lower(),
        "classified_transmission": car.gear.lower(),
        "classified_offerType": car.state.lower(),
        "classified_customer_type": "p" if is_private(car) else "d",
        "classified_customerID": str(car.number % 97),
        "classified_zipcode": f"{invented.MARK}-{car.number % 999}",
        "classified_year": str(car.year),
        "classified_bodyType": car.body_id,
        "classified_country": COUNTRIES[car.country][0],
        "classified_tier": "t50",
    }


def _targeting(car: OfferedCar) -> str:
    """The offer's data for advertisers: JSON in a string, all values are strings."""
    told = {
        "did": str(car.number % 97),
        "make": str(car.model.make_id),
        "model": str(car.model.model_id),
        "stmak": car.model.make,
        "stmod": car.model.name,
        "stmil": str(car.mileage),
        "styea": str(car.year),
        "cost": str(car.price),
        "fuel": car.fuel,
        "gear": car.gear,
        "art": str(car.body_id),
        "zip": f"{invented.MARK}-{car.number % 999}",
        "articleType": "C",
    }
    return json.dumps(told, separators=(",", ":"))
