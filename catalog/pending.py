"""What waits for a stage: questions to the tables, so that a broken run goes on by being run again.

Nothing here is kept between runs; a stage's own rows are what says that it is done.
"""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from catalog.sql import equals
from catalog.table import Catalog


def unlabelled_sightings(catalog: Catalog) -> list[str]:
    """Ids of sightings whose words were not read with the vocabulary as it is now."""
    version = catalog.vocabulary.version
    ids: list[str] = []
    for batch in catalog.read("sightings", ["sighting_id", "labelled_with"], batch_rows=65_536):
        read = pc.fill_null(pc.equal(batch.column("labelled_with"), version), False)
        ids.extend(batch.filter(pc.invert(read)).column("sighting_id").to_pylist())
    return ids


def unembedded_images(catalog: Catalog, space: str, version: str) -> tuple[list[str], list[str]]:
    """Photos that wait for a vector of `space` made by model `version`.

    Returns the ids that are not in `cars` at all, and those that are there with a vector of
    another model or with none. A photo that this version failed on does not wait for it again.
    """
    cars = catalog.column("cars", "image_id")
    images = catalog.column("images", "image_id")
    failed = catalog.column("rejects", "source_id", equals("stage", embed_stage(version)))
    new = _without(_without(images, cars), failed)
    if f"{space}_version" not in catalog.table("cars").schema.names:
        return new.to_pylist(), _without(cars, failed).to_pylist()
    current = catalog.column("cars", "image_id", equals(f"{space}_version", version))
    old = _without(_without(cars, current), failed)
    return new.to_pylist(), old.to_pylist()


def embed_stage(version: str) -> str:
    """The stage under which a photo that a model cannot embed is kept in `rejects`."""
    return f"embed {version}"


def stale_cars(catalog: Catalog) -> list[str]:
    """Ids of rows of `cars` that do not show all that is known of their photo.

    Assertions are only added and a sighting's revision only grows, so the number of assertions
    plus the sum of the revisions (`evidence`) tells whether a row has seen them all. With another
    vocabulary the same statements can give other labels.
    """
    version = catalog.vocabulary.version
    now = evidence(catalog, None)
    stale: list[str] = []
    columns = ["image_id", "evidence", "labelled_with"]
    for batch in catalog.read("cars", columns, batch_rows=65_536):
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        stale += [key for key, seen, by in rows if now.get(key, 0) != seen or by != version]
    return stale


def evidence(catalog: Catalog, image_ids: Iterable[str] | None) -> dict[str, int]:
    """Photo -> number of its assertions plus its sightings' revisions; all photos if None."""
    wanted = None if image_ids is None else list(image_ids)
    assertions = _by_image(catalog, "assertions", wanted, None)
    sightings = _by_image(catalog, "sightings", wanted, "revision")
    total: dict[str, int] = dict(assertions)
    for key, revisions in sightings.items():
        total[key] = total.get(key, 0) + revisions
    return total


def _without(keys: pa.ChunkedArray, those: pa.ChunkedArray) -> pa.ChunkedArray:
    return keys.filter(pc.invert(pc.is_in(keys, value_set=those)))


def _by_image(
    catalog: Catalog, name: str, wanted: list[str] | None, add: str | None
) -> dict[str, int]:
    columns = ["image_id"] if add is None else ["image_id", add]
    if wanted is None:
        schema = catalog.table(name).schema
        rows = pa.Table.from_batches(
            catalog.read(name, columns, batch_rows=65_536),
            pa.schema([schema.field(column) for column in columns]),
        )
    else:
        rows = catalog.rows_where(name, "image_id", wanted, columns)
    how = ([], "count_all") if add is None else (add, "sum")
    grouped = rows.group_by("image_id").aggregate([how])
    values = grouped.column("count_all" if add is None else f"{add}_sum")
    return dict(zip(grouped.column("image_id").to_pylist(), values.to_pylist(), strict=True))
