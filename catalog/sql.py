"""Conditions for LanceDB's `where`, with every value written as a literal.

They are strings and not `lancedb.expr`: in LanceDB 0.40 an Expr cannot test for NULL or look into a
list, `count_rows` does not take it, and its own SQL garbles some quotes.
"""

from collections.abc import Iterable

from core.records import RENDERED, REPLICA

KEYS_A_QUERY = 1000
"""Most values in one condition."""


def literal(value: str | int) -> str:
    """A value as an SQL literal. In LanceDB's SQL only the quote needs escaping in a string."""
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def equals(column: str, value: str | int) -> str:
    """Rows whose column has this value."""
    return f"`{column}` = {literal(value)}"


NOT_SYNTHETIC = f"`source` != '{RENDERED}' AND `source` NOT LIKE '%{REPLICA}'"
"""Rows of photos or sightings that the project did not render."""


def among(column: str, values: Iterable[str]) -> str:
    """Rows whose column has one of these values; `values` must not be empty."""
    return f"`{column}` IN ({', '.join(literal(value) for value in values)})"
