"""What waits for a stage: questions to the tables, so that a broken run goes on by being run again.

Nothing here is kept between runs; a stage's own rows are what says that it is done.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from catalog.labelers import Labeler, labels_version
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
    another model or with none. A photo that this version failed on does not wait for it again, and
    one that is seen nowhere any more does not wait at all.
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
    """The stage under which a photo that a model cannot embed is kept in `rejects`."""
    return f"embed {version}"


KNOWN = ("human", "source")
"""Origins of labels that networks are measured by."""


def unasked_images(catalog: Catalog, space: str, labelers: Sequence[Labeler]) -> list[str]:
    """Photos about which one of these labelers, all of vectors of one model, has more to say.

    That is: nothing was said with this version; or the photo's view is known now, and something
    that makes sense for it was not asked.
    """
    if not labelers or f"{space}_version" not in catalog.table("cars").schema.names:
        return []
    where = equals(f"{space}_version", labelers[0].space_version)
    columns = ["image_id", "view", "view_origin"]
    cars = pa.Table.from_batches(
        list(catalog.read("cars", columns, where, batch_rows=65_536)),
        pa.schema([catalog.table("cars").schema.field(name) for name in columns]),
    )
    known = pc.is_in(cars.column("view_origin"), value_set=pa.array(KNOWN))
    waiting = [_waiting(catalog, each, cars, known) for each in labelers]
    unsaid = reduce(pc.or_, waiting)
    ids: list[str] = cars.column("image_id").filter(unsaid).to_pylist()
    return ids


def unlooked_images(catalog: Catalog, labeler: Labeler) -> list[str]:
    """Photos about which a labeler that looks at pictures has not said anything with this version,
    of those whose view, if it is known at all, makes sense for one of its questions."""
    questions = [catalog.vocabulary.questions[name] for name in labeler.calibration]
    mine = f"{equals('by', labeler.name)} AND {equals('version', labeler.version)}"
    said = set(catalog.column("assertions", "image_id", mine).to_pylist())
    return [
        key
        for batch in catalog.read("cars", ["image_id", "view"], batch_rows=65_536)
        for key, view in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        if key not in said and any(question.makes_sense(view) for question in questions)
    ]


def _waiting(
    catalog: Catalog, labeler: Labeler, cars: pa.Table, known: pa.ChunkedArray
) -> pa.ChunkedArray:
    """Of each row of `cars` whether this labeler has more to say about it."""
    ids, mine = cars.column("image_id"), equals("by", labeler.name)
    mine = f"{mine} AND {equals('version', labeler.version)} AND `origin` = 'model'"
    views = {name: catalog.vocabulary.questions[name].views for name in labeler.calibration
             if name in catalog.vocabulary.questions}  # fmt: skip
    waiting = pc.invert(pc.is_in(ids, value_set=catalog.column("assertions", "image_id", mine)))
    for name, sensible in views.items():
        if sensible:
            said = catalog.column(
                "assertions", "image_id", f"{mine} AND {equals('attribute', name)}"
            )
            makes_sense = pc.is_in(cars.column("view"), value_set=pa.array(sensible))
            missing = pc.invert(pc.is_in(ids, value_set=said))
            waiting = pc.or_(waiting, pc.and_(pc.and_(known, makes_sense), missing))
    return waiting


def stale_cars(catalog: Catalog) -> list[str]:
    """Ids of rows of `cars` that do not show all that is known of their photo.

    A row's `evidence` was taken when it was written; another one now means that something was said
    since, or that the photo is seen elsewhere or nowhere any more. With another vocabulary, or
    other networks, the same statements can give other labels.
    """
    version = labels_version(catalog)
    now = evidence(catalog, None)
    stale: list[str] = []
    columns = ["image_id", "evidence", "labelled_with"]
    for batch in catalog.read("cars", columns, batch_rows=65_536):
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        stale += [key for key, seen, by in rows if now.get(key, 0) != seen or by != version]
    return stale


def evidence(catalog: Catalog, image_ids: Sequence[str] | None) -> dict[str, int]:
    """Photo -> a number that tells one state of what is known of it from another.

    It is the number of its assertions, which are only added, plus a term for each of its sightings
    that is made from its digest, its revision and whether it was read. All photos if None.
    """
    total: Counter[str] = Counter()
    for batch in _of_photos(catalog, "assertions", ["image_id"], image_ids):
        total.update(batch.column("image_id").to_pylist())
    version = catalog.vocabulary.version
    columns = ["image_id", "sighting_id", "revision", "labelled_with"]
    for batch in _of_photos(catalog, "sightings", columns, image_ids):
        rows = zip(*(column.to_pylist() for column in batch.columns), strict=True)
        for image_id, place, revision, read_with in rows:
            total[image_id] += int(place[:16], 16) * (2 * revision + (read_with == version))
    return {key: value % 2**63 for key, value in total.items()}


def _without(keys: pa.ChunkedArray, those: pa.ChunkedArray) -> pa.ChunkedArray:
    return keys.filter(pc.invert(pc.is_in(keys, value_set=those)))


def _of_photos(
    catalog: Catalog, name: str, columns: list[str], image_ids: Sequence[str] | None
) -> Iterator[pa.RecordBatch]:
    if image_ids is None:
        return catalog.read(name, columns, batch_rows=65_536)
    return iter(catalog.rows_where(name, "image_id", image_ids, columns).to_batches())
