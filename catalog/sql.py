"""Conditions for LanceDB's `where`, with every value written as a literal.

Strings rather than `lancedb.expr`: in LanceDB 0.40 an Expr cannot ask for NULL or look into a
list, `count_rows` does not take it, and its own SQL garbles some quotes.
"""

from collections.abc import Iterable

from core.records import RENDERED, REPLICA

KEYS_A_QUERY = 1000
"""Values that one condition should name at most."""


def literal(value: str | int) -> str:
    """A value as SQL: LanceDB reads standard SQL, where a text's only special sign is its quote."""
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def equals(column: str, value: str | int) -> str:
    """Rows whose column has this value."""
    return f"`{column}` = {literal(value)}"


NOT_SYNTHETIC = f"`source` != '{RENDERED}' AND `source` NOT LIKE '%{REPLICA}'"
"""Rows of a photo, or of a place, that the project did not render."""


def among(column: str, values: Iterable[str]) -> str:
    """Rows whose column has one of these values; `values` must not be empty."""
    return f"`{column}` IN ({', '.join(literal(value) for value in values)})"
