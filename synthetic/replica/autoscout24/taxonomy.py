"""The choices of a search page: makes, models, colors, bodies and more."""

from functools import cache
from typing import Any

from synthetic.replica.autoscout24.words import (
    BODY_NAMES,
    COLOR_WORDS,
    COUNTRY_NAMES,
    FUEL_WORDS,
    GEAR_WORDS,
    PAINT_WORDS,
    STATE_WORDS,
)
from synthetic.replica.fleet import MAKE_NAMES, models_of

Json = dict[str, Any]

_ISO = {"": "eu", "A": "AT", "B": "BE", "D": "DE", "E": "ES", "F": "FR", "I": "IT", "L": "LU"}


@cache
def taxonomy(language: str, make_id: int | None) -> Json:
    """The choices in a language; models only of the searched make."""
    makes = sorted(MAKE_NAMES.items(), key=lambda make: make[1].lower())
    return {
        "makeLabels": {str(number): name for number, name in makes},
        "modelLabels": {},
        "makes": {str(number): {"label": name, "value": number} for number, name in makes},
        "makesSorted": [{"label": name, "value": number} for number, name in makes],
        "models": {str(make_id): _models(make_id)} if make_id in MAKE_NAMES else {},
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


def _models(make_id: int | None) -> list[Json]:
    return [
        {
            "value": model.model_id,
            "label": model.name,
            "makeId": model.make_id,
            "modelLineId": model.line,
        }
        for model in models_of(make_id or 0)
    ]


def _numbered(words: dict[str, str]) -> list[Json]:
    return [{"label": word, "value": int(key)} for key, word in words.items()]


def _lettered(words: dict[str, str]) -> list[Json]:
    return [{"label": word, "value": key} for key, word in words.items()]
