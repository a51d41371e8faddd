"""Spaces whose vectors are compared by other metrics than cosine: exactly, and by an index."""

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from catalog import published
from catalog.car_columns import metric_of, open_space, space_records
from catalog.fill import open_filling
from catalog.index import broken_indexes, maintain_indexes
from catalog.published import PublishedCars
from catalog.table import Catalog, CatalogError, open_catalog
from tests.catalog.filling import add_rows, ids
from tests.catalog.making import record
from tests.catalog.test_published import tag

SIZE, PHOTOS, K = 48, 3000, 10
METRICS = ("cosine", "l2", "l1")
Vectors = npt.NDArray[np.float32]


def space_of(metric: str) -> str:
    return f"by_{metric}"


def record_of(metric: str) -> bytes:
    return json.dumps({"version": f"{metric} 1", "metric": metric}).encode()


def activations(photos: int, seed: int) -> Vectors:
    """Vectors as a network's layer gives them, with many zeros and of unequal lengths: photos of
    60 kinds around their kinds, mixed and cut at zero."""
    draw = np.random.default_rng(seed)
    fixed = np.random.default_rng(99)
    kinds = fixed.normal(size=(60, SIZE)) * np.arange(1, SIZE + 1) ** -0.25
    mixing = fixed.normal(size=(SIZE, SIZE)) / np.sqrt(SIZE)
    points = kinds[draw.integers(60, size=photos)] + 0.6 * draw.normal(size=(photos, SIZE))
    length = draw.uniform(2, 30, size=(photos, 1))
    return np.asarray(np.maximum(points @ mixing, 0) * length, np.float32)


STORED = activations(PHOTOS, 1)
QUESTIONS = activations(40, 2)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """3,000 photos with a column and an index of each metric; the last 200 have no vectors."""
    place = tmp_path_factory.mktemp("metrics")
    catalog = open_catalog(place / "catalog")
    for start in range(0, PHOTOS, 1000):
        add_rows(catalog, range(start, start + 1000))
    add_rows(catalog, range(PHOTOS, PHOTOS + 200))
    keys = ids(range(PHOTOS))
    for metric in METRICS:
        open_space(catalog, space_of(metric), SIZE, record_of(metric))
        with open_filling(catalog, space_of(metric), record_of(metric), place) as filling:
            filling.keep(keys, STORED)
            filling.finish()
    open_space(catalog, "empty", 8, record("e1"))
    built = maintain_indexes(catalog, index_from=PHOTOS - 1)
    assert {*map(space_of, METRICS)} <= {*built}
    assert "empty" not in built
    assert maintain_indexes(catalog, index_from=PHOTOS - 1) == []
    tag(catalog)
    return catalog


def brute_force(metric: str, question: Vectors, kept: npt.NDArray[np.int64]) -> dict[str, float]:
    stored = STORED[kept].astype(np.float16).astype(np.float64)
    asked = question.astype(np.float64)
    if metric == "cosine":
        lengths = np.linalg.norm(stored, axis=1) * np.linalg.norm(asked)
        found = 1 - stored @ asked / lengths
    else:
        found = np.linalg.norm(stored - asked, ord=int(metric[1]), axis=1)
    return {ids([kept[at]])[0]: found[at] for at in np.argsort(found, kind="stable")[:K]}


def asked(metric: str, question: Vectors) -> Vectors:
    """Only cosine wants a question of length one."""
    length = np.linalg.norm(question) if metric == "cosine" else 1
    return np.asarray(question / length, np.float32)


WHERE = {None: np.arange(PHOTOS), "`source_id` LIKE '%7'": np.arange(7, PHOTOS, 10)}


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("metric", METRICS)
def test_every_photo_is_compared_by_the_metric_of_the_record(
    indexed: Catalog, metric: str, where: str | None
) -> None:
    cars = PublishedCars(indexed, exact_rows=10_000)
    for question in QUESTIONS:
        found = cars.nearest(space_of(metric), asked(metric, question), K, where)
        expected = brute_force(metric, question, WHERE[where])
        assert [key for key, _ in found] == list(expected)
        assert [each for _, each in found] == pytest.approx(list(expected.values()), rel=1e-4)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("metric", METRICS)
def test_the_index_finds_the_nearest_by_the_metric_of_the_record(
    indexed: Catalog, metric: str, where: str | None
) -> None:
    cars = PublishedCars(indexed, exact_rows=0)
    right = 0
    for question in QUESTIONS:
        expected = brute_force(metric, question, WHERE[where])
        near, rows = cars.nearest_rows(
            space_of(metric), asked(metric, question), K, where, ["source_id"]
        )
        assert len(near) == K
        assert {*rows} == {key for key, _ in near}
        assert [each for _, each in near] == sorted(each for _, each in near)
        right += len(expected.keys() & {key for key, _ in near})
        for key, distance in near:
            assert distance == pytest.approx(expected.get(key, distance), rel=2e-3, abs=1e-3)
    assert right / (K * len(QUESTIONS)) >= 0.99


def test_candidates_by_l2_are_what_lifts_recall_by_l1(
    indexed: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    cars = PublishedCars(indexed, exact_rows=0)

    def recall(candidates: int) -> float:
        monkeypatch.setattr(published, "L1_CANDIDATES", candidates)
        found = [{key for key, _ in cars.nearest(space_of("l1"), q, K)} for q in QUESTIONS]
        every = WHERE[None]
        right = [brute_force("l1", question, every).keys() for question in QUESTIONS]
        return sum(len(a & b) for a, b in zip(found, right, strict=True)) / (K * len(QUESTIONS))

    taken = published.L1_CANDIDATES
    assert recall(1) < 0.9
    assert recall(taken // 2) >= 0.98  # half of them nearly do here
    assert recall(taken) >= 0.995


def test_vectors_of_l1_and_l2_are_given_as_they_are_stored(indexed: Catalog) -> None:
    cars = PublishedCars(indexed)
    stored = STORED[5].astype(np.float16).astype(np.float32)
    for metric in METRICS:
        vector = cars.vector(space_of(metric), ids([5])[0])
        assert vector is not None
        length = np.linalg.norm(stored) if metric == "cosine" else 1
        assert np.allclose(vector, stored / length, atol=1e-5)
        assert cars.sample(space_of(metric), 5000).shape == (PHOTOS, SIZE)
        assert cars.vector(space_of(metric), ids([PHOTOS + 5])[0]) is None
    assert np.array_equal(cars.sample(space_of("l1"), 1)[0], STORED[0].astype(np.float16))


def test_photos_that_are_filled_later_enter_the_index(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path / "catalog")
    add_rows(catalog, range(600))
    open_space(catalog, "by_l2", SIZE, record_of("l2"))
    keys = ids(range(600))
    for part in (slice(0, 400), slice(400, 600)):
        with open_filling(catalog, "by_l2", record_of("l2"), tmp_path / "home") as filling:
            filling.keep(keys[part], STORED[:600][part])
            filling.finish()
        maintain_indexes(catalog, index_from=300)
    assert catalog.table("cars").index_stats("by_l2_idx").num_unindexed_rows == 0
    tag(catalog)
    cars = PublishedCars(catalog, exact_rows=0)
    for at in (0, 399, 400, 599):
        assert cars.nearest("by_l2", STORED[at], 1)[0][0] == keys[at]


def test_a_damaged_index_of_each_metric_is_found(indexed: Catalog) -> None:
    assert broken_indexes(indexed, "cars") == {}
    assert set(space_records(indexed.table("cars").schema)) == {*map(space_of, METRICS), "empty"}
    folder = Path(indexed.uri) / "cars.lance" / "_indices"
    table = indexed.table("cars").to_lance()
    uuids = {each["name"]: each["uuid"] for each in table.list_indices()}
    place = folder / str(uuids["by_l1_idx"])
    place.rename(place.with_name("away"))
    try:
        assert broken_indexes(open_catalog(indexed.uri), "cars") == {"by_l1_idx": "by_l1"}
    finally:
        place.with_name("away").rename(place)


def test_a_metric_that_is_none_is_named(catalog: Catalog) -> None:
    open_space(catalog, "odd", 4, record_of("dot"))
    add_rows(catalog, range(3))
    tag(catalog)
    with pytest.raises(CatalogError, match="'odd' are compared by 'dot', which is none of cosine"):
        PublishedCars(catalog).nearest("odd", np.ones(4, np.float32), 1)
    assert metric_of(pa.schema([pa.field("plain", pa.float32())]), "plain") == "cosine"
