"""AutoScout24's numbers for bodies and colours, the words for them, and its country sites."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SOURCE = "autoscout24"

BODIES = {
    1: "Kleinwagen",
    2: "Cabrio",
    3: "Coupé",
    4: "SUV/Geländewagen/Pickup",
    5: "Kombi",
    6: "Limousine",
    7: "Sonstige",
    12: "Van/Kleinbus",
    13: "Transporter",
}
"""The German label of each body id. Only these say no more than the id does: id 1 is "Hatchback"
in Dutch, and id 12 "Van" in English."""

RAW_BODIES = {"Compact": 1, "Coupe": 3, "Sedan": 6}
"""Words of `rawData.bodyType.raw` whose id is known; the other ids' words were never seen."""

LANGUAGES = ("en", "de", "nl", "it", "fr")

COLORS = {
    1: ("Beige", "Beige", "Beige", "Beige", "Beige"),
    2: ("Blue", "Blau", "Blauw", "Blu/Azzurro", "Bleu"),
    3: ("Brown", "Braun", "Bruin", "Marrone", "Brun"),
    4: ("Bronze", "Bronze", "Brons", "Bronzo", "Bronze"),
    5: ("Yellow", "Gelb", "Geel", "Giallo", "Jaune"),
    6: ("Grey", "Grau", "Grijs", "Grigio", "Gris"),
    7: ("Green", "Grün", "Groen", "Verde", "Vert"),
    10: ("Red", "Rot", "Rood", "Rosso", "Rouge"),
    11: ("Black", "Schwarz", "Zwart", "Nero", "Noir"),
    12: ("Silver", "Silber", "Zilver", "Argento", "Argent"),
    13: ("Violet", "Violett", "Paars", "Lilla", "Mauve"),
    14: ("White", "Weiß", "Wit", "Bianco", "Blanc"),
    15: ("Orange", "Orange", "Oranje", "Arancione", "Orange"),
    16: ("Gold", "Gold", "Goud", "Oro", "Or"),
}
"""Each colour id's label in the languages of `LANGUAGES`; the English one is the word kept."""


@dataclass(frozen=True, slots=True)
class Site:
    """A country's site, in one of its languages.

    `language` is that of its labels, None where they are not known. `search` and `offers` begin the
    paths of searches and offers. `country` is the site's own code for its country, the value of
    `cy`; empty where a search goes over all of Europe.
    """

    name: str
    tld: str
    language: str | None
    search: str
    offers: str
    country: str

    @property
    def host(self) -> str:
        """The name of the host on the web."""
        return f"www.autoscout24.{self.tld}"


SITES = {
    site.name: site
    for site in (
        Site("de", "de", "de", "/lst", "/angebote/", "D"),
        Site("at", "at", "de", "/lst", "/angebote/", "A"),
        Site("it", "it", "it", "/lst", "/annunci/", "I"),
        Site("nl", "nl", "nl", "/lst", "/aanbod/", "NL"),
        Site("be", "be", "fr", "/fr/lst", "/fr/offres/", "B"),
        Site("be-nl", "be", "nl", "/nl/lst", "/nl/aanbod/", "B"),
        Site("fr", "fr", "fr", "/lst", "/offres/", "F"),
        # Nothing shows that Luxembourg's site has prefixes; it has two languages, as Belgium's.
        Site("lu", "lu", "fr", "/fr/lst", "/fr/offres/", "L"),
        Site("lu-de", "lu", "de", "/de/lst", "/de/angebote/", "L"),
        Site("com", "com", "en", "/lst", "/offers/", ""),
        Site("es", "es", None, "/lst", "/anuncios/", "E"),
    )
}


def color_word(vehicle: Mapping[str, Any], language: str | None) -> tuple[str | None, str]:
    """The colour of an offer's `vehicle`, as the English label, and the path it was found at.

    The site's own English word goes before the label in the page's language. A word that is not in
    the table stays as it is, so that it is reported; (None, "") where the offer gives no colour.
    The colour in the link of an offer is not looked at: it is the last word of a text that sellers
    write.
    """
    raw = (vehicle.get("rawData") or {}).get("bodyColor") or {}
    for word, spoken, path in (
        (vehicle.get("bodyColorRaw"), "en", "vehicle.bodyColorRaw"),
        (raw.get("raw"), "en", "vehicle.rawData.bodyColor.raw"),
        (vehicle.get("bodyColor"), language, "vehicle.bodyColor"),
    ):
        if word and word.strip():
            return _english(word.strip(), spoken), path
    return None, ""


def _english(word: str, language: str | None) -> str:
    if language is None:
        return word
    column = LANGUAGES.index(language)
    for labels in COLORS.values():
        if labels[column].casefold() == word.casefold():
            return labels[0]
    return word


def slug(text: str) -> str:
    """The name of a make or model as paths have it: "Škoda" is "skoda", "Land Rover" "land-rover".

    Lower case, without accents, blanks as "-".
    """
    plain = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return "-".join(letters.split())


def same_name(one: str, other: str) -> bool:
    """Whether two names, or their slugs, have the same letters and digits in the same order."""
    return _letters(one) == _letters(other)


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", slug(text))
