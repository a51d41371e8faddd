"""A catalog of before tables of facts were told apart: what it knows stays, and it goes on."""

import shutil
from pathlib import Path

import pytest

from catalog.register import register
from catalog.sidecars import remember_sidecar, remembered_sidecar
from catalog.table import Catalog, open_catalog
from catalog.withdraw import find_withdrawal, withdraw_facts
from core.records import Photo, Sighting
from tests.catalog.making import png

PLACE = "/photos/a.png"


def seen(teller: str = "", covers: tuple[str, ...] = (), **words: str) -> Photo:
    place = Sighting("folder", PLACE, words, license="CC0" if "color" in words else None,
                     teller=teller, covers=covers)  # fmt: skip
    return Photo(place, png(1))


def row(catalog: Catalog) -> dict[str, object]:
    (found,) = catalog.table("sightings").to_arrow().to_pylist()
    return dict(found)


@pytest.fixture
def older(catalog: Catalog) -> Path:
    register(catalog, [seen(color="red")], run_id="r")
    catalog.table("sightings").drop_columns(["told"])
    place = Path(catalog.uri)
    for name in ("format", "imports"):
        shutil.rmtree(place / f"{name}.lance")
    return place


def test_it_can_be_read_as_it_is(older: Path, tmp_path: Path) -> None:
    reader = open_catalog(older, create=False)
    assert remembered_sidecar(reader, tmp_path) is None
    assert find_withdrawal(reader, Path("/photos")).said == {"": {"color": 1, "license": 1}}


def test_what_was_known_stays_and_gives_way_to_the_first_table(older: Path, tmp_path: Path) -> None:
    catalog = open_catalog(older)
    before = row(catalog)
    assert register(catalog, [seen()], run_id="r2").changed == 0
    assert row(catalog) == before, "a folder without a sidecar takes nothing back"
    done = register(catalog, [seen("/w1.csv", ("color",), color="red")], run_id="r3")
    assert (done.changed, row(catalog)["revision"]) == (0, 1), "it says the same"
    emptied = register(catalog, [seen("/w1.csv", ("color",))], run_id="r4")
    assert emptied.facts == {("color", "withdrawn"): 1}
    assert (row(catalog)["words"], row(catalog)["license"]) == ("{}", "CC0")
    found = find_withdrawal(catalog, Path("/w1.csv"))
    done_by = withdraw_facts(catalog, found.tellers, found.places, run_id="r5")
    assert done_by == {("license", "withdrawn"): 1}
    remember_sidecar(catalog, tmp_path, tmp_path / "w1.csv", None, run_id="r6")
    assert remembered_sidecar(open_catalog(older), tmp_path) is not None
