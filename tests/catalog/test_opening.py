"""A catalog is whole, or only begun, or it is refused."""

import shutil
from pathlib import Path

import pytest

from catalog import connect
from catalog.migrations import FORMAT
from catalog.register import register
from catalog.table import (
    AbsentCatalogError,
    Catalog,
    CatalogError,
    IncompleteCatalogError,
    open_catalog,
)
from catalog.versions import published_version
from labeling.publish.publish import publish
from tests.catalog.making import Fill, MakePhoto


@pytest.mark.parametrize("made", [0, 1, 5, 8])
def test_one_whose_making_was_broken_off_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: int
) -> None:
    make, calls = Catalog.make, list[str]()

    def making(catalog: Catalog, name: str) -> None:
        if len(calls) == made:
            raise KeyboardInterrupt
        calls.append(name)
        make(catalog, name)

    with monkeypatch.context() as broken:
        broken.setattr(Catalog, "make", making)
        with pytest.raises(KeyboardInterrupt):
            open_catalog(tmp_path / "new")
    if made < 8:  # with eight it is one of format 1
        with pytest.raises(AbsentCatalogError):
            open_catalog(tmp_path / "new", create=False)
    catalog = open_catalog(tmp_path / "new")
    assert set(catalog.versions()) == set(catalog.specs)
    assert open_catalog(tmp_path / "new", create=False).format == catalog.format


def test_a_table_that_was_only_begun_is_made(catalog: Catalog) -> None:
    shutil.rmtree(Path(catalog.uri) / "sightings.lance" / "_versions")
    assert open_catalog(catalog.uri).count("sightings") == 0


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("lost", [["images"], ["sightings", "assertions"], ["cars"], ["runs"]])
def test_a_lost_table_is_named_and_not_made_anew(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, lost: list[str], create: bool
) -> None:
    fill(catalog, [make_photo(1, color="red")])
    publish(catalog)
    for name in lost:
        shutil.rmtree(Path(catalog.uri) / f"{name}.lance")
    with pytest.raises(IncompleteCatalogError, match=".*".join(lost)) as told:
        open_catalog(catalog.uri, create=create)
    assert f"put a copy of {', '.join(f'{name}.lance' for name in lost)} back" in str(told.value)
    assert not any((Path(catalog.uri) / f"{name}.lance").exists() for name in lost)


def test_one_of_which_only_the_format_is_left_is_refused(catalog: Catalog) -> None:
    for table in catalog.specs.keys() - {FORMAT}:
        shutil.rmtree(Path(catalog.uri) / f"{table}.lance")
    with pytest.raises(IncompleteCatalogError, match="'images', 'sightings', 'assertions'"):
        open_catalog(catalog.uri)


def test_a_table_that_goes_while_it_is_open_is_not_made_anew(
    catalog: Catalog, make_photo: MakePhoto
) -> None:
    register(catalog, [make_photo(1)], run_id="r")
    shutil.rmtree(Path(catalog.uri) / "images.lance")
    with pytest.raises(CatalogError, match=r"table 'images' of .* was not found"):
        catalog.count("images")
    assert not (Path(catalog.uri) / "images.lance").exists()


def test_emptying_that_was_broken_off_leaves_a_whole_catalog(
    catalog: Catalog, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    photos = [make_photo(seed, color="red") for seed in range(3)]
    fill(catalog, photos)
    publish(catalog)
    create, calls = catalog._database.lance.create_table, list[str]()

    def creating(name: str, *given: object, **named: object) -> object:
        if len(calls) == 2:
            raise KeyboardInterrupt
        calls.append(name)
        return create(name, *given, **named)

    with monkeypatch.context() as broken:
        broken.setattr(catalog._database.lance, "create_table", creating)
        with pytest.raises(KeyboardInterrupt):
            catalog.drop_photos()
    again = open_catalog(catalog.uri)
    assert (again.count("cars"), again.count("images")) == (0, 3)
    assert published_version(again) is None
    assert len(fill(again, photos)) == 3
    assert publish(again).photos == 3
    again.drop_photos()
    assert not any(again.count(name) for name in ("images", "sightings", "assertions", "cars"))


def test_more_tables_than_a_page_of_the_list(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "_LISTED", 4)
    assert connect.table_names(catalog._database.lance) == set(catalog.specs)
    assert set(open_catalog(catalog.uri, create=False).versions()) == set(catalog.specs)


@pytest.mark.parametrize("create", [False, True])
def test_a_file_in_place_of_the_catalog_is_named(tmp_path: Path, create: bool) -> None:
    (tmp_path / "facts.csv").write_text("path,make\n")
    with pytest.raises(CatalogError, match="is a file, and a catalog is a folder"):
        open_catalog(tmp_path / "facts.csv", create=create)
    with pytest.raises(CatalogError, match="catalog at"):
        open_catalog(tmp_path / ("a" * 300), create=create)
