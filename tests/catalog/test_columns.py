from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from lancedb.index import IvfRq

from catalog import update_columns
from catalog.schema import KEY_MARK, TableSpec
from catalog.table import Catalog, StoreError, open_catalog

SCHEMA = pa.schema(
    [
        pa.field("image_id", pa.string(), nullable=False, metadata=KEY_MARK),
        pa.field("color", pa.string()),
        pa.field("people", pa.list_(pa.string())),
        pa.field("semantic", pa.list_(pa.float16(), 16)),
    ]
)


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    """A catalog whose table `cars` has 600 rows in three fragments, and an index over vectors."""
    found = open_catalog(tmp_path / "catalog")
    found.specs["cars"] = TableSpec("cars", "image_id", SCHEMA)
    found._database.lance.create_table("cars", schema=SCHEMA, mode="overwrite")
    for start in (0, 200, 400):
        found.insert("cars", rows(range(start, start + 200), "red"))
    table = found.table("cars")
    table.create_index(
        "semantic", config=IvfRq(distance_type="cosine", num_bits=8, num_partitions=1)
    )
    return found


def rows(numbers: range, color: str | None) -> pa.Table:
    vectors = np.random.default_rng(len(numbers)).normal(size=(len(numbers), 16))
    content = {
        "image_id": [f"{number:064x}" for number in numbers],
        "color": [color] * len(numbers),
        "people": [["man"]] * len(numbers),
        "semantic": list(vectors.astype(np.float16)),
    }
    return pa.Table.from_pydict(content, SCHEMA)


def labels(numbers: range, color: str | None) -> pa.Table:
    return rows(numbers, color).select(["image_id", "color", "people"])


def outside_index(catalog: Catalog) -> int:
    return int(catalog.table("cars").index_stats("semantic_idx").num_unindexed_rows)


def vectors_of(catalog: Catalog) -> dict[str, list[float]]:
    found = catalog.table("cars").search().select(["image_id", "semantic"]).to_arrow().to_pylist()
    return {row["image_id"]: row["semantic"] for row in found}


def test_many_rows_change_their_labels_and_no_vector_moves(
    catalog: Catalog, tmp_path: Path
) -> None:
    before, files = vectors_of(catalog), set(tmp_path.rglob("*.lance"))
    catalog.rewrite("cars", labels(range(100, 600), "green"))
    assert catalog.count("cars", "color = 'green'") == 500
    assert catalog.count("cars", "color = 'red'") == 100
    assert outside_index(catalog) == 0
    assert vectors_of(catalog) == before
    new = [path for path in set(tmp_path.rglob("*.lance")) - files if path.is_file()]
    assert sum(path.stat().st_size for path in new) < 600 * 16 * 2  # less than the vectors alone


def test_few_rows_are_moved(catalog: Catalog) -> None:
    catalog.rewrite("cars", labels(range(5), "green"))
    assert catalog.count("cars", "color = 'green'") == 5
    assert outside_index(catalog) == 5


def test_a_label_can_become_unknown(catalog: Catalog) -> None:
    catalog.rewrite("cars", labels(range(600), None))
    assert catalog.count("cars", "color IS NULL") == 600


def test_nothing_to_rewrite_writes_nothing(catalog: Catalog) -> None:
    version = catalog.versions()["cars"]
    catalog.rewrite("cars", labels(range(0), "green"))
    assert catalog.versions()["cars"] == version


def test_rows_that_were_deleted_before_stay_deleted(catalog: Catalog) -> None:
    catalog.remove("cars", [f"{number:064x}" for number in range(50)])
    catalog.rewrite("cars", labels(range(50, 600), "green"))
    assert catalog.count("cars") == catalog.count("cars", "color = 'green'") == 550


def test_what_is_appended_meanwhile_stays(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: catalog.insert("cars", rows(range(600, 640), "blue")))
    catalog.rewrite("cars", labels(range(600), "green"))
    assert catalog.count("cars", "color = 'green'") == 600
    assert catalog.count("cars", "color = 'blue'") == 40


@pytest.mark.parametrize("what", ["deleted", "updated", "rewritten", "put together"])
def test_a_fragment_that_changed_meanwhile_is_not_overwritten(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def change() -> None:
        if what == "deleted":
            catalog.remove("cars", [f"{3:064x}"])
        elif what == "updated":
            catalog.update("cars", labels(range(3, 4), "blue"))
        elif what == "rewritten":
            catalog.rewrite("cars", labels(range(200), "blue"))
        else:
            catalog.table("cars").to_lance().optimize.compact_files()

    meanwhile(monkeypatch, change)
    with pytest.raises(StoreError) as caught:
        catalog.rewrite("cars", labels(range(600), "green"))
    assert not caught.value.lasts  # so that a task tries again
    assert catalog.count("cars", "color = 'green'") == 0
    assert catalog.count("cars") == (599 if what == "deleted" else 600)


def meanwhile(monkeypatch: pytest.MonkeyPatch, change: object) -> None:
    """Let another writer come between looking at the fragments and committing, once."""
    rewrite, done = update_columns.rewrite_columns, []

    def late(*given: object) -> None:
        if not done:
            done.append(True)
            change()  # type: ignore[operator]
        rewrite(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(update_columns, "rewrite_columns", late)
