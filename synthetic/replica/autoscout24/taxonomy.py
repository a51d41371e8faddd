"""The choices of a search page: makes, models, colors, bodies and more."""

from functools import cache

from synthetic.replica.autoscout24.fill import JsonObject
from synthetic.replica.autoscout24.words import (
    BODY_NAMES,
    COLOR_WORDS,
    COUNTRY_NAMES,
    FUEL_WORDS,
    GEAR_WORDS,
    PAINT_WORDS,
    STATE_WORDS,
)
from synthetic.replica.fleet import CAR_MODELS, MAKE_NAMES

_ISO = {"": "eu", "A": "AT", "B": "BE", "D": "DE", "E": "ES", "F": "FR", "I": "IT", "L": "LU"}


@cache
def taxonomy(language: str, make_id: int | None) -> JsonObject:
    """The choices in a language; models only of the searched make."""
    makes = sorted(MAKE_NAMES.items(), key=lambda make: make[1].lower())
    models = [
        {"value": m.model_id, "label": m.name, "makeId": m.make_id, "modelLineId": m.line}
        for m in CAR_MODELS
        if m.make_id == make_id
    ]
    return {
        "makeLabels": {str(number): name for number, name in makes},
        "modelLabels": {},
        "makes": {str(number): {"label": name, "value": number} for number, name in makes},
        "makesSorted": [{"label": name, "value": number} for number, name in makes],
        "models": {str(make_id): models} if models else {},
        "bodyType": _numbered(BODY_NAMES[language]),
        "bodyColor": _numbered(COLOR_WORDS[language]),
        "bodyPainting": _lettered(PAINT_WORDS[language]),
        "offer": _lettered(STATE_WORDS[language]),
        "fuelType": _lettered(FUEL_WORDS[language]),
        "gearing": _lettered(GEAR_WORDS[language]),
        "country": [
            {"label": name, "value": letters, "countryCode": _ISO.get(letters, letters)}
            for letters, name in COUNTRY_NAMES[language].items()
        ],
    }


def _numbered(words: dict[str, str]) -> list[JsonObject]:
    return [{"label": word, "value": int(key)} for key, word in words.items()]


def _lettered(words: dict[str, str]) -> list[JsonObject]:
    return [{"label": word, "value": key} for key, word in words.items()]
