import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest

from catalog import migrations, schema
from catalog.errors import NewerCatalogError
from catalog.migrations import FORMAT, MIGRATIONS, Migration, current_format, format_row
from catalog.register import register
from catalog.schema import KEY_MARK, TableSpec
from catalog.table import Catalog, CatalogError, IncompleteCatalogError, open_catalog
from labeling.pending import unlabeled_sightings
from labeling.publish.status import catalog_status
from tests.catalog.making import MakePhoto

FOLDERS = TableSpec(
    "folders", "folder", pa.schema([pa.field("folder", pa.string(), False, metadata=KEY_MARK)])
)


def steps(catalog: Catalog) -> list[str]:
    return sorted(catalog.column(FORMAT, "step").to_pylist())


def files(place: Path) -> list[Path]:
    return sorted(place.rglob("*"))


@pytest.fixture
def older(catalog: Catalog, make_photo: MakePhoto) -> Path:
    """A catalog with three photos, as it was before catalogs kept their format."""
    register(catalog, [make_photo(seed, color="red") for seed in range(3)], run_id="r")
    place = Path(catalog.uri)
    shutil.rmtree(place / "format.lance")
    return place


@pytest.fixture
def next_format(monkeypatch: pytest.MonkeyPatch, older: Path) -> Iterator[int]:
    """A Marque of the next format, in which `sightings` has one more column and there is one more
    table; the catalog `older` was made before it."""
    number = current_format() + 1
    more = schema._SIGHTINGS.append(pa.field("heard", pa.string()))
    monkeypatch.setattr(schema, "_SIGHTINGS", more)
    known = schema.table_specs
    monkeypatch.setattr(
        "catalog.table.table_specs", lambda words: known(words) | {"folders": FOLDERS}
    )
    step = Migration(number, "what was heard", {"sightings": ("heard",)}, ("folders",), fill)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*MIGRATIONS, step))
    return number


def fill(catalog: Catalog) -> None:
    keys = catalog.column("sightings", "sighting_id").combine_chunks()
    catalog.update("sightings", pa.table({"sighting_id": keys, "heard": ["old"] * len(keys)}))


def test_steps_are_numbered_in_order_and_all_have_names() -> None:
    assert [step.number for step in MIGRATIONS] == list(range(2, len(MIGRATIONS) + 2))
    assert len({step.name for step in MIGRATIONS} - {""}) == len(MIGRATIONS)


def test_what_a_step_adds_can_be_null_in_rows_of_before(catalog: Catalog) -> None:
    for step in MIGRATIONS:
        for table, names in step.columns.items():
            fields = [catalog.specs[table].schema.field(name) for name in names]
            assert all(field.nullable for field in fields), step
        assert set(step.tables) <= catalog.specs.keys()


def test_a_new_catalog_is_of_the_current_format(catalog: Catalog) -> None:
    assert catalog.format == current_format()
    assert steps(catalog) == [f"{current_format()}: new"]
    assert open_catalog(catalog.uri, create=False).format == current_format()
    assert catalog_status(catalog)["format"] == current_format()


def test_an_older_one_is_read_as_it_is_and_brought_up_to_date_by_who_writes(older: Path) -> None:
    before = files(older)
    reader = open_catalog(older, create=False)
    assert reader.format == 1
    assert catalog_status(reader)["rows"]["images"] == 3
    assert files(older) == before, "a reader writes nothing"
    writer = open_catalog(older)
    assert writer.format == current_format()
    assert steps(writer) == [f"{step.number}: {step.name}" for step in MIGRATIONS]
    assert open_catalog(older, create=False).format == current_format()


def test_what_is_not_there_yet_is_read_as_nothing(older: Path, next_format: int) -> None:
    reader = open_catalog(older, create=False)
    read = reader.read("sightings", ["heard", "source_id"])
    rows = [row for batch in read for row in batch.to_pylist()]
    assert rows == [{"heard": None, "source_id": f"place {seed}"} for seed in range(3)]
    assert reader.column("sightings", "heard").to_pylist() == [None] * 3
    keys = reader.column("sightings", "sighting_id").to_pylist()
    assert reader.rows("sightings", keys, ["heard"]).column("heard").to_pylist() == [None] * 3
    assert (reader.count("folders"), reader.column("folders", "folder").to_pylist()) == (0, [])
    assert len(unlabeled_sightings(reader)) == 3
    assert not (older / "folders.lance").exists()


def test_processes_that_bring_it_up_to_date_at_once_do_it_once(
    older: Path, next_format: int
) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(open_catalog, [older] * 4))
    assert {each.format for each in opened} == {next_format}
    assert len(steps(opened[0])) == next_format - 1
    names = opened[0].table("sightings").schema.names
    assert names.count("heard") == 1
    assert opened[0].column("sightings", "heard").to_pylist() == ["old"] * 3
    assert opened[0].count("folders") == 0


def test_a_step_that_was_broken_off_is_gone_on_with(
    older: Path, next_format: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(Catalog, "update", _killed)
        with pytest.raises(KeyboardInterrupt):
            open_catalog(older)
    half = open_catalog(older, create=False)
    assert half.format == next_format - 1
    assert half.column("sightings", "heard").to_pylist() == [None] * 3
    assert open_catalog(older).column("sightings", "heard").to_pylist() == ["old"] * 3


def _killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("create", [True, False])
def test_a_newer_one_is_refused_in_a_sentence(catalog: Catalog, create: bool) -> None:
    number = current_format() + 5
    catalog.insert(FORMAT, format_row(number, "later", catalog.specs[FORMAT].schema))
    before = files(Path(catalog.uri))
    with pytest.raises(NewerCatalogError, match=rf"is of format {number} .* install that one"):
        open_catalog(catalog.uri, create=create)
    assert files(Path(catalog.uri)) == before


def test_emptying_a_catalog_keeps_its_format(catalog: Catalog) -> None:
    before = steps(catalog)
    catalog.drop_photos()
    assert steps(catalog) == before


def test_a_lost_format_is_found_again(catalog: Catalog) -> None:
    shutil.rmtree(Path(catalog.uri) / "format.lance" / "_versions")
    again = open_catalog(catalog.uri)
    assert again.format == current_format()
    for damaged in (Path(catalog.uri) / "format.lance" / "_versions").iterdir():
        damaged.write_bytes(b"")
    with pytest.raises(CatalogError, match=r"table 'format' of .* delete the folder format\.lance"):
        open_catalog(catalog.uri)


@pytest.mark.parametrize("create", [True, False])
def test_a_table_that_is_lost_with_the_format_is_not_made_anew(
    catalog: Catalog, make_photo: MakePhoto, create: bool
) -> None:
    register(catalog, [make_photo(1)], run_id="r")
    for name in (FORMAT, "imports"):
        shutil.rmtree(Path(catalog.uri) / f"{name}.lance")
    with pytest.raises(IncompleteCatalogError, match=r"table 'imports' is missing"):
        open_catalog(catalog.uri, create=create)
