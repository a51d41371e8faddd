"""Credits of photos, from the sightings in the catalog."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from catalog.sql import KEYS_A_QUERY
from catalog.table import Catalog
from core.credits import Credit, attribution_text
from core.licenses import parse_license

_STATED = ("source", "page_url", "image_url", "creator", "license", "license_url", "attribution")
_COLUMNS = ("image_id", "sighting_id", "fetched_at", "words", *_STATED)


def load_credits(
    catalog: Catalog, image_ids: Sequence[str], *, source: str | None = None
) -> Iterator[Credit]:
    """The credits of photos in the given order; those without a known license come last.

    With `source`, only of photos that were seen there. A photo's credit comes from its earliest
    sighting with a license, in any source. The sightings of about a thousand photos are in memory
    at a time.
    """
    without: list[str] = []
    for credit in _in_order(catalog, image_ids, source):
        if credit.license is None:
            without.append(credit.image_id)
        else:
            yield credit
    yield from _in_order(catalog, without, source)


def _in_order(catalog: Catalog, image_ids: Sequence[str], source: str | None) -> Iterator[Credit]:
    for start in range(0, len(image_ids), KEYS_A_QUERY):
        keys = image_ids[start : start + KEYS_A_QUERY]
        rows = catalog.rows_where("sightings", "image_id", keys, _COLUMNS).to_pylist()
        # Those with a license first, then the earliest.
        rows.sort(key=lambda row: (_license(row) is None, row["fetched_at"], row["sighting_id"]))
        places: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for row in rows:
            places[row["image_id"]].append(row)
        for key in keys:
            if source is None or any(place["source"] == source for place in places[key]):
                yield _credit(key, places[key])


def _license(row: dict[str, Any]) -> str | None:
    """The license that a sighting states by name, or by the URL of a known license."""
    if row["license"]:
        return str(row["license"])
    found = parse_license(row["license_url"] or "")
    return None if found is None else found.name


def _credit(image_id: str, places: list[dict[str, Any]]) -> Credit:
    if not places:
        return Credit(image_id)
    place = places[0]
    where = {name: place[name] for name in ("source", "page_url", "image_url")}
    if (name := _license(place)) is None:
        return Credit(image_id, **where)
    words = json.loads(place["words"])
    title = words.get("title")
    found = parse_license(place["license_url"] or "")
    made = None if found is None else attribution_text(found, title, place["creator"])
    return Credit(
        image_id,
        **where,
        title=title,
        creator=place["creator"],
        creator_url=words.get("creator_url"),
        license=name,
        license_url=place["license_url"],
        attribution=place["attribution"] or made,
        own_words=place["attribution"] not in {None, made},
        changes=words.get("changes"),
    )
