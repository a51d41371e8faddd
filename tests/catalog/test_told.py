"""Who said what of a place, and what that comes to: pure."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from catalog.facts import RIGHTS_COLUMNS, FactHistory, fact_changes, sighting_facts, stored_history
from core.records import Sighting

BY, SA = "https://creativecommons.org/licenses/by/4.0/", "CC BY-SA 4.0"


def visit(teller: str = "w1.csv", covers: str | None = "", **facts: str) -> Sighting:
    """What a table says whose columns are those filled, and `covers`; None for all."""
    rights: dict[str, Any] = {name: facts.pop(name) for name in RIGHTS_COLUMNS if name in facts}
    columns = None if covers is None else (*covers.split(), *facts, *rights)
    return Sighting("folder", "a.jpg", facts, teller=teller, covers=columns, **rights)


def told(*visits: Sighting) -> FactHistory:
    found = FactHistory()
    for each in visits:
        found = found.after(each)
    return found


PLAIN = Sighting("folder", "a.jpg", covers=())
"""A folder without a sidecar, and a file that has no row."""


def test_what_one_table_said_stays_until_it_says_otherwise() -> None:
    first = visit(color="red", make="Fiat", license=SA)
    both = {"color": "red", "make": "Fiat", "license": SA}
    assert told(first, PLAIN).facts == both
    assert told(first, visit("w2.csv", view="exterior")).facts == both | {"view": "exterior"}
    assert told(first, Sighting("folder", "a.jpg", teller="w1.csv", covers=())).facts == both
    assert told(first, visit(color="blue")).facts == both | {"color": "blue"}
    emptied = visit(covers="color", make="Fiat", license=SA)
    assert told(first, emptied).facts == {"make": "Fiat", "license": SA}
    assert told(first, emptied, visit(color="red")).facts == both


def test_the_table_that_spoke_last_is_believed() -> None:
    one, two = visit(color="red"), visit("w2.csv", color="blue", make="Kia")
    assert told(one, two).facts["color"] == "blue"
    assert told(one, two, one).facts["color"] == "red"
    assert told(one, two, visit("w2.csv", covers="color make")).facts == {"color": "red"}
    fewer = told(visit(color="red", make="Fiat"), two, visit(color="green"))
    assert fewer.facts == {"color": "green", "make": "Kia"}, "it says no more of the make"
    assert list(two_say(one, two)) == [("color", "red by w1.csv, blue by w2.csv")]


def two_say(one: Sighting, two: Sighting) -> list[tuple[str, str]]:
    return list(told(one, two).disputes(two))


def test_a_page_of_a_site_says_all_there_is_to_say() -> None:
    page = visit("", None, color="red", make="Fiat")
    found = told(page, visit("", None, color="red"))
    assert found.facts == {"color": "red"}
    assert found.columns()["told"] is None, "nothing is kept twice"


def test_what_an_unknown_table_said_stays_and_gives_way() -> None:
    row = {
        **dict.fromkeys(RIGHTS_COLUMNS),
        "license": SA,
        "words": '{"color": "red"}',
        "told": None,
    }
    old = stored_history(row)
    assert old.after(PLAIN) is old
    once = old.after(visit(color="blue"))
    assert once.facts == {"color": "blue", "license": SA}
    assert once.after(visit(covers="color")).facts == {"license": SA}
    assert old.without(["w1.csv"]) == old
    assert once.without(["w1.csv"]).facts == {"license": SA}


def test_a_license_and_its_address_are_of_one_table() -> None:
    first = visit(license="CC BY 4.0", license_url=BY, creator="Ann")
    assert told(first, visit("w2.csv", license=SA)).facts == {"license": SA, "creator": "Ann"}
    assert told(first, visit("w2.csv", license="CC BY 4.0")).facts["license_url"] == BY
    named = visit(license=SA)
    assert told(named, visit("w2.csv", license_url=BY)).facts == {"license_url": BY}
    fitting = told(visit(license="CC BY 4.0"), visit("w2.csv", license_url=BY)).facts
    assert fitting == {"license": "CC BY 4.0", "license_url": BY}


def test_changes_are_told_by_what_came_of_each() -> None:
    before, now = {"a": "1", "b": "2", "c": "3"}, {"b": "2", "c": "4", "d": "5"}
    assert sorted(fact_changes(before, now)) == [("a", "withdrawn"), ("c", "changed"), ("d", "set")]


words = st.dictionaries(
    st.sampled_from(["color", "make", "creator", "split"]), st.sampled_from("abc"), max_size=3
)
visits = st.builds(
    lambda teller, covers, facts: visit(teller, covers, **facts),
    st.sampled_from(["", "w1.csv", "w2.csv", "w3.csv"]),
    st.sampled_from(["", "color", "color make creator", None]),
    words,
)


@given(st.lists(visits, max_size=6), visits)
def test_nothing_is_lost_that_its_teller_did_not_take_back(
    before: list[Sighting], last: Sighting
) -> None:
    old = told(*before)
    new = old.after(last)
    said = sighting_facts(last)
    assert new.facts | said == new.facts, "the last is believed"
    assert new.after(last) is new, "said again it is nothing new"
    gone = {name for name, change in fact_changes(old.facts, new.facts) if change == "withdrawn"}
    mine = old.by(last.teller).keys()
    assert gone <= mine
    assert last.covers is None or gone <= set(last.covers)
    for other in {"", "w1.csv", "w2.csv", "w3.csv"} - {last.teller}:
        kept, was = new.by(other), old.by(other)
        assert kept == {n: w for n, w in was.items() if other or n not in said}
    row = dict(new.columns())
    assert stored_history(row).facts == new.facts
    assert stored_history(row).columns() == row
