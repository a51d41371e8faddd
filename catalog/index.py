"""Indexes of the catalog: once `cars` is large, a vector index a space, and label indexes.

A small table is searched row by row, which is exact and fast enough. IVF_RQ is built in seconds.
With `REFINE_FACTOR`, which compares candidates again with the stored vectors, it reaches the recall
of exact search: docs/benchmarks/vectors.md has the measurement.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from lancedb.index import Bitmap, IvfRq

from catalog.car_columns import metric_of, space_records
from catalog.errors import ReadError
from catalog.optimize import trim_memory
from catalog.table import Catalog, StoreError

INDEX_FROM = 50_000
MIN_INDEXED_ROWS = 256  # fewer photos than the index's training wants
INDEX_BITS = 8  # of each number of a vector; with 1, what LanceDB takes, candidates are missed
NPROBES = 40  # the least; parts are of some 4,096 photos, so that it is all of them up to 160,000
PROBED_SHARE = (
    0.85  # of the parts, above that: of 300,000 vectors 0.77 of them found 0.990, 0.55 0.967
)
REFINE_FACTOR = 10

_LABEL_INDEXES = ("make", "body_type", "color", "background", "view")


def probes(photos: int) -> int:
    """How many partitions of the vector index a search probes."""
    return max(NPROBES, math.ceil(PROBED_SHARE * photos / 4096))


def index_metric(schema: pa.Schema, space: str) -> Literal["cosine", "l2"]:
    """The metric of the vector index of a space.

    Lance has no index for L1: the nearest by L2 are candidates, which are compared again. Raises
    `CatalogError` for a metric that Marque does not know.
    """
    return "cosine" if metric_of(schema, space) == "cosine" else "l2"


def has_vector_index(table: Any, column: str) -> bool:
    """Whether a table, at its opened version, has an index on a vector column."""
    return any(column in index.columns for index in table.list_indices())


def broken_indexes(catalog: Catalog, name: str) -> dict[str, str]:
    """The indexes of a table whose files are missing or damaged: index -> column.

    Each index is tested by one query that reads little of it.
    """
    table = catalog.table(name)
    broken = {}
    with catalog.reading(name):
        indexes = list(table.list_indices())
    for index in indexes:
        column = index.columns[0]
        kind = table.schema.field(column).type if column in table.schema.names else pa.null()
        try:
            with catalog.reading(name):
                if pa.types.is_fixed_size_list(kind):
                    asked = np.ones(kind.list_size, np.float32)
                    near = table.search(asked, vector_column_name=column)
                    near = near.distance_type(index_metric(table.schema, column))
                    near.nprobes(1).limit(1).select(["_distance"]).to_arrow()
                elif pa.types.is_string(kind):
                    table.count_rows(f"`{column}` = 'no such value'")
        except ReadError as error:
            if error.out_of_reach:
                raise
            broken[index.name] = column
    return broken


def drop_broken_indexes(catalog: Catalog) -> list[str]:
    """Drop the indexes that cannot be read: every query that uses them fails. `maintain_indexes`
    builds them again when they are due. Returns what was dropped, as `table.column`."""
    dropped = []
    for name in catalog.specs:
        for index, column in broken_indexes(catalog, name).items():
            with catalog.storing(name):
                catalog.table(name).drop_index(index)
            dropped.append(f"{name}.{column}")
    return dropped


def maintain_indexes(catalog: Catalog, *spaces: str, index_from: int = INDEX_FROM) -> list[str]:
    """Optimize all tables, build the indexes of `cars`, and add new rows to existing indexes.

    Vector indexes are those of these spaces, by default of all that `cars` has. A space is indexed
    if more than `index_from` photos have its vector, labels if `cars` has more rows than that; up
    to it, a search compares every row. Returns the columns that were indexed. If another run writes
    at the same moment, the work is left for the next run. Raises `StoreError` where the next run
    would fail too.
    """
    for name in catalog.specs:
        catalog.optimize(name, unsorted=0 if name == "cars" else None)
    trim_memory()  # building an index needs the memory
    try:
        with catalog.storing("cars"):
            table = catalog.table("cars")
            return _maintain(table, spaces or list(space_records(table.schema)), index_from)
    except StoreError as error:
        if error.lasts:
            raise
    finally:
        trim_memory()
    return []


def _maintain(table: Any, spaces: Sequence[str], index_from: int) -> list[str]:
    built = []
    least = max(index_from, MIN_INDEXED_ROWS - 1)
    there = {column for index in table.list_indices() for column in index.columns}
    for space in spaces:
        if space not in there and _filled(table, space) > least:
            metric = index_metric(table.schema, space)
            table.create_index(space, config=IvfRq(distance_type=metric, num_bits=INDEX_BITS))
            built.append(space)
    if table.count_rows() > least:
        for column in _LABEL_INDEXES:
            if column in table.schema.names and column not in there:
                table.create_index(column, config=Bitmap())
                built.append(column)
    late = [index.name for index in table.list_indices() if index.columns != ["image_id"]]
    if late:
        # Not `table.optimize()`: it also removes versions, and fails if a tagged version is old.
        table.to_lance().optimize.optimize_indices(index_names=late)
    return built


def _filled(table: Any, space: str) -> int:
    """How many photos have a vector; the version beside it is read faster than the vector."""
    if f"{space}_version" not in table.schema.names:
        return 0
    return int(table.count_rows(f"`{space}_version` IS NOT NULL"))
