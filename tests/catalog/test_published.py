from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from lancedb.index import IvfRq

from catalog import published
from catalog.car_columns import open_space
from catalog.index import maintain_indexes
from catalog.published import PublishedCars
from catalog.sql import among
from catalog.table import Catalog, CatalogError, open_catalog
from labeling.publish.cars import Vectors, _with_vectors
from tests.catalog.making import record, unit

SIZE = 32
COLORS = ("red", "blue", None)


def add_cars(catalog: Catalog, values: npt.NDArray[np.float32], *, start: int = 0) -> None:
    """Rows of `cars` made directly: what is tested here reads them, thousands at a time."""
    ids = [f"{start + at:064x}" for at in range(len(values))]
    schema = catalog.specs["cars"].schema
    rows = [
        {
            "image_id": key, "source": "shop", "source_id": key, "evidence": 0, "labelled_with": "",
            "color": COLORS[at % 3], "model_year": 1990 + at % 30, "thumbnail": b"t",
        }
        for at, key in enumerate(ids, start)
    ]  # fmt: skip
    vectors = Vectors("semantic", "m1", ids, values)
    catalog.insert("cars", _with_vectors(pa.Table.from_pylist(rows, schema), vectors, values))


def tag(catalog: Catalog) -> None:
    table = catalog.table("cars")
    there = "published" in table.tags.list()
    (table.tags.update if there else table.tags.create)("published", table.version)


def random_units(n: int, seed: int) -> npt.NDArray[np.float32]:
    values = np.random.default_rng(seed).normal(size=(n, SIZE))
    return np.asarray(values / np.linalg.norm(values, axis=1, keepdims=True), np.float32)


VALUES = random_units(2000, 1)
QUESTIONS = random_units(20, 2)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """2,000 photos in three fragments, published without an index, then indexed and published."""
    catalog = open_catalog(tmp_path_factory.mktemp("large") / "catalog")
    open_space(catalog, "semantic", SIZE, record("m1"))
    for start in (0, 700, 1400):
        add_cars(catalog, VALUES[start : start + 700], start=start)
    tag(catalog)
    return catalog


def brute_force(
    values: npt.NDArray[np.float32], question: npt.NDArray[np.float32], k: int, kept: list[int]
) -> list[str]:
    stored = values[kept].astype(np.float16).astype(np.float32)
    stored /= np.linalg.norm(stored, axis=1, keepdims=True)
    order = np.argsort(1 - stored @ question, kind="stable")[:k]
    return [f"{kept[at]:064x}" for at in order]


FILTERS = {
    None: lambda at: True,
    "color = 'red'": lambda at: at % 3 == 0,
    "color IS NULL": lambda at: at % 3 == 2,
    "model_year >= 2018 AND color = 'blue'": lambda at: at % 30 >= 28 and at % 3 == 1,
    "color = 'none'": lambda at: False,
}


@pytest.mark.parametrize("where", FILTERS)
def test_exact_answers_are_those_of_brute_force(large: Catalog, where: str | None) -> None:
    cars = PublishedCars(large)
    kept = [at for at in range(2000) if FILTERS[where](at)]
    assert cars.count(where) == len(kept)
    for question in QUESTIONS:
        found = cars.nearest("semantic", question, 10, where)
        assert [key for key, _ in found] == brute_force(VALUES, question, 10, kept)
        distances = [distance for _, distance in found]
        assert distances == sorted(distances)
    for key, distance in found:
        stored = VALUES[int(key, 16)]
        assert distance == pytest.approx(1 - float(stored @ question), abs=2e-3)


def test_more_neighbors_than_photos_and_more_rows_than_a_batch(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    open_space(catalog, "semantic", SIZE, record("m1"))
    values = random_units(9000, 5)
    add_cars(catalog, values)
    tag(catalog)
    cars = PublishedCars(catalog)
    for k in (3, 9000):
        found = [key for key, _ in cars.nearest("semantic", QUESTIONS[0], k)]
        assert found == brute_force(values, QUESTIONS[0], k, list(range(9000)))
    assert len(cars.nearest("semantic", QUESTIONS[0], 20_000)) == 9000


def test_ties_come_in_the_same_order_each_time(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    open_space(catalog, "semantic", SIZE, record("m1"))
    for start in range(0, 300, 100):
        add_cars(catalog, np.tile(VALUES[:2], (50, 1)), start=start)
    tag(catalog)
    answers = {
        tuple(key for key, _ in PublishedCars(catalog).nearest("semantic", VALUES[0], 40))
        for _ in range(5)
    }
    assert answers == {tuple(f"{at:064x}" for at in range(0, 80, 2))}


def test_a_stored_vector_is_its_own_nearest_at_no_distance(large: Catalog) -> None:
    cars = PublishedCars(large)
    for at in (0, 999, 1999):
        vector = cars.vector("semantic", f"{at:064x}")
        assert vector is not None
        assert vector.shape == (SIZE,)
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)
        key, distance = cars.nearest("semantic", vector, 1)[0]
        assert (key, round(abs(distance), 6)) == (f"{at:064x}", 0)
    assert cars.vector("semantic", "f" * 64) is None


def test_rows_samples_and_first_photos(large: Catalog) -> None:
    cars = PublishedCars(large)
    assert cars.first(3) == [f"{at:064x}" for at in range(3)]
    assert cars.first(2, "color = 'blue'") == [f"{at:064x}" for at in (1, 4)]
    assert cars.first(5, "color = 'none'") == []
    assert cars.rows([], ["color"]) == {}
    ids = [f"{at:064x}" for at in range(1500)]
    rows = cars.rows([*ids, "f" * 64], ["color"])
    assert set(rows) == set(ids)
    assert set(rows[ids[0]]) == {"image_id", "color"}
    assert cars.sample("semantic", 1024).shape == (1024, SIZE)
    assert cars.sample("semantic", 5000).shape == (2000, SIZE)
    spread = VALUES[[0, 499, 999, 1499, 1999]]
    assert np.allclose(cars.sample("semantic", 5), spread, atol=2e-3)
    assert cars.has_real_photos()
    with pytest.raises(CatalogError, match="no 'content' vectors"):
        cars.record("content")


def test_the_index_finds_what_exact_search_finds(large: Catalog) -> None:
    built = maintain_indexes(large, "semantic", index_from=256)
    assert {"semantic", "color"} <= set(built)
    assert maintain_indexes(large, "semantic", index_from=256) == []
    tag(large)
    cars = PublishedCars(large, exact_rows=0)
    for where, keeps in FILTERS.items():
        kept = [at for at in range(2000) if keeps(at)]
        right = total = 0
        for question in QUESTIONS:
            found = cars.nearest("semantic", question, 10, where)
            expected = brute_force(VALUES, question, 10, kept)
            assert len(found) == len(expected), where
            assert {int(key, 16) for key, _ in found} <= set(kept)
            right += len({key for key, _ in found} & set(expected))
            total += len(expected)
        assert right >= 0.95 * total, (where, right, total)

    exact = dict(PublishedCars(large).nearest("semantic", QUESTIONS[0], 10))
    for key, distance in cars.nearest("semantic", QUESTIONS[0], 10):
        assert distance == pytest.approx(exact.get(key, distance), abs=1e-3)

    fresh = random_units(50, 9)
    add_cars(large, fresh, start=2000)
    tag(large)
    cars = PublishedCars(large, exact_rows=0)
    for at in (0, 49):
        assert cars.nearest("semantic", fresh[at], 1)[0][0] == f"{2000 + at:064x}"
    stats = large.table("cars").index_stats("semantic_idx")
    assert stats.num_unindexed_rows == 50
    maintain_indexes(large, "semantic", index_from=256)
    assert large.table("cars").index_stats("semantic_idx").num_unindexed_rows == 0


def test_as_many_photos_as_a_search_compares_get_no_index(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    open_space(catalog, "semantic", SIZE, record("m1"))
    add_cars(catalog, VALUES[:300])
    assert maintain_indexes(catalog, "semantic", index_from=300) == []
    assert "semantic" in maintain_indexes(catalog, "semantic", index_from=299)


def test_a_few_photos_get_no_index(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    open_space(catalog, "semantic", SIZE, record("m1"))
    assert maintain_indexes(catalog, "semantic", index_from=0) == []
    add_cars(catalog, VALUES[:3])
    assert maintain_indexes(catalog, "semantic", index_from=0) == []
    tag(catalog)
    assert len(PublishedCars(catalog, exact_rows=0).nearest("semantic", unit(1, SIZE), 9)) == 3


def test_a_filter_far_from_the_question_still_fills_the_answer(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path)
    open_space(catalog, "semantic", SIZE, record("m1"))
    values = random_units(3000, 4)
    add_cars(catalog, values)
    catalog.table("cars").create_index(
        "semantic", config=IvfRq(distance_type="cosine", num_partitions=64)
    )
    tag(catalog)
    far = np.argsort(values @ QUESTIONS[0])[:12].tolist()
    where = among("image_id", [f"{at:064x}" for at in far])
    found = PublishedCars(catalog, exact_rows=0).nearest("semantic", QUESTIONS[0], 12, where)
    assert {int(key, 16) for key, _ in found} == set(far)


def test_refining_by_stored_vectors_is_what_lifts_recall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Photos so alike that the shortened vectors of the index cannot tell them apart."""
    catalog = open_catalog(tmp_path)
    open_space(catalog, "semantic", SIZE, record("m1"))
    kinds, each = 25, 80
    values = np.repeat(random_units(kinds, 3), each, axis=0)
    values = near(values, 4)
    add_cars(catalog, values)
    assert "semantic" in maintain_indexes(catalog, "semantic", index_from=256)
    tag(catalog)
    cars = PublishedCars(catalog, exact_rows=0)
    questions = near(values[::each], 5)
    right = [set(brute_force(values, asked, 10, list(range(len(values))))) for asked in questions]

    def recall() -> float:
        found = [{key for key, _ in cars.nearest("semantic", asked, 10)} for asked in questions]
        return sum(map(len, map(set.__and__, found, right))) / (10 * len(questions))

    assert recall() >= 0.97
    monkeypatch.setattr(published, "REFINE_FACTOR", 1)
    assert recall() < 0.9


def near(values: npt.NDArray[np.float32], seed: int) -> npt.NDArray[np.float32]:
    moved = values + np.random.default_rng(seed).normal(scale=0.01, size=values.shape)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)
