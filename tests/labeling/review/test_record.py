"""Decisions enter the catalog once, stay, and the latest stands."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.assertions import Assertion
from core.vocabulary import load_vocabulary
from labeling.consensus import consensus
from labeling.label import load_assertions
from labeling.review.record import ReviewCounts, disputes, import_file, news
from labeling.review.resolve import Statement, settle
from labeling.review.waiting import load_queue
from tests.labeling.review.making import START, Shop, key_of, network, said, write

VOCABULARY = load_vocabulary()
LATER = START + timedelta(days=9)
HEAD = "image_id,attribute,decision,by,decided_at"


class Reviewed(Shop):
    """A shop that takes files back."""

    folder: Path

    def give_back(
        self, *rows: str, name: str = "review.csv", by: str | None = None
    ) -> ReviewCounts:
        return self.take(write(self.folder / name, HEAD, *rows), by)

    def take(self, path: Path, by: str | None = None) -> ReviewCounts:
        return import_file(self.catalog, path, by, run_id="r")


@pytest.fixture
def reviewed(shop: Shop, tmp_path: Path) -> Reviewed:
    made = Reviewed(shop.catalog)
    made.folder = tmp_path
    made.see_all([{"color": "red"}, {"color": "red"}, {}])
    made.label()
    return made


A, B, C = (key_of(seed) for seed in range(3))


def test_a_decision_is_kept_with_who_and_when(reviewed: Reviewed) -> None:
    done = reviewed.give_back(f"{A},color,Blau,ann,2026-11-02T10:00Z", f"{A},people,none,ann,")
    assert (done.new, done.known, done.good, done.lines) == ({"ann": 2}, 0, 2, [])
    made = [a for a in load_assertions(reviewed.catalog, [A])[A] if a.origin == "human"]
    color, people = sorted(made, key=lambda each: each.attribute)
    assert (color.values, color.by, color.confidence) == (("blue",), "ann", None)
    assert color.created_at == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert (people.values, people.one_of) == ((), False)
    assert abs(people.created_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert reviewed.label_of(A, "color") == ("blue",), "over the source"
    assert reviewed.label_of(A, "people") == ()


def test_cannot_tell_leaves_the_label_open(reviewed: Reviewed) -> None:
    reviewed.give_back(f"{A},color,?,ann,")
    assert reviewed.label_of(A, "color") is None
    assert load_queue(reviewed.catalog).photos == 0, "and is not asked again"


def test_the_same_file_twice_adds_nothing(reviewed: Reviewed) -> None:
    rows = [f"{A},color,blue,ann,", f"{B},color,?,bob,2026-11-02", f"{C},people,man;woman,ann,"]
    first = reviewed.give_back(*rows[:2], f"{C},people,man & woman,ann,")
    before = reviewed.catalog.count("assertions")
    for again in (reviewed.give_back(*reversed(rows)), reviewed.give_back(*rows, name="copy.csv")):
        assert (again.new, again.known, again.good, again.lines) == ({}, 3, 3, [])
    assert first.new.total() == 3
    assert reviewed.catalog.count("assertions") == before


def test_a_person_can_come_back_to_an_earlier_decision(reviewed: Reviewed) -> None:
    for value in ("blue", "green", "blue"):
        assert reviewed.give_back(f"{A},color,{value},ann,").new == {"ann": 1}
        assert reviewed.label_of(A, "color") == (value,)
    for at, value in enumerate(("blue", "green", "blue"), start=2):
        assert reviewed.give_back(f"{B},color,{value},ann,2026-11-0{at}").new == {"ann": 1}
        assert reviewed.label_of(B, "color") == (value,)
    assert reviewed.give_back(f"{B},color,green,ann,2026-11-03").known == 1
    assert reviewed.label_of(B, "color") == ("blue",)


def test_decisions_of_one_day_stand_in_the_order_in_which_they_came(reviewed: Reviewed) -> None:
    for value in ("blue", "green", "black", "white"):
        reviewed.give_back(f"{A},color,{value},ann,2026-11-02")
        assert reviewed.label_of(A, "color") == (value,)


def test_decisions_outlive_everything_that_is_said_later(reviewed: Reviewed) -> None:
    reviewed.give_back(f"{A},color,blue,ann,2026-11-02")
    reviewed.see(0, color="green")
    reviewed.label()
    reviewed.use(network("net", {"color": 0.5}))
    reviewed.guess(A, "color", "white", sure=0.99)
    assert reviewed.label_of(A, "color") == ("blue",)


def test_two_people_who_disagree_are_both_kept_and_told(reviewed: Reviewed) -> None:
    done = reviewed.give_back(f"{A},color,blue,ann,2026-11-03", f"{A},color,green,bob,2026-11-02")
    assert done.new == {"ann": 1, "bob": 1}
    assert [(line.where, line.kept) for line in done.lines] == [
        ("review.csv, line 2", True), ("review.csv, line 3", True),
    ]  # fmt: skip
    assert done.lines[0].what == "color: bob says green, ann says blue"
    assert "blue counts as the latest" in done.lines[0].do
    assert (done.refused, reviewed.label_of(A, "color")) == (0, ("blue",))
    assert load_queue(reviewed.catalog).counts == {("people-disagree", "color"): 1}
    agreed = reviewed.give_back(f"{A},color,blue,cem,", name="later.csv")
    assert (agreed.lines, load_queue(reviewed.catalog).photos) == ([], 0)


def test_without_times_the_later_line_stands(reviewed: Reviewed) -> None:
    reviewed.give_back(f"{A},color,blue,ann,", f"{A},color,green,bob,")
    assert reviewed.label_of(A, "color") == ("green",)
    reviewed.give_back(f"{B},color,green,bob,", f"{B},color,blue,ann,")
    assert reviewed.label_of(B, "color") == ("blue",)


def test_someone_who_disagrees_with_an_earlier_file_is_told(reviewed: Reviewed) -> None:
    reviewed.give_back(f"{A},color,blue,ann,2026-11-02")
    done = reviewed.give_back(f"{A},color,green,bob,2026-11-03")
    assert [line.what for line in done.lines] == ["color: ann says blue, bob says green"]


def test_good_rows_are_taken_and_the_rest_is_told_in_order(reviewed: Reviewed) -> None:
    done = reviewed.give_back(
        f"{A},color,spaceship,ann,",
        f"{A},color,blue,ann,",
        "ffffffff,color,blue,ann,",
        f"{B},color,blue,ann,",
        f"{B},color,green,ann,",
        f"{C},colr,blue,ann,",
        f"{C},color,,,",
        f'{C},color,"blue',
        f"{C},color,blue,,",
        f"{C},view,detail,bob,",
        f"{C},view,detail,bob,",
    )
    assert (done.new, done.twice, done.empty, done.refused) == ({"ann": 1, "bob": 1}, 1, 1, 7)
    assert [line.where.removeprefix("review.csv, line ") for line in done.lines] == [
        "2", "4", "5", "6", "7", "9", "10",
    ]  # fmt: skip
    document = done.to_dict(most=2)
    assert (document["new"], document["refused"], document["more_lines"]) == (2, 7, 5)
    assert len(json.loads(json.dumps(document))["lines"]) == 2


def test_an_export_of_label_studio(reviewed: Reviewed, tmp_path: Path) -> None:
    result = [{"from_name": "color", "to_name": "the-photo", "type": "choices",
               "value": {"choices": ["cannot tell"]}},
              {"from_name": "people", "to_name": "the-photo", "type": "choices",
               "value": {"choices": ["none"]}}]  # fmt: skip
    annotation = {"completed_by": 3, "created_at": "2026-11-02T10:00:00.1Z", "result": result}
    path = tmp_path / "project-1.json"
    path.write_text(json.dumps([{"data": {"image_id": A}, "annotations": [annotation]}]))
    assert reviewed.take(path).new == {"label-studio user 3": 2}
    assert (reviewed.take(path).known, reviewed.label_of(A, "people")) == (2, ())
    assert reviewed.label_of(A, "color") is None
    edited = annotation | {"updated_at": "2026-11-03T10:00:00.1Z", "result": result[1:]}
    edited["result"][0]["value"] = {"choices": ["man"]}
    path.write_text(json.dumps([{"data": {"image_id": A}, "annotations": [edited]}]))
    assert (reviewed.take(path).new.total(), reviewed.label_of(A, "people")) == (1, ("man",))


def test_more_photos_than_one_reading_of_statements(
    reviewed: Reviewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("labeling.review.record._BATCH", 2)
    rows = [f"{key},color,blue,ann," for key in (A, B, C)]
    assert reviewed.give_back(*rows).new.total() == reviewed.give_back(*rows).known == 3


# Laws

PEOPLE, VALUES = ("ann", "bob", "cem"), ("red", "blue", "green", None)


def statement(row: tuple[int, str, str | None, int]) -> Statement:
    line, by, value, hour = row
    values = () if value is None else (value,)
    at = START + timedelta(hours=hour)
    return Statement(f"line {line}", A, "color", values, value is None, by, at, at.isoformat())


rows = st.lists(
    st.tuples(st.integers(2, 9), st.sampled_from(PEOPLE), st.sampled_from(VALUES),
              st.integers(0, 9)),
    max_size=8, unique_by=lambda row: row[3],
).map(lambda every: [statement(row) for row in every])  # fmt: skip


def imported(files: Sequence[Sequence[Statement]]) -> list[Assertion]:
    """What is stored after files came one after the other."""
    stored: dict[str, Assertion] = {}
    for file in files:
        past = {(A, "color"): sorted(stored.values(), key=lambda each: each.created_at)}
        made, known, ahead = news(settle(file)[0], past, LATER)
        assert ahead == []
        assert len({each.assertion_id for each in made} - stored.keys()) == len(made)
        assert len(made) + known == len(settle(file)[0])
        stored |= {each.assertion_id: each for each in made}
    return sorted(stored.values(), key=lambda each: (each.created_at, each.assertion_id))


@given(rows, st.randoms())
def test_the_order_of_rows_does_not_matter(file: list[Statement], dice: object) -> None:
    shuffled = list(file)
    dice.shuffle(shuffled)  # type: ignore[attr-defined]
    assert imported([file]) == imported([shuffled])


@given(st.lists(rows, max_size=3), st.integers(0, 2))
def test_a_file_that_comes_again_adds_nothing(files: list[list[Statement]], again: int) -> None:
    some = files[: again + 1]
    assert imported([*files, *some]) == imported(files)


def test_decisions_of_one_moment_are_no_sign_of_a_wrong_clock() -> None:
    """The second of one moment is placed after the first, and so is a third of another person."""
    said = [(2, "ann", "red", 0), (2, "ann", "blue", 0), (2, "bob", "red", 0)]
    made = imported([[statement(row)] for row in said])
    assert [each.by for each in made] == ["ann", "ann", "bob"]


@given(rows, st.integers(0, 8))
def test_the_latest_decision_stands(file: list[Statement], cut: int) -> None:
    """However it is spread over files, as long as nobody contradicts themselves in one."""
    files = [[each] for each in file]
    latest = max(file, key=lambda each: each.at, default=None)
    labels = consensus(imported(files), VOCABULARY)
    if latest is None or latest.one_of:
        assert labels == {}
    else:
        assert labels["color"].values == latest.values


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(rows)
def test_a_dispute_is_told_where_it_is_queued(file: list[Statement]) -> None:
    from labeling.consensus import decide
    from labeling.review.cases import cases_of

    standing = settle(file)[0]
    made = imported([file])
    waits = cases_of(A, decide(made, VOCABULARY), [], {})
    told = disputes(standing, made)
    assert len(told) == (len(standing) if waits else 0)
    assert all(line.kept for line in told)


def test_undated_statements_of_two_people_keep_their_order() -> None:
    """They have one time in the file; the catalog knows no lines."""
    both = [
        Statement(f"line {at}", A, "color", (value,), False, by, START, "")
        for at, (by, value) in enumerate([("zoe", "red"), ("ann", "blue")])
    ]
    made, *_ = news(both, {}, START)
    assert [each.created_at - START for each in made] == [timedelta(0), timedelta(microseconds=1)]
    assert consensus(made, VOCABULARY)["color"].values == ("blue",)
    assert news(both, {(A, "color"): made}, START)[0] == []


def test_a_statement_that_others_made_is_not_mine() -> None:
    past = {(A, "color"): [said(A, "color", "red", by="bob")]}
    mine = Statement("line 2", A, "color", ("red",), False, "ann", START, "")
    assert len(news([mine], past, START)[0]) == 1
