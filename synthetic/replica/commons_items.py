"""Structured data of the replica's files: the items that they depict, and the items' names."""

import json
from typing import Any

from synthetic.replica.commons_categories import ITEM_IDS
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
    names = {item: name for name, item in ITEM_IDS.items()}
    found: dict[str, Any] = {}
    for item in ids:
        if item in names:
            label = {"language": "en", "value": names[item]}
            found[item] = {"type": "item", "id": item, "labels": {"en": label}}
        else:
            found[item] = {"id": item, "missing": ""}
    return {"entities": found, "success": 1}
