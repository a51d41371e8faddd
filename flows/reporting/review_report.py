"""Tables of a report about imported decisions of people."""

from collections.abc import Mapping
from typing import Any

Rows = list[dict[str, Any]]

LINES_SHOWN = 200


def review_tables(review: Mapping[str, Any]) -> dict[str, Rows]:
    """Tables of an `Imported` as JSON-ready values; those without rows are left out."""
    counts = {
        "new": review["new"],
        "placed after what is dated later": review["placed"],
        "known before": review["known"],
        "twice in a file": review["twice"],
        "left empty": review["empty"],
        "not taken": review["refused"],
    }
    every = {
        "Decisions": [{"": name, "count": n} for name, n in counts.items() if n or name == "new"],
        "Decisions by person": [
            {"person": by, "new decisions": n} for by, n in review["by"].items()
        ],
        "Import": [
            {
                "where": line["where"],
                "what": line["what"],
                "what to do": line["do"],
                "taken": "yes" if line["kept"] else "no",
            }
            for line in review["lines"][:LINES_SHOWN]
        ],
    }
    if (more := len(review["lines"]) + review["more_lines"] - LINES_SHOWN) > 0:
        every["Import"].append(
            {"where": f"{more:,} more", "what": "", "what to do": "", "taken": ""}
        )
    return {title: rows for title, rows in every.items() if rows}
