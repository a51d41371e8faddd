"""AutoScout24's numbers for bodies and colors, the words for them, and its country sites."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SOURCE = "autoscout24"

LANGUAGES = ("en", "de", "nl", "it", "fr", "es")

BODY_LABELS = {
    1: ("Compact", "Kleinwagen", "Hatchback", "City car", "Citadine", "Coche pequeño"),
    2: ("Convertible", "Cabrio", "Cabrio", "Cabrio", "Cabriolet", "Cabrio"),
    3: ("Coupe", "Coupé", "Coupé", "Coupé", "Coupé", "Coupé"),
    4: (
        "SUV/Off-Road/Pick-Up",
        "SUV/Geländewagen/Pickup",
        "SUV/Off-Road/Pick-Up",
        "SUV/Fuoristrada/Pick-up",
        "SUV/4x4/Pick-Up",
        "SUV/4x4/Pickup",
    ),
    5: ("Station Wagon", "Kombi", "Stationwagen", "Station Wagon", "Break", "Familiar"),
    6: ("Sedan", "Limousine", "Sedan", "Berlina", "Berline", "Sedán"),
    7: ("Other", "Sonstige", "Overig", "Altro", "Autres", "Otros"),
    12: ("Van", "Van/Kleinbus", "MPV", "Monovolume", "Monospace", "Monovolumen"),
    13: ("Transporter", "Transporter", "Bedrijfswagen", "Furgoni/Van", "Utilitaire", "Furgoneta"),
}
"""Each body id's label in the languages of `LANGUAGES`."""

BODIES = {number: labels[LANGUAGES.index("de")] for number, labels in BODY_LABELS.items()}
"""The kept word of each body id: the German label. Others claim more than the id says: in Dutch
id 1 is "Hatchback", and in English id 12 is "Van"."""

RAW_BODIES = {"Compact": 1, "Coupe": 3, "StationWagon": 5, "Sedan": 6}
"""Words of `rawData.bodyType.raw` whose id is known. Those of the other ids were never seen."""

COLORS = {
    1: ("Beige", "Beige", "Beige", "Beige", "Beige", "Beige"),
    2: ("Blue", "Blau", "Blauw", "Blu/Azzurro", "Bleu", "Azul"),
    3: ("Brown", "Braun", "Bruin", "Marrone", "Brun", "Marrón"),
    4: ("Bronze", "Bronze", "Brons", "Bronzo", "Bronze", "Bronce"),
    5: ("Yellow", "Gelb", "Geel", "Giallo", "Jaune", "Amarillo"),
    6: ("Grey", "Grau", "Grijs", "Grigio", "Gris", "Gris"),
    7: ("Green", "Grün", "Groen", "Verde", "Vert", "Verde"),
    10: ("Red", "Rot", "Rood", "Rosso", "Rouge", "Rojo"),
    11: ("Black", "Schwarz", "Zwart", "Nero", "Noir", "Negro"),
    12: ("Silver", "Silber", "Zilver", "Argento", "Argent", "Plateado"),
    13: ("Violet", "Violett", "Paars", "Lilla", "Mauve", "Burdeos"),
    14: ("White", "Weiß", "Wit", "Bianco", "Blanc", "Blanco"),
    15: ("Orange", "Orange", "Oranje", "Arancione", "Orange", "Naranja"),
    16: ("Gold", "Gold", "Goud", "Oro", "Or", "Oro"),
}
"""Each color id's label in the languages of `LANGUAGES`. The English one is kept, except for those
of `OTHER_COLORS`."""

OTHER_COLORS = {("es", 13): "Burgundy"}
"""The kept word of a label that means something else than the English label of its id. There is
only this one."""


@dataclass(frozen=True, slots=True)
class CountrySite:
    """A country's site, in one of its languages.

    `language` is that of its labels. The paths of searches begin with `search`, those of offers
    with `offers`. `country` is the site's own code for its country, the value of `cy`; empty if a
    search covers all of Europe.
    """

    name: str
    tld: str
    language: str
    search: str
    offers: str
    country: str

    @property
    def host(self) -> str:
        """The name of the host on the web."""
        return f"www.autoscout24.{self.tld}"


COUNTRY_SITES = {
    site.name: site
    for site in (
        CountrySite("de", "de", "de", "/lst", "/angebote/", "D"),
        CountrySite("at", "at", "de", "/lst", "/angebote/", "A"),
        CountrySite("it", "it", "it", "/lst", "/annunci/", "I"),
        CountrySite("nl", "nl", "nl", "/lst", "/aanbod/", "NL"),
        CountrySite("be", "be", "fr", "/fr/lst", "/fr/offres/", "B"),
        CountrySite("be-nl", "be", "nl", "/nl/lst", "/nl/aanbod/", "B"),
        CountrySite("fr", "fr", "fr", "/lst", "/offres/", "F"),
        CountrySite("lu", "lu", "fr", "/lst", "/offres/", "L"),
        CountrySite("com", "com", "en", "/lst", "/offers/", ""),
        CountrySite("es", "es", "es", "/lst", "/anuncios/", "E"),
    )
}


def color_word(vehicle: Mapping[str, Any], language: str) -> tuple[str | None, str]:
    """The color of an offer's `vehicle`, as the English label, and the path where it was found.

    The site's own English word counts more than the label in the page's language. An unknown word
    stays as it is, so that it is reported; (None, "") if the offer gives no color. The color in the
    link of an offer is not read, because sellers write that text.
    """
    raw = (vehicle.get("rawData") or {}).get("bodyColor") or {}
    for word, spoken, path in (
        (vehicle.get("bodyColorRaw"), "en", "vehicle.bodyColorRaw"),
        (raw.get("raw"), "en", "vehicle.rawData.bodyColor.raw"),
        (vehicle.get("bodyColor"), language, "vehicle.bodyColor"),
    ):
        if word and word.strip():
            return color_of_label(word.strip(), spoken), path
    return None, ""


def color_name(number: int, language: str) -> str:
    """The kept word of a color id on a site in `language`. The id alone is not enough: 13 is violet
    on one site and burgundy on another."""
    return OTHER_COLORS.get((language, number), COLORS[number][0])


def body_id(label: str, language: str) -> int | None:
    """The id of the body that a label in `language` names; None if unknown."""
    return _number(BODY_LABELS, label, language)


def color_of_label(label: str, language: str) -> str:
    """The kept word of a color's label in `language`; an unknown label stays as it is."""
    number = _number(COLORS, label, language)
    return label if number is None else color_name(number, language)


def _number(table: Mapping[int, tuple[str, ...]], label: str, language: str) -> int | None:
    column = LANGUAGES.index(language)
    found = (n for n, labels in table.items() if labels[column].casefold() == label.casefold())
    return next(found, None)


def slug(text: str) -> str:
    """The name of a make or model as paths have it: "Škoda" is "skoda", "Land Rover" "land-rover".

    Lower case, without accents, blanks as "-".
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return "-".join(letters.split())


def same_name(one: str, other: str) -> bool:
    """Whether two names, or their slugs, have the same letters and digits in the same order."""
    return len({re.sub(r"[\W_]", "", slug(name)) for name in (one, other)}) == 1
