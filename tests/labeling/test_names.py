"""Make and model by the names of photos of Commons: right, or nothing."""

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from catalog.register import register
from catalog.table import open_catalog
from core.assertions import Label
from core.photos.decode import image_id
from core.records import Photo, Sighting
from core.vocabulary import VocabularyError, load_vocabulary
from flows.reporting.report import new_report
from labeling.facts import read_facts
from labeling.label import current_labels, label_sightings
from labeling.names import NameFacts, read_names
from labeling.pending import unlabeled_sightings

VOCABULARY = load_vocabulary()

CATEGORIES = {
    "Ford Mustang (fifth generation)": "Ford Mustang",
    "First generation Ford Mustang": "Ford Mustang",
    "Red Ford Mustang": "Ford Mustang",
    "1967 Ford Mustang": "Ford Mustang",
    "Ford Mustangs": "Ford Mustang",
    "Ford Mustang by year": "Ford Mustang",
    "Ford Mustang in Germany": "Ford Mustang",
    "Ford Crown Victoria taxis": "Ford Crown Victoria",
    "Interiors of Ford_Mustang": "Ford Mustang",
    "BMW 3 Series (E46)": "BMW 3 Series",
    "BMW E46": "BMW 3 Series",
    "BMW M3 (E46)": "BMW M3",
    "BMW 2002": "BMW 2002",
    "Mercedes-Benz W211": "Mercedes-Benz E-Class",
    "Mercedes-Benz 280 SL (W113)": "Mercedes-Benz SL-Class",
    "Mercedes-AMG A 45 S (W177)": "Mercedes-Benz A-Class",
    "Volkswagen Golf VII": "Volkswagen Golf",
    "VW Käfer": "Volkswagen Beetle",
    "Citroen 2 CV": "Citroën 2CV",
    "Peugeot 2008": "Peugeot 2008",
    "Mazda3": "Mazda 3",
    "Fiat 500L": "Fiat 500L",
    "Fiat 500 L": "Fiat 500",
    "Toyota Prius c": "Toyota Prius c",
    "Chrysler Town & Country": "Chrysler Town and Country",
    "Ford Mustang and flags": "Ford Mustang",
    "Peugeot 206 in snow and 2008 calendars": "Peugeot 206",
    "BMW E30 and E36": "BMW 3 Series",
    "Porsche 914/6": "Porsche 914",
    "Saab 9-5": "Saab 9-5",
    "Saab 95": "Saab 95",
    "Ford GT40": "Ford GT40",
    "Ford F150 (1990)": "Ford F-150",
    "Ford Focus C-Max": "Ford C-Max",
    "Hyundai Genesis Coupe": "Hyundai Genesis Coupe",
    "Alfa Romeo 159": "Alfa Romeo 159",
    "Austin-Healey 3000": "Austin-Healey 3000",
    "Land Rover Range Rover Sport": "Land Rover Range Rover Sport",
    "Range Rover (L322)": "Land Rover Range Rover",
    "Austin Mini Cooper": "Austin Mini",
    "Mini Cooper": "MINI Cooper",
    "SEAT León": "SEAT Leon",
    "Jaguar XJ (X300)": "Jaguar XJ",
    "Rover 75": "Rover 75",
    "Jaguar automobiles": "Jaguar",
    "Ford vehicles in 2015": "Ford",
    "Vehicles with V8 engines; Ford Mustang GT; Pages with maps": "Ford Mustang",
    "Ford Mustangs in museums": "Ford Mustang",
}

NOTHING = (
    "Ford", "Ford (surname)", "Lincoln, Nebraska", "Lincoln Tunnel", "Mini", "Mini cars", "Smart",
    "Smart cars", "Seat", "Seat belts", "Jaguar", "Jaguars", "Opel Zoo", "Saturn",
    "Saturn V", "Saturn's rings", "Rover", "Mars rovers", "Austin, Texas", "Morgan Freeman",
    "Plymouth Sound", "Lotus flowers", "BMW Museum", "BMW dealerships", "Ford logos",
    "Ford engines", "Mustang", "Mustangs", "2 CV", "Ford Mustang drivers",
    "Ford Mustang; Model cars of Ford Mustang", "Triumph TR6; Triumph motorcycles", "Golf",
    "Ford, Mustang",
)  # fmt: skip

TITLES = {
    "2018 Ford Mustang GT 5.0": "Ford Mustang",
    "Peugeot 2008 Allure 2018": "",
    "Peugeot 208 2018": "Peugeot 208",
    "Mazda 3": "",
    "Mazda 3 (BM) front": "Mazda 3",
    "Mazda 2 2": "",
    "BYD Atto 3 1X7A6491": "BYD Atto 3",
    "Hyundai Ioniq 5": "Hyundai Ioniq 5",
    "Škoda 120 let": "",
    "Škoda 120 L": "Škoda 120",
    "Saturn sky": "",
    "2008 Saturn Sky": "Saturn Sky",
    "Mercury Mariner 10": "",
    "Lincoln Continental 1964": "",
    "Alpine A110": "Alpine A110",
    "Dodge Challenger": "Dodge Challenger",
    "Lincoln Continental sedan 1964": "Lincoln Continental",
    "BMW": "",
    "BMW vehicles": "",
    "BMW G20 320i": "BMW 3 Series",
    "BMW motorcade at the G20 summit": "",
    "BMW R 1250 GS": "",
    "Ferrari F40 replica": "",
}


def told(words: dict[str, str], source: str = "commons") -> NameFacts:
    return read_names(Sighting(source, "21", words), VOCABULARY)


def car(words: dict[str, str]) -> str:
    return " ".join(told(words).words.values())


@pytest.mark.parametrize(("category", "said"), CATEGORIES.items())
def test_a_category_tells_make_and_model(category: str, said: str) -> None:
    assert car({"categories": f"Self-published work; {category}"}) == said


@pytest.mark.parametrize("category", NOTHING)
def test_a_name_of_something_else_tells_nothing(category: str) -> None:
    assert told({"categories": category}) == NameFacts({})


@pytest.mark.parametrize(("title", "said"), TITLES.items())
def test_a_title_tells_less_than_a_category(title: str, said: str) -> None:
    assert car({"title": title}) == said


def test_a_make_that_is_a_word_needs_something_about_cars_beside_it() -> None:
    assert car({"title": "Saturn Sky", "categories": "Planets"}) == ""
    assert car({"title": "Saturn Sky", "categories": "Automobiles in Ohio"}) == "Saturn Sky"
    assert car({"title": "Saturn Sky", "categories": "Saturn automobiles"}) == "Saturn Sky"


def test_several_cars_are_ambiguous() -> None:
    two = told({"categories": "Ford Mustang; BMW M3 (E46)"})
    assert two == NameFacts({}, ambiguous=(("make", "BMW / Ford"),))
    title = told({"categories": "Opel Astra H", "title": "Vauxhall Astra 2005"})
    assert title == NameFacts({}, ambiguous=(("make", "Opel / Vauxhall"),))
    item = told({"categories": "Ford Mustang", "depicts": "Chevrolet Camaro"})
    assert item.words == {}
    models = told({"categories": "Ford Mustang; Ford Escort"})
    assert models == NameFacts({"make": "Ford"}, ambiguous=(("model", "Ford Escort / Mustang"),))


@pytest.mark.parametrize(
    ("name", "models"),
    [
        ("Dodge Charger and Challenger", "Dodge Challenger / Charger"),
        ("Renault 9 & 11", "Renault 11 / 9"),
        ("Volkswagen Golf/Jetta", "Volkswagen Golf / Jetta"),
        ("Ford Focus ST vs Fiesta ST", "Ford Fiesta / Focus"),
        ("Audi A4, Audi A6 und A8", "Audi A4 / A6 / A8"),
    ],
)
def test_several_cars_may_share_the_name_of_their_make(name: str, models: str) -> None:
    make = models.split(" ", 1)[0]
    for words in ({"categories": name}, {"title": name}):
        assert told(words) == NameFacts({"make": make}, ambiguous=(("model", models),))


def test_a_model_that_is_named_counts_for_more_than_a_code() -> None:
    assert car({"categories": "BMW E46; BMW M3 (E46)"}) == "BMW M3"
    assert car({"categories": "BMW E46; BMW E90"}) == "BMW 3 Series"


def test_what_the_tables_lack_is_reported() -> None:
    assert told({"categories": "Ford Zorro (2030) in Spain"}).unknown == (("model", "Ford Zorro"),)
    assert told({"categories": "Dodge City"}) == NameFacts({}, (("model", "Dodge City"),))
    known = told({"categories": "Ford vehicles; Ford Zorro"})
    assert (known.words, known.unknown) == ({"make": "Ford"}, (("model", "Ford Zorro"),))
    walked = told({"categories": "Zorro Uno", "found_in": "Category:Zorro Uno"})
    assert walked.unknown == (("make", "Zorro Uno"),)
    assert told({"categories": "Zorro Uno", "found_in": "search: zorro"}) == NameFacts({})


def test_only_photos_of_commons_are_read_so() -> None:
    words = {"title": "2018 Ford Mustang", "categories": "Ford Mustang"}
    assert told(words, "commons-replica").words == {"make": "Ford", "model": "Mustang"}
    assert told(words, "folder") == NameFacts({})
    assert told(words | {"make": "Opel"}) == NameFacts({})


def test_names_become_statements_of_the_source() -> None:
    sighting = Sighting("commons", "21", {"categories": "VW Käfer; Ford Zorro"})
    facts = read_facts(sighting, "f" * 64, 1, VOCABULARY, datetime(2026, 1, 2, tzinfo=UTC))
    assert {(each.attribute, each.values, each.origin, each.by) for each in facts.assertions} == {
        ("make", ("Volkswagen",), "source", "commons"),
        ("model", ("Beetle",), "source", "commons"),
    }


def test_a_vocabulary_of_ones_own_adds_makes_models_and_codes(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text(
        'ordinary = ["Zorro"]\n[models]\nZorro = ["Uno"]\nFord = ["Zeta"]\nVW = ["Omega"]\n'
        '[codes.Ford]\nZeta = ["Q99"]\n[attributes.model.words]\nZeta = ["Zeta Plus"]\n'
    )
    own = load_vocabulary(mine)
    assert own.version != VOCABULARY.version

    def read(name: str) -> dict[str, str]:
        return read_names(Sighting("commons", "21", {"categories": name}), own).words

    assert read("Zorro Uno (first generation)") == {"make": "Zorro", "model": "Uno"}
    assert read("Ford Zeta Plus") == read("Ford Q99") == {"make": "Ford", "model": "Zeta"}
    assert read("Volkswagen Omega") == {"make": "Volkswagen", "model": "Omega"}
    assert read("Ford Mustang") == {"make": "Ford", "model": "Mustang"}
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('alone = ["Zeppelin"]\n')
    with pytest.raises(VocabularyError, match=r"alone: .Zeppelin. is a model of no make"):
        load_vocabulary(wrong)


def test_what_was_left_open_is_counted_and_reported(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path / "catalog")
    names = ("Ford Mustang", "Ford Mustang; BMW M3", "Ford Zorro")
    taken = [
        Photo(Sighting("commons", str(at), {"categories": name}), picture(at))
        for at, name in enumerate(names)
    ]
    register(catalog, taken, run_id="r")
    done = label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
    assert done.assertions == {"make": 1, "model": 1}
    keys = [image_id(picture(at)) for at in range(3)]
    assert current_labels(catalog, keys) == {
        keys[0]: {
            "make": Label(("Ford",), "source", None),
            "model": Label(("Mustang",), "source", None),
        },
        keys[1]: {},
        keys[2]: {},
    }
    report = new_report("label", "r", {})
    report.add_labels(done)
    tables = report.tables()
    assert tables["Unknown words"] == [{"word": "model: Ford Zorro", "count": 1}]
    assert tables["Ambiguous names"] == [{"name": "make: BMW / Ford", "count": 1}]


def picture(seed: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (64, 64), (seed, 0, 7)).save(out, "PNG")
    return out.getvalue()
