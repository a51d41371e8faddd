from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assertions import Assertion, Label
from core.records import Sighting
from core.vocabulary import load_vocabulary
from labeling.consensus import consensus
from labeling.facts import read_facts

VOCABULARY = load_vocabulary()
START = datetime(2026, 1, 1, tzinfo=UTC)


def say(  # one statement, of a source unless told otherwise
    attribute: str,
    *values: str,
    about: str = "a",
    origin: str = "source",
    at: int = 0,
    version: str = VOCABULARY.version,
    revision: int = 1,
) -> Assertion:
    one_of = len(values) > 1 and attribute not in ("people", "age")
    by = "ann" if origin == "human" else "shop"
    time = START + timedelta(seconds=at)
    return Assertion(
        "f" * 64, attribute, values, one_of, None, origin, by, version, about, time, revision  # type: ignore[arg-type]
    )  # fmt: skip


def body(*spoken: tuple[str, ...]) -> tuple[str, ...] | None:
    """The body type that sightings amount to, each with its own words."""
    voices = [say("body_type", *values, about=str(i)) for i, values in enumerate(spoken)]
    label = consensus(voices, VOCABULARY).get("body_type")
    return label and label.values


@pytest.mark.parametrize(
    ("spoken", "label"),
    [
        ([("suv",)], ("suv",)),
        ([("suv", "crossover", "pickup")], None),
        ([("suv", "crossover", "pickup"), ("pickup",)], ("pickup",)),
        ([("suv", "crossover", "pickup"), ("pickup", "van")], ("pickup",)),
        ([("suv", "crossover"), ("suv", "crossover", "pickup")], None),
        ([("sedan",), ("coupe",)], None),
        ([("sedan",), ("coupe",), ("sedan",)], ("sedan",)),
        ([("sedan",), ("coupe",), ("suv",)], None),
        ([("sedan",), ("sedan",), ("coupe",), ("suv",)], None),
        ([("sedan",), ("suv", "crossover")], None),
        ([("suv",), ("suv", "crossover"), ("sedan",)], ("suv",)),
        ([("sedan",), ("sedan",), ("coupe",), ("coupe",)], None),
    ],
)
def test_sightings_narrow_each_other_and_the_majority_settles_contradictions(
    spoken: list[tuple[str, ...]], label: tuple[str, ...] | None
) -> None:
    assert body(*spoken) == label


def test_a_label_says_where_it_comes_from() -> None:
    labels = consensus([say("color", "red"), say("model_year", "2012")], VOCABULARY)
    assert labels == {
        "color": Label(("red",), "source", None),
        "model_year": Label(("2012",), "source", None),
    }


def test_of_several_people_all_that_are_named_hold() -> None:
    voices = [say("people", "woman"), say("people", "man", about="b"), say("people", about="c")]
    assert consensus(voices, VOCABULARY) == {"people": Label(("man", "woman"), "source", None)}


def test_nobody_is_a_label_only_if_it_is_said() -> None:
    assert consensus([say("people")], VOCABULARY) == {"people": Label((), "source", None)}
    assert consensus([], VOCABULARY) == {}


def test_the_latest_person_decides_over_any_number_of_sources() -> None:
    sources = [say("color", "red", about=str(i), at=9) for i in range(5)]
    people = [
        say("color", "blue", origin="human", at=1),
        say("color", "grey", origin="human", at=2),
    ]
    labels = consensus([*people, *sources], VOCABULARY)
    assert labels == {"color": Label(("grey",), "human", None)}


def test_a_person_can_say_that_it_cannot_be_told() -> None:
    undecided = say("color", "silver", "grey", origin="human")
    nothing = replace(undecided, values=())
    for human in (undecided, nothing):
        assert consensus([human, say("color", "grey")], VOCABULARY) == {}


def test_models_are_not_weighed() -> None:
    assert consensus([say("color", "red", origin="model")], VOCABULARY) == {}


def test_a_new_reading_of_a_sighting_replaces_the_old_one_as_a_whole() -> None:
    old = [say("color", "red"), say("make", "Ford")]
    assert consensus([*old, say("color", "blue", revision=2)], VOCABULARY) == {
        "color": Label(("blue",), "source", None)
    }


def test_words_that_change_back_count_though_their_statement_is_old() -> None:
    read = [say("color", "red"), say("color", "blue", revision=2, at=1)]
    read.append(say("color", "red", revision=3, at=2))
    assert consensus(read, VOCABULARY)["color"].values == ("red",)


def test_the_current_vocabulary_counts_though_another_was_used_later() -> None:
    read = [say("body_type", "van"), say("body_type", "minivan", version="tried out", at=5)]
    assert consensus(read, VOCABULARY)["body_type"].values == ("van",)


def test_before_the_first_new_reading_the_last_old_one_stands() -> None:
    read = [say("color", "red", version="1"), say("color", "blue", version="2", at=1)]
    assert consensus(read, VOCABULARY)["color"].values == ("blue",)


def test_values_and_attributes_that_are_gone_are_passed_over() -> None:
    gone = [say("color", "mauvish"), say("rust", "yes"), say("color", "red", "mauvish", about="b")]
    assert consensus(gone, VOCABULARY) == {}


VALUES = {
    "color": ["red", "blue", "grey"],
    "make": ["Ford", "Volkswagen"],
    "people": ["man", "woman"],
}


@st.composite
def statements(draw: st.DrawFn) -> Assertion:
    attribute = draw(st.sampled_from(sorted(VALUES)))
    fewest = 0 if attribute == "people" else 1
    most = 1 if attribute == "make" else 2
    pool = st.sampled_from(VALUES[attribute])
    return say(
        attribute,
        *draw(st.lists(pool, min_size=fewest, max_size=most, unique=True)),
        about=draw(st.sampled_from("abc")),
        origin=draw(st.sampled_from(["source", "source", "source", "human", "model"])),
        at=draw(st.integers(0, 2)),
        version=draw(st.sampled_from([VOCABULARY.version, "other"])),
        revision=draw(st.integers(1, 2)),
    )


MANY = st.lists(statements(), max_size=12)


@given(MANY, st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(said: list[Assertion], dice: object) -> None:
    mixed = [*said, *said[::2]]
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    assert consensus(mixed, VOCABULARY) == consensus(said, VOCABULARY)


@given(MANY, st.sampled_from(["red", "blue"]))
def test_a_person_who_speaks_last_always_wins(said: list[Assertion], value: str) -> None:
    labels = consensus([*said, say("color", value, origin="human", at=99)], VOCABULARY)
    assert labels["color"] == Label((value,), "human", None)


WORDS = st.fixed_dictionaries(
    {},
    optional={
        "color": st.sampled_from(["rot", "blue", "teal", "n/a", "sparkling"]),
        "body_type": st.sampled_from(["Kombi", "SUV/4x4/Pick-Up", "pickup", "Compact"]),
        "people": st.sampled_from(["none", "man", "man and woman"]),
    },
)


@given(st.dictionaries(st.sampled_from("abc"), WORDS), MANY, st.booleans())
def test_reading_the_same_words_again_changes_nothing(
    places: dict[str, dict[str, str]], earlier: list[Assertion], before: bool
) -> None:
    def read(day: int) -> list[Assertion]:
        at = START + timedelta(days=day)
        shop = [Sighting("shop", name, words) for name, words in places.items()]
        facts = [read_facts(each, "f" * 64, 3, VOCABULARY, at) for each in shop]
        return [assertion for each in facts for assertion in each.assertions]

    once = [*earlier, *read(1)]
    twice = [*read(-1), *once] if before else [*once, *read(2)]
    assert consensus(twice, VOCABULARY) == consensus(once, VOCABULARY)


@given(st.lists(st.sampled_from(VALUES["color"]), min_size=2, max_size=3, unique=True))
def test_one_of_several_alone_never_gives_a_label(values: list[str]) -> None:
    assert consensus([say("color", *values)], VOCABULARY) == {}


@given(MANY)
def test_a_label_is_one_value_that_somebody_said(said: list[Assertion]) -> None:
    for name, label in consensus(said, VOCABULARY).items():
        stated = {v for each in said if each.attribute == name for v in each.values}
        assert set(label.values) <= stated
        assert name == "people" or len(label.values) == 1
