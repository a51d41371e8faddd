"""Columns of `cars`: vectors of each space with the record of their model, and labels."""

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from catalog.schema import SPACE_MARK, cars_schema, vector_field
from catalog.table import Catalog, CatalogError, StoreError
from core.vocabulary import Attribute

METRICS = ("cosine", "l2", "l1")


def open_space(catalog: Catalog, space: str, size: int, record: bytes) -> None:
    """Prepare the vector column of a space for the model that `record` describes.

    A column of another model is dropped. Its photos then wait for new vectors; searches still find
    the old column in the published version. Raises `CatalogError` for the name of another column.
    """
    new = [vector_field(space, size, record), pa.field(f"{space}_version", pa.string())]
    for last in (False, False, True):
        table = catalog.table("cars")
        schema = table.schema  # once: another run may drop the column meanwhile
        there = schema.names
        if space in there and not pa.types.is_fixed_size_list(schema.field(space).type):
            raise CatalogError(f"{space!r} is no space but a column of labels or facts of `cars`")
        held = space_record(schema, space)
        # The same model in another place, such as a moved file, makes the same vectors.
        if held is not None and space_version(held) == space_version(record):
            return
        try:
            with catalog.storing("cars"):
                if old := [field.name for field in new if field.name in there]:
                    table.drop_columns(old)
                table.add_columns(pa.schema(new))
        except (ValueError, StoreError) as error:
            # Another run did the same at the same moment, and its commit won.
            if last or (isinstance(error, StoreError) and error.lasts):
                raise


def replace_space_record(catalog: Catalog, space: str, record: bytes) -> None:
    """Write another record of the same model version to the column of a space: the model's files
    lie in another place now. Raises `StoreError`."""
    with catalog.storing("cars"):
        marks = {SPACE_MARK.decode(): record.decode()}
        catalog.table("cars").update_field_metadata({"path": space, "metadata": marks})


def space_record(schema: pa.Schema, space: str) -> bytes | None:
    """The record of the model that made a vector column; None if there is no such column."""
    if space not in schema.names:
        return None
    record: bytes | None = (schema.field(space).metadata or {}).get(SPACE_MARK)
    return record


def space_records(schema: pa.Schema) -> dict[str, bytes]:
    """Space -> the record of the model that made its vectors, in the order of their columns."""
    found = {name: space_record(schema, name) for name in schema.names}
    return {name: record for name, record in found.items() if record is not None}


def metric_of(schema: pa.Schema, space: str) -> str:
    """How the vectors of a space are compared: `cosine`, `l2` or `l1`, as the record of their model
    says; `cosine` if it says nothing. Raises `CatalogError` for another metric."""
    record = space_record(schema, space)
    metric = "cosine" if record is None else str(json.loads(record).get("metric", "cosine"))
    if metric not in METRICS:
        raise CatalogError(
            f"the vectors of space {space!r} are compared by {metric!r}, which is none of "
            f"{', '.join(METRICS)}; embed the photos with a model whose record names one of them"
        )
    return metric


def space_version(record: bytes) -> str:
    """The model version in the record that a vector column carries."""
    return str(json.loads(record)["version"])


def add_label_columns(catalog: Catalog) -> list[str]:
    """Add the columns of attributes that `cars` lacks; returns their names.

    Rows get their values when they are refreshed; a changed vocabulary makes that due. Raises
    `CatalogError` if an attribute was once of another kind.
    """
    check_label_columns(catalog)
    return catalog.widen("cars", list(cars_schema(catalog.vocabulary)))


def check_label_columns(catalog: Catalog) -> None:
    """Raise `CatalogError` if `cars` has an attribute of the vocabulary as another kind."""
    types = {field.name: field.type for field in catalog.table("cars").schema}
    wanted = cars_schema(catalog.vocabulary)
    other = [field.name for field in wanted if types.get(field.name, field.type) != field.type]
    if other:
        raise CatalogError(
            f"the catalog already holds {other[0]!r} as {types[other[0]]}; give the attribute of "
            "the vocabulary file another name, or the kind it had"
        )


def label_of(attribute: Attribute, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The label of a row of `cars` for an attribute; None if it is unknown."""
    origin = row.get(f"{attribute.name}_origin")
    if origin is None:
        return None
    confidence = row[f"{attribute.name}_confidence"]
    return {"value": row[attribute.name], "origin": origin, "confidence": confidence}
