"""A filtered vector search equals brute force: random rows, random filters, exact and by index."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog.car_columns import open_space
from catalog.filters import Filter, to_sql
from catalog.index import maintain_indexes
from catalog.published import PublishedCars
from catalog.table import open_catalog
from labeling.publish.cars import Vectors, _with_vectors
from tests.catalog.making import record
from tests.catalog.test_filters import filters, keeps, make_rows

SIZE = 32
PHOTOS = 900
UNINDEXED = 200  # the last photos, which came after the indexes were built


def unit_rows(n: int, seed: int) -> npt.NDArray[np.float32]:
    """Vectors around forty centers, as photos of alike cars are, with some that are the same."""
    dice = np.random.default_rng(seed)
    centers = dice.normal(size=(40, SIZE))
    rows = centers[dice.integers(0, 40, n)] + 0.5 * dice.normal(size=(n, SIZE))
    rows[:5] = rows[5:10]
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


VALUES = unit_rows(PHOTOS, 3)
STORED = VALUES.astype(np.float16).astype(np.float32)
STORED /= np.linalg.norm(STORED, axis=1, keepdims=True)


def photo_rows() -> list[dict[str, Any]]:
    """Rows of `cars` with every kind of label, unknown ones and hostile texts among them."""
    rows = make_rows(PHOTOS)
    for at, row in enumerate(rows):
        del row["id"], row["v"]
        row["source"] = row["source"] or "shop"
        row |= {"image_id": f"{at:064x}", "source_id": str(at), "evidence": 0, "labelled_with": ""}
    return rows


ROWS = photo_rows()


@pytest.fixture(scope="module")
def cars(tmp_path_factory: pytest.TempPathFactory) -> list[PublishedCars]:
    """The same photos where every one is compared, and where indexes of all kinds answer."""
    catalog = open_catalog(tmp_path_factory.mktemp("filtered") / "catalog")
    open_space(catalog, "semantic", SIZE, record("m1"))
    schema = catalog.specs["cars"].schema
    for start, end in ((0, PHOTOS - UNINDEXED), (PHOTOS - UNINDEXED, PHOTOS)):
        table = pa.Table.from_pylist(ROWS[start:end], schema)
        keys = table.column("image_id").to_pylist()
        vectors = Vectors("semantic", "m1", keys, VALUES[start:end])
        catalog.insert("cars", _with_vectors(table, vectors, VALUES[start:end]))
        if start == 0:
            maintain_indexes(catalog, "semantic", index_from=0)
    cars = catalog.table("cars")
    assert cars.index_stats("semantic_idx").num_unindexed_rows == UNINDEXED
    cars.tags.create("published", cars.version)
    return [PublishedCars(catalog), PublishedCars(catalog, exact_rows=0)]


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.lists(filters(), max_size=3), st.integers(0, 10**6), st.integers(1, 60))
def test_the_nearest_that_pass_are_found(
    cars: list[PublishedCars], asked: list[Filter], seed: int, k: int
) -> None:
    question = unit_rows(20, seed)[7]
    where = to_sql(asked, cars[0].catalog.vocabulary)
    kept = [at for at, row in enumerate(ROWS) if all(keeps(each, row) for each in asked)]
    expected = np.sort(1 - STORED[kept] @ question)[:k]
    for each in cars:
        assert each.count(where) == len(kept)
        found = each.nearest("semantic", question, k, where)
        ids = [int(key, 16) for key, _ in found]
        assert len(set(ids)) == len(ids) == len(expected)
        assert set(ids) <= set(kept)
        distances = np.array([distance for _, distance in found])
        assert np.all(np.diff(distances) >= -1e-6)
        # By distance and not by id: those of equal vectors are one as good as the other.
        assert np.abs(distances - expected).max(initial=0) < 2e-3
        assert np.abs(1 - STORED[ids] @ question - distances).max(initial=0) < 2e-3
        assert each.first(len(ROWS), where) == [ROWS[at]["image_id"] for at in kept]
