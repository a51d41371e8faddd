"""The format of a catalog, and the named steps that bring an older one up to date.

A catalog keeps its format in the table `format`: one row a step that was done, and the format is
the largest number there. Rows are only added, so of two processes with different Marques that
bring the same catalog up to date at once, neither can set it back. A catalog without the table
is of format 1, which had none.

To change what is stored, change `catalog.schema` and add a `Migration` to `MIGRATIONS`. A step may
be done by several processes at once, or again after it was broken off in the middle.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from catalog.table import Catalog

FORMAT = "format"
"""The table that keeps the format."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A step to format `number` from the one before.

    It adds `columns` to tables that are there, makes `tables`, as `catalog.schema` has both, and
    then calls `change`, if there is more to do. A new column can be null: rows of before have none.
    """

    number: int
    name: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    change: "Callable[[Catalog], None] | None" = None

    def apply(self, catalog: "Catalog") -> None:
        """Do what is left of this step."""
        for table in self.tables:
            catalog.make(table)
        for table, names in self.columns.items():
            schema = catalog.specs[table].schema
            catalog.widen(table, [schema.field(name) for name in names])
        catalog.format = self.number  # from here on what was added is no longer taken for absent
        if self.change is not None:
            self.change(catalog)


MIGRATIONS = (
    Migration(2, "the catalog keeps its format", tables=(FORMAT,)),
    # What was said before stays, as said by a table that is not known.
    Migration(
        3,
        "what each table of facts said is told apart",
        columns={"sightings": ("told",)},
        tables=("imports",),
    ),
)


def current_format() -> int:
    """The format that this Marque reads and writes."""
    return max((step.number for step in MIGRATIONS), default=1)


def pending(number: int) -> list[Migration]:
    """The steps from format `number` to the current one, in order."""
    return [step for step in MIGRATIONS if step.number > number]


def later_tables(number: int) -> set[str]:
    """The tables that a catalog of this format does not have yet."""
    return {table for step in pending(number) for table in step.tables}


def later_columns(number: int, table: str) -> set[str]:
    """The columns that a table of a catalog of this format does not have yet."""
    return {name for step in pending(number) for name in step.columns.get(table, ())}


def migrate(catalog: "Catalog") -> list[str]:
    """Bring an open catalog up to date; the names of the steps that this took.

    Raises `StoreError` where a step cannot be written; the next opening then goes on with it.
    """
    done = []
    for step in pending(catalog.format):
        step.apply(catalog)
        catalog.insert(FORMAT, format_row(step.number, step.name, catalog.specs[FORMAT].schema))
        done.append(step.name)
    return done


def first_format_row(schema: pa.Schema) -> pa.Table:
    """The first row of a new catalog: it is of the current format."""
    return format_row(current_format(), "new", schema)


def format_row(number: int, name: str, schema: pa.Schema) -> pa.Table:
    """The row that says that a catalog has come to format `number`, and how."""
    row = {
        "step": f"{number}: {name}",
        "number": number,
        "made_with": f"marque {_marque()}",
        "made_at": datetime.now(UTC),
    }
    return pa.Table.from_pylist([row], schema)


@cache
def _marque() -> str:
    try:
        return metadata.version("marque")
    except metadata.PackageNotFoundError:
        return "of a copy that is not installed"
