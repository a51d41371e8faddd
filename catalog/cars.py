"""Rows of `cars`, the table that search reads: facts, current labels and vectors of each photo.

A photo enters complete, in one append; later its labels can be refreshed and its vectors
replaced, each without touching the other.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.labelers import labels_version
from catalog.pending import evidence
from catalog.schema import SPACE_MARK, cars_schema, label_fields, vector_field
from catalog.table import Catalog, CatalogError, StoreError
from core.assertions import Label
from core.vocabulary import Attribute

Labels = Mapping[str, Label]

Labeller = Callable[[Sequence[str]], Mapping[str, Labels]]
"""Photos -> their labels. It is handed in and called after `evidence` was taken: what is said in
between then counts as not yet seen, and the row is refreshed again."""


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors (n, size) of n photos in one space, L2-normalised, and the model's version."""

    space: str
    version: str
    image_ids: Sequence[str]
    values: npt.NDArray[np.float32]


COMPOSED = 2048
"""Rows whose statements are in memory at a time."""

_FACTS = ("source", "source_id", "page_url", "image_url", "license", "license_url", "creator")
_MORE_FACTS = ("attribution", "split")


def open_space(catalog: Catalog, space: str, size: int, record: bytes) -> None:
    """Make the vector column of a space ready for the model that `record` describes.

    A column made by another model is dropped: its photos then wait for new vectors, while searches
    go on reading the published version, where it still is.
    """
    new = [vector_field(space, size, record), pa.field(f"{space}_version", pa.string())]
    for last in (False, False, True):
        table = catalog.table("cars")
        there = table.schema.names
        held = space_record(table.schema, space)
        # The same model from another place, such as a file that was moved, made the same vectors.
        if held is not None and space_version(held) == space_version(record):
            return
        try:
            with catalog.storing("cars"):
                if old := [field.name for field in new if field.name in there]:
                    table.drop_columns(old)
                table.add_columns(pa.schema(new))
        except (ValueError, StoreError) as error:
            # Another run does the same at the same moment, and one of the two commits lost.
            if last or (isinstance(error, StoreError) and error.lasts):
                raise


def space_record(schema: pa.Schema, space: str) -> bytes | None:
    """The record of the model that made a vector column; None where there is no such column."""
    if space not in schema.names:
        return None
    record: bytes | None = (schema.field(space).metadata or {}).get(SPACE_MARK)
    return record


def space_version(record: bytes) -> str:
    """The model version in the record that a vector column carries."""
    return str(json.loads(record)["version"])


def add_label_columns(catalog: Catalog) -> list[str]:
    """Give `cars` the columns of attributes that the vocabulary has and it lacks; their names.

    Rows get their values when they are refreshed, which a changed vocabulary makes due. Raises
    `CatalogError` where an attribute was once of another kind.
    """
    check_label_columns(catalog)
    return catalog.widen("cars", list(cars_schema(catalog.vocabulary)))


def check_label_columns(catalog: Catalog) -> None:
    """Raise `CatalogError` where `cars` has an attribute of the vocabulary as another kind."""
    types = {field.name: field.type for field in catalog.table("cars").schema}
    wanted = cars_schema(catalog.vocabulary)
    other = [field.name for field in wanted if types.get(field.name, field.type) != field.type]
    if other:
        raise CatalogError(
            f"the catalogue already holds {other[0]!r} as {types[other[0]]}; give the attribute of "
            "the vocabulary file another name, or the kind it had"
        )


def append_cars(catalog: Catalog, vectors: Vectors, labeller: Labeller) -> int:
    """Add complete rows for photos that are not in `cars` yet; returns how many.

    A photo that is seen nowhere any more is left out.
    """
    rows = _compose(catalog, vectors.image_ids, labeller, ["thumbnail", "width", "height"])
    order = {key: at for at, key in enumerate(vectors.image_ids)}
    at = [order[key] for key in rows.column("image_id").to_pylist()]
    return catalog.insert("cars", _with_vectors(rows, vectors, vectors.values[at]))


def replace_vectors(catalog: Catalog, vectors: Vectors) -> None:
    """Write the vectors of photos that are in `cars`; their other columns stay."""
    keys = pa.table({"image_id": pa.array(vectors.image_ids, pa.string())})
    catalog.update("cars", _with_vectors(keys, vectors, vectors.values))


def refresh_cars(catalog: Catalog, image_ids: Sequence[str], labeller: Labeller) -> None:
    """Bring facts and labels of rows up to date in one commit; vectors and thumbnails stay.

    Many at once are written as columns: no vector moves, and none leaves its index. A row whose
    photo is seen nowhere any more, as its place shows another one now, is removed.
    """
    parts = [
        _compose(catalog, image_ids[start : start + COMPOSED], labeller, [])
        for start in range(0, len(image_ids), COMPOSED)
    ]
    rows = pa.concat_tables(parts)
    catalog.rewrite("cars", rows)
    catalog.remove("cars", set(image_ids) - set(rows.column("image_id").to_pylist()))


def label_of(attribute: Attribute, row: Mapping[str, Any]) -> dict[str, Any] | None:
    """The label that a row of `cars` has for an attribute, or None where it is unknown."""
    origin = row.get(f"{attribute.name}_origin")
    if origin is None:
        return None
    confidence = row[f"{attribute.name}_confidence"]
    return {"value": row[attribute.name], "origin": origin, "confidence": confidence}


def _with_vectors(rows: pa.Table, vectors: Vectors, values: npt.NDArray[np.float32]) -> pa.Table:
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float16).ravel())
    column = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    version = pa.array([vectors.version] * rows.num_rows, pa.string())
    space = vectors.space
    return rows.append_column(space, column).append_column(f"{space}_version", version)


def _compose(
    catalog: Catalog, image_ids: Sequence[str], labeller: Labeller, more: list[str]
) -> pa.Table:
    version = labels_version(catalog)  # these two first: see Labeller
    seen = evidence(catalog, image_ids)
    labels = labeller(image_ids)
    images = catalog.rows("images", image_ids, ["image_id", *more]).to_pylist()
    chosen = _chosen_sightings(catalog, image_ids)
    rows = []
    for image in images:
        key = image["image_id"]
        if key not in chosen:
            continue
        row = image | chosen[key] | {"evidence": seen.get(key, 0), "labelled_with": version}
        for attribute in catalog.vocabulary.attributes.values():
            row |= _label_columns(attribute, labels.get(key, {}).get(attribute.name))
        rows.append(row)
    schema = catalog.specs["cars"].schema
    names = ["image_id", *_FACTS, *_MORE_FACTS, *more, "evidence", "labelled_with"]
    names += [f.name for a in catalog.vocabulary.attributes.values() for f in label_fields(a)]
    return pa.Table.from_pylist(rows, pa.schema([schema.field(name) for name in names]))


def _chosen_sightings(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Of each photo's sightings the one that its row shows: one with a licence before one
    without, then the earliest."""
    columns = ["image_id", "sighting_id", "fetched_at", *_FACTS, *_MORE_FACTS]
    rows = catalog.rows_where("sightings", "image_id", image_ids, columns).to_pylist()
    rows.sort(key=lambda row: (row["license"] is None, row["fetched_at"], row["sighting_id"]))
    chosen: dict[str, dict[str, Any]] = {}
    for row in rows:
        chosen.setdefault(row["image_id"], {name: row[name] for name in (*_FACTS, *_MORE_FACTS)})
    return chosen


def _label_columns(attribute: Attribute, label: Label | None) -> dict[str, Any]:
    names = [field.name for field in label_fields(attribute)]
    if label is None:
        return dict.fromkeys(names)
    value: Any = list(label.values) if attribute.many else label.values[0]
    if attribute.kind == "number":
        value = int(value)
    return dict(zip(names, (value, label.origin, label.confidence), strict=True))
