"""The cases that a person should decide, read from the catalog in batches of photos."""

import json
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.car_columns import space_record
from catalog.sql import equals
from catalog.table import Catalog
from embeddings.registry import SPACE, TINY
from labeling.label import decisions
from labeling.labelers import load_thresholds
from labeling.review.cases import CASE_REASONS, Reason, cases_of
from labeling.review.queue import ReviewItem, best, diversify
from labeling.review.suspects import Suspect, SuspectReport, find_suspects

CANDIDATES = 4_000
"""The number of photos with the highest scores that are kept to choose from."""

_BATCH = 1_000


@dataclass(slots=True)
class Queue:
    """All cases counted by (reason, attribute), the number of their `photos`, and the best photos.

    `left_out` has the values of each attribute that too few pages show to suspect their labels,
    with their numbers of photos.
    """

    counts: Counter[tuple[Reason, str]] = field(default_factory=Counter)
    photos: int = 0
    best: list[ReviewItem] = field(default_factory=list)
    left_out: dict[str, dict[str, int]] = field(default_factory=dict)


def load_queue(
    catalog: Catalog,
    attributes: Collection[str] = (),
    reasons: Collection[str] = (),
) -> Queue:
    """The cases of these attributes and reasons; of all attributes or reasons if none is named.

    The statements of `_BATCH` photos are in memory at a time, and `CANDIDATES` photos are kept.
    """
    names = [name for name in catalog.vocabulary.attributes if not attributes or name in attributes]
    wanted = [reason for reason in CASE_REASONS if not reasons or reason in reasons]
    queue = Queue()
    suspects: dict[tuple[str, str], Suspect] = {}
    if "suspected-label" in wanted:
        for name in names:
            found, said = load_suspects(catalog, name)
            suspects |= found
            if said.left_out:
                queue.left_out[name] = {
                    ", ".join(values) or "none": count for values, count in said.left_out.items()
                }
    thresholds = load_thresholds(catalog)
    said_of = catalog.column("assertions", "image_id").unique()
    seen = catalog.column("sightings", "image_id").unique()
    both = (each.to_numpy(zero_copy_only=False) for each in (said_of, seen))
    spoken_of = np.intersect1d(*both).tolist()
    for start in range(0, len(spoken_of), _BATCH):
        ids = spoken_of[start : start + _BATCH]
        for key, made in decisions(catalog, ids).items():
            cases = cases_of(key, made, thresholds, suspects)
            asked = tuple(c for c in cases if c.attribute in names and c.reason in wanted)
            if asked:
                queue.photos += 1
                queue.counts.update((case.reason, case.attribute) for case in asked)
                queue.best.append(ReviewItem(key, asked))
        queue.best = best(queue.best, CANDIDATES)
    return queue


def choose(catalog: Catalog, queue: Queue, limit: int) -> list[ReviewItem]:
    """The `limit` photos to look at first, in that order: see `queue.diversify`."""
    ids = [each.image_id for each in queue.best]
    pages = load_places(catalog, ids)
    groups = [pages[key]["page_url"] or key for key in ids]
    scores = [each.score for each in queue.best]
    order = diversify(scores, _load_vectors(catalog, ids), groups, limit)
    return [queue.best[row] for row in order]


def load_places(catalog: Catalog, image_ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Photo -> `page_url` and `source_id` of one of its sightings, "" without one."""
    columns = ["image_id", "sighting_id", "page_url", "source_id"]
    rows = catalog.rows_where("sightings", "image_id", image_ids, columns).to_pylist()
    rows.sort(key=lambda row: (row["page_url"] is None, row["sighting_id"]))
    found = {key: {"page_url": "", "source_id": ""} for key in image_ids}
    for row in reversed(rows):  # the first one stays
        found[row["image_id"]] = {name: row[name] or "" for name in ("page_url", "source_id")}
    return found


def load_suspects(
    catalog: Catalog, attribute: str
) -> tuple[dict[tuple[str, str], Suspect], SuspectReport]:
    """The suspect labels of sources, by photo and attribute, and the whole report.

    There are none of a number, without vectors, and for real photos with vectors of a try-out
    model. Photos for whose view the attribute makes no sense, such as the color for a picture of
    seats, are left out.
    """
    known = catalog.vocabulary.attributes[attribute]
    question = catalog.vocabulary.questions[attribute]
    names = ["image_id", attribute, f"{attribute}_origin", "page_url", "view", SPACE]
    columns = list(dict.fromkeys(names))
    schema = catalog.table("cars").schema
    if known.kind == "number" or not set(columns) <= set(schema.names):
        return {}, SuspectReport()
    record = space_record(schema, SPACE)
    if record and json.loads(record).get("model") == TINY and catalog.has_real_photos():
        return {}, SuspectReport()
    ids: list[str] = []
    labels: list[tuple[str, ...]] = []
    groups: list[str] = []
    parts: list[npt.NDArray[np.float16]] = []
    where = equals(f"{attribute}_origin", "source")
    for batch in catalog.read("cars", columns, where, batch_rows=8_192):
        rows = batch.filter(batch.column(SPACE).is_valid())
        sensible = [question.makes_sense(view) for view in rows.column("view").to_pylist()]
        rows = rows.filter(pa.array(sensible, pa.bool_()))
        keys = rows.column("image_id").to_pylist()
        pages = rows.column("page_url").to_pylist()
        ids += keys
        groups += [page or key for page, key in zip(pages, keys, strict=True)]
        values = rows.column(attribute).to_pylist()
        labels += [tuple(each) if known.many else (each,) for each in values]
        parts.append(_matrix(rows.column(SPACE)))
    if not ids:
        return {}, SuspectReport()
    order = np.argsort(np.array(ids))  # the order of the table changes when rows are rewritten
    vectors = np.concatenate(parts)[order]
    found = find_suspects(vectors, [labels[at] for at in order], [groups[at] for at in order])
    return {(ids[order[each.row]], attribute): each for each in found.found}, found


def _load_vectors(catalog: Catalog, image_ids: list[str]) -> npt.NDArray[np.float32]:
    """Unit vectors (n, size) of these photos; zeros for a photo without a vector."""
    schema = catalog.table("cars").schema
    if SPACE not in schema.names:
        return np.zeros((len(image_ids), 1), np.float32)
    vectors = np.zeros((len(image_ids), schema.field(SPACE).type.list_size), np.float32)
    at = {key: row for row, key in enumerate(image_ids)}
    rows = catalog.rows("cars", image_ids, ["image_id", SPACE])
    rows = rows.filter(rows.column(SPACE).is_valid())
    if rows.num_rows:
        where = [at[key] for key in rows.column("image_id").to_pylist()]
        vectors[where] = _matrix(rows.column(SPACE).combine_chunks())
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-12), np.float32)


def _matrix(column: pa.Array) -> npt.NDArray[np.float16]:
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(len(column), column.type.list_size), dtype=np.float16)
