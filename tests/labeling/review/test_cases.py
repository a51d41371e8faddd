"""Which labels wait for a person, and for which reason: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assertions import Assertion
from core.vocabulary import load_vocabulary
from labeling.consensus import decide
from labeling.labelers import LabelerThreshold
from labeling.review.cases import Case, cases_of
from labeling.review.suspects import Suspect
from tests.labeling.review.making import rule, said

VOCABULARY = load_vocabulary()
KEY = "a" * 64


def source(*values: str, about: str = "a", attribute: str = "color") -> Assertion:
    """What a place says; alternatives if it names several colors."""
    one_of = len(values) > 1
    return said(KEY, attribute, *values, by=f"shop {about}", origin="source", one_of=one_of)


def guess(value: str, sure: float, by: str = "net") -> Assertion:
    return said(KEY, "color", value, by=by, origin="model", sure=sure, version="1")


def cases(
    *statements: Assertion,
    thresholds: tuple[LabelerThreshold, ...] = (),
    suspect: Suspect | None = None,
) -> list[Case]:
    suspects = {} if suspect is None else {(KEY, "color"): suspect}
    return cases_of(KEY, decide(statements, VOCABULARY, thresholds), thresholds, suspects)


def only(*statements: Assertion, thresholds: tuple[LabelerThreshold, ...] = ()) -> Case:
    (case,) = cases(*statements, thresholds=thresholds)
    return case


def test_a_network_that_contradicts_a_source() -> None:
    case = only(source("red"), guess("blue", 0.9), thresholds=(rule("color", 0.8),))
    assert (case.reason, case.strength) == ("contradiction", 0.9)
    assert case.label is not None
    assert (case.label.values, case.label.origin) == (("red",), "source")
    assert (case.suggestion, case.confidence, case.suggested_by) == (("blue",), 0.9, "net")
    assert case.why == "said by shop a; net says blue"


def test_sources_that_contradict_each_other() -> None:
    case = only(source("red"), source("blue", about="b"))
    assert (case.reason, case.label, case.strength) == ("contradiction", None, 1.0)
    assert case.suggestion in {("red",), ("blue",)}
    outvoted = only(source("red"), source("red", about="b"), source("blue", about="c"))
    assert (outvoted.suggestion, outvoted.reason) == (("blue",), "contradiction")
    assert outvoted.strength < case.strength


def test_networks_that_contradict_each_other() -> None:
    both = (rule("color", 0.8), rule("color", 0.8, "other"))
    case = only(guess("red", 0.9), guess("blue", 0.95, "other"), thresholds=both)
    assert (case.reason, case.suggested_by) == ("contradiction", "other")


def test_what_agrees_waits_for_nobody() -> None:
    assert cases(source("red"), guess("red", 0.99), thresholds=(rule("color", 0.8),)) == []
    assert cases(source("red"), source("red", about="b")) == []
    assert cases(guess("red", 0.99), thresholds=(rule("color", 0.8),)) == []
    assert cases() == []


def test_a_tryout_never_contradicts() -> None:
    tryout = rule("color", 0.8, is_tryout=True)
    assert cases(source("red"), guess("blue", 0.99), thresholds=(tryout,)) == []
    beside = (rule("color", 0.8, "other"), tryout)
    assert cases(guess("red", 0.95, "other"), guess("blue", 0.99), thresholds=beside) == []


@pytest.mark.parametrize(
    ("sure", "least", "waits", "strength"),
    [
        (0.80, 0.80, True, 1.0),
        (0.84, 0.80, True, 0.96),
        (0.86, 0.80, False, 0.0),
        (0.81, 0.30, False, 0.0),
        (0.45, 0.30, True, 0.85),
        (0.90, 0.90, True, 1.0),
        (0.92, 0.90, True, 0.98),
        (0.93, 0.90, False, 0.0),  # as nearly all that pass such a threshold
        (1.00, 1.00, False, 0.0),
        (0.75, 0.80, True, 0.95),  # it is nobody's label though it was asked
        (0.30, 0.80, True, 0.5),
        (0.30, None, True, 0.35),
        (0.90, None, True, 0.05),
    ],
)
def test_near_a_threshold(sure: float, least: float | None, waits: bool, strength: float) -> None:
    found = cases(guess("red", sure), thresholds=(rule("color", least),))
    assert bool(found) is waits
    for case in found:
        assert case.reason == "near-threshold"
        assert case.strength == pytest.approx(strength)
        assert (case.suggestion, case.confidence) == (("red",), sure)


def test_a_network_that_nobody_weighs_is_not_asked() -> None:
    assert cases(guess("red", 0.5)) == []
    assert cases(source("silver", "grey")) == [], "no network could say which"


def test_what_a_source_leaves_open_and_a_network_cannot_close() -> None:
    thresholds = (rule("color", 0.8),)
    case = only(source("silver", "grey"), guess("grey", 0.7), thresholds=thresholds)
    assert (case.reason, case.suggestion) == ("near-threshold", ("grey",))
    assert "leaves open whether silver or grey" in case.why
    assert cases(source("silver", "grey"), guess("grey", 0.95), thresholds=thresholds) == []


def test_what_a_person_decided_waits_no_more() -> None:
    about = (source("red"), guess("blue", 0.99), source("green", about="b"))
    thresholds = (rule("color", 0.8),)
    suspect = Suspect(0, ("red",), ("blue",), 0.9, 0.8)
    assert cases(*about, thresholds=thresholds, suspect=suspect) != []
    for decision in (said(KEY, "color", "red"), said(KEY, "color", one_of=True)):
        assert cases(*about, decision, thresholds=thresholds, suspect=suspect) == []


def test_people_who_disagree_until_most_of_them_agree() -> None:
    ann, bob = said(KEY, "color", "red"), said(KEY, "color", "blue", by="bob", at=1)
    case = only(ann, bob)
    assert (case.reason, case.label and case.label.values) == ("people-disagree", ("blue",))
    assert (case.suggestion, case.suggested_by) == (("red",), "ann")
    assert case.why == "bob says blue; ann says red"
    third = said(KEY, "color", "red", by="cem", at=2)
    assert cases(ann, bob, third) == []
    assert only(ann, bob, said(KEY, "color", "green", by="cem", at=2)).reason == "people-disagree"
    assert cases(ann, bob, said(KEY, "color", "blue", at=2)) == [], "ann came round"
    cannot_tell = said(KEY, "color", by="bob", one_of=True, at=1)
    assert only(ann, cannot_tell).why == "bob says that it cannot be determined; ann says red"


def test_a_label_that_is_probably_wrong() -> None:
    suspect = Suspect(0, ("red",), ("blue",), 0.9, 0.8)
    (case,) = cases(source("red"), suspect=suspect)
    assert (case.reason, case.strength, case.suggestion) == ("suspected-label", 0.8, ("blue",))
    assert cases(source("green"), suspect=suspect) == [], "the source says otherwise by now"
    contradicted = cases(
        source("red"), guess("blue", 0.9), thresholds=(rule("color", 0.8),), suspect=suspect
    )
    assert [each.reason for each in contradicted] == ["contradiction"]


def test_nobody_is_a_suggestion_and_alternatives_are_none() -> None:
    man = said(KEY, "people", "man", by="bob", at=1)
    case = only(said(KEY, "people"), man)
    assert case.suggestion == ()
    assert only(said(KEY, "color", one_of=True), said(KEY, "color", "red", at=1, by="bob")) == Case(
        KEY, "color", "people-disagree", 1.0, case_label("red"), None, None, "",
        "bob says red; ann says that it cannot be determined",
    )  # fmt: skip


def case_label(value: str) -> object:
    return decide([said(KEY, "color", value)], VOCABULARY)["color"].label


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["source", "net", "other", "ann", "bob"]),
            st.sampled_from(["red", "blue", "green"]),
            st.floats(0, 1),
        ),
        max_size=6,
    ),
    st.one_of(st.none(), st.floats(0, 1)),
    st.booleans(),
)
def test_a_reason_outranks_the_next_whatever_is_said(
    spoken: list[tuple[str, str, float]], least: float | None, is_tryout: bool
) -> None:
    made = []
    for at, (who, value, sure) in enumerate(spoken):
        if who == "source":
            made.append(source(value, about=str(at)))
        elif who in {"ann", "bob"}:
            made.append(said(KEY, "color", value, by=who, at=at))
        else:
            made.append(guess(value, sure, who))
    thresholds = (rule("color", least), rule("color", 0.5, "other", is_tryout=is_tryout))
    for case in cases(*made, thresholds=thresholds):
        assert 0 <= case.strength <= 1
        rank = ["near-threshold", "suspected-label", "people-disagree", "contradiction"]
        assert rank.index(case.reason) <= case.score <= rank.index(case.reason) + 1
        people = {each.by for each in made if each.origin == "human"}
        assert not people or case.reason == "people-disagree"
        assert case.reason != "people-disagree" or people == {"ann", "bob"}
