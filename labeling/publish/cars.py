"""Rows of `cars`, the table that search reads: facts, current labels and vectors of each photo.

A photo enters complete, in one append; later its labels can be refreshed and its vectors
replaced, each without touching the other.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.schema import label_fields
from catalog.table import Catalog
from core.assertions import Label
from core.vocabulary import Attribute
from labeling.consensus import Decision
from labeling.label import decisions
from labeling.labelers import labels_version
from labeling.pending import evidence


@dataclass(slots=True)
class DisagreementCounts:
    """Counts of disagreements about `photos` photos, by attribute: labels where a confident network
    contradicts a source (`networks`), and where sources contradict each other (`sources`)."""

    photos: int = 0
    networks: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)

    def add(self, other: "DisagreementCounts") -> None:
        """Add the counts of another shard."""
        self.photos += other.photos
        self.networks.update(other.networks)
        self.sources.update(other.sources)

    def count(self, made: Mapping[str, Decision]) -> None:
        """Count the decisions about one photo."""
        for name, each in made.items():
            considered = {said.origin for said in each.considered}
            contradicting = {said.origin for said in each.contradicting}
            self.networks[name] += "source" in considered and "model" in contradicting
            self.sources[name] += "source" in contradicting


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors (n, size) of n photos in one space, L2-normalized, and the model's version."""

    space: str
    version: str
    image_ids: Sequence[str]
    values: npt.NDArray[np.float32]


COMPOSED = 2048
"""The number of photos whose statements are in memory at a time."""

_FACTS = ("source", "source_id", "page_url", "image_url", "license", "license_url", "creator")
_MORE_FACTS = ("attribution", "split")


def append_cars(catalog: Catalog, vectors: Vectors) -> int:
    """Add complete rows for photos that are not in `cars` yet; returns how many.

    A photo without any sighting is left out.
    """
    found = DisagreementCounts()
    rows = _compose(catalog, vectors.image_ids, ["thumbnail", "width", "height"], found)
    order = {key: at for at, key in enumerate(vectors.image_ids)}
    at = [order[key] for key in rows.column("image_id").to_pylist()]
    return catalog.insert("cars", _with_vectors(rows, vectors, vectors.values[at]))


def replace_vectors(catalog: Catalog, vectors: Vectors) -> None:
    """Write the vectors of photos that are in `cars`; their other columns stay."""
    keys = pa.table({"image_id": pa.array(vectors.image_ids, pa.string())})
    catalog.update("cars", _with_vectors(keys, vectors, vectors.values))


def refresh_cars(catalog: Catalog, image_ids: Sequence[str]) -> DisagreementCounts:
    """Update the facts and labels of the rows of these photos; vectors and thumbnails stay.

    The update is one commit. Many rows are written as whole columns (`Catalog.rewrite`), so that
    vectors stay where they are, and in their index. The row of a photo without any sighting is
    removed: the page or file that it came from may show another photo now. Returns counts of the
    statements that disagree.
    """
    found = DisagreementCounts(photos=len(image_ids))
    parts = [
        _compose(catalog, image_ids[start : start + COMPOSED], [], found)
        for start in range(0, len(image_ids), COMPOSED)
    ]
    rows = pa.concat_tables(parts)
    catalog.rewrite("cars", rows)
    catalog.remove("cars", set(image_ids) - set(rows.column("image_id").to_pylist()))
    return found


def _with_vectors(rows: pa.Table, vectors: Vectors, values: npt.NDArray[np.float32]) -> pa.Table:
    flat = pa.array(np.ascontiguousarray(values, dtype=np.float16).ravel())
    column = pa.FixedSizeListArray.from_arrays(flat, values.shape[1])
    version = pa.array([vectors.version] * rows.num_rows, pa.string())
    space = vectors.space
    return rows.append_column(space, column).append_column(f"{space}_version", version)


def _compose(
    catalog: Catalog, image_ids: Sequence[str], more: list[str], differences: DisagreementCounts
) -> pa.Table:
    # Read these two first: a statement that another run adds after this then counts as not yet
    # seen, and the row is refreshed again.
    version = labels_version(catalog)
    seen = evidence(catalog, image_ids)
    made = decisions(catalog, image_ids)
    for each in made.values():
        differences.count(each)
    images = catalog.rows("images", image_ids, ["image_id", *more]).to_pylist()
    chosen = _chosen_sightings(catalog, image_ids)
    rows = []
    for image in images:
        key = image["image_id"]
        if key not in chosen:
            continue
        row = image | chosen[key] | {"evidence": seen.get(key, 0), "labelled_with": version}
        for attribute in catalog.vocabulary.attributes.values():
            decided = made.get(key, {}).get(attribute.name)
            row |= _label_columns(attribute, None if decided is None else decided.label)
        rows.append(row)
    schema = catalog.specs["cars"].schema
    names = ["image_id", *_FACTS, *_MORE_FACTS, *more, "evidence", "labelled_with"]
    names += [f.name for a in catalog.vocabulary.attributes.values() for f in label_fields(a)]
    return pa.Table.from_pylist(rows, pa.schema([schema.field(name) for name in names]))


def _chosen_sightings(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Photo -> the facts of the sighting that its row shows: the earliest one with a license, or
    else the earliest."""
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
