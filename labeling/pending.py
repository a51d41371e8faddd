"""The photos that wait for a stage, by queries on the tables, so that a run can be resumed.

No state is kept between runs: the rows that a stage has written say what it has done.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from catalog.sql import equals
from catalog.table import Catalog
from core.assertions import CONFIDENCE_DIGITS
from labeling.labelers import Labeler, by_trust, counted_where, labels_version, load_thresholds


def unlabeled_sightings(catalog: Catalog) -> list[str]:
    """Ids of sightings whose words were not read with the current vocabulary."""
    version = catalog.vocabulary.version
    ids: list[str] = []
    for batch in catalog.read("sightings", ["sighting_id", "labelled_with"], batch_rows=65_536):
        read = pc.fill_null(pc.equal(batch.column("labelled_with"), version), False)
        ids.extend(batch.filter(pc.invert(read)).column("sighting_id").to_pylist())
    return ids


def unembedded_images(catalog: Catalog, space: str, version: str) -> tuple[list[str], list[str]]:
    """Photos that wait for a vector of `space` made by model `version`.

    Returns the ids that are not in `cars`, and those that are in it without a vector of this
    version. A photo on which this version failed does not wait for it again; a photo without any
    sighting does not wait at all.
    """
    cars = catalog.column("cars", "image_id")
    images = catalog.column("images", "image_id")
    images = images.filter(pc.is_in(images, value_set=catalog.column("sightings", "image_id")))
    failed = catalog.column("rejects", "source_id", equals("stage", embed_stage(version)))
    new = _without(_without(images, cars), failed)
    if f"{space}_version" not in catalog.table("cars").schema.names:
        return new.to_pylist(), _without(cars, failed).to_pylist()
    current = catalog.column("cars", "image_id", equals(f"{space}_version", version))
    old = _without(_without(cars, current), failed)
    return new.to_pylist(), old.to_pylist()


def embed_stage(version: str) -> str:
    """The stage in `rejects` of a photo that a model version cannot embed."""
    return f"embed {version}"


VIEW = "view"
"""The attribute that decides which questions make sense for a photo."""

KNOWN = ("human", "source")
"""Origins of labels that networks are measured by."""


def unasked_images(catalog: Catalog, space: str, labelers: Sequence[Labeler]) -> list[str]:
    """Photos for which one of these labelers, all of vectors of one model, has more statements.

    Some attribute that makes sense for the photo's view has no statement of this version. The view
    is that of a person or a source, or else the one of which the most trusted of these labelers is
    sure; where none of them looks for it, the label in `cars`. Without a view, all attributes are
    asked.
    """
    if not labelers or f"{space}_version" not in catalog.table("cars").schema.names:
        return []
    seer = next((each for each in by_trust(labelers) if VIEW in each.calibration), None)
    seen = {} if seer is None else _seen_views(catalog, seer)
    where = equals(f"{space}_version", labelers[0].space_version)
    views = {
        key: view if origin in KNOWN or seer is None else seen.get(key)
        for key, view, origin in _rows(catalog, ["image_id", VIEW, f"{VIEW}_origin"], where)
    }
    waiting: set[str] = set()
    for each in labelers:
        waiting |= _more_to_say(catalog, each, views)
    return [key for key in views if key in waiting]


def unlooked_images(catalog: Catalog, labeler: Labeler) -> list[str]:
    """Photos for which a labeler that looks at pictures has more statements.

    Some attribute that makes sense for the view in `cars` has no statement of this version. For an
    unknown view all attributes make sense.
    """
    views = dict(_rows(catalog, ["image_id", VIEW], None))
    waiting = _more_to_say(catalog, labeler, views)
    return [key for key in views if key in waiting]


def _more_to_say(catalog: Catalog, labeler: Labeler, views: Mapping[str, str | None]) -> set[str]:
    said: dict[str, set[str]] = {}
    for key, attribute in _rows(catalog, ["image_id", "attribute"], _of(labeler), "assertions"):
        said.setdefault(attribute, set()).add(key)
    questions = catalog.vocabulary.questions
    return {
        key
        for name in labeler.calibration
        if name in questions
        for key in views.keys() - said.get(name, set())
        if questions[name].makes_sense(views[key])
    }


def _seen_views(catalog: Catalog, labeler: Labeler) -> dict[str, str]:
    least = labeler.calibration[VIEW].threshold
    if least is None:
        return {}
    where = f"{_of(labeler)} AND {equals('attribute', VIEW)}"
    rows = _rows(catalog, ["image_id", "values", "confidence"], where, "assertions")
    return {
        key: values[0]
        for key, values, sure in rows
        if values and sure is not None and round(sure, CONFIDENCE_DIGITS) >= least
    }


def _of(labeler: Labeler) -> str:
    mine = f"{equals('by', labeler.name)} AND {equals('version', labeler.version)}"
    return f"{mine} AND `origin` = 'model'"


def _rows(
    catalog: Catalog, columns: list[str], where: str | None, name: str = "cars"
) -> Iterator[tuple[Any, ...]]:
    for batch in catalog.read(name, columns, where, batch_rows=65_536):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def stale_cars(catalog: Catalog) -> list[str]:
    """Ids of rows of `cars` that may not show all that is known of their photo.

    The `evidence` of a row is that of the time when it was written. If it differs now, there are
    new statements, or other sightings or none. With another vocabulary, or other networks, the same
    statements can give other labels.
    """
    version = labels_version(catalog)
    keys, now = _evidence(catalog, None)
    stale: list[str] = []
    columns = ["image_id", "evidence", "labelled_with"]
    for batch in catalog.read("cars", columns, batch_rows=65_536):
        at = pc.index_in(batch.column("image_id"), value_set=keys)
        same = pc.equal(batch.column("evidence"), pc.fill_null(now.take(at), 0))
        fresh = pc.and_(same, pc.equal(batch.column("labelled_with"), version))
        stale += batch.column("image_id").filter(pc.invert(fresh)).to_pylist()
    return stale


def evidence(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, int]:
    """Photo -> a number that changes when something more is known of it.

    It is the number of its assertions that can count, plus a term for each sighting, from its
    digest, its revision and whether it was read. While the same labelers are in use, assertions
    that can count are only added; others can be removed.
    """
    keys, now = _evidence(catalog, image_ids)
    return dict(zip(keys.to_pylist(), now.to_pylist(), strict=True))


def _evidence(
    catalog: Catalog, image_ids: Sequence[str] | None
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """The ids of photos, and the evidence of each; all photos if None.

    They stay in Arrow, where a photo takes a hundred bytes; a dictionary takes five times that.
    """
    where = counted_where(load_thresholds(catalog))
    parts = [
        _summed(batch.column("image_id"), np.ones(batch.num_rows, np.uint64))
        for batch in _of_photos(catalog, "assertions", ["image_id"], image_ids, where)
    ]
    version = catalog.vocabulary.version
    columns = ["image_id", "sighting_id", "revision", "labelled_with"]
    for batch in _of_photos(catalog, "sightings", columns, image_ids):
        digests = pc.utf8_slice_codeunits(batch.column("sighting_id"), 0, 16).to_pylist()
        places = np.frombuffer(bytes.fromhex("".join(digests)), ">u8").astype(np.uint64)
        read = pc.fill_null(pc.equal(batch.column("labelled_with"), version), False)
        terms = 2 * batch.column("revision").to_numpy().astype(np.uint64)
        terms += read.to_numpy(zero_copy_only=False)
        parts.append(_summed(batch.column("image_id"), places * terms))
    schema = pa.schema([("image_id", pa.string()), ("terms_sum", pa.uint64())])
    both = pa.concat_tables(parts) if parts else schema.empty_table()
    total = _summed(both.column("image_id"), both.column("terms_sum"))
    # The sums are modulo 2 to the 64th; 63 of their bits are kept.
    kept = pc.bit_wise_and(total.column("terms_sum"), pa.scalar(2**63 - 1, pa.uint64()))
    return total.column("image_id"), kept.cast(pa.int64())


def _summed(keys: pa.Array | pa.ChunkedArray, terms: Any) -> pa.Table:
    rows = pa.table({"image_id": keys, "terms": terms})
    return rows.group_by("image_id", use_threads=False).aggregate([("terms", "sum")])


def _without(keys: pa.ChunkedArray, those: pa.ChunkedArray) -> pa.ChunkedArray:
    return keys.filter(pc.invert(pc.is_in(keys, value_set=those)))


def _of_photos(
    catalog: Catalog,
    name: str,
    columns: list[str],
    image_ids: Sequence[str] | None,
    where: str | None = None,
) -> Iterator[pa.RecordBatch]:
    if image_ids is None:
        return catalog.read(name, columns, where, batch_rows=65_536)
    return iter(catalog.rows_where(name, "image_id", image_ids, columns, where).to_batches())
