"""Structured data of the replica's files: the items that they depict, and the items' names."""

import json
from typing import Any

from synthetic.replica.commons_categories import ITEMS
from synthetic.replica.commons_continue import MediaWikiError, RequestParameters
from synthetic.replica.commons_files import CommonsFile


def structured_data(file: CommonsFile, *, modern: bool) -> dict[str, Any]:
    """The slot of a file's page with the items that it depicts: JSON in a string."""
    value = {"entity-type": "item", "numeric-id": int((file.item or "Q0")[1:]), "id": file.item}
    snak = {
        "snaktype": "value", "property": "P180",
        "datavalue": {"value": value, "type": "wikibase-entityid"},
    }  # fmt: skip
    statement = {"mainsnak": snak, "type": "statement", "rank": "normal"}
    entity = {
        "type": "mediainfo", "id": f"M{file.pageid}", "labels": {}, "descriptions": {},
        "statements": {"P180": [statement]},
    }  # fmt: skip
    return {
        "contentmodel": "wikibase-mediainfo", "contentformat": "application/json",
        "content" if modern else "*": json.dumps(entity),
    }  # fmt: skip


def entities(asked: RequestParameters) -> dict[str, Any]:
    """The answer to `action=wbgetentities` for items. Raises `MediaWikiError`."""
    ids = asked.words("ids")
    if len(ids) > 50:
        raise MediaWikiError("toomanyvalues", 'Too many values supplied for parameter "ids".')
    return {"entities": {item: _entity(item) for item in ids}, "success": 1}


def _entity(item: str) -> dict[str, Any]:
    if item not in ITEMS:
        return {"id": item, "missing": ""}
    label = {"language": "en", "value": ITEMS[item]}
    return {"type": "item", "id": item, "labels": {"en": label}}
