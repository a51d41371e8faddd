"""Problems of an open catalog, found by reading all of it except the bytes of photos."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from catalog.car_columns import check_label_columns, space_record
from catalog.index import broken_indexes
from catalog.table import Catalog, CatalogError
from catalog.versions import at_published, published_problem
from embeddings.registry import SPACE
from labeling.publish.loss import MAX_LOSS, losses


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is wrong, and what to do about it; with `stops` the catalog cannot be used
    before that is done."""

    found: str
    advice: str = ""
    stops: bool = False

    @classmethod
    def of(cls, error: CatalogError, *, stops: bool = False) -> "Problem":
        """The problem in an error's message, whose advice follows the first semicolon."""
        found, _, advice = str(error).partition("; ")
        return cls(found, advice, stops=stops)


def find_problems(catalog: Catalog, *, max_loss: float = MAX_LOSS) -> list[Problem]:
    """All problems, the worst first; if tables cannot be read, these alone."""
    tables = [Problem.of(error, stops=True) for error in _unreadable(catalog)]
    if tables:
        return tables
    checks: list[Callable[[], Iterator[Problem]]] = [
        lambda: _labels(catalog),
        lambda: _published(catalog, max_loss),
        lambda: _vectors(catalog),
        lambda: _indexes(catalog),
        lambda: _photos(catalog),
    ]
    return [problem for check in checks for problem in _told(check)]


def _told(check: Callable[[], Iterator[Problem]]) -> list[Problem]:
    try:
        return list(check())
    except CatalogError as error:
        return [Problem.of(error)]


def _unreadable(catalog: Catalog) -> Iterator[CatalogError]:
    for name, spec in catalog.specs.items():
        small = [
            field.name
            for field in spec.schema
            if not pa.types.is_binary(field.type) and not pa.types.is_large_binary(field.type)
        ]
        there = set() if name != "cars" else {spec.key, "evidence", "labelled_with"}
        try:
            for _ in catalog.read(name, [c for c in small if not there or c in there]):
                pass
        except CatalogError as error:
            yield error


def _labels(catalog: Catalog) -> Iterator[Problem]:
    check_label_columns(catalog)
    yield from ()


def _published(catalog: Catalog, max_loss: float) -> Iterator[Problem]:
    if (wrong := published_problem(catalog)) is not None:
        yield Problem.of(CatalogError(wrong))
    elif (before := at_published(catalog)) is not None:
        lost = [str(each) for each in losses(before, catalog) if each.is_more_than(max_loss)]
        if lost:
            found = f"the newest version lacks {', '.join(lost)} that searches find"
            advice = (
                "if that is meant, `marque publish --allow-loss`; else put a copy of the "
                "catalog's folder back, or ingest the photos again"
            )
            yield Problem(found, advice)


def _vectors(catalog: Catalog) -> Iterator[Problem]:
    schema = catalog.table("cars").schema
    if SPACE in schema.names and space_record(schema, SPACE) is None:
        yield Problem(
            f"the {SPACE!r} vectors do not say which model made them",
            "`marque embed` makes them again",
        )


def _indexes(catalog: Catalog) -> Iterator[Problem]:
    for name in catalog.specs:
        for column in broken_indexes(catalog, name).values():
            yield Problem(
                f"the index over {column!r} of table {name!r} cannot be read",
                "`marque publish` rebuilds it",
            )


def _photos(catalog: Catalog) -> Iterator[Problem]:
    cars = catalog.column("cars", "image_id")
    images = catalog.column("images", "image_id")
    without = int(pc.sum(pc.invert(pc.is_in(cars, value_set=images))).as_py() or 0)
    if without:
        yield Problem(
            f"{without:,} photos of table 'cars' are not in table 'images'",
            "put a copy of the catalog's folder back, or ingest these photos again",
        )
