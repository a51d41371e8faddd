"""Writers at once, and writes that end half way, on tables whose key has an index."""

import math
import multiprocessing
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lancedb.index import BTree

from catalog import upsert
from catalog.optimize import INDEX_PART_RATIO, merged_index_parts
from catalog.table import Catalog, CatalogError, StoreError, open_catalog
from tests.catalog.writers import runs, write_at_once

OLD = [f"old {at}" for at in range(20)]


@pytest.fixture
def indexed(catalog: Catalog) -> Catalog:
    """A catalog with some runs, whose key has an index."""
    catalog.insert("runs", runs(catalog, OLD, "old"))
    catalog.table("runs").create_index("run_id", config=BTree())
    return catalog


def stored(catalog: Catalog) -> dict[str, str]:
    rows = catalog.table("runs").to_arrow().select(["run_id", "status"]).to_pylist()
    assert not [key for key, times in Counter(row["run_id"] for row in rows).items() if times > 1]
    return {row["run_id"]: row["status"] for row in rows}


@pytest.fixture
def before_commit(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Callable[[], Any]]]:
    """What to do, one at each of the next commits, between the look for keys and the commit."""
    todo: list[Callable[[], Any]] = []
    inner = upsert._commit

    def commit(*given: Any) -> None:
        if todo:
            todo.pop()()
        inner(*given)

    monkeypatch.setattr(upsert, "_commit", commit)
    yield todo
    assert not todo


@pytest.mark.parametrize("write", ["insert_keys", "upsert"])
def test_a_key_that_another_writer_adds_meanwhile_is_not_added_again(
    indexed: Catalog, before_commit: list[Callable[[], Any]], write: str
) -> None:
    other = open_catalog(indexed.uri)
    rival = runs(other, ["new 1", "new 2"], "theirs")
    before_commit.append(lambda: other.insert("runs", rival))
    added = getattr(indexed, write)("runs", runs(indexed, ["new 2", "new 3", OLD[0]], "mine"))
    assert added == (["new 3"] if write == "insert_keys" else 1)
    mine = {"new 3"} if write == "insert_keys" else {"new 2", "new 3", OLD[0]}
    expected = dict.fromkeys(OLD, "old") | dict.fromkeys(["new 1", "new 2"], "theirs")
    assert stored(indexed) == expected | dict.fromkeys(mine, "mine")


def test_what_adds_no_key_goes_on_beside(
    indexed: Catalog, before_commit: list[Callable[[], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upsert, "COMMIT_TRIES", 1)
    other = open_catalog(indexed.uri)
    before_commit.append(other.table("runs").to_lance().optimize.optimize_indices)
    assert indexed.insert("runs", runs(indexed, ["new 1"], "mine")) == 1
    before_commit.append(other.table("runs").to_lance().optimize.compact_files)
    assert indexed.insert("runs", runs(indexed, ["new 2"], "mine")) == 1
    before_commit.append(lambda: other.update("runs", runs(other, [OLD[3], "new 2"], "theirs")))
    assert indexed.insert("runs", runs(indexed, ["new 3"], "mine")) == 1
    before_commit.append(lambda: other.remove("runs", [OLD[4]]))
    assert indexed.insert("runs", runs(indexed, ["new 4"], "mine")) == 1
    before_commit.append(lambda: other.insert("runs", runs(other, ["new 5"], "theirs")))
    indexed.update("runs", runs(indexed, ["new 4"], "again"))
    expected = dict.fromkeys(OLD, "old") | {f"new {at}": "mine" for at in (1, 3)}
    del expected[OLD[4]]
    expected |= {OLD[3]: "theirs", "new 2": "theirs", "new 4": "again", "new 5": "theirs"}
    assert stored(indexed) == expected


def test_an_update_takes_nothing_back_that_another_writer_changed(
    indexed: Catalog, before_commit: list[Callable[[], Any]]
) -> None:
    other = open_catalog(indexed.uri)
    theirs = pa.table({"run_id": OLD[:2], "flow": ["theirs", "theirs"]})
    before_commit.append(lambda: other.update("runs", theirs))
    mine = pa.table({"run_id": OLD[1:3], "status": ["mine", "mine"], "flow": ["f", "f"]})
    indexed.update("runs", mine, unchanged="flow")
    rows = indexed.rows("runs", OLD[:3], ["run_id", "status", "flow"]).to_pylist()
    assert sorted(map(tuple, (row.values() for row in rows))) == [
        (OLD[0], "old", "theirs"),
        (OLD[1], "old", "theirs"),
        (OLD[2], "mine", "f"),
    ]


def test_a_write_that_ends_before_its_commit_leaves_nothing(
    indexed: Catalog, before_commit: list[Callable[[], Any]]
) -> None:
    rows = runs(indexed, ["new", OLD[0]], "mine")

    def fail() -> None:
        raise OSError(28, "No space left on device")

    before_commit.append(fail)
    with pytest.raises(StoreError, match="make room"):
        indexed.upsert("runs", rows)
    assert stored(indexed) == dict.fromkeys(OLD, "old")
    assert indexed.upsert("runs", rows) == 1
    assert stored(indexed) == dict.fromkeys(OLD, "old") | {"new": "mine", OLD[0]: "mine"}


def test_others_that_are_first_again_and_again_end_a_write_with_a_reason(
    indexed: Catalog, before_commit: list[Callable[[], Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upsert, "COMMIT_TRIES", 2)
    other = open_catalog(indexed.uri)
    for key in ("new 1", "new 2"):
        # The rival has no rival: what is still to do is put aside while it writes.
        def rival(key: str = key) -> None:
            left = before_commit[:]
            before_commit.clear()
            other.insert("runs", runs(other, [key], "theirs"))
            before_commit.extend(left)

        before_commit.append(rival)
    with pytest.raises(StoreError, match="continues where this one stopped"):
        indexed.insert("runs", runs(indexed, ["new"], "mine"))
    assert "new" not in stored(indexed)


def test_a_key_that_somebody_else_put_there_twice_is_reported(indexed: Catalog) -> None:
    indexed.table("runs").add(runs(indexed, [OLD[0]], "twice"))
    with pytest.raises(CatalogError, match="holds 3 rows for 2 written keys"):
        indexed.insert("runs", runs(indexed, [OLD[0], "new"], "mine"))


def test_of_eight_writers_each_counts_what_it_added_itself(tmp_path: Path) -> None:
    writers = 8
    uri = str(tmp_path / "shared")
    catalog = open_catalog(uri)
    catalog.insert("runs", runs(catalog, OLD, "old"))
    catalog.table("runs").create_index("run_id", config=BTree())
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(writers, mp_context=context) as pool:
        start = manager.Barrier(writers)
        tasks = [pool.submit(write_at_once, uri, start, writer) for writer in range(writers)]
        done = [task.result(600) for task in tasks]
    rows = stored(catalog)
    inserted = {f"{turn} {at}" for turn in range(4) for at in range(24)}
    upserted = {f"up {turn} {at}" for turn in range(4) for at in range(6)}
    own = {f"own {writer} {turn}" for writer in range(writers) for turn in range(4)}
    assert set(rows) == inserted | upserted | own | set(OLD)
    assert sorted(key for added, _ in done for key in added) == sorted(inserted)
    assert sum(count for _, count in done) == len(upserted | own)
    assert all(rows[key] == f"of {key.split()[1]}" for key in own)


@given(st.lists(st.integers(1, 5000), min_size=1, max_size=300))
def test_an_index_has_few_parts_and_sorts_each_row_in_few_times(writes: list[int]) -> None:
    parts: list[int] = []
    moved = 0
    for rows in writes:
        again = merged_index_parts(parts, rows)
        taken = parts[len(parts) - again :]
        parts[len(parts) - again :] = [rows + sum(taken)]
        moved += sum(taken)
    total = sum(writes)
    levels = math.log(total / min(writes), INDEX_PART_RATIO) + 2
    assert sum(parts) == total
    assert len(parts) <= levels
    assert moved <= 2 * INDEX_PART_RATIO * levels * total
