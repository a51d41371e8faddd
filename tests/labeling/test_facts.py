from datetime import UTC, datetime

from catalog.schema import sighting_id
from core.records import Sighting
from core.vocabulary import load_vocabulary
from labeling.facts import Facts, read_facts

VOCABULARY = load_vocabulary()
AT = datetime(2026, 1, 2, tzinfo=UTC)


def read(**words: str) -> Facts:
    return read_facts(Sighting("shop", "car 1", words), "f" * 64, 3, VOCABULARY, AT)


def test_words_become_statements_of_the_source() -> None:
    facts = read(color="Rot", body_type="SUV/4x4/Pick-Up", make="VW", model_year="2012")
    stated = {a.attribute: (a.values, a.one_of) for a in facts.assertions}
    assert stated == {
        "color": (("red",), False),
        "body_type": (("suv", "crossover", "pickup"), True),
        "make": (("Volkswagen",), False),
        "model_year": (("2012",), False),
    }
    assert facts.unknown == ()
    for each in facts.assertions:
        assert (each.image_id, each.origin, each.by, each.confidence) == (
            "f" * 64,
            "source",
            "shop",
            None,
        )
        assert (each.version, each.created_at, each.revision) == (VOCABULARY.version, AT, 3)
        assert each.about == sighting_id("shop", "car 1")


def test_an_unknown_word_is_reported_and_states_nothing() -> None:
    facts = read(color="sparkling", model_year="soon", body_type="van")
    assert facts.unknown == (("color", "sparkling"), ("model_year", "soon"))
    assert [each.attribute for each in facts.assertions] == ["body_type"]


def test_other_fields_are_the_sources_own_business() -> None:
    assert read(colour_pseudo="red", price="9000", title="A red car") == Facts((), ())


def test_a_word_that_says_nothing_is_neither_stated_nor_unknown() -> None:
    assert read(color="n/a", body_type="Kleinwagen", people="", make="-") == Facts((), ())


def test_an_explicit_none_is_a_statement() -> None:
    (people,) = read(people="none").assertions
    assert (people.values, people.one_of) == ((), False)


def test_a_second_reading_makes_the_same_statements() -> None:
    first, again = read(color="red"), read(color="Rouge")
    assert first.assertions[0].assertion_id == again.assertions[0].assertion_id
    assert len(first.assertions[0].assertion_id) == 64


def test_a_statement_that_differs_in_anything_has_another_id() -> None:
    sightings = [
        Sighting("shop", "car 1", {"color": "red"}),
        Sighting("shop", "car 2", {"color": "red"}),
        Sighting("mart", "car 1", {"color": "red"}),
        Sighting("shop", "car 1", {"color": "blue"}),
        Sighting("shop", "car 1", {"make": "red"}),
    ]
    made = [read_facts(each, "f", 1, VOCABULARY, AT).assertions[0] for each in sightings]
    made += read_facts(sightings[0], "e", 1, VOCABULARY, AT).assertions
    made += read_facts(sightings[0], "f", 2, VOCABULARY, AT).assertions
    assert len({each.assertion_id for each in made}) == 7
