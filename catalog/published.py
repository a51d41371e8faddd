"""Reading `cars` at its published version: nearest neighbors, filtered lists, rows by key."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.car_columns import space_record
from catalog.errors import reading
from catalog.index import REFINE_FACTOR, has_vector_index, probes
from catalog.sql import NOT_SYNTHETIC, among, equals
from catalog.table import READ_ROWS, Catalog, CatalogError
from catalog.versions import at_published

EXACT_ROWS = 50_000
"""Up to this many photos a search compares every one; above it uses the vector index."""

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

        Returns (image_id, cosine distance), nearest first; 0 is the same direction, 2 the
        opposite. Exact for at most `exact_rows` photos; above that the vector index is used.
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
        least = probes(self.count())
        with reading(self._place):
            query = self._table.search(vector, vector_column_name=space).distance_type("cosine")
            # No maximum: if a filter leaves few photos in the nearest partitions, more are probed.
            query = query.minimum_nprobes(least).maximum_nprobes(0)
            query = query.refine_factor(REFINE_FACTOR).limit(k)
            if where is not None:
                query = query.where(where)
            rows = query.select(["image_id", "_distance", *columns]).to_arrow().to_pylist()
        return [(r["image_id"], r.pop("_distance")) for r in rows], {r["image_id"]: r for r in rows}

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
        """The stored vector (size,) of a photo; None if the photo or its vector is absent."""
        for batch in self._read([space], equals("image_id", image_id)):
            found = _valid(batch, space)
            if found.num_rows:
                stored: npt.NDArray[np.float32] = _units(found.column(space))[0]
                return stored
        return None

    def sample(self, space: str, n: int) -> npt.NDArray[np.float32]:
        """The vectors (m, size) of m <= `n` photos, taken evenly from the table, because photos are
        often inserted sorted by class."""
        size = self.schema.field(space).type.list_size
        if (photos := self.count()) == 0:
            return np.empty((0, size), np.float32)
        offsets = np.unique(np.linspace(0, photos - 1, n).astype(int)).tolist()
        with reading(self._place):
            rows = self._table.take_offsets(offsets).select([space]).to_arrow()
        batches = [_units(_valid(batch, space).column(space)) for batch in rows.to_batches()]
        return np.concatenate([np.empty((0, size), np.float32), *batches])

    def _has_index(self, space: str) -> bool:
        with reading(self._place):
            return self._indexed(space)

    def _nearest_exact(
        self, space: str, vector: npt.NDArray[np.float32], k: int, where: str | None
    ) -> Neighbors:
        ids: list[str] = []
        distances = np.empty(0, np.float32)
        for batch in self._read(["image_id", space], where, 8192):
            rows = _valid(batch, space)
            ids += rows.column("image_id").to_pylist()
            stored = _matrix(rows.column(space))
            distances = np.concatenate([distances, 1 - stored @ vector / _lengths(stored)])
            if len(ids) > 4 * k + 8192:
                keep = np.argsort(distances, kind="stable")[:k]
                ids, distances = [ids[at] for at in keep], distances[keep]
        order = np.argsort(distances, kind="stable")[:k]
        return [(ids[at], float(distances[at])) for at in order]

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


def _matrix(column: pa.Array) -> npt.NDArray[np.float32]:
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(len(column), column.type.list_size), dtype=np.float32)


def _lengths(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    # float16 leaves the stored vectors a thousandth off length one
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.asarray(np.maximum(lengths, 1e-12), dtype=np.float32)


def _units(column: pa.Array) -> npt.NDArray[np.float32]:
    rows = _matrix(column)
    return rows / _lengths(rows)[:, None]
