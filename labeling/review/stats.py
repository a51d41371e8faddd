"""Decisions of people so far, counted."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from catalog.sql import equals
from catalog.table import Catalog

if TYPE_CHECKING:
    from datetime import datetime


def decisions_by_person(catalog: Catalog) -> list[dict[str, Any]]:
    """For each person `by`, `decisions`, `photos`, and `last`, the ISO time of the latest decision.

    The person with the most decisions comes first; JSON-ready.
    """
    counts: Counter[str] = Counter()
    photos: dict[str, set[str]] = {}
    last: dict[str, datetime] = {}
    columns = ["by", "image_id", "created_at"]
    for batch in catalog.read("assertions", columns, equals("origin", "human"), batch_rows=65_536):
        rows = zip(*(batch.column(name).to_pylist() for name in columns), strict=True)
        for by, image_id, at in rows:
            counts[by] += 1
            photos.setdefault(by, set()).add(image_id)
            last[by] = max(at, last.get(by, at))
    return [
        {
            "by": by,
            "decisions": count,
            "photos": len(photos[by]),
            "last": last[by].isoformat(timespec="seconds"),
        }
        for by, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
