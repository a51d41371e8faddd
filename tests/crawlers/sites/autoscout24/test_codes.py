"""Bodies, colors and sites: the labels of the real pages, and what the words kept mean."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.vocabulary import NOTHING, Meaning, load_vocabulary
from crawlers.sites.autoscout24.pages.codes import (
    BODIES,
    BODY_LABELS,
    COLORS,
    COUNTRY_SITES,
    LANGUAGES,
    OTHER_COLORS,
    RAW_BODIES,
    body_id,
    color_name,
    color_word,
    same_name,
    slug,
)

Json = dict[str, Any]


def _one(value: str) -> Meaning:
    return Meaning((value,), one_of=False)


BODY_MEANINGS = {
    1: NOTHING,
    2: _one("convertible"),
    3: _one("coupe"),
    4: Meaning(("suv", "crossover", "pickup"), one_of=True),
    5: _one("estate"),
    6: _one("sedan"),
    7: _one("other"),
    12: Meaning(("minivan", "van"), one_of=True),
    13: _one("van"),
}
COLOR_MEANINGS = {
    1: "beige",
    2: "blue",
    3: "brown",
    4: "bronze",
    5: "yellow",
    6: "grey",
    7: "green",
    10: "red",
    11: "black",
    12: "silver",
    13: "violet",
    14: "white",
    15: "orange",
    16: "gold",
}


def test_every_body_means_what_the_site_means() -> None:
    read = {number: load_vocabulary().lookup("body_type", word) for number, word in BODIES.items()}
    assert read == BODY_MEANINGS


def test_every_color_means_what_the_site_means() -> None:
    read = {
        number: load_vocabulary().lookup("color", labels[0]) for number, labels in COLORS.items()
    }
    assert read == {number: _one(value) for number, value in COLOR_MEANINGS.items()}


def test_the_labels_are_those_of_the_real_pages(real_codes: Json) -> None:
    assert {str(number): label for number, label in BODIES.items()} == {
        number: labels["de"] for number, labels in real_codes["bodyType"].items()
    }
    for table, name in ((COLORS, "bodyColor"), (BODY_LABELS, "bodyType")):
        by_language = {
            str(number): dict(zip(LANGUAGES, labels, strict=True))
            for number, labels in table.items()
        }
        for labels in by_language.values():
            del labels["es"]  # known from elsewhere
        assert by_language == real_codes[name]
    english = {number: labels["en"] for number, labels in real_codes["bodyType"].items()}
    raw = {english[str(number)].replace(" ", ""): number for number in RAW_BODIES.values()}
    assert raw == RAW_BODIES


def test_the_ids_are_those_of_a_real_search(real_search: Json) -> None:
    taxonomy = real_search["taxonomy"]
    assert {item["value"]: item["label"] for item in taxonomy["bodyType"]} == BODIES
    german = LANGUAGES.index("de")
    assert {item["value"]: item["label"] for item in taxonomy["bodyColor"]} == {
        number: labels[german] for number, labels in COLORS.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_label_of_a_language_names_one_color(language: str) -> None:
    for number, labels in COLORS.items():
        label, word = labels[LANGUAGES.index(language)], color_name(number, language)
        assert word == OTHER_COLORS.get((language, number), labels[0])
        for spelling in (label, label.upper(), f" {label.lower()} "):
            assert color_word({"bodyColor": spelling}, language) == (word, "vehicle.bodyColor")


def test_an_id_is_not_the_same_color_on_every_site() -> None:
    """13 is burgundy on the Spanish site alone, and the vocabulary reads each word for itself."""
    words = {site.name: color_name(13, site.language) for site in COUNTRY_SITES.values()}
    assert words == dict.fromkeys(COUNTRY_SITES, "Violet") | {"es": "Burgundy"}
    assert load_vocabulary().lookup("color", "Burgundy") == _one("red")
    assert color_word({"bodyColor": "Burdeos"}, "es") == ("Burgundy", "vehicle.bodyColor")


def test_every_label_means_what_its_id_means() -> None:
    """Of all languages, as far as the vocabulary knows the word: so no other id differs."""
    for number, labels in COLORS.items():
        for language, label in zip(LANGUAGES, labels, strict=True):
            read = load_vocabulary().lookup("color", label)
            if read is not None and (language, number) not in OTHER_COLORS:
                assert read == _one(COLOR_MEANINGS[number]), (language, label)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_label_of_a_language_names_one_body(language: str) -> None:
    for number, labels in BODY_LABELS.items():
        assert body_id(labels[LANGUAGES.index(language)].upper(), language) == number
    assert body_id("Sportwagen", language) is None


def test_the_sites_own_word_goes_before_the_label() -> None:
    vehicle = {
        "bodyColorRaw": "Green",
        "rawData": {"bodyColor": {"raw": "Blue"}},
        "bodyColor": "Rosso",
    }
    assert color_word(vehicle, "it") == ("Green", "vehicle.bodyColorRaw")
    del vehicle["bodyColorRaw"]
    assert color_word(vehicle, "it") == ("Blue", "vehicle.rawData.bodyColor.raw")
    del vehicle["rawData"]
    assert color_word(vehicle, "it") == ("Red", "vehicle.bodyColor")
    assert color_word({}, "it") == (None, "")
    assert color_word({"bodyColorRaw": "", "bodyColor": " "}, "it") == (None, "")


@pytest.mark.parametrize(
    ("word", "language"),
    [("Rosa", "de"), ("Rot", "it"), ("Morado", "es"), ("Violeta", "es"), ("Blanc", "es")],
)
def test_an_unknown_color_stays_its_own_word(word: str, language: str) -> None:
    assert color_word({"bodyColor": word}, language) == (word, "vehicle.bodyColor")
    assert color_word({"bodyColorRaw": "LightPetrol"}, "en")[0] == "LightPetrol"


def test_the_countries_are_those_of_the_real_pages(real_codes: Json) -> None:
    assert {site.country for site in COUNTRY_SITES.values()} == real_codes["country"].keys()
    assert {site.tld for site in COUNTRY_SITES.values()} == {
        "de",
        "at",
        "it",
        "nl",
        "be",
        "fr",
        "lu",
        "com",
        "es",
    }
    assert {site.language for site in COUNTRY_SITES.values()} == set(LANGUAGES)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("BMW", "bmw"),
        ("Mercedes-Benz", "mercedes-benz"),
        ("Land Rover", "land-rover"),
        ("Rolls-Royce", "rolls-royce"),
        ("Škoda", "skoda"),
        ("Citroën", "citroen"),
        ("  DS  Automobiles ", "ds-automobiles"),
        ("320", "320"),
        ("", ""),
    ],
)
def test_the_slug_of_a_name(label: str, expected: str) -> None:
    assert slug(label) == expected


@given(st.text())
def test_a_slug_is_its_own_slug(text: str) -> None:
    assert slug(slug(text)) == slug(text)
    assert same_name(text, slug(text))


def test_real_names_are_told_apart(real_search: Json) -> None:
    taxonomy = real_search["taxonomy"]
    for labels in (
        [make["label"] for make in taxonomy["makes"].values()],
        [model["label"] for model in taxonomy["models"]["13"]],
    ):
        for label in labels:
            assert [other for other in labels if same_name(slug(label), other)] == [label]
