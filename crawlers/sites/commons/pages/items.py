"""The items that a file depicts, by its structured data, and their names."""

import json
import re
from typing import Any

from crawlers.sites.commons.pages.answers import ApiAnswer
from crawlers.sites.commons.pages.fields import Page, read, value_at

MOST_ITEMS = 20
"""The most items of a file that are read; a photo of more shows no car in particular."""

_DEPICTS = "P180"
_ITEM = re.compile(r"Q[1-9][0-9]{0,11}")
_LANGUAGES = ("en", "mul")


def depicted(page: Page) -> tuple[str, ...]:
    """The ids, such as `Q42`, of the items that a file depicts, without deprecated statements."""
    try:
        data = json.loads(read(page, "revisions.0.slots.mediainfo.content") or "{}")
    except (ValueError, RecursionError):
        return ()
    said = value_at(data, f"statements.{_DEPICTS}")
    found = [_item(each) for each in said] if isinstance(said, list) else []
    return tuple(dict.fromkeys(item for item in found if item))[:MOST_ITEMS]


def parse_labels(answer: ApiAnswer) -> dict[str, str]:
    """Item -> its English name, for those that have one."""
    found = {}
    for item, entity in answer.entities.items():
        labels = (value_at(entity, f"labels.{language}.value") for language in _LANGUAGES)
        if label := next((each for each in labels if isinstance(each, str)), None):
            found[item] = " ".join(label.replace(";", ",").split())
    return found


def _item(statement: Any) -> str | None:
    item = value_at(statement, "mainsnak.datavalue.value.id")
    if value_at(statement, "rank") == "deprecated" or not isinstance(item, str):
        return None
    return item if _ITEM.fullmatch(item) else None
