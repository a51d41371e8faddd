"""The words of each country site for colors, bodies and other facts, by the site's ids.

They are the sites' own words where these are known. Spanish words other than those for colors and
bodies are from a dictionary.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

SITE_LANGUAGES = ("de", "en", "nl", "it", "fr", "es")

COLOR_IDS = {
    "beige": 1, "blue": 2, "brown": 3, "bronze": 4, "yellow": 5, "grey": 6, "green": 7, "red": 10,
    "black": 11, "silver": 12, "violet": 13, "white": 14, "orange": 15, "gold": 16,
}  # fmt: skip
"""The site's ids of the scenes' colors; the site has no id for pink."""

BODY_IDS = {
    "hatchback": 1, "convertible": 2, "coupe": 3, "suv": 4, "pickup": 4, "estate": 5, "sedan": 6,
    "minivan": 12, "van": 13,
}  # fmt: skip
"""The site's ids of the scenes' bodies; the site has no id of its own for a pickup."""

_COLORS = {
    1: "Beige Beige Beige Beige Beige Beige",
    2: "Blau Blue Blauw Blu/Azzurro Bleu Azul",
    3: "Braun Brown Bruin Marrone Brun Marrón",
    4: "Bronze Bronze Brons Bronzo Bronze Bronce",
    5: "Gelb Yellow Geel Giallo Jaune Amarillo",
    6: "Grau Grey Grijs Grigio Gris Gris",
    7: "Grün Green Groen Verde Vert Verde",
    10: "Rot Red Rood Rosso Rouge Rojo",
    11: "Schwarz Black Zwart Nero Noir Negro",
    12: "Silber Silver Zilver Argento Argent Plateado",
    13: "Violett Violet Paars Lilla Mauve Burdeos",
    14: "Weiß White Wit Bianco Blanc Blanco",
    15: "Orange Orange Oranje Arancione Orange Naranja",
    16: "Gold Gold Goud Oro Or Oro",
}
_BODIES = {
    1: "Kleinwagen|Compact|Hatchback|City car|Citadine|Coche pequeño",
    2: "Cabrio|Convertible|Cabrio|Cabrio|Cabriolet|Cabrio",
    3: "Coupé|Coupe|Coupé|Coupé|Coupé|Coupé",
    4: "SUV/Geländewagen/Pickup|SUV/Off-Road/Pick-Up|SUV/Off-Road/Pick-Up"
    "|SUV/Fuoristrada/Pick-up|SUV/4x4/Pick-Up|SUV/4x4/Pickup",
    5: "Kombi|Station Wagon|Stationwagen|Station Wagon|Break|Familiar",
    6: "Limousine|Sedan|Sedan|Berlina|Berline|Sedán",
    7: "Sonstige|Other|Overig|Altro|Autres|Otros",
    12: "Van/Kleinbus|Van|MPV|Monovolume|Monospace|Monovolumen",
    13: "Transporter|Transporter|Bedrijfswagen|Furgoni/Van|Utilitaire|Furgoneta",
}
BODY_RAW = {
    1: "Compact", 2: "Convertible", 3: "Coupe", 4: "OffRoad", 5: "StationWagon", 6: "Sedan",
    7: "Other", 12: "Van", 13: "Transporter",
}  # fmt: skip
"""Raw body names by id; those of 1, 3, 5 and 6 are the site's."""

_FUELS = {
    "D": "Diesel|Diesel|Diesel|Diesel|Diesel|Diésel",
    "B": "Benzin|Gasoline|Benzine|Benzina|Essence|Gasolina",
    "E": "Elektro|Electric|Elektrisch|Elettrica|Electrique|Eléctrico",
    "2": "Elektro/Benzin|Electric/Gasoline|Elektro/Benzine|Elettrica/Benzina"
    "|Electrique/Essence|Eléctrico/Gasolina",
}
_GEARS = {
    "A": "Automatik|Automatic|Automatisch|Automatico|Automatique|Automático",
    "M": "Schaltgetriebe|Manual|Handgeschakeld|Manuale|Manuelle|Manual",
}
_STATES = {
    "N": "Neu|New|Nieuw|Nuovo|Neuf|Nuevo",
    "U": "Gebraucht|Used|Gebruikt|Usato|Occasion|Usado",
    "J": "Jahreswagen|Employee's car|Leasewagen / bedrijfswagen|Aziendale|Direction|De gerencia",
    "D": "Vorführfahrzeug|Demonstration|Demo|Dimostrativo|Démonstration|Demostración",
}
_PAINTS = {
    "M": "Metallic|Metallic|Metallic|Metallizzato|Métallisée|Metalizado",
    "O": "Andere|Others|Andere|Altro|Autres|Otros",
}
_FIELDS = {
    "mileage": "Kilometerstand|Mileage|Kilometerstand|Chilometraggio|Kilométrage|Kilometraje",
    "gear": "Getriebe|Gearbox|Transmissie|Tipo di cambio|Transmission|Transmisión",
    "registered": "Erstzulassung|First registration|Bouwjaar|Immatricolazione"
    "|Année|Primera matriculación",
    "fuel": "Kraftstoff|Fuel type|Brandstof|Carburante|Carburant|Combustible",
    "power": "Leistung|Power|Vermogen|Potenza|Puissance|Potencia",
    "body": "Karosserieform|Body type|Carrosserietype|Carrozzeria|Carrosserie|Carrocería",
    "color": "Außenfarbe|Color|Kleur|Colore esterno|Couleur extérieure|Color exterior",
    "original": "Farbe laut Hersteller|Manufacturer color|Oorspronkelijke kleur"
    "|Colore originale|Couleur originale|Color original",
    "paint": "Lackierung|Paint|Soort lak|Tipo di vernice|Type de peinture|Pintura",
    "doors": "Türen|Doors|Deuren|Porte|Portes|Puertas",
}
_COUNTRIES = {
    "": "Europa|Europe|Europa|Europa|Europe|Europa",
    "A": "Österreich|Austria|Oostenrijk|Austria|Autriche|Austria",
    "B": "Belgien|Belgium|België|Belgio|Belgique|Bélgica",
    "D": "Deutschland|Germany|Duitsland|Germania|Allemagne|Alemania",
    "E": "Spanien|Spain|Spanje|Spagna|Espagne|España",
    "F": "Frankreich|France|Frankrijk|Francia|France|Francia",
    "I": "Italien|Italy|Italië|Italia|Italie|Italia",
    "L": "Luxemburg|Luxembourg|Luxemburg|Lussemburgo|Luxembourg|Luxemburgo",
    "NL": "Niederlande|Netherlands|Nederland|Paesi Bassi|Pays-Bas|Países Bajos",
}


def _by_language(table: Mapping[Any, str], mark: str = "|") -> dict[str, dict[str, str]]:
    rows = {
        str(key): dict(zip(SITE_LANGUAGES, words.split(mark), strict=True))
        for key, words in table.items()
    }
    return {
        language: {key: words[language] for key, words in rows.items()}
        for language in SITE_LANGUAGES
    }


COLOR_WORDS = _by_language(_COLORS, " ")
BODY_NAMES = _by_language(_BODIES)
FUEL_WORDS = _by_language(_FUELS)
GEAR_WORDS = _by_language(_GEARS)
STATE_WORDS = _by_language(_STATES)
PAINT_WORDS = _by_language(_PAINTS)
FIELD_WORDS = _by_language(_FIELDS)
COUNTRY_NAMES = _by_language(_COUNTRIES)
"""Each by language and then by id, both as text."""

_SPELLED = {"ß": "ss", "ä": "ae", "ö": "oe", "ü": "ue"}


def slug_of(*words: str) -> str:
    """Words as a segment of a URL: lower-case a-z, digits and hyphens."""
    text = " ".join(words).lower()
    for letter, spelled in _SPELLED.items():
        text = text.replace(letter, spelled)
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")


def grouped(number: int, language: str) -> str:
    """A whole number with separated thousands: 28,558 in English, 28.558 in other languages."""
    return f"{number:,}" if language == "en" else f"{number:,}".replace(",", ".")
