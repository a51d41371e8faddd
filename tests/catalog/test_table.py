import multiprocessing
import subprocess
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.migrations import FORMAT
from catalog.rejects import store_rejects
from catalog.table import Catalog, CatalogError, StoreError, open_catalog
from catalog.upsert import first_of_each
from core.records import Drop


def runs(catalog: Catalog, keys: list[str], report: str = "{}") -> pa.Table:
    rows = [{"run_id": key, "flow": "f", "status": "ok", "report": report} for key in keys]
    return pa.Table.from_pylist(rows, catalog.specs["runs"].schema)


def insert_keys(uri: str, start: Any, writer: int) -> int:
    """One of several processes that open a new catalog and write the same keys to it at once."""
    start.wait(500)
    catalog = open_catalog(uri)
    for attempt in range(20):  # a commit that lost is tried again, as the flows' tasks do
        try:
            return catalog.insert("runs", runs(catalog, [f"key {at}" for at in range(100)]))
        except StoreError:
            if attempt == 19:
                raise
    return 0


def test_processes_that_write_the_same_keys_at_once_leave_no_repeats(tmp_path: Path) -> None:
    writers = 4
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, ProcessPoolExecutor(writers, mp_context=context) as pool:
        start = manager.Barrier(writers)
        tasks = [pool.submit(insert_keys, str(tmp_path / "new"), start, at) for at in range(4)]
        inserted = [task.result(120) for task in tasks]
    catalog = open_catalog(tmp_path / "new", create=False)
    keys = catalog.column("runs", "run_id").to_pylist()
    assert sorted(keys) == sorted({f"key {at}" for at in range(100)})
    assert sum(inserted) == 100
    assert set(catalog.versions()) == set(catalog.specs)


def test_a_repeated_key_that_was_put_there_past_us_is_noticed(catalog: Catalog) -> None:
    catalog.insert("runs", runs(catalog, ["a", "b"]))
    catalog.table("runs").add(runs(catalog, ["b"]))
    catalog.insert("runs", runs(catalog, ["a"]))
    for write in (catalog.insert, catalog.upsert):
        with pytest.raises(CatalogError, match=r"'runs'.* holds 3 rows for 2 written keys"):
            write("runs", runs(catalog, ["b", "c"]))


def test_an_update_of_a_row_that_is_not_there_is_noticed(catalog: Catalog) -> None:
    with pytest.raises(CatalogError, match="holds 0 rows for 1"):
        catalog.update("runs", pa.table({"run_id": ["nobody"], "status": ["failed"]}))


WRITES_TO_A_FULL_DISK = """
import resource, sys
from catalog.table import StoreError, open_catalog
from tests.catalog.test_table import runs

catalog = open_catalog(sys.argv[1])
catalog.insert("runs", runs(catalog, ["a", "b"]))
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (64, most))
for write in (
    lambda: catalog.insert("runs", runs(catalog, ["c"])),
    lambda: catalog.upsert("runs", runs(catalog, ["a"], "new")),
    lambda: catalog.remove("runs", ["a"]),
    lambda: open_catalog(sys.argv[1] + " new"),
):
    try:
        write()
    except StoreError as error:
        print(error)
"""


def test_a_write_that_the_disk_refuses_is_told_and_harms_nothing(tmp_path: Path) -> None:
    uri = str(tmp_path / "full")
    done = subprocess.run(
        [sys.executable, "-c", WRITES_TO_A_FULL_DISK, uri],
        check=False,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=500,
    )
    told = done.stdout.splitlines()
    assert len(told) == 4, done.stderr
    for line in told[:3]:
        assert line.startswith(f"table 'runs' of {uri} could not be written (")
        assert "File too large" in line
        assert "make room or choose another place; then run the same command again" in line
    catalog = open_catalog(uri, create=False)
    assert {row["run_id"]: row["report"] for row in everything(catalog)} == {"a": "{}", "b": "{}"}
    assert catalog.insert("runs", runs(catalog, ["c"])) == 1


def test_repeats_inside_one_batch_count_once_and_the_first_wins(catalog: Catalog) -> None:
    batch = pa.concat_tables([runs(catalog, ["a", "b"], "1"), runs(catalog, ["a", "c"], "2")])
    assert catalog.insert("runs", batch) == 3
    stored = {row["run_id"]: row["report"] for row in everything(catalog)}
    assert stored == {"a": "1", "b": "1", "c": "2"}
    assert catalog.insert("runs", batch) == 0
    assert catalog.upsert("runs", runs(catalog, ["c", "d"], "3")) == 1
    assert {row["run_id"]: row["report"] for row in everything(catalog)} == {
        "a": "1", "b": "1", "c": "3", "d": "3",
    }  # fmt: skip


def everything(catalog: Catalog) -> list[dict[str, Any]]:
    columns = catalog.specs["runs"].schema.names
    return [row for batch in catalog.read("runs", columns) for row in batch.to_pylist()]


@given(st.lists(st.text(max_size=2)))
def test_the_first_row_of_each_key_stays_in_its_order(keys: list[str]) -> None:
    rows = pa.table({"key": pa.array(keys, pa.string()), "at": pa.array(range(len(keys)))})
    assert first_of_each(rows, "key").to_pylist() == [
        {"key": key, "at": keys.index(key)} for key in dict.fromkeys(keys)
    ]


def test_an_update_leaves_the_other_columns(catalog: Catalog) -> None:
    catalog.insert("runs", runs(catalog, ["a", "b"], "kept"))
    catalog.update("runs", pa.table({"run_id": ["b"], "status": ["failed"]}))
    stored = {row["run_id"]: (row["status"], row["report"]) for row in everything(catalog)}
    assert stored == {"a": ("ok", "kept"), "b": ("failed", "kept")}


def test_more_keys_than_one_query_takes(catalog: Catalog) -> None:
    keys = [f"it's {at}" for at in range(2500)]
    assert catalog.insert("runs", runs(catalog, keys)) == 2500
    found = catalog.rows("runs", [*keys, *keys, "nobody"], ["run_id"])
    assert Counter(found.column("run_id").to_pylist()) == Counter(keys)
    catalog.remove("runs", keys[:2400])
    assert sorted(catalog.column("runs", "run_id").to_pylist()) == sorted(keys[2400:])
    assert catalog.insert("runs", runs(catalog, keys)) == 2400


def test_reading_streams_no_more_rows_at_a_time_than_asked(catalog: Catalog) -> None:
    for start in range(0, 300, 100):
        catalog.insert("runs", runs(catalog, [str(start + at) for at in range(100)]))
    batches = list(catalog.read("runs", ["run_id"], batch_rows=32))
    assert sum(batch.num_rows for batch in batches) == 300
    assert max(batch.num_rows for batch in batches) <= 32
    assert batches[0].schema.names == ["run_id"]
    some = list(catalog.read("runs", ["run_id"], "run_id < '2'", batch_rows=7))
    assert 0 < max(batch.num_rows for batch in some) <= 7


def test_an_empty_catalog_answers_everything_with_nothing(catalog: Catalog) -> None:
    assert catalog.count(FORMAT) == 1
    for name, spec in catalog.specs.items():
        assert name == FORMAT or catalog.count(name) == 0
        assert catalog.rows(name, [], [spec.key]).num_rows == 0
        assert catalog.rows(name, ["x"], [spec.key]).num_rows == 0
        assert len(catalog.column(name, spec.key)) == catalog.count(name)
        assert catalog.insert(name, spec.schema.empty_table()) == 0
    catalog.remove("runs", [])
    catalog.update("sightings", pa.table({"sighting_id": [], "labelled_with": []}))


def test_what_another_handle_wrote_is_seen_at_once(catalog: Catalog) -> None:
    other = open_catalog(catalog.uri, create=False)
    catalog.insert("runs", runs(catalog, ["a"]))
    assert other.count("runs") == 1
    drop = Drop("shop", "1", "why")
    store_rejects(catalog, [drop], stage="register", run_id="a")
    assert other.count("rejects") == 1
    other.drop_photos()
    assert catalog.count("rejects") == 0
    assert catalog.count("runs") == 1, "what was done stays known"


def test_asking_for_a_catalog_that_is_not_there_makes_none(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match=r"no catalog at .*none"):
        open_catalog(tmp_path / "none", create=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_a_place_that_is_no_folder_is_told(tmp_path: Path, place: str, create: bool) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CatalogError, match="file"):
        open_catalog(tmp_path / place, create=create)
    assert (tmp_path / "file").read_text() == "mine"
