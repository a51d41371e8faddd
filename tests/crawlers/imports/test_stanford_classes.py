"""The table of the 196 classes, and the rule for names outside it."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from crawlers.imports.stanford import classes as stanford_classes
from crawlers.imports.stanford.classes import (
    CLASS_BODY_WORDS,
    is_class,
    is_known_class,
    load_classes,
    parse_class_name,
    plain_name,
    words_of,
)

NAMES = Path(__file__).parents[3].parent / "shared" / "data" / "stanford_cars" / "names.csv"
BODIES = {
    *("sedan", "hatchback", "estate", "coupe", "convertible", "suv", "pickup", "minivan", "van"),
}


def table() -> list[dict[str, str]]:
    path = Path(stanford_classes.__file__).with_name("cars_classes.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_196_classes_are_there_and_whole() -> None:
    rows = table()
    assert [row["class_id"] for row in rows] == [str(number) for number in range(1, 197)]
    assert len({plain_name(row["class_name"]) for row in rows}) == 196
    assert all(row["make"] and row["model"] for row in rows)
    assert {row["body_type"] for row in rows if row["body_type"]} == BODIES
    assert [row["class_name"] for row in rows if not row["body_type"]] == ["Jaguar XK XKR 2012"]
    assert len({row["make"] for row in rows}) == 49


@pytest.mark.skipif(not NAMES.is_file(), reason="the shared test data is not here")
def test_the_names_are_those_of_the_data_set() -> None:
    names = NAMES.read_text(encoding="utf-8").splitlines()
    assert [words["class_name"] for words in load_classes()] == names


def test_make_year_and_stated_body_are_those_of_the_name() -> None:
    """What the name states cannot be otherwise in the table."""
    for row in table():
        name = row["class_name"]
        assert name.endswith(f" {row['model_year']}")
        assert name.casefold().startswith(f"{row['make']} ".casefold())
        stated = [CLASS_BODY_WORDS[w] for w in name.casefold().split() if w in CLASS_BODY_WORDS]
        if stated:
            assert row["body_type"] == stated[-1]


def test_a_model_is_part_of_its_name() -> None:
    other = {
        row["class_name"]
        for row in table()
        if f" {row['model']} " not in row["class_name"].removeprefix(row["make"])
    }
    assert other == {
        "Dodge Ram Pickup 3500 Crew Cab 2010",
        "Dodge Ram Pickup 3500 Quad Cab 2009",
    }


def test_one_model_has_one_spelling() -> None:
    spellings = {(row["make"], row["model"]) for row in table()}
    folded = Counter((plain_name(make), plain_name(model)) for make, model in spellings)
    assert max(folded.values()) == 1


@pytest.mark.parametrize(
    ("name", "make", "model", "body", "year"),
    [
        ("AM General Hummer SUV 2000", "AM General", "Hummer", "suv", "2000"),
        ("Land Rover Range Rover SUV 2012", "Land Rover", "Range Rover", "suv", "2012"),
        ("Ram C/V Cargo Van Minivan 2012", "Ram", "C/V", "minivan", "2012"),
        ("HUMMER H3T Crew Cab 2010", "Hummer", "H3T", "pickup", "2010"),
        (
            "Chevrolet Corvette Ron Fellows Edition Z06 2007",
            *("Chevrolet", "Corvette", "coupe", "2007"),
        ),
    ],
)
def test_names_that_a_rule_gets_wrong(
    name: str, make: str, model: str, body: str, year: str
) -> None:
    expected = {"class_name": name, "make": make, "model": model}
    assert words_of(name) == expected | {"body_type": body, "model_year": year}


@pytest.mark.parametrize(
    "name",
    [
        "Ram C-V Cargo Van Minivan 2012",
        "Ram C_V Cargo Van Minivan 2012",
        "ram_c-v_cargo_van_minivan_2012",
        "  RAM  C/V Cargo Van Minivan 2012 ",
    ],
)
def test_a_name_is_found_however_a_folder_writes_it(name: str) -> None:
    assert is_class(name)
    assert words_of(name)["class_name"] == "Ram C/V Cargo Van Minivan 2012"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "Land Rover Discovery Sport SUV 2016",
            {
                "make": "Land Rover",
                "model": "Discovery Sport",
                "body_type": "suv",
                "model_year": "2016",
            },
        ),
        ("Ford_F-250_Crew_Cab_2015", {
            "make": "Ford", "model": "F-250", "body_type": "pickup", "model_year": "2015"}),
        ("Fiat Panda", {"make": "Fiat", "model": "Panda"}),
        ("Rolls Royce Wraith Coupe 2014", {
            "make": "Rolls-Royce", "model": "Wraith", "body_type": "coupe", "model_year": "2014"}),
        ("Peugeot 308 Wagon 2015", {"body_type": "estate", "model_year": "2015"}),
        ("Fordson Tractor 1950", {"model_year": "1950"}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_name_outside_the_table_is_read_by_rule(name: str, words: dict[str, str]) -> None:
    assert not is_class(name)
    assert words_of(name) == {"class_name": name} | words


def test_the_rule_agrees_with_the_table_on_most_names() -> None:
    """The rule's misses are the trims and hybrids that only a person knows."""
    right = Counter[str]()
    for words in load_classes():
        parsed = parse_class_name(words["class_name"])
        right.update(key for key, word in words.items() if parsed.get(key) == word)
    assert right["make"] == right["model_year"] == 196
    assert right["body_type"] == 182  # the other 13 names state none
    assert right["model"] == 168


LEFT_OUT = {"class_name", "model_year"}


def test_every_class_is_read_with_its_year_first_last_and_absent() -> None:
    """As words, and as folders write them."""
    for words in load_classes():
        car, _, year = words["class_name"].rpartition(" ")
        for name in (f"{year} {car}", f"{year}_{car.replace(' ', '_')}", f"{car} ({year})"):
            assert is_class(name)
            assert words_of(name) == words
            assert words_of(f"{name} (1)") == words_of(f"{name} - Copy") == words
        for name in (car, car.replace(" ", "_"), f"{car} copy"):
            assert not is_class(name)
            assert is_known_class(name)
            found = words_of(name)
            assert found["class_name"] == car
            assert "model_year" not in found
            assert found.items() - {("class_name", car)} <= words.items()
            # Two classes that differ in their year alone agree in all else.
            assert found.keys() - LEFT_OUT == words.keys() - LEFT_OUT


def test_letters_alone_tell_the_classes_apart() -> None:
    assert (
        len({plain_name(words["class_name"]).replace(" ", "") for words in load_classes()}) == 196
    )


@pytest.mark.parametrize(
    "name",
    [
        *("001.AM General Hummer SUV 2000", "001-AM_General_Hummer_SUV_2000"),
        *("2000 AMGeneral Hummer", "AMGeneralHummerSUV2000", "am-general-hummer-suv-2000"),
        "AM General Hummer SUV (2000) (2)",
    ],
)
def test_other_ways_to_write_a_class(name: str) -> None:
    expected = {"make": "AM General", "model": "Hummer", "model_year": "2000"}
    assert expected.items() <= words_of(name).items()


@pytest.mark.parametrize(
    ("name", "make", "model", "year"),
    [
        ("2016 Land Rover Discovery Sport SUV", "Land Rover", "Discovery Sport", "2016"),
        ("Land_Rover_Discovery_Sport_SUV_2016", "Land Rover", "Discovery Sport", "2016"),
        ("2015 Aston Martin DB9 Coupe", "Aston Martin", "DB9", "2015"),
        ("2015_Aston_Martin_DB9_Coupe (1)", "Aston Martin", "DB9", "2015"),
        ("AstonMartin DB9 Coupe 2015", "Aston Martin", "DB9", "2015"),
        ("Aston-Martin DB9 Coupe [2015]", "Aston Martin", "DB9", "2015"),
        ("1992 AM General Humvee Pickup", "AM General", "Humvee", "1992"),
        ("AM General Humvee", "AM General", "Humvee", None),
        ("2013 Rolls Royce Wraith Coupe", "Rolls-Royce", "Wraith", "2013"),
        ("2011 Mercedes Benz GLK-Class SUV", "Mercedes-Benz", "GLK-Class", "2011"),
        ("BMW 2002", "BMW", "2002", None),
        ("1973 BMW 2002", "BMW", "2002", "1973"),
        ("BMW 2002 Coupe 1973", "BMW", "2002", "1973"),
        ("Peugeot 2008", None, None, None),
        ("2015 Peugeot 2008 SUV", None, None, "2015"),
        ("2014 Acura", "Acura", None, "2014"),
    ],
)
def test_a_year_is_read_at_either_end(
    name: str, make: str | None, model: str | None, year: str | None
) -> None:
    found = words_of(name)
    assert (found.get("make"), found.get("model"), found.get("model_year")) == (make, model, year)
