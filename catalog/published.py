"""Reading `cars` at its published version: nearest neighbors, filtered lists, rows by key."""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.car_columns import metric_of, space_record
from catalog.distances import distances, matrix_of, units
from catalog.errors import reading
from catalog.index import REFINE_FACTOR, has_vector_index, index_metric, probes
from catalog.sql import NOT_SYNTHETIC, among, equals
from catalog.table import READ_ROWS, Catalog, CatalogError
from catalog.versions import at_published

EXACT_ROWS = 50_000
"""Up to this many photos a search compares every one; above it uses the vector index."""

L1_CANDIDATES = 20
"""Candidates by L2 for each neighbor by L1 that is asked for. Of 3,000 vectors as a layer gives
them (tests/catalog/test_metrics.py) one each finds 0.59 of the nearest ten, 5 find 0.948, 10 find
0.995 and 20 all."""

Neighbors = list[tuple[str, float]]
RowsById = dict[str, dict[str, Any]]


class PublishedCars:
    """The published version of `cars`, pinned when this is created; after a publish create a new
    one."""

    def __init__(self, catalog: Catalog, *, exact_rows: int = EXACT_ROWS) -> None:
        published = at_published(catalog)
        if published is None:
            waiting = catalog.count("cars") or catalog.count("images")
            step = "`marque embed` continues" if waiting else "`marque ingest folder PATH` fills it"
            raise CatalogError(f"nothing is published in {catalog.uri} yet; {step}")
        self.catalog = catalog
        self.exact_rows = exact_rows
        self._table = published.table("cars")
        self._place = f"the published version {self._table.version} of {catalog.uri}"
        self.schema: pa.Schema = self._table.schema
        # Cached, since the version is pinned and every search needs both.
        self._count = lru_cache(maxsize=256)(self._table.count_rows)
        self._indexed = lru_cache(maxsize=8)(partial(has_vector_index, self._table))

    def record(self, space: str) -> bytes:
        """The JSON record of the model that made a space's vectors; raises `CatalogError`."""
        record = space_record(self.schema, space)
        if record is None:
            raise CatalogError(
                f"the published photos have no {space!r} vectors; run `marque embed"
                + ("`" if space == "semantic" else f" --space {space}`")
            )
        return record

    def count(self, where: str | None = None) -> int:
        """The number of photos, or of those that `where` keeps."""
        with reading(self._place):
            return int(self._count(where))

    def has_real_photos(self) -> bool:
        """Whether any photo is real, not rendered by the project."""
        return bool(self.first(1, NOT_SYNTHETIC))

    def nearest(
        self, space: str, vector: npt.NDArray[np.float32], k: int, where: str | None = None
    ) -> Neighbors:
        """The `k` photos nearest to `vector` (size,) among those that `where` keeps.

        Returns (image_id, distance), nearest first, by the metric of the space's record: `cosine`
        (0 is the same direction, 2 the opposite), `l2` (Euclidean, not squared) or `l1` (the sum of
        absolute differences). Exact for at most `exact_rows` photos; above that the vector index is
        used.
        """
        return self.nearest_rows(space, vector, k, where, [])[0]

    def nearest_rows(
        self,
        space: str,
        vector: npt.NDArray[np.float32],
        k: int,
        where: str | None,
        columns: Sequence[str],
    ) -> tuple[Neighbors, RowsById]:
        """The photos that `nearest` finds, and `columns` of them by id."""
        if self.count(where) <= self.exact_rows or not self._has_index(space):
            found = self._nearest_exact(space, vector, k, where)
            return found, self.rows([key for key, _ in found], columns) if columns else {}
        if metric_of(self.schema, space) == "l1":
            found = self._nearest_l1(space, vector, k, where)
            return found, self.rows([key for key, _ in found], columns) if columns else {}
        query = self._by_index(space, vector, where).refine_factor(REFINE_FACTOR).limit(k)
        with reading(self._place):
            rows = query.select(["image_id", "_distance", *columns]).to_arrow().to_pylist()
        near = [(row["image_id"], row.pop("_distance")) for row in rows]
        if metric_of(self.schema, space) == "l2":  # LanceDB gives its square
            near = [(key, math.sqrt(max(squared, 0.0))) for key, squared in near]
        return near, {row["image_id"]: row for row in rows}

    def first(self, k: int, where: str | None = None) -> list[str]:
        """Ids of the first `k` photos that `where` keeps, in the table's order: the order of
        insertion, except for rows that were rewritten or compacted since."""
        query = self._table.search().select(["image_id"]).limit(k)
        if where is not None:
            query = query.where(where)
        with reading(self._place):
            ids: list[str] = query.to_arrow().column("image_id").to_pylist()
        return ids

    def rows(self, image_ids: Sequence[str], columns: Sequence[str]) -> RowsById:
        """These photos' `columns`, by id."""
        if not image_ids:
            return {}
        rows = self._read(["image_id", *columns], among("image_id", image_ids))
        return {row["image_id"]: row for batch in rows for row in batch.to_pylist()}

    def vector(self, space: str, image_id: str) -> npt.NDArray[np.float32] | None:
        """The stored vector (size,) of a photo, of length one in a space of metric `cosine`; None
        if the photo or its vector is absent."""
        for batch in self._read([space], equals("image_id", image_id)):
            found = _valid(batch, space)
            if found.num_rows:
                stored: npt.NDArray[np.float32] = self._as_question(space, found)[0]
                return stored
        return None

    def sample(self, space: str, n: int) -> npt.NDArray[np.float32]:
        """The vectors (m, size) of m <= `n` photos, as `vector` gives them, taken evenly from the
        table, because photos are often inserted sorted by class."""
        size = self.schema.field(space).type.list_size
        if (photos := self.count()) == 0:
            return np.empty((0, size), np.float32)
        offsets = np.unique(np.linspace(0, photos - 1, n).astype(int)).tolist()
        with reading(self._place):
            rows = self._table.take_offsets(offsets).select([space]).to_arrow()
        batches = [self._as_question(space, _valid(batch, space)) for batch in rows.to_batches()]
        return np.concatenate([np.empty((0, size), np.float32), *batches])

    def _has_index(self, space: str) -> bool:
        with reading(self._place):
            return self._indexed(space)

    def _as_question(self, space: str, rows: pa.RecordBatch) -> npt.NDArray[np.float32]:
        stored = matrix_of(rows.column(space))
        return units(stored) if metric_of(self.schema, space) == "cosine" else stored

    def _by_index(self, space: str, vector: npt.NDArray[np.float32], where: str | None) -> Any:
        """A query of the vector index."""
        least = probes(self.count())
        with reading(self._place):
            query = self._table.search(vector, vector_column_name=space)
            query = query.distance_type(index_metric(self.schema, space))
            # No maximum: if a filter leaves few photos in the nearest partitions, more are probed.
            query = query.minimum_nprobes(least).maximum_nprobes(0)
            return query if where is None else query.where(where)

    def _nearest_l1(
        self, space: str, vector: npt.NDArray[np.float32], k: int, where: str | None
    ) -> Neighbors:
        query = self._by_index(space, vector, where).limit(k * L1_CANDIDATES)
        with reading(self._place):
            rows = query.select(["image_id", space, "_distance"]).to_arrow().combine_chunks()
        if not rows.num_rows:
            return []
        stored = matrix_of(rows.column(space).combine_chunks())
        return _nearest(rows.column("image_id").to_pylist(), distances("l1", stored, vector), k)

    def _nearest_exact(
        self, space: str, vector: npt.NDArray[np.float32], k: int, where: str | None
    ) -> Neighbors:
        metric = metric_of(self.schema, space)
        near: Neighbors = []
        for batch in self._read(["image_id", space], where, 8192):
            rows = _valid(batch, space)
            found = distances(metric, matrix_of(rows.column(space)), vector)
            ids = [*(key for key, _ in near), *rows.column("image_id").to_pylist()]
            before = np.array([distance for _, distance in near], np.float32)
            near = _nearest(ids, np.concatenate([before, found]), k)
        return near

    def _read(
        self, columns: Sequence[str], where: str | None, batch_rows: int = READ_ROWS
    ) -> Iterator[pa.RecordBatch]:
        query = self._table.search().select(list(columns))
        if where is not None:
            query = query.where(where)
        with reading(self._place):
            yield from query.to_batches(batch_rows)


def _valid(batch: pa.RecordBatch, space: str) -> pa.RecordBatch:
    return batch.filter(batch.column(space).is_valid())


def _nearest(ids: Sequence[str], found: npt.NDArray[np.float32], k: int) -> Neighbors:
    order = np.argsort(found, kind="stable")[:k]
    return [(ids[at], float(found[at])) for at in order]
