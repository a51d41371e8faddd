"""A question to the published photos, as the command and the search flow ask it; no Prefect."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from catalog.published import PublishedCars
from catalog.table import Catalog
from embeddings.registry import SPACE, SpaceRecord, SpaceSpec
from flows.resources import encoder_for
from flows.settings import Settings
from labeling.publish.status import ID_PREFIX, find_photo
from search.engine import Answer, search
from search.query import make_query


def answer(
    settings: Settings,
    catalog: Catalog,
    text: str | None,
    image: str | None,
    where: Sequence[str],
    k: int,
    *,
    space: str = SPACE,
) -> Answer:
    """Ask by text, by picture (a file, or the first digits of an image id), or both, among those
    that pass `where`, by the vectors of `space`.

    Raises `QueryError`, `FilterError`, `CatalogError` or `ModelError`, each for a person to read.
    """
    query = make_query(text, whole_id(catalog, image), where, k, catalog.vocabulary, space)
    cars = PublishedCars(catalog, exact_rows=settings.exact_rows)
    found = search(cars, query, lambda record: encoder_for(settings, _space(settings, record)))
    made = SpaceRecord.from_json(cars.record(SPACE)).model
    if made == settings.model.name or space != SPACE or not (text or image):
        return found
    notice = f"{made} made the vectors; the settings name {settings.model.name}: `marque embed`"
    return replace(found, notices=(*found.notices, notice))


def _space(settings: Settings, record: SpaceRecord) -> SpaceSpec:
    """The model that made the vectors, in the place recorded then or, if it is gone from there, in
    the place of the settings: files move, and another machine may have filled the catalog."""
    made, here = record.spec, settings.model
    if record.space != SPACE:
        return record.space_spec
    moved = not made.is_there and here.short_name == made.short_name
    return replace(record.space_spec, model=here) if moved else record.space_spec


def whole_id(catalog: Catalog, image: str | None) -> str | None:
    """The whole id where `image` is the beginning of a photo's id and not a file; else `image`."""
    if image is None or not ID_PREFIX.fullmatch(image) or Path(image).exists():
        return image
    return find_photo(catalog, image)
