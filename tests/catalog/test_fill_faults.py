"""What a filling refuses, what it finds in its folder, full disks, and a few new photos."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from catalog import fill as fill_module
from catalog.car_columns import open_space
from catalog.fill import open_filling
from catalog.published import PublishedCars
from catalog.table import Catalog, CatalogError, StoreError, open_catalog
from catalog.update_columns import MIN_REWRITE_SHARE
from tests.catalog.filling import (
    LITE,
    RECORD,
    SIZE,
    add_rows,
    check,
    data_files,
    fill,
    fill_all,
    ids,
    resume,
    vectors,
)
from tests.catalog.making import record
from tests.catalog.test_published import tag
from tests.faults.disks import Disk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "filling"


@pytest.fixture
def old(catalog: Catalog) -> Catalog:
    """A catalog whose 100 photos in two fragments have no vector."""
    for start in (0, 50):
        add_rows(catalog, range(start, start + 50))
    open_space(catalog, LITE, SIZE, RECORD)
    return catalog


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((3, SIZE + 1), np.float32), r"shape \(3, 25\) .* 3 photos of a space of size 24"),
        (np.zeros((2, SIZE), np.float32), r"shape \(2, 24\) .* 3 photos"),
        (np.full((3, SIZE), np.nan, np.float32), "not finite or too large"),
        (np.full((3, SIZE), np.inf, np.float32), "not finite or too large"),
        (np.full((3, SIZE), 70_000, np.float32), "not finite or too large for float16"),
    ],
)
def test_vectors_that_the_column_cannot_hold_are_refused(
    old: Catalog, folder: Path, given: Any, said: str
) -> None:
    with resume(old, folder) as filling:
        with pytest.raises(CatalogError, match=said):
            filling.keep(ids(range(3)), given)
        assert filling._aside.count() == 0
        fill(filling)
        filling.finish()
    check(old, range(100))


def test_a_vector_that_is_not_finite_is_named_by_its_photo(old: Catalog, folder: Path) -> None:
    keys = ids(range(3))
    values = vectors(keys)
    values[1, 5] = np.nan
    with resume(old, folder) as filling, pytest.raises(CatalogError, match=keys[1]):
        filling.keep(keys, values)


@pytest.mark.parametrize("key", ["", "ab", "g" * 64, "a" * 63 + " "])
def test_what_is_no_image_id_is_refused(old: Catalog, folder: Path, key: str) -> None:
    with resume(old, folder) as filling, pytest.raises(CatalogError, match="is not an image id"):
        filling.keep([key], np.zeros((1, SIZE), np.float32))


def test_of_a_photo_that_is_there_twice_the_first_vector_counts(old: Catalog, folder: Path) -> None:
    keys = [*ids(range(100)), *ids(range(5))]
    values = vectors(keys)
    values[100:] = 7
    with resume(old, folder) as filling:
        filling.keep(keys, values)
        assert filling._aside.count() == 100
        filling.keep([], np.empty((0, SIZE), np.float32))
        filling.finish()
    check(old, range(100))


def test_photos_that_are_not_in_the_table_get_no_row(old: Catalog, folder: Path) -> None:
    keys = ids(range(90, 120))
    with resume(old, folder) as filling:
        filling.keep(keys, vectors(keys))
        done = filling.finish()
    assert (done.photos, done.left) == (10, 20)
    check(old, range(90, 100), range(90))


def test_a_column_that_is_not_there_or_of_another_model_is_not_filled(
    old: Catalog, folder: Path
) -> None:
    with pytest.raises(CatalogError, match=r"'content' .* is not there.*`marque embed`"):
        open_filling(old, "content", RECORD, folder)
    with pytest.raises(CatalogError, match=r"'lite' .* is of model 'l1', .* of 'l2'"):
        open_filling(old, LITE, record("l2"), folder)


@pytest.mark.parametrize("size", [SIZE, 8])
def test_a_model_that_is_replaced_meanwhile_ends_the_filling(
    old: Catalog, folder: Path, size: int
) -> None:
    with resume(old, folder) as filling:
        fill(filling, shards=3)
        open_space(old, LITE, size, record("l2"))
        with pytest.raises(CatalogError, match="is of model 'l2'"):
            filling.finish()
    assert old.count("cars", f"`{LITE}` IS NOT NULL") == 0
    assert list(folder.rglob("*.npy"))
    with open_filling(old, LITE, record("l2"), folder) as filling:
        assert not list(folder.rglob("*.npy"))
        assert filling.total == 100


def test_a_model_that_is_replaced_between_a_file_and_its_commit(
    old: Catalog, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = fill_module.commit_column_files

    def late(*given: Any) -> dict[int, Any]:
        open_space(old, LITE, SIZE, record("l2"))
        return commit(*given)

    monkeypatch.setattr(fill_module, "commit_column_files", late)
    with pytest.raises(CatalogError, match="is of model 'l2'"):
        fill_all(old, folder)
    assert old.count("cars", f"`{LITE}` IS NOT NULL") == 0


def test_files_that_were_cut_off_or_are_of_another_size_are_removed(
    old: Catalog, folder: Path
) -> None:
    with resume(old, folder) as filling:
        fill(filling, 20)
    first, second, third, *_ = sorted(folder.rglob("*.npy"))
    os.truncate(first, first.stat().st_size - 9)
    os.truncate(second, 0)
    third.write_bytes(b"no numbers at all")
    np.save(first.with_name("other.npy"), np.zeros((5, SIZE), np.float32))
    first.with_name("begun.part").write_bytes(b"\x93NUMPY")
    with resume(old, folder) as filling:
        assert filling.total == 60
        assert len(list(folder.rglob("*.*"))) == 2
        fill(filling)
        filling.finish()
    check(old, range(100))


def test_a_file_that_is_being_written_is_left_alone(old: Catalog, folder: Path) -> None:
    from fcntl import LOCK_EX, flock

    with resume(old, folder) as filling:
        fill(filling, shards=1)
    part = next(folder.rglob("*.npy")).with_name("begun.part")
    with part.open("wb") as file:
        flock(file, LOCK_EX)
        resume(old, folder).close()
        assert part.exists()
    resume(old, folder).close()
    assert not part.exists()


def test_what_belongs_to_another_catalog_stays(old: Catalog, folder: Path, tmp_path: Path) -> None:
    with resume(old, folder) as filling:
        fill(filling, shards=2)
    other = open_catalog(tmp_path / "other")
    add_rows(other, range(30))
    open_space(other, LITE, SIZE, RECORD)
    assert fill_all(other, folder).photos == 30
    check(other, range(30))
    with resume(old, folder) as filling:
        assert filling.total == 100 - 32


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    made = Disk(tmp_path / "disk", 8)
    yield made
    made.close()


def test_a_disk_that_is_full_while_vectors_are_kept(old: Catalog, disk: Disk) -> None:
    folder = disk.path / "filling"
    with resume(old, folder) as filling:
        fill(filling, shards=2)
        disk.fill()
        rest = list(filling.waiting(16))[2:]
        with pytest.raises(StoreError, match="No space left on device; make room") as caught:
            filling.keep(rest[0], vectors(rest[0]))
        assert caught.value.lasts
        assert len(list(folder.rglob("*.*"))) == 2
    disk.fill()
    with pytest.raises(StoreError, match="No space left on device"):
        resume(old, folder)
    disk.make_room()
    with resume(old, folder) as filling:
        assert filling.total == 100 - 32
        fill(filling)
        filling.finish()
    check(old, range(100))


def test_a_disk_that_is_full_while_the_column_is_written(disk: Disk, folder: Path) -> None:
    catalog = open_catalog(disk.path / "catalog")
    add_rows(catalog, range(100))
    open_space(catalog, LITE, SIZE, RECORD)
    with resume(catalog, folder) as filling:
        fill(filling)
        disk.fill()
        with pytest.raises(StoreError, match="No space left on device; make room") as caught:
            filling.finish()
        assert caught.value.lasts
    disk.make_room()
    with resume(catalog, folder) as filling:
        assert filling.total == 0
        assert filling.finish().photos == 100
    check(catalog, range(100))


def test_a_few_new_photos_do_not_rewrite_the_column(catalog: Catalog, folder: Path) -> None:
    add_rows(catalog, range(1000))
    open_space(catalog, LITE, SIZE, RECORD)
    fill_all(catalog, folder)
    add_rows(catalog, range(1000, 1020))
    catalog.table("cars").to_lance().optimize.compact_files()
    before = data_files(catalog)
    done = fill_all(catalog, folder)
    assert (done.photos, done.moved) == (0, 20)
    check(catalog, range(1020))
    new = {name: size for name, size in data_files(catalog).items() if name not in before}
    assert sum(new.values()) < 1020 * SIZE * 2  # less than the column; 20 rows of thumbnails

    few = int(MIN_REWRITE_SHARE * 1100) + 10
    add_rows(catalog, range(1020, 1020 + few))
    catalog.table("cars").to_lance().optimize.compact_files()
    done = fill_all(catalog, folder)
    assert (done.photos, done.moved, done.fragments) == (few, 0, 1)
    check(catalog, range(1020 + few))


def test_new_photos_in_a_fragment_of_their_own_are_filled_where_they_are(
    old: Catalog, folder: Path
) -> None:
    fill_all(old, folder)
    add_rows(old, range(100, 110))
    before = data_files(old)
    done = fill_all(old, folder)
    assert (done.photos, done.fragments, done.moved) == (10, 1, 0)
    assert len(data_files(old)) == len(before) + 1
    check(old, range(110))


def test_searches_read_the_published_version_meanwhile(old: Catalog, folder: Path) -> None:
    fill_all(old, folder)
    tag(old)
    cars = PublishedCars(old)
    asked = vectors(ids([7]))[0]
    found = cars.nearest(LITE, asked, 3)
    assert found[0][0] == ids([7])[0]
    open_space(old, LITE, 8, record("l2"))
    with open_filling(old, LITE, record("l2"), folder) as filling:
        for some in filling.waiting(16):
            filling.keep(some, vectors(some, 8))
            filling.commit()
            assert cars.nearest(LITE, asked, 3) == found
            assert PublishedCars(old).nearest(LITE, asked, 3) == found
        filling.finish()
    assert PublishedCars(old).record(LITE) == RECORD
    tag(old)
    assert PublishedCars(old).record(LITE) == record("l2")
    asked = vectors(ids([7]), 8)[0]
    assert PublishedCars(old).nearest(LITE, asked, 3)[0][0] == ids([7])[0]
