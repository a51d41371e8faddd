"""A question to the published photos, as the command and the search flow ask it; no Prefect."""

from collections.abc import Sequence

from catalog.published import PublishedCars
from catalog.table import Catalog
from flows.opening import encoder_for
from flows.settings import Settings
from search.engine import Answer, search
from search.query import make_query


def answer(
    settings: Settings,
    catalog: Catalog,
    text: str | None,
    image: str | None,
    where: Sequence[str],
    k: int,
) -> Answer:
    """Ask by text, by picture (a file or an image id), or both, among those that pass `where`.

    Raises `QueryError`, `FilterError`, `CatalogError` or `ModelError`, each for a person to read.
    """
    query = make_query(text, image, where, k, catalog.vocabulary)
    cars = PublishedCars(catalog, exact_rows=settings.exact_rows)
    return search(cars, query, lambda record: encoder_for(settings, record.spec))
