"""What a search page offers to choose from: makes, models, colors, bodies and more."""

from functools import cache
from typing import Any

from synthetic.replica.autoscout24.words import (
    BODIES,
    COLORS,
    COUNTRY_NAMES,
    FUELS,
    GEARS,
    PAINTS,
    STATES,
)
from synthetic.replica.fleet import MAKES, models_of

Json = dict[str, Any]

_ISO = {"": "eu", "A": "AT", "B": "BE", "D": "DE", "E": "ES", "F": "FR", "I": "IT", "L": "LU"}


@cache
def taxonomy(language: str, make_id: int | None) -> Json:
    """The choices in a language; models only of the make that is searched for, else none."""
    makes = sorted(MAKES.items(), key=lambda make: make[1].lower())
    return {
        "makeLabels": {str(number): name for number, name in makes},
        "modelLabels": {},
        "makes": {str(number): {"label": name, "value": number} for number, name in makes},
        "makesSorted": [{"label": name, "value": number} for number, name in makes],
        "models": {str(make_id): _models(make_id)} if make_id in MAKES else {},
        "bodyType": _numbered(BODIES[language]),
        "bodyColor": _numbered(COLORS[language]),
        "bodyPainting": _lettered(PAINTS[language]),
        "offer": _lettered(STATES[language]),
        "fuelType": _lettered(FUELS[language]),
        "gearing": _lettered(GEARS[language]),
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
