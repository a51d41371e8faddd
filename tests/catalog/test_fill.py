"""Filling a column over rows that exist already, beside others and after a kill."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from catalog import aside
from catalog import fill as fill_module
from catalog.car_columns import open_space
from catalog.index import maintain_indexes
from catalog.table import Catalog, StoreError, open_catalog
from tests.catalog.filling import (
    LITE,
    RECORD,
    SIZE,
    add_rows,
    check,
    colored,
    data_files,
    fill,
    fill_all,
    ids,
    image_id,
    resume,
    vectors,
)
from tests.catalog.making import record

ROWS = range(300)


@pytest.fixture
def old(tmp_path: Path) -> Catalog:
    """A catalog in a place with an odd name, whose 300 photos in three fragments have no vector."""
    return make_old(tmp_path / "Jörg 100%" / "catalog")


def make_old(place: Path) -> Catalog:
    catalog = open_catalog(place)
    open_space(catalog, "semantic", 8, record("m1"))
    for start in (0, 100, 200):
        add_rows(catalog, range(start, start + 100))
    open_space(catalog, LITE, SIZE, RECORD)
    return catalog


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "filling"


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for complete fragments after a few shards, as a long filling does."""
    monkeypatch.setattr(fill_module, "COMMIT_ROWS", 40)


def test_a_column_is_filled_in_the_order_of_the_table_and_nothing_else_is_written(
    old: Catalog, folder: Path
) -> None:
    before = data_files(old)
    with resume(old, folder) as filling:
        assert filling.total == 300
        computed = fill(filling, 64)
        done = filling.finish()
    assert [key for shard in computed for key in shard] == ids(ROWS)
    assert [len(shard) for shard in computed] == [64, 64, 64, 64, 44]
    assert (done.photos, done.fragments, done.moved, done.left) == (300, 3, 0, 0)
    check(old, ROWS)
    after = data_files(old)
    assert before.items() <= after.items()
    assert len(after) == len(before) + 3
    assert not list(folder.rglob("*.*"))
    with resume(old, folder) as filling:
        assert filling.total == 0
        assert list(filling.waiting(10)) == []
        assert filling.finish().photos == 0


def test_a_fragment_is_committed_as_soon_as_its_photos_are_computed(
    old: Catalog, folder: Path
) -> None:
    versions = [int(old.table("cars").version)]
    with resume(old, folder) as filling:
        for some in filling.waiting(20):
            filling.keep(some, vectors(some))
            filling.commit()
            versions.append(int(old.table("cars").version))
        filled = old.count("cars", f"`{LITE}_version` IS NOT NULL")
        aside_rows = filling._aside.count()
        assert filled + aside_rows == 300
        assert filled >= 200
        filling.finish()
    assert max(b - a for a, b in pairwise(versions)) == 1
    assert versions[-1] - versions[0] <= 3


def test_deleted_rows_keep_their_places(old: Catalog, folder: Path) -> None:
    gone = {0, 1, 57, 99, 100, 150, 299}
    old.remove("cars", ids(gone))
    done = fill_all(old, folder)
    assert done.photos == 300 - len(gone)
    check(old, set(ROWS) - gone)


def test_photos_on_which_the_model_failed_stay_null(old: Catalog, folder: Path) -> None:
    before, during = {3, 120}, {7, 299}
    with resume(old, folder, failed=ids(before)) as filling:
        assert filling.total == 298
        for some in filling.waiting(16):
            good = [key for key in some if key not in ids(during)]
            filling.skip(set(some) - set(good))
            filling.keep(good, vectors(good))
            filling.commit()
        assert old.count("cars", f"`{LITE}_version` IS NOT NULL") >= 197
        filling.finish()
    check(old, set(ROWS) - before - during, before | during)


def test_vectors_may_come_in_any_order(
    old: Catalog, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fill_module, "MAX_ASIDE_ROWS", 60)
    with resume(old, folder) as filling:
        shuffled = np.random.default_rng(1).permutation(ids(ROWS)).tolist()
        for start in range(0, 300, 10):
            some = shuffled[start : start + 10]
            filling.keep(some, vectors(some))
            filling.commit()
        assert filling._aside.count() <= 200 + 40  # twice the largest fragment, and a look
        filling.finish()
    check(old, ROWS)


def test_added_photos_wait_for_the_next_filling(old: Catalog, folder: Path) -> None:
    with resume(old, folder) as filling:
        fill(filling, shards=4)
        add_rows(old, range(300, 350))
        fill(filling)
        filling.finish()
    check(old, ROWS, range(300, 350))
    with resume(old, folder) as filling:
        assert [key for some in filling.waiting(16) for key in some] == ids(range(300, 350))
        fill(filling)
        filling.finish()
    check(old, range(350))


REMOVED = "unverified files removed"

EVENTS: dict[str, Callable[[Catalog], object]] = {
    "delete": lambda catalog: catalog.remove("cars", ids((2, 150, 299))),
    "labels": lambda catalog: catalog.rewrite("cars", colored(range(0, 300, 2), "red")),
    "moved": lambda catalog: catalog.update("cars", colored((5, 105, 205), "red")),
    "appended": lambda catalog: add_rows(catalog, range(300, 340)),
    "compacted": lambda catalog: catalog.table("cars").to_lance().optimize.compact_files(),
    "another space": lambda catalog: open_space(catalog, "vgg", 4, record("v1")),
    "an index": lambda catalog: maintain_indexes(catalog, "semantic", index_from=0),
    REMOVED: lambda catalog: (
        catalog.table("cars").to_lance().cleanup_old_versions(timedelta(0), delete_unverified=True)
    ),
}


def left_by(event: str) -> dict[str, Any]:
    filled = set(ROWS) - ({2, 150, 299} if event == "delete" else set())
    return {"filled": filled, "null": range(300, 340) if event == "appended" else ()}


def red_after(event: str) -> int:
    return {"labels": 150, "moved": 3}.get(event, 0)


@pytest.mark.parametrize("event", EVENTS)
def test_what_others_do_between_two_shards(old: Catalog, folder: Path, event: str) -> None:
    with resume(old, folder) as filling:
        first = fill(filling, shards=9)
        EVENTS[event](open_catalog(old.uri))
        again = [some for some in filling.waiting(16) if some not in first]
        for some in again:
            filling.keep(some, vectors(some))
            filling.commit()
        filling.finish()
    check(old, **left_by(event))
    assert old.count("cars", "color = 'red'") == red_after(event)


@pytest.mark.parametrize("event", [each for each in EVENTS if each != REMOVED])
def test_what_others_do_between_a_file_and_its_commit(
    old: Catalog, folder: Path, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    inner, written = fill_module.commit_column_files, []

    def late(table: Any, files: Any) -> dict[int, Any]:
        if not written:
            EVENTS[event](open_catalog(old.uri))
        written.extend(files)
        return inner(table, files)

    monkeypatch.setattr(fill_module, "commit_column_files", late)
    with resume(old, folder) as filling:
        computed = fill(filling)
        done = filling.finish()
    assert len(computed) == 19  # nothing twice
    check(old, **left_by(event))
    assert old.count("cars", "color = 'red'") == red_after(event)
    # Only compaction leaves a file without a place; moved rows are in a fragment of their own.
    assert len(written) == {"compacted": 2, "moved": 4}.get(event, 3) or event == "compacted"
    assert done.photos + done.moved == len(left_by(event)["filled"])


def stale_labels(catalog: Catalog) -> object:
    from catalog import update_columns

    rows = colored(ROWS, "blue")
    table = catalog.table("cars")
    return update_columns.touched_fragments(table, "image_id", rows.column("image_id")), rows


def test_a_writer_that_began_before_a_commit_does_not_undo_it(old: Catalog, folder: Path) -> None:
    from catalog import update_columns

    place, rows = stale_labels(old)  # type: ignore[misc]
    stale = old.table("cars").to_lance()
    fill_all(old, folder)
    schema = pa.schema([old.table("cars").schema.field(name) for name in rows.column_names])
    with pytest.raises(StoreError) as caught, old.storing("cars"):
        update_columns.rewrite_columns(place, "image_id", rows.cast(schema))
    assert not caught.value.lasts
    with pytest.raises(OSError, match="conflict"):
        stale.optimize.compact_files()
    stale.delete(f"image_id = '{image_id(9)}'")
    check(old, set(ROWS) - {9})


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def fill_and_die(uri: str, folder: str, when: str) -> None:
    """A filling in a process of its own that is killed at some moment."""
    fill_module.COMMIT_ROWS = 40
    catalog = open_catalog(uri)
    commit = fill_module.commit_column_files

    def committed(*given: Any) -> None:
        commit(*given)
        die()

    with resume(catalog, Path(folder)) as filling:
        if when == "before a commit":
            fill_module.commit_column_files = lambda *given: die()  # type: ignore[assignment]
        elif when == "after a commit":
            fill_module.commit_column_files = committed  # type: ignore[assignment]
        fill(filling, shards=5)
        if when == "in a shard":
            aside.os.fsync = lambda handle: die()  # type: ignore[attr-defined]
        fill(filling)


KEPT = {"in a shard": 80, "before a commit": 112, "after a commit": 112}
"""Vectors that were kept when the process was killed: whole shards of 16."""


KILLED = [
    ("in a shard", "nothing"),
    *(("before a commit", event) for event in ("delete", REMOVED, "compacted")),
    *(("after a commit", event) for event in ("delete", REMOVED)),
]


@pytest.mark.parametrize(("when", "event"), KILLED)
def test_a_killed_filling_goes_on_where_it_was(
    old: Catalog, folder: Path, when: str, event: str
) -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=fill_and_die, args=(old.uri, str(folder), when))
    process.start()
    process.join(600)
    assert process.exitcode == -signal.SIGKILL
    assert bool(list(folder.rglob("*.part"))) == (when == "in a shard")
    EVENTS.get(event, bool)(old)  # type: ignore[operator]
    with resume(old, folder) as filling:
        assert not list(folder.rglob("*.part"))
        gone = 2 if event == "delete" else 0  # of those that were not kept yet
        assert filling.total == 300 - KEPT[when] - gone
        fill(filling)
        filling.finish()
    check(old, **left_by(event))
    assert old.count("cars", "color = 'red'") == red_after(event)
    assert not list(folder.rglob("*.*"))
    old.table("cars").to_lance().validate()
