import multiprocessing
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lancedb.index import BTree

from catalog import optimize
from catalog.car_columns import open_space
from catalog.index import NPROBES, maintain_indexes, probes
from catalog.published import PublishedCars
from catalog.table import Catalog, open_catalog
from tests.catalog.making import record
from tests.catalog.test_published import QUESTIONS, SIZE, VALUES, add_cars, tag
from tests.catalog.writers import runs

TINY = {
    "CHECK_VERSIONS": 1,
    "MAX_SMALL_FRAGMENTS": 2,
    "FRAGMENT_ROWS": (4, 16),
    "MAX_UNINDEXED_ROWS": 3,
}


def keep_up_at_every_write(patch: pytest.MonkeyPatch) -> None:
    for name, value in TINY.items():
        patch.setattr(optimize, name, value)


WRITES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "upsert", "update", "remove"]),
        st.lists(st.integers(0, 40), min_size=1, max_size=6, unique=True),
    ),
    max_size=25,
)


@settings(max_examples=25, deadline=None)
@given(WRITES)
def test_tables_hold_what_was_written_however_they_are_kept_up(
    writes: list[tuple[str, list[int]]],
) -> None:
    with TemporaryDirectory() as place, pytest.MonkeyPatch.context() as patch:
        keep_up_at_every_write(patch)
        catalog = open_catalog(place)
        expected: dict[str, str] = {}
        for number, (what, numbers) in enumerate(writes):
            keys = [f"run {each}" for each in numbers]
            if what == "remove":
                catalog.remove("runs", keys)
                expected = {key: each for key, each in expected.items() if key not in keys}
            elif what == "update":
                keys = [key for key in keys if key in expected]
                catalog.update("runs", runs(catalog, keys, str(number)), unchanged="flow")
                expected |= dict.fromkeys(keys, str(number))
            elif what == "insert":
                new = [key for key in keys if key not in expected]
                assert catalog.insert("runs", runs(catalog, keys, str(number))) == len(new)
                expected |= dict.fromkeys(new, str(number))
            else:
                catalog.upsert("runs", runs(catalog, keys, str(number)))
                expected |= dict.fromkeys(keys, str(number))
        stored = catalog.table("runs").to_arrow().to_pylist()
        assert sorted((row["run_id"], row["status"]) for row in stored) == sorted(expected.items())
        for key in expected:
            found = catalog.rows("runs", [key], ["status"]).to_pylist()
            assert found == [{"status": expected[key]}]


def test_photos_are_put_together_once_they_are_many_as_they_are(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_up_at_every_write(monkeypatch)
    monkeypatch.setattr(optimize, "PHOTO_FRAGMENTS", {4: 3, 16: 2})
    schema = catalog.specs["images"].schema

    def photo(at: int, content: bytes) -> pa.Table:
        return pa.Table.from_pylist([{"image_id": f"{at:03}", "content": content}], schema)

    for at in range(90):
        catalog.insert("images", photo(at, bytes([at]) * 100))
        if at % 10 == 5:
            catalog.upsert("images", photo(at - 2, b"anew"))
    rows = catalog.table("images").to_arrow()
    stored = {row["image_id"]: row["content"] for row in rows.to_pylist()}
    assert stored == {
        f"{at:03}": b"anew" if at % 10 == 3 else bytes([at]) * 100 for at in range(90)
    }
    assert rows.num_rows == 90
    assert len(catalog.table("images").to_lance().get_fragments()) <= 90 // 16 + 2 + 3


def test_many_small_writes_leave_few_fragments_and_sorted_keys(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_up_at_every_write(monkeypatch)
    for at in range(60):
        catalog.insert("runs", runs(catalog, [f"{at:03}"], "done"))
    table = catalog.table("runs")
    most = 60 / 16 + 2 * TINY["MAX_SMALL_FRAGMENTS"] + 1
    assert table.to_lance().stats.dataset_stats()["num_fragments"] <= most
    (index,) = table.list_indices()
    assert index.columns == ["run_id"]
    assert table.index_stats(index.name).num_unindexed_rows <= 4
    assert sorted(catalog.column("runs", "run_id").to_pylist()) == [f"{at:03}" for at in range(60)]


def test_photos_stay_in_the_files_they_were_written_to(
    catalog: Catalog, make_photo: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from catalog.register import register

    keep_up_at_every_write(monkeypatch)
    for seed in range(8):
        register(catalog, [make_photo(seed)], run_id="r")
    table = catalog.table("images")
    assert table.to_lance().stats.dataset_stats()["num_fragments"] == 8
    assert [index.columns for index in table.list_indices()] == [["image_id"]]
    names = {
        column for index in catalog.table("sightings").list_indices() for column in index.columns
    }
    assert names == {"sighting_id", "image_id"}
    assert register(catalog, [make_photo(seed) for seed in range(9)], run_id="s").known == 8


def test_an_update_under_a_condition_goes_past_the_index(catalog: Catalog) -> None:
    catalog.insert("runs", runs(catalog, ["a", "b", "c"], "old"))
    catalog.table("runs").create_index("run_id", config=BTree())
    marks = pa.table({"run_id": ["a", "b"], "flow": ["f", "other"], "status": ["new", "new"]})
    catalog.update("runs", marks, unchanged="flow")
    rows = catalog.table("runs").to_arrow().to_pylist()
    assert {row["run_id"]: row["status"] for row in rows} == {"a": "new", "b": "old", "c": "old"}


def write_in_turn(uri: str, start: Any, writer: int) -> list[str]:
    """One of several processes that write the same keys, and keep the table up, at every write."""
    for name, value in TINY.items():
        setattr(optimize, name, value)
    catalog = open_catalog(uri)
    start.wait(500)
    new = []
    for turn in range(15):
        keys = [f"{turn} {at}" for at in range(7)]
        new += catalog.insert_keys("runs", runs(catalog, keys, "new"))
        catalog.update("runs", runs(catalog, [f"{turn} {writer}"], f"of {writer}"))
    return new


def test_writers_at_once_leave_no_repeats_beside_the_upkeep(tmp_path: Path) -> None:
    writers = 2
    uri = str(tmp_path / "shared")
    catalog = open_catalog(uri)
    old = [f"old {at}" for at in range(20)]
    assert catalog.insert_keys("runs", runs(catalog, old, "old")) == old
    assert catalog.insert_keys("runs", runs(catalog, old, "old")) == []
    catalog.table("runs").create_index("run_id", config=BTree())
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(writers, mp_context=context) as pool:
        start = manager.Barrier(writers)
        tasks = [pool.submit(write_in_turn, uri, start, writer) for writer in range(writers)]
        new = [task.result(300) for task in tasks]
    keys = catalog.column("runs", "run_id").to_pylist()
    assert len(keys) == len(set(keys)) == 20 + 15 * 7
    assert sorted(key for each in new for key in each) == sorted(set(keys) - set(old))
    for writer in range(writers):
        assert catalog.count("runs", f"status = 'of {writer}'") == 15


def test_compacting_leaves_searches_and_the_published_version_as_they_were(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = open_catalog(tmp_path)
    open_space(catalog, "semantic", SIZE, record("m1"))
    for start in range(0, 1000, 50):
        add_cars(catalog, VALUES[start : start + 50], start=start)
    maintain_indexes(catalog, "semantic", index_from=256)
    tag(catalog)
    pinned = [PublishedCars(catalog, exact_rows=rows) for rows in (0, 10_000)]
    asked = [[cars.nearest("semantic", q, 10) for q in QUESTIONS] for cars in pinned]
    monkeypatch.setattr(optimize, "MAX_SMALL_FRAGMENTS", 2)
    catalog.optimize("cars")
    table = catalog.table("cars")
    assert table.to_lance().stats.dataset_stats()["num_fragments"] == 1
    assert table.index_stats("semantic_idx").num_unindexed_rows == 0
    assert [[cars.nearest("semantic", q, 10) for q in QUESTIONS] for cars in pinned] == asked
    tag(catalog)
    after = [PublishedCars(catalog, exact_rows=rows) for rows in (0, 10_000)]
    for now, then in zip(after, asked, strict=True):
        found = [now.nearest("semantic", q, 10) for q in QUESTIONS]
        assert [[key for key, _ in each] for each in found] == [
            [key for key, _ in each] for each in then
        ]
    assert sorted(after[0].first(1000)) == [f"{at:064x}" for at in range(1000)]


@pytest.mark.parametrize("exact_rows", [0, 10_000])
def test_the_rows_of_neighbors_are_those_of_their_ids(tmp_path: Path, exact_rows: int) -> None:
    catalog = open_catalog(tmp_path)
    open_space(catalog, "semantic", SIZE, record("m1"))
    add_cars(catalog, VALUES[:600])
    maintain_indexes(catalog, "semantic", index_from=256)
    tag(catalog)
    cars = PublishedCars(catalog, exact_rows=exact_rows)
    columns = ["color", "model_year", "thumbnail"]
    found, rows = cars.nearest_rows("semantic", QUESTIONS[0], 10, "color = 'red'", columns)
    assert found == cars.nearest("semantic", QUESTIONS[0], 10, "color = 'red'")
    assert rows == cars.rows([key for key, _ in found], columns)
    assert {row["color"] for row in rows.values()} == {"red"}


@given(st.integers(0, 10**8))
def test_most_parts_of_an_index_are_looked_into_at_any_size(photos: int) -> None:
    assert probes(photos) >= max(NPROBES, 0.8 * photos / 4096)
    assert probes(photos) <= max(NPROBES, photos / 4096 + 1)
    assert np.all(np.diff([probes(photos + more) for more in (0, 10**5, 10**6)]) >= 0)


def test_the_client_that_lancedb_brings_is_there_only_when_asked_for() -> None:
    code = (
        "import sys, catalog.table, lance\n"
        "client = 'lance_namespace_urllib3_client'\n"
        "print(client in sys.modules, f'{client}.api' in sys.modules)\n"
        "import lance_namespace_urllib3_client as late\n"
        "print(late.TableApi.__name__, hasattr(late, 'nothing of this name'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines() == ["True False", "TableApi False"]
