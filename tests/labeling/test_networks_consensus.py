"""Laws of the consensus when networks speak too: over sources, people, networks and thresholds."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assertions import Assertion, Label
from core.vocabulary import load_vocabulary
from labeling.consensus import Decision, consensus, decide
from labeling.labelers import LabelerThreshold

VOCABULARY = load_vocabulary()
START = datetime(2026, 1, 1, tzinfo=UTC)
VALUES = {
    "view": ("exterior", "interior", "not_a_car"),
    "color": ("red", "blue", "grey"),
    "body_type": ("sedan", "suv", "van"),
    "people": ("man", "woman"),
    "make": ("Ford", "Volkswagen"),
}
ATTRIBUTES = st.sampled_from(sorted(VALUES))
NETS = ("head color", "net", "other net")
SURE = (0.1, 0.3, 0.6, 0.9, 1.0, None)
LEAST = (None, 0.1, 0.3, 0.5, 0.9)


def say(
    attribute: str,
    *values: str,
    origin: str = "source",
    by: str = "shop",
    sure: float | None = None,
    one_of: bool = False,
    version: str = VOCABULARY.version,
    about: str = "",
    at: int = 0,
    revision: int = 1,
) -> Assertion:
    when = START + timedelta(seconds=at)
    return Assertion(
        "f" * 64, attribute, values, one_of, sure, origin, by, version, about, when, revision  # type: ignore[arg-type]
    )  # fmt: skip


def guess(
    attribute: str, *values: str, sure: float | None, by: str = "net", version: str = "1"
) -> Assertion:
    return say(attribute, *values, origin="model", by=by, sure=sure, version=version, revision=0)


def spoken_of(attribute: str, draw: st.DrawFn, fewest: int, most: int) -> list[str]:
    pool = st.sampled_from(VALUES[attribute])
    return draw(st.lists(pool, min_size=fewest, max_size=most, unique=True))


def source(draw: st.DrawFn, name: str) -> Assertion:
    many = VOCABULARY.attributes[name].many
    closed = VOCABULARY.attributes[name].kind == "closed"
    values = spoken_of(name, draw, 0 if many else 1, 2 if closed else 1)
    return say(
        name,
        *values,
        one_of=len(values) > 1 and not many,
        by=draw(st.sampled_from(["shop", "dealer"])),
        about=draw(st.sampled_from("abc")),
        version=draw(st.sampled_from([VOCABULARY.version, VOCABULARY.version, "older"])),
        revision=draw(st.integers(1, 2)),
        at=draw(st.integers(0, 2)),
    )


def person(draw: st.DrawFn, name: str) -> Assertion:
    many = VOCABULARY.attributes[name].many
    values = spoken_of(name, draw, 0, 2)
    return say(
        name,
        *values,
        origin="human",
        by=draw(st.sampled_from(["ann", "bob"])),
        one_of=draw(st.booleans()) if many else len(values) != 1,
        at=draw(st.integers(0, 3)),
    )


def network(draw: st.DrawFn, name: str) -> Assertion:
    many = VOCABULARY.attributes[name].many
    unsure = draw(st.integers(0, 5)) == 5
    fewest, most = (0, 2) if many or unsure else (1, 1)
    return replace(
        guess(
            name,
            *spoken_of(name, draw, fewest, most),
            sure=draw(st.sampled_from(SURE)),
            by=draw(st.sampled_from(NETS)),
            version=draw(st.sampled_from(["1", "1", "1", "old"])),
        ),
        one_of=unsure,
        created_at=START + timedelta(seconds=draw(st.integers(0, 2))),
    )


FORMS = (("sedan",), ("suv",), ("sedan", "suv"), ("suv", "van"))
SPEAKERS = {"source": source, "human": person, "model": network}


@dataclass(frozen=True)
class Talk:
    """What is said of one photo, about few attributes, and how networks are weighed."""

    said: list[Assertion]
    thresholds: list[LabelerThreshold]


@st.composite
def talks(
    draw: st.DrawFn, *origins: str, tryout: bool | None = None, about: Sequence[str] = ()
) -> Talk:
    """Talk between these origins; most networks have a rule."""
    names = about or draw(st.lists(ATTRIBUTES, min_size=1, max_size=2, unique=True))
    asked = st.tuples(st.sampled_from(names), st.sampled_from(origins))
    said = [SPEAKERS[origin](draw, name) for name, origin in draw(st.lists(asked, max_size=9))]
    trust = draw(st.permutations(NETS))[draw(st.sampled_from([0, 0, 0, 1])) :]
    trying = {by: draw(st.booleans()) if tryout is None else tryout for by in NETS}
    thresholds = [
        LabelerThreshold(name, by, "1", draw(st.sampled_from(LEAST)), trying[by])
        for by in trust
        for name in names
    ]
    return Talk(said, thresholds)


ALL = talks("source", "source", "model", "model", "model", "human")
NOBODYS = talks("source", "source", "model", "model", "model")


@st.composite
def torn(draw: st.DrawFn) -> Talk:
    """Talk of networks about a form that two places leave open, or contradict each other about."""
    talk = draw(talks("model", about=("body_type",)))
    words = draw(st.lists(st.sampled_from(FORMS), min_size=2, max_size=2))
    places = [
        say("body_type", *values, one_of=len(values) > 1, about=at)
        for at, values in zip("ab", words, strict=True)
    ]
    return Talk([*places, *talk.said], talk.thresholds)


def decided(talk: Talk) -> dict[str, Decision]:
    return decide(talk.said, VOCABULARY, talk.thresholds)


def alone(talk: Talk) -> dict[str, Label]:
    """The labels by the sources alone."""
    return consensus([each for each in talk.said if each.origin == "source"], VOCABULARY)


def outcome(decisions: Mapping[str, Decision]) -> dict[str, Any]:
    return {
        name: (made.label, made.why, frozenset(made.considered), frozenset(made.contradicting))
        for name, made in decisions.items()
    }


def heard(made: Decision, origin: str) -> list[Assertion]:
    return [each for each in made.considered if each.origin == origin]


def rule_of(said: Assertion, thresholds: Sequence[LabelerThreshold]) -> LabelerThreshold:
    key = (said.attribute, said.by, said.version)
    [found] = [each for each in thresholds if (each.attribute, each.by, each.version) == key]
    return found


def passes(said: Assertion, rule: LabelerThreshold) -> bool:
    if said.one_of or said.confidence is None or rule.threshold is None:
        return False
    return said.confidence >= rule.threshold


@given(ALL, st.randoms(use_true_random=False))
def test_order_and_duplicates_do_not_matter(talk: Talk, dice: random.Random) -> None:
    mixed = [*talk.said, *talk.said[::2]]
    dice.shuffle(mixed)
    assert outcome(decide(mixed, VOCABULARY, talk.thresholds)) == outcome(decided(talk))


def test_order_does_not_matter_between_no_confidence_and_none_at_all() -> None:
    said = [guess("color", "red", sure=sure) for sure in (0.0, None)]
    thresholds = [LabelerThreshold("color", "net", "1", 0.0)]
    one, other = (decide(each, VOCABULARY, thresholds) for each in (said, said[::-1]))
    assert outcome(one) == outcome(other)


@given(ALL, st.sampled_from(["red", "blue"]))
def test_a_person_who_speaks_last_wins_over_networks_and_sources(talk: Talk, value: str) -> None:
    last = say("color", value, origin="human", by="zoe", at=99)
    made = decide([*talk.said, last], VOCABULARY, talk.thresholds)["color"]
    assert made.label == Label((value,), "human", None)
    assert last in made.considered
    assert last not in made.contradicting


@given(ALL, ATTRIBUTES)
def test_a_person_who_cannot_tell_leaves_it_unknown(talk: Talk, name: str) -> None:
    last = say(name, origin="human", by="zoe", one_of=True, at=99)
    made = decide([*talk.said, last], VOCABULARY, talk.thresholds)[name]
    assert made.label is None
    assert "zoe" in made.why


@given(ALL, st.sampled_from(NETS))
def test_without_the_statements_of_a_network_it_is_as_before_it_spoke(talk: Talk, net: str) -> None:
    before = [each for each in talk.said if each.by != net]
    others = [rule for rule in talk.thresholds if rule.by != net]
    never = outcome(decide(before, VOCABULARY, others))
    assert outcome(decide(before, VOCABULARY, talk.thresholds)) == never, "a rule that nobody obeys"
    assert outcome(decide(talk.said, VOCABULARY, others)) == never, "statements that nobody weighs"


@given(NOBODYS)
def test_a_network_never_changes_what_sources_say(talk: Talk) -> None:
    together = consensus(talk.said, VOCABULARY, talk.thresholds)
    assert {name: together.get(name) for name in alone(talk)} == alone(talk)


@given(torn())
def test_where_sources_leave_it_open_a_network_gives_what_fits_the_most_of_them(talk: Talk) -> None:
    for made in decided(talk).values():
        voices = heard(made, "source")
        if made.label and made.label.origin == "model" and voices:
            fits = Counter(value for each in voices for value in each.values)
            assert {fits[value] for value in made.label.values} == {max(fits.values())}


@given(st.one_of(NOBODYS, torn()))
def test_a_tryout_model_never_contradicts_a_source(talk: Talk) -> None:
    first = alone(talk)
    tried = [replace(rule, is_tryout=True) for rule in talk.thresholds]
    for name, made in decide(talk.said, VOCABULARY, tried).items():
        voices = heard(made, "source")
        if voices and made.label:
            allowed = {value for each in voices for value in each.values}
            assert set(made.label.values) <= allowed
            assert name not in first or made.label == first[name]


@given(st.one_of(ALL, torn()))
def test_what_a_tryout_model_says_is_never_against_a_label(talk: Talk) -> None:
    for made in decided(talk).values():
        models = [each for each in made.contradicting if each.origin == "model"]
        assert not any(rule_of(each, talk.thresholds).is_tryout for each in models)


@pytest.mark.parametrize("is_tryout", [True, False])
def test_a_network_that_names_what_no_source_leaves_open_is_told(is_tryout: bool) -> None:
    place = say("color", "red", "blue", one_of=True, about="a")
    guessed = guess("color", "grey", sure=0.95)
    thresholds = [LabelerThreshold("color", "net", "1", 0.9, is_tryout)]
    made = decide([place, guessed], VOCABULARY, thresholds)["color"]
    assert made.label is None
    assert "net says grey, which no source leaves open" in made.why
    assert guessed in made.considered
    assert (guessed in made.contradicting) != is_tryout


def test_a_tryout_model_does_not_settle_what_sources_contradict_each_other_about() -> None:
    said = [say("color", name, about=name) for name in ("red", "blue")]
    said.append(guess("color", "red", sure=1.0))
    made = [
        decide(said, VOCABULARY, [LabelerThreshold("color", "net", "1", 0.5, is_tryout)])["color"]
        for is_tryout in (True, False)
    ]
    assert [each.label for each in made] == [None, Label(("red",), "model", 1.0)]
    assert [set(each.contradicting) for each in made] == [{said[0], said[1]}, {said[1]}]


@given(ALL)
def test_a_label_of_a_network_is_as_sure_as_its_judge_asks(talk: Talk) -> None:
    for name, label in consensus(talk.said, VOCABULARY, talk.thresholds).items():
        if label.origin == "model":
            assert label.confidence is not None
            least = [rule.threshold for rule in talk.thresholds if rule.attribute == name]
            assert any(each is not None and label.confidence >= each for each in least)


@given(ALL)
def test_without_a_threshold_there_is_no_label(talk: Talk) -> None:
    mute = [replace(rule, threshold=None) for rule in talk.thresholds]
    labels = consensus(talk.said, VOCABULARY, mute)
    assert {label.origin for label in labels.values()} <= {"human", "source"}


@given(talks("model"))
def test_the_first_network_that_is_sure_enough_labels(talk: Talk) -> None:
    for name, made in decided(talk).items():
        mine = [rule for rule in talk.thresholds if rule.attribute == name]
        heard_by = {each.by: each for each in made.considered}
        sure = [j for j in mine if j.by in heard_by and passes(heard_by[j.by], j)]
        if not sure:
            assert made.label is None
        else:
            first = heard_by[sure[0].by]
            assert made.label is not None
            assert set(made.label.values) == set(first.values)
            assert made.label.confidence == first.confidence


@given(talks("source", "model", "model", about=("view", "color", "people")))
def test_networks_are_not_heard_about_what_makes_no_sense_for_the_view(talk: Talk) -> None:
    made = decided(talk)
    view = made["view"].label if "view" in made else None
    for name, each in made.items():
        if view and not VOCABULARY.questions[name].makes_sense(view.values[0]):
            assert heard(each, "model") == []
            assert each.label is None or each.label.origin != "model"


@pytest.mark.parametrize("origin", ["human", "source", "model"])
def test_whoever_says_that_it_is_no_car_nobody_guesses_its_color(origin: str) -> None:
    view = say("view", "not_a_car", origin=origin, by="net", sure=0.9, version="1")
    guesses = [guess("color", "red", sure=1.0), guess("body_type", "van", sure=1.0)]
    attributes = ("color", "body_type", "view")
    thresholds = [LabelerThreshold(each, "net", "1", 0.5) for each in attributes]
    assert set(consensus([*guesses, view], VOCABULARY, thresholds)) == {"view"}
    assert set(consensus(guesses, VOCABULARY, thresholds)) == {"color", "body_type"}


@given(ALL)
def test_every_decision_has_a_reason_of_one_line(talk: Talk) -> None:
    for made in decided(talk).values():
        assert made.why.strip()
        assert made.why.splitlines() == [made.why]


@given(ALL)
def test_every_label_was_said_by_somebody_who_is_heard(talk: Talk) -> None:
    for name, made in decided(talk).items():
        assert set(made.contradicting) <= set(made.considered) <= set(talk.said)
        assert {each.attribute for each in made.considered} == {name}
        if made.label is not None:
            voices = [each for each in made.considered if each.origin == made.label.origin]
            assert voices
            assert set(made.label.values) <= {value for each in voices for value in each.values}


@given(torn())
def test_who_says_the_same_as_the_label_is_not_against_it(talk: Talk) -> None:
    for made in decided(talk).values():
        if made.label:
            same = [e for e in made.contradicting if set(e.values) == set(made.label.values)]
            assert [each for each in same if not each.one_of] == []


@given(st.one_of(NOBODYS, torn()))
def test_a_source_that_says_otherwise_than_the_label_is_against_it(talk: Talk) -> None:
    for name, made in decided(talk).items():
        if made.label and not VOCABULARY.attributes[name].many:
            said = set(made.label.values)
            others = {each for each in heard(made, "source") if not said & set(each.values)}
            assert others <= set(made.contradicting)


@given(ALL)
def test_what_a_person_decides_is_contradicted_by_people_only(talk: Talk) -> None:
    for made in decided(talk).values():
        if heard(made, "human"):
            assert {each.origin for each in made.contradicting} <= {"human"}


@given(talks("source", "model", "model", tryout=False))
def test_a_network_that_is_sure_of_something_else_is_against_the_label(talk: Talk) -> None:
    for made in decided(talk).values():
        if made.label:
            sure = [e for e in heard(made, "model") if passes(e, rule_of(e, talk.thresholds))]
            others = {each for each in sure if set(each.values) != set(made.label.values)}
            assert others == {e for e in made.contradicting if e.origin == "model"}


def test_of_an_unsure_network_it_is_said_how_sure_it_would_have_to_be() -> None:
    rules = [LabelerThreshold("color", "net", "1", 0.9), LabelerThreshold("make", "net", "1", None)]
    said = [guess("color", "red", sure=0.62), guess("make", "Ford", sure=0.99)]
    made = decide(said, VOCABULARY, rules)
    assert made["color"].why == "net is 62.00% sure and would need 90.00%"
    assert "not trusted" in made["make"].why


@pytest.mark.parametrize(("sure", "least"), [(0.62, 0.9), (0.8996, 0.9), (0.9, 0.9001)])
def test_who_falls_short_is_not_said_to_be_as_sure_as_is_needed(sure: float, least: float) -> None:
    thresholds = [LabelerThreshold("color", "net", "1", least)]
    made = decide([guess("color", "red", sure=sure)], VOCABULARY, thresholds)["color"]
    told, _, needed = made.why.removeprefix("net is ").partition(" sure and would need ")
    assert made.label is None
    assert told != needed
