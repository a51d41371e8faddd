"""Each kind of damage to a catalog is a sentence, whatever is asked, and a row of the doctor; and
where all rows are there, what was damaged is made anew."""

import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import lancedb
import pytest

from catalog.car_columns import add_label_columns, open_space
from catalog.errors import CatalogError, ReadError, StoreError, reading, storing
from catalog.index import drop_broken_indexes, maintain_indexes
from catalog.published import PublishedCars
from catalog.register import register
from catalog.table import Catalog, open_catalog
from core.records import Photo, Sighting
from flows.settings import Settings
from labeling.label import label_sightings
from labeling.pending import stale_cars, unembedded_images, unlabeled_sightings
from labeling.publish.cars import append_cars, refresh_cars
from labeling.publish.publish import publish
from labeling.publish.status import catalog_status
from marque.checks.catalog import check_catalog
from marque.checks.check import CheckContext
from tests.catalog.making import SIZE, png, record, unit, vectors_for
from tests.marque.damage import BROKEN, HINTS, WHOLE

PHOTOS = 270


def photos(seeds: range) -> list[Photo]:
    return [Photo(Sighting("shop", f"place {seed}", {"color": "red"}), png(seed)) for seed in seeds]


def take_in(place: Path, seeds: range) -> int:
    """What an ingest does: the photos that can be searched after it."""
    catalog = open_catalog(place)
    register(catalog, photos(seeds), run_id="r")
    add_label_columns(catalog)
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
    open_space(catalog, "semantic", SIZE, record("m1"))
    new, _ = unembedded_images(catalog, "semantic", "m1")
    append_cars(catalog, vectors_for(new, "m1"))
    return make_public(catalog)


def make_public(catalog: Catalog) -> int:
    """What `marque publish` does."""
    drop_broken_indexes(catalog)
    add_label_columns(catalog)
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
    if stale := stale_cars(catalog):
        refresh_cars(catalog, stale)
    maintain_indexes(catalog, "semantic", index_from=PHOTOS - 10)
    return publish(catalog).photos


def search(place: Path) -> int:
    """How many of five neighbors are found, by the index, with what is shown of them."""
    cars = PublishedCars(open_catalog(place, create=False), exact_rows=0)
    found = [key for key, _ in cars.nearest("semantic", unit(1), 5)]
    assert cars.rows(found, ["thumbnail"]).keys() == set(found)
    assert cars.count("color = 'red'") == cars.count()
    return len(found)


ASKED: dict[str, Callable[[Path], object]] = {
    "status": lambda place: catalog_status(open_catalog(place, create=False)),
    "search": search,
    "publish": lambda place: make_public(open_catalog(place)),
    "ingest": lambda place: take_in(place, range(PHOTOS - 2, PHOTOS + 1)),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog with every kind of file: two fragments, indexes, a tag."""
    place = tmp_path_factory.mktemp("whole") / "catalog"
    take_in(place, range(PHOTOS - 10))
    take_in(place, range(PHOTOS - 10, PHOTOS))
    assert search(place) == 5
    return place


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "catalog"))


def said(place: Path, asked: str) -> str | None:
    """The sentence that comes of asking this; None where there is an answer."""
    try:
        ASKED[asked](place)
    except CatalogError as error:
        check_sentence(str(error), place)
        return str(error)
    return None


def check_sentence(text: str, place: Path) -> None:
    assert "\n" not in text
    assert len(text.replace(str(place), "")) < 600, text
    assert not re.search(r"\.rs\b|Traceback|unexpected|LanceError|lance error", text), text
    assert ";" in text or ": " in text, f"says nothing about what to do: {text}"


def doctor(place: Path) -> list[str]:
    """What is wrong in the eyes of the doctor."""
    checks = check_catalog(CheckContext(Settings(catalog=str(place))))
    wrong = [each for each in checks if each.state == "problem"]
    for each in wrong:
        check_sentence(f"{each.found}; {each.advice}", place)
        assert each.advice, each
    return [each.found for each in wrong]


def test_there_are_many_kinds() -> None:
    assert len(WHOLE) + len(BROKEN) >= 28


def test_a_whole_catalog_has_nothing_wrong(copied: Path) -> None:
    assert doctor(copied) == []
    assert [said(copied, asked) for asked in ASKED] == [None] * len(ASKED)


@pytest.mark.parametrize("kind", WHOLE)
def test_where_all_rows_are_there_publishing_mends_it(copied: Path, kind: str) -> None:
    WHOLE[kind](copied)
    assert said(copied, "status") is None
    found = said(copied, "search")
    wrong = doctor(copied)
    assert (HINTS[kind] in " ".join(wrong)) if kind in HINTS else not wrong
    if found is not None:
        assert "`marque publish`" in found or "nothing is published" in found
    assert make_public(open_catalog(copied)) == PHOTOS
    assert search(copied) == 5
    assert doctor(copied) == []


@pytest.mark.parametrize("kind", BROKEN)
def test_what_cannot_be_read_is_named(copied: Path, kind: str) -> None:
    BROKEN[kind](copied)
    rows = rows_of(copied)
    wrong = doctor(copied)
    assert HINTS[kind] in " ".join(wrong), wrong
    told = {asked: said(copied, asked) for asked in ASKED}
    assert any(told.values()), "nothing noticed it"
    for asked, text in told.items():
        assert text is None or HINTS[kind] in text or asked == "ingest", (asked, text)
    after = rows_of(copied)
    assert all(after[name] >= count for name, count in rows.items()), "nothing whole is touched"


def rows_of(place: Path) -> dict[str, int]:
    """Rows of each table that can be opened."""
    db, rows = lancedb.connect(place), {}
    for name in ("images", "sightings", "assertions", "cars", "labelers"):
        with suppress(Exception):
            rows[name] = int(db.open_table(name).count_rows())
    return rows


def test_what_may_not_be_read_or_written_is_no_damage() -> None:
    denied = (
        "LanceError(IO): Generic LocalFileSystem error: Permission denied (os error 13), x.rs:1"
    )
    why = "table 'x' cannot be read: Permission denied; "
    with pytest.raises(ReadError, match=why) as read, reading("table 'x'"):
        raise OSError(denied)
    assert read.value.out_of_reach
    why = "table 'x' could not be written: Permission denied; "
    with pytest.raises(StoreError, match=why) as stored, storing("table 'x'"):
        raise OSError(denied)
    assert stored.value.lasts
