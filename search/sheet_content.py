"""Contents of contact sheets: of an answer, and of new photos."""

from collections.abc import Sequence
from datetime import UTC, datetime

from catalog.published import PublishedCars
from catalog.table import Catalog
from core.photos.decode import RejectedError, decode_facts
from core.photos.files import read_photo
from core.text import counted
from embeddings.registry import TINY, SpaceRecord
from search.engine import Answer, Hit, hits_of
from search.query import Query
from search.sheet import Cell, Sheet
from search.wording import credit_lines, found_text, network_text, said_text

_SCORES = {
    "cosine": "Scores are cosine similarities to the question: 1 at most, higher is nearer.",
    "l2": "Scores are Euclidean distances to the question, negative: 0 at most, higher is nearer.",
    "l1": "Scores are sums of differences to the question, negative: 0 at most, higher is nearer.",
}


def answer_sheet(catalog: Catalog, answer: Answer) -> Sheet:
    """The sheet of an answer: the question with its picture, and the photos found."""
    query = answer.query
    cars = PublishedCars(catalog)
    by_vector = any(hit.score is not None for hit in answer.hits)
    model = SpaceRecord.from_json(cars.record(query.space)) if by_vector else None
    warnings = list(answer.notices)
    if model is not None and model.is_tryout and not any(TINY in each for each in warnings):
        warnings.insert(0, f"{TINY} found these: a small model for trying out.")
    asked = [f"“{query.text}”"] if query.text else []
    if query.image or query.image_id:
        asked.append("like this picture")
    title = ", ".join(asked) or ("photos that pass the filters" if query.where else "any photo")
    picture = query.image.name if query.image else query.image_id and f"photo {query.image_id[:12]}"
    filters = " and ".join(query.asked_where)
    under = (picture and f"the picture: {picture}", filters and f"only photos with {filters}")
    return Sheet(
        title=title if answer.hits else f"No photo found: {title}",
        cells=tuple(_cell(hit, found_text(hit, query)) for hit in answer.hits),
        under=tuple(line for line in under if line),
        asked=_asked_picture(catalog, query),
        warnings=tuple(warnings),
        foot=_foot(len(answer.hits), cars.count(), model),
    )


def arrivals_sheet(catalog: Catalog, image_ids: Sequence[str], came: int) -> Sheet:
    """The sheet of published photos `image_ids`, a sample of the `came` that came in."""
    cars = PublishedCars(catalog)
    hits = hits_of(cars, image_ids)
    part = f"{len(hits)} of " if len(hits) < came else ""
    return Sheet(
        title=f"{part}{counted(came, 'new photo')}",
        cells=tuple(_cell(hit, "") for hit in hits),
        foot=(f"published: {counted(cars.count(), 'photo')} · {_now()}",),
    )


def _cell(hit: Hit, found: str) -> Cell:
    who, rights = credit_lines(hit)
    return Cell(
        hit.rank,
        hit.thumbnail,
        labels=said_text(hit.labels),
        network=network_text(hit.labels),
        found=found,
        who=who,
        rights=rights,
    )


def _foot(found: int, photos: int, model: SpaceRecord | None) -> tuple[str, ...]:
    lines = [f"{found:,} found among {photos:,} published photos · {_now()}"]
    if model is not None:
        lines[0] += f" · model {model.version}"
        lines.append(_SCORES[model.metric])
    return tuple(lines)


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _asked_picture(catalog: Catalog, query: Query) -> bytes | None:
    """A thumbnail of the question's picture; None if it has none, or if the file is gone."""
    if query.image_id is not None:
        rows = catalog.rows("images", [query.image_id], ["thumbnail"]).to_pylist()
        return rows[0]["thumbnail"] if rows else None
    if query.image is None:
        return None
    try:
        return decode_facts(read_photo(query.image)).thumbnail
    except (OSError, RejectedError):
        return None
