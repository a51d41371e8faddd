import os
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest

from catalog.cleanup import remove_versions
from catalog.index import maintain_indexes
from catalog.published import PublishedCars
from catalog.table import CatalogError, open_catalog
from catalog.uri import catalog_uri, plain_path
from flows.settings import SettingsError, load_settings
from labeling.publish.publish import publish
from tests.catalog.making import Fill, MakePhoto, unit

ODD = [
    "Jörg",
    unicodedata.normalize("NFD", "Jörg"),
    "100%",
    "50%25",
    "a#b",
    "a b+c:d",
    "'it''s' \"x\"",
    "back\\slash",
    "[x]{y}|^`<z>*",
    "~",
    "車🚗",
    "s3:",
]


def names(folder: Path) -> list[str]:
    return [each.name for each in folder.iterdir()]


@pytest.mark.parametrize("name", ODD)
def test_a_home_of_any_name_works_and_nothing_lies_beside_it(
    name: str, tmp_path: Path, make_photo: MakePhoto, fill: Fill, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("catalog.optimize.MAX_SMALL_FRAGMENTS", 0)
    home = tmp_path / "homes" / name
    home.mkdir(parents=True)
    for seed in (0, 10):
        catalog = open_catalog(home / "catalog")
        ids = fill(catalog, [make_photo(seed + n) for n in range(3)])
        maintain_indexes(catalog, "semantic")
        assert publish(catalog).moved
    assert remove_versions(catalog, "cars", timedelta(0)).versions > 0
    cars = PublishedCars(open_catalog(home / "catalog", create=False))
    assert cars.count() == 6
    assert cars.nearest("semantic", unit(int(ids[0][:8], 16)), 1)[0][0] == ids[0]
    assert names(tmp_path / "homes") == [name]
    assert names(tmp_path) == ["homes"]
    assert names(home) == ["catalog"]


@pytest.mark.parametrize("name", ["new\nline", "a?b", "tab\t", "bell\x07", os.fsdecode(b"\xff")])
def test_a_character_that_cannot_be_kept_is_named_before_anything_is_made(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CatalogError, match="has the character") as said:
        open_catalog(tmp_path / name / "catalog")
    assert repr(next(c for c in name if c == "?" or not c.isprintable())) in str(said.value)
    assert str(said.value).isprintable()
    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / name))
    with pytest.raises(SettingsError, match="has the character"):
        load_settings()
    assert names(tmp_path) == []


def test_paths_are_read_as_a_shell_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert catalog_uri("~/cat") == str(tmp_path / "me" / "cat")
    assert catalog_uri("a:b/cat") == str(tmp_path / "a:b" / "cat")
    assert catalog_uri("../x") == str(tmp_path.parent / "x")
    assert catalog_uri((tmp_path / "Jörg 100%").as_uri()) == str(tmp_path / "Jörg 100%")
    assert catalog_uri("s3://bucket/Jörg 100%") == "s3://bucket/Jörg 100%"
    monkeypatch.setenv("MARQUE_CATALOG", "~/cat")
    assert load_settings().catalog_uri == str(tmp_path / "me" / "cat")


def test_a_plain_path_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    (tmp_path / "Jörg").mkdir()
    with plain_path(str(tmp_path / "Jörg")) as plain:
        assert plain.isascii()
        assert Path(plain).samefile(tmp_path / "Jörg")
    assert names(tmp_path / "tmp") == []
    with plain_path(str(tmp_path)) as same:
        assert same == str(tmp_path)
