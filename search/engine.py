"""search(cars, query) -> Answer: embeds the question, asks the catalog, says what was found.

Neither Prefect nor torch is needed here: the encoder is handed in, and only asked for when the
question has a text, or a picture that is not in the catalog.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from catalog.car_columns import label_of
from catalog.filters import hide_views, to_sql
from catalog.published import PublishedCars, RowsById
from core.photos.decode import RejectedError
from core.photos.files import read_photo
from embeddings.registry import SPACE, TRYOUT, SpaceRecord, filling
from search.query import Query, QueryError

SPREAD_SAMPLE = 1024
"""The number of photos that estimate the spread of similarities to a part of a question."""

_LEAST_SPREAD = 1e-3  # of a sample of photos that are all alike
HIDDEN_VIEWS = ("detail", "not_a_car")
_FACTS = (
    "source",
    "source_id",
    "page_url",
    "image_url",
    "license",
    "creator",
    "attribution",
    "split",
    "thumbnail",
)

Vector = npt.NDArray[np.float32]


class QuestionEncoder(Protocol):
    """The part of a model that a question needs."""

    record: SpaceRecord

    def encode_pictures(self, contents: Sequence[bytes]) -> Vector:
        """n pictures' bytes -> unit vectors (n, size)."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> Vector:
        """n texts -> unit vectors (n, size)."""
        ...

    def part_read(self, text: str) -> str:
        """The beginning of a text that the model reads; all of it unless it is long."""
        ...


@dataclass(frozen=True, slots=True)
class Hit:
    """One photo of an answer. `score` is the cosine similarity to the question, or None when
    filters alone chose; `distances` are cosine distances by space."""

    rank: int
    image_id: str
    score: float | None
    found_by: tuple[str, ...]
    distances: dict[str, float]
    labels: dict[str, dict[str, Any]]
    source: str
    source_id: str
    page_url: str | None
    image_url: str | None
    license: str | None
    creator: str | None
    attribution: str | None
    split: str | None
    thumbnail: bytes | None = field(repr=False, default=None)


@dataclass(frozen=True, slots=True)
class Answer:
    """The photos found, best first, and remarks about the answer."""

    query: Query
    hits: tuple[Hit, ...]
    took_ms: dict[str, float]
    notices: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The answer as JSON-ready values, without thumbnails."""
        hits = [asdict(hit) for hit in self.hits]
        for hit in hits:
            del hit["thumbnail"]
        return {
            "query": self.query.to_dict(),
            "hits": hits,
            "took_ms": self.took_ms,
            "notices": list(self.notices),
        }


def search(
    cars: PublishedCars, query: Query, load_encoder: Callable[[SpaceRecord], QuestionEncoder]
) -> Answer:
    """Answer a question from the published photos; raises `QueryError` or `CatalogError`.

    `load_encoder` gets the record of the model that made the photos' vectors. Details of cars and
    pictures of something else are left out unless a filter asks for a view.
    """
    began = time.perf_counter()
    made = SpaceRecord.from_json(cars.record(query.space))  # says what an unknown space lacks
    vector, notices = _question_vector(cars, query, load_encoder)
    embedded = time.perf_counter()
    where = _condition(cars, query)
    if vector is None:
        hits = hits_of(cars, cars.first(query.k, where))
    else:
        found, rows = cars.nearest_rows(query.space, vector, query.k, where, _columns(cars))
        hits = _hits(cars, found, rows, query.space)
    done = time.perf_counter()
    took = {"embed": embedded - began, "query": done - embedded, "total": done - began}
    if vector is not None and made.is_tryout:
        notices += [TRYOUT] if cars.has_real_photos() else []
    return Answer(
        query,
        hits,
        {name: round(seconds * 1000, 3) for name, seconds in took.items()},
        tuple(notices),
    )


def hits_of(cars: PublishedCars, image_ids: Sequence[str]) -> tuple[Hit, ...]:
    """These photos as hits in this order, unranked by any question; unpublished ones left out."""
    rows = cars.rows(image_ids, _columns(cars))
    return _hits(cars, [(key, None) for key in image_ids if key in rows], rows)


def combine(parts: Sequence[Vector], sample: Vector) -> Vector:
    """One question (size,) from the unit vectors of its parts, each counting as much as another.

    Similarities to a picture spread far wider over the catalog than those to a text, so a plain
    mean would leave the text no say. Each part is divided by the spread (standard deviation) of
    the similarities that `sample`, (n, size) unit vectors of the catalog, has to it.
    """
    spreads = np.std(sample @ np.stack(parts, axis=1), axis=0) if len(sample) > 1 else np.ones(1)
    mixed = np.sum(np.stack(parts) / np.maximum(spreads, _LEAST_SPREAD)[:, None], axis=0)
    return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-12), dtype=np.float32)


def _condition(cars: PublishedCars, query: Query) -> str | None:
    for each in query.where:
        if each.attribute not in cars.schema.names:
            raise QueryError(
                f"the published photos have no {each.attribute!r} yet; `marque publish` adds it"
            )
    where = to_sql(query.where, cars.catalog.vocabulary)
    if any(each.attribute == "view" for each in query.where):
        return where
    return hide_views(where, HIDDEN_VIEWS)


def _question_vector(
    cars: PublishedCars, query: Query, load_encoder: Callable[[SpaceRecord], QuestionEncoder]
) -> tuple[Vector | None, list[str]]:
    """The question as one vector, None for filters alone; and remarks about it."""
    parts: list[Vector] = []
    notices: list[str] = []
    if query.image_id is not None:
        stored = cars.vector(query.space, query.image_id)
        if stored is None:
            there = cars.rows([query.image_id], [])
            raise QueryError(
                f"photo {query.image_id[:12]} has no {query.space!r} vector yet; "
                f"{filling(query.space)} makes it"
                if there
                else f"no published photo has the id {query.image_id}"
            )
        parts.append(stored)
    if query.text is not None or query.image is not None:
        record = SpaceRecord.from_json(cars.record(query.space))
        encoder = load_encoder(record)
        if encoder.record.version != record.version:
            raise QueryError(
                f"the photos were embedded with {record.version}, but what is here now is "
                f"{encoder.record.version}; bring those weights back, or run "
                f"{filling(query.space)}"
            )
        if query.image is not None:
            try:
                parts.append(encoder.encode_pictures([read_photo(query.image)])[0])
            except (OSError, RejectedError) as error:
                raise QueryError(f"picture {str(query.image)!r} cannot be used: {error}") from error
        if query.text is not None:
            parts.append(encoder.encode_texts([query.text])[0])
            if (read := encoder.part_read(query.text)) != query.text:
                notices.append(
                    "the model reads only the beginning of the text: nothing after "
                    f"{read[-40:]!r} counts"
                )
    if len(parts) > 1:
        return combine(parts, cars.sample(query.space, SPREAD_SAMPLE)), notices
    return (parts[0] if parts else None), notices


def _metric(cars: PublishedCars, space: str) -> str:
    return SpaceRecord.from_json(cars.record(space)).metric


def _columns(cars: PublishedCars) -> list[str]:
    """The facts of a row that a hit shows."""
    labels = [
        name
        for attribute in cars.catalog.vocabulary.attributes
        if attribute in cars.schema.names
        for name in (attribute, f"{attribute}_origin", f"{attribute}_confidence")
    ]
    return [*_FACTS, *labels]


def _hits(
    cars: PublishedCars,
    found: Sequence[tuple[str, float | None]],
    rows: RowsById,
    space: str = SPACE,
) -> tuple[Hit, ...]:
    by_cosine = space in cars.schema.names and _metric(cars, space) == "cosine"
    vocabulary = cars.catalog.vocabulary
    hits = []
    for rank, (key, distance) in enumerate(found, start=1):
        row = rows[key]
        labels = {
            attribute.name: label
            for attribute in vocabulary.attributes.values()
            if (label := label_of(attribute, row)) is not None
        }
        hits.append(
            Hit(
                rank=rank,
                image_id=key,
                score=None if distance is None else round(by_cosine - distance, 6),
                found_by=(space,) if distance is not None else ("filter",),
                distances={space: round(distance, 6)} if distance is not None else {},
                labels=labels,
                **{name: row[name] for name in _FACTS},
            )
        )
    return tuple(hits)
