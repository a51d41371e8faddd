"""The data of a car on offer, with the site's names and types: a row of a search, and a page."""

import json
from typing import Any

from synthetic.replica.autoscout24.addresses import gallery_urls, offer_path
from synthetic.replica.autoscout24.fill import OMITTED, JsonObject, fill, load_template
from synthetic.replica.autoscout24.sites import COUNTRIES, SiteLocale
from synthetic.replica.autoscout24.words import (
    BODY_NAMES,
    BODY_RAW,
    COLOR_WORDS,
    FIELD_WORDS,
    FUEL_WORDS,
    GEAR_WORDS,
    PAINT_WORDS,
    STATE_WORDS,
    grouped,
)
from synthetic.replica.cars import OfferedCar
from synthetic.replica.invented import seller_facts
from synthetic.replica.world import World

_PRICE_LABELS = ("toolow-price ", "good-price", "fair-price", "somewhat-expensive")
"""The blank of the first is the site's."""

_LEGAL = {"U": "UsedVehicle", "N": "NewVehicle", "J": "EmployeeVehicle", "D": "DemoVehicle"}
_MAKER_COLORS = ("Polar", "Arktis", "Monza", "Imola")
_EQUIPMENT = {"id": "ABS", "categoryName": "Safety", "categoryId": "safetyAndSecurity"}
_RAW_ENGLISH = frozenset({"com", "it", "fr", "lu"})
"""Sites whose pages give the color in English too."""


def offer_row(
    world: World, car: OfferedCar, site: SiteLocale, kind: str = "Organic", section: str = "Main"
) -> JsonObject:
    """A car's row of a search: `kind` is `Organic`, or `Nfm` for a sponsored one."""
    values = _facts(world, car, site, "search")
    values |= {
        "images": gallery_urls(world, car, "250x188.webp"),
        "path": offer_path(car, site),
        "names": FIELD_WORDS[site.language],
        "registered": "-/-" if car.is_new else f"{car.month:02d}/{car.year}",
        "registered_short": "new" if car.is_new else f"{car.month:02d}-{car.year}",
        "price_label": _PRICE_LABELS[car.number % 4],
        "subtitle": values["company"] if car.number % 2 else None,
        "seller_type": "PrivateSeller" if _is_private(car) else "Dealer",
        "kind": kind,
        "section": section,
        "boost": "sponsored" if kind == "Nfm" else "boost",
    }
    row: JsonObject = fill(load_template("row"), values)
    return row


def offer_details(world: World, car: OfferedCar, site: SiteLocale) -> JsonObject:
    """The `listingDetails` of a car's own page."""
    urls = gallery_urls(world, car, "1280x960.webp")
    active = not world.faults.strikes("inactive", car.guid, "offer")
    values = _facts(world, car, site, "offer") | _color(world, car, site) | _registration(car)
    values |= {
        "images": urls,
        "header_image": f"{urls[0].rsplit('/', 1)[0]}/120x90.webp" if urls else None,
        "web_page": world.web.base(site.host) + offer_path(car, site),
        "status": "Active" if active else "Inactive",
        "created": car.created.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "negotiable": car.number % 2 == 0,
        "vat_rate": 19 if car.number % 3 == 0 else None,
        "generation_id": 700 + car.model.model_id % 100,
        "motor_id": 1000 + car.number % 97,
        "trim_id": 2000 + car.number % 89,
        "seats": 2 + car.number % 4,
        "doors": 3 + car.number % 3,
        "horses": round(car.power * 1.36),
        "owners": 0 if car.is_new else 1 + car.number % 3,
        "equipment": {"safetyAndSecurity": [_EQUIPMENT]} if car.number % 7 else {},
        "body_raw": BODY_RAW[car.body_id],
        "state": STATE_WORDS[site.language][car.state],
        "state_raw": _LEGAL[car.state],
        "usage": "N" if car.is_new else "U",
        "production_year": str(car.year) if car.is_new else None,
        "is_dealer": not _is_private(car),
        "seller_type": "Private" if _is_private(car) else "Dealer",
        "seller_letter": "p" if _is_private(car) else "d",
        "make_lower": car.model.make.lower(),
        "model_lower": car.model.name.lower(),
        "gear_letter": car.gear.lower(),
        "state_letter": car.state.lower(),
        "country_letters": COUNTRIES[car.country][0],
        "vehicle_type": "ev" if car.fuel == "E" else "ice",
    }
    details: JsonObject = fill(load_template("details"), values)
    # For advertisers: JSON in a string, all of whose values are strings.
    targeting = json.dumps(details["adTargetingString"], separators=(",", ":"))
    return details | {"adTargetingString": targeting}


def _facts(world: World, car: OfferedCar, site: SiteLocale, page: str) -> dict[str, Any]:
    """What rows and pages both show; the seller and all of the place but the country is invented.

    `page` is the key of the kind of page for faults.
    """
    language, body = site.language, BODY_NAMES[site.language][str(car.body_id)]
    has_price = not world.faults.strikes("missing-price-raw", car.guid, page)
    displacement = 0 if car.fuel == "E" else 899 + car.number % 21 * 100
    return {
        "car": car,
        "model": car.model,
        "price": f"€ {grouped(car.price, language)}",
        "price_raw": car.price if has_price else OMITTED,
        "price_class": car.number % 4,
        "mileage": f"{grouped(car.mileage, language)} km",
        "body": body,
        "variant": body if car.model.make == "BMW" else None,  # other makes say little there
        "gear": GEAR_WORDS[language][car.gear],
        "fuel": FUEL_WORDS[language][car.fuel],
        "fuel_letter": car.fuel.lower(),
        "displacement": f"{grouped(displacement, language)} cm³",
        "displacement_raw": displacement,
        "attractiveness": 0.1 + car.number % 7919 / 10_000,
        "country": COUNTRIES[car.country][1],
        "seller": car.number % 97,
        **seller_facts(car.number),
    }


def _color(world: World, car: OfferedCar, site: SiteLocale) -> dict[str, Any]:
    """The color in the site's words, in English and by the maker, where the offer states them."""
    stated = not world.faults.strikes("null-color", car.guid, "offer")
    color = COLOR_WORDS[site.language].get(str(car.color_id)) if stated else None
    maker = f"{_MAKER_COLORS[car.number % 4]} {COLOR_WORDS['de'].get(str(car.color_id), '')}"
    english = COLOR_WORDS["en"][str(car.color_id)] if color else None
    raw = {"raw": english} if site.tld in _RAW_ENGLISH else {}
    return {
        "color": color,
        "color_raw": raw.get("raw", OMITTED),
        "color_both": {"formatted": color, **raw} if color else None,
        "maker_color": maker.strip() if color and car.number % 3 else None,
        "paint": PAINT_WORDS[site.language]["M" if color and car.number % 2 else "O"],
    }


def _registration(car: OfferedCar) -> dict[str, Any]:
    """The first registration as data, as text, and both together; None for a new car."""
    if car.is_new:
        return {"registered_raw": None, "registered": None, "registered_both": None}
    raw, text = f"{car.year}-{car.month:02d}-01", f"{car.month:02d}/{car.year}"
    both = {"raw": raw, "formatted": text}
    return {"registered_raw": raw, "registered": text, "registered_both": both}


def _is_private(car: OfferedCar) -> bool:
    """Whether a private person sells the car, not a dealer."""
    return car.number % 5 == 0
