"""The format of a catalog, and the named migrations from older formats.

A catalog stores its format in table `format`: one row for each migration that was applied; the
format is the largest number there. Rows are only added, so two processes with different versions of
Marque that migrate the same catalog at once cannot set it back. A catalog without the table has
format 1.

To change what is stored, change `catalog.schema` and add a `Migration` to `MIGRATIONS`. Several
processes may apply a migration at once, and an interrupted migration is applied again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from catalog.table import Catalog

FORMAT = "format"
"""The table that stores the format."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A migration to format `number` from the format before it.

    It creates `tables` and adds `columns` to existing tables, as defined in `catalog.schema`, and
    then calls `change`. New columns must be nullable: older rows have no value.
    """

    number: int
    name: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: tuple[str, ...] = ()
    change: "Callable[[Catalog], None] | None" = None


MIGRATIONS = (
    Migration(2, "the catalog keeps its format", tables=(FORMAT,)),
    # Earlier facts stay, as facts of an unknown table.
    Migration(
        3,
        "what each table of facts said is told apart",
        columns={"sightings": ("told",)},
        tables=("imports",),
    ),
)


def current_format() -> int:
    """The format that this version of Marque reads and writes."""
    return max((step.number for step in MIGRATIONS), default=1)


def pending(number: int) -> list[Migration]:
    """The migrations from format `number` to the current one, in order."""
    return [step for step in MIGRATIONS if step.number > number]


def later_tables(number: int) -> set[str]:
    """The tables that a catalog of this format lacks."""
    return {table for step in pending(number) for table in step.tables}


def later_columns(number: int, table: str) -> set[str]:
    """The columns that a table in a catalog of this format lacks."""
    return {name for step in pending(number) for name in step.columns.get(table, ())}


def migrate(catalog: "Catalog") -> list[str]:
    """Migrate an open catalog to the current format; returns the names of the migrations.

    Raises `StoreError` if a migration cannot be written; the next opening resumes it.
    """
    done = []
    for step in pending(catalog.format):
        for table in step.tables:
            catalog.make(table)
        for table, names in step.columns.items():
            schema = catalog.specs[table].schema
            catalog.widen(table, [schema.field(name) for name in names])
        catalog.format = step.number  # from here on the new tables and columns are used
        if step.change is not None:
            step.change(catalog)
        catalog.insert(FORMAT, format_row(step.number, step.name, catalog.specs[FORMAT].schema))
        done.append(step.name)
    return done


def format_row(number: int, name: str, schema: pa.Schema) -> pa.Table:
    """The row that records format `number`, and how the catalog came to it: `name` is "new" for a
    new catalog, which has the current format."""
    try:
        marque = metadata.version("marque")
    except metadata.PackageNotFoundError:
        marque = "of a copy that is not installed"
    row = {
        "step": f"{number}: {name}",
        "number": number,
        "made_with": f"marque {marque}",
        "made_at": datetime.now(UTC),
    }
    return pa.Table.from_pylist([row], schema)
