"""Decisions made while a clock is wrong: what corrects another one stands, now and later."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.vocabulary import load_vocabulary
from labeling.consensus import consensus
from labeling.review import record
from labeling.review.record import ReviewCounts, import_file, news
from labeling.review.resolve import Statement
from tests.labeling.review.making import START, Shop, key_of, said, write

VOCABULARY = load_vocabulary()
A = key_of(0)
HEAD = "image_id,attribute,decision,by,decided_at"
NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
AHEAD = NOW + timedelta(days=300)

Decide = Callable[..., ReviewCounts]


@pytest.fixture
def decide(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Decide:
    """Take a file of decisions about one photo in, at a time of the machine's clock."""
    shop.see(0)

    def run(at: datetime, *rows: str) -> ReviewCounts:
        class Clock(datetime):
            @classmethod
            def now(cls, _zone: object = None) -> datetime:  # type: ignore[override]
                return at

        monkeypatch.setattr(record, "datetime", Clock)
        lines = [f"{A},color,{row}" for row in rows]
        return import_file(shop.catalog, write(tmp_path / "review.csv", HEAD, *lines), None,
                           run_id="r")  # fmt: skip

    return run


def color(shop: Shop) -> tuple[str, ...] | None:
    return shop.label_of(A, "color")


def test_who_decides_after_a_clock_that_ran_ahead_is_heard(shop: Shop, decide: Decide) -> None:
    assert decide(AHEAD, "blue,ann,").placed == 0
    done = decide(NOW, "green,ann,")
    assert (color(shop), done.placed, done.ahead) == (("green",), 1, AHEAD)
    assert done.clock_notice
    assert "1 of the new decisions" in done.clock_notice
    assert f"{AHEAD:%Y-%m-%d %H:%M}" in done.clock_notice
    again = decide(NOW, "green,ann,")
    assert (again.known, again.placed, again.clock_notice) == (1, 0, None)
    for at, (by, value) in enumerate([("bob", "white"), ("ann", "?"), ("bob", "blue")], start=1):
        assert decide(NOW + timedelta(hours=at), f"{value},{by},").placed == 1
        assert color(shop) == (None if value == "?" else (value,))
    assert decide(AHEAD + timedelta(days=1), "red,cem,").placed == 0
    assert color(shop) == ("red",)


def test_a_clock_that_is_behind_silences_nobody(shop: Shop, decide: Decide) -> None:
    decide(NOW, "blue,ann,", "white,bob,")
    done = decide(datetime(2020, 1, 1, tzinfo=UTC), "green,ann,", "black,bob,")
    assert (done.placed, color(shop)) == (2, ("black",)), "in the order of the lines"
    assert decide(NOW + timedelta(minutes=1), "red,ann,").placed == 0
    assert color(shop) == ("red",)


def test_decisions_with_times_of_their_own_follow_what_was_dated_ahead(
    shop: Shop, decide: Decide
) -> None:
    decide(AHEAD, "blue,ann,2027-03-01")
    done = decide(NOW, "white,bob,2026-11-27T10:00Z", "green,ann,2026-11-26T10:00Z")
    assert (done.placed, color(shop)) == (2, ("white",))
    assert decide(NOW, "white,bob,2026-11-27T10:00Z", "green,ann,2026-11-26T10:00Z").known == 2
    late = decide(NOW, "black,cem,2026-11-25T10:00Z")
    assert (late.new, color(shop)) == ({"cem": 1}, ("white",)), "what was decided later stays"
    assert decide(NOW, "black,cem,2026-11-27T11:00Z").placed == 1
    assert color(shop) == ("black",)


def test_clocks_of_two_machines_that_differ_a_little_mean_nothing(
    shop: Shop, decide: Decide
) -> None:
    decide(NOW + timedelta(minutes=2), "blue,ann,")
    assert decide(NOW, "green,bob,2026-11-27").placed == 0
    assert color(shop) == ("blue",), "an older decision that comes later"


def test_a_time_that_lies_ahead_is_refused_with_the_time_here(decide: Decide) -> None:
    (line,) = decide(NOW, "blue,ann,2027-03-01").lines
    assert "lies ahead: here it is 2026-11-28 12:00 UTC" in line.what


hours = st.lists(
    st.tuples(st.sampled_from(["ann", "bob", "cem"]), st.sampled_from(["red", "blue", "green"]),
              st.integers(0, 99)),
    min_size=1, max_size=7, unique_by=lambda row: row[2],
)  # fmt: skip


@given(hours, st.booleans())
def test_the_latest_stands_in_whatever_order_they_come(
    rows: list[tuple[str, str, int]], is_dated: bool
) -> None:
    """After one that was dated ahead, with a time of its own or without."""
    wrong = said(A, "color", "white", by="dan", at=10**6, version="2028-01-01" * is_dated)
    past = [wrong]
    for by, value, hour in rows:
        at = START + timedelta(hours=hour)
        each = Statement("line 2", A, "color", (value,), False, by, at, at.isoformat())
        made, _, ahead = news([each], {(A, "color"): past}, START + timedelta(days=9))
        assert ahead or len(past) > 1
        past = sorted([*past, *made], key=lambda one: one.created_at)
        assert len({one.created_at for one in past}) == len(past), "there is a latest"
    last = max(rows, key=lambda row: row[2])
    assert consensus(past, VOCABULARY)["color"].values == (last[1],)
