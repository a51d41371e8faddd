"""Two runs that say something of the same places at the same moment: both are kept."""

from collections.abc import Callable

import pytest

from catalog.facts import stored_history
from catalog.register import register
from catalog.table import Catalog, open_catalog
from catalog.withdraw import withdraw_facts
from core.records import Photo, Sighting
from tests.catalog.making import png

PLACE = "/photos/a.png"


def seen(teller: str, **words: str) -> Photo:
    return Photo(Sighting("folder", PLACE, words, teller=teller, covers=tuple(words)), png(1))


def between(patch: pytest.MonkeyPatch, catalog: Catalog, act: Callable[[], object]) -> None:
    """Let something happen once after the sightings were read and before they are written."""
    read, acts = Catalog.rows, [act]

    def rows(self: Catalog, name: str, *given: object) -> object:
        found = read(self, name, *given)  # type: ignore[arg-type]
        if self is catalog and name == "sightings" and acts:
            acts.pop()()
        return found

    patch.setattr(Catalog, "rows", rows)


def row(catalog: Catalog) -> dict[str, object]:
    (found,) = catalog.table("sightings").to_arrow().to_pylist()
    return dict(found)


@pytest.mark.parametrize("known", [True, False])
def test_two_tables_at_once_are_both_kept(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, *, known: bool
) -> None:
    if known:
        register(catalog, [seen("/w0.csv", view="exterior")], run_id="r0")
    other = open_catalog(catalog.uri)
    between(
        monkeypatch,
        catalog,
        lambda: register(other, [seen("/w2.csv", make="Kia", color="blue")], run_id="r2"),
    )
    done = register(catalog, [seen("/w1.csv", color="red")], run_id="r1")
    before = {"view": "exterior"} if known else {}
    assert stored_history(row(catalog)).facts == before | {"make": "Kia", "color": "red"}
    assert row(catalog)["revision"] == 2 + known, "or the labels of the other were never read"
    assert (done.seen, done.new, done.known, done.changed) == (1, not known, known, 1)
    assert dict(done.facts) == {("color", "changed"): 1}, "against what the other has said"


def test_what_is_withdrawn_while_another_table_speaks(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(catalog, [seen("/w1.csv", color="red", view="exterior")], run_id="r1")
    key, other = str(row(catalog)["sighting_id"]), open_catalog(catalog.uri)
    between(
        monkeypatch,
        catalog,
        lambda: register(other, [seen("/w2.csv", make="Kia", color="blue")], run_id="r2"),
    )
    done = withdraw_facts(catalog, ["/w1.csv"], [key], run_id="r3")
    assert stored_history(row(catalog)).facts == {"make": "Kia", "color": "blue"}
    assert dict(done) == {("view", "withdrawn"): 1}
