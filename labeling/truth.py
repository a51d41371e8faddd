"""Known labels, of people or else of sources, to measure networks by."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from catalog.sql import NOT_SYNTHETIC, among, equals
from catalog.table import Catalog
from labeling.pending import KNOWN

MOST_KNOWN = 20_000
"""The most known labels of an attribute that are used for measuring."""

_VIEW = ("view", "view_origin")


@dataclass(frozen=True, slots=True)
class Truth:
    """Known labels of one attribute: the photos, their values and their pages (`groups`).

    `known` is the number of known labels before some were left out. `views` are the labels of
    attribute `view`, None where it is unknown.
    """

    attribute: str
    known: int
    image_ids: tuple[str, ...]
    values: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]
    views: tuple[str | None, ...]

    @property
    def known_views(self) -> dict[str, str]:
        """Photo -> its view, where it is known."""
        return {key: view for key, view in zip(self.image_ids, self.views, strict=True) if view}

    def take(self, rows: Sequence[int]) -> "Truth":
        """The same with these rows only."""
        return Truth(
            self.attribute,
            self.known,
            tuple(self.image_ids[row] for row in rows),
            tuple(self.values[row] for row in rows),
            tuple(self.groups[row] for row in rows),
            tuple(self.views[row] for row in rows),
        )


def load_truth(
    catalog: Catalog, attribute: str, space: str, space_version: str, *, real_only: bool = False
) -> Truth:
    """The known labels of photos that have a vector of this model; at most `MOST_KNOWN`, evenly.

    With `real_only`, rendered photos are left out.
    """
    many = catalog.vocabulary.attributes[attribute].many
    origin = f"{attribute}_origin"
    where = f"{equals(f'{space}_version', space_version)} AND {among(origin, KNOWN)}"
    if real_only:
        where += f" AND {NOT_SYNTHETIC}"
    columns = list(dict.fromkeys(["image_id", attribute, origin, "page_url", "view"]))
    rows = [
        row
        for batch in catalog.read("cars", columns, where, batch_rows=65_536)
        for row in batch.to_pylist()
    ]
    rows.sort(key=lambda row: row["image_id"])
    some = rows[:: max(1, -(-len(rows) // MOST_KNOWN))]
    return Truth(
        attribute,
        len(rows),
        tuple(row["image_id"] for row in some),
        tuple(tuple(row[attribute]) if many else (str(row[attribute]),) for row in some),
        tuple(row["page_url"] or row["image_id"] for row in some),
        tuple(row["view"] for row in some),
    )


def load_vectors(
    catalog: Catalog, space: str, image_ids: Sequence[str]
) -> tuple[list[str], npt.NDArray[np.float32]]:
    """The ids of those of these photos that have a vector, and their unit vectors (n, size)."""
    rows = catalog.rows("cars", image_ids, ["image_id", space])
    rows = rows.filter(rows.column(space).is_valid())
    size = rows.schema.field(space).type.list_size
    column = rows.column(space).combine_chunks()
    flat = column.flatten().to_numpy(zero_copy_only=False)
    vectors = np.asarray(flat, np.float32).reshape(len(rows), size)
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return rows.column("image_id").to_pylist(), vectors / lengths


def known_views(
    catalog: Catalog, image_ids: Sequence[str], origins: Sequence[str] = KNOWN
) -> dict[str, str]:
    """Photo -> its view, where `cars` has it from one of these origins, by default a person or a
    source."""
    rows = catalog.rows("cars", image_ids, ["image_id", *_VIEW]).to_pylist()
    return {row["image_id"]: row["view"] for row in rows if row["view_origin"] in origins}
