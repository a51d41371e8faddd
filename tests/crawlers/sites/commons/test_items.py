"""What files of Commons depict by their structured data."""

import json
from typing import Any

import pytest

from crawlers.sites.commons.pages.answers import parse_answer
from crawlers.sites.commons.pages.items import MOST_ITEMS, depicted, parse_labels


def statement(item: Any, rank: str = "normal") -> dict[str, Any]:
    value = {"entity-type": "item", "id": item}
    return {"mainsnak": {"snaktype": "value", "datavalue": {"value": value}}, "rank": rank}


def page(statements: Any) -> dict[str, Any]:
    content = json.dumps({"type": "mediainfo", "id": "M7", "statements": statements})
    return {"pageid": 7, "revisions": [{"slots": {"mediainfo": {"content": content}}}]}


def test_items_are_read_once_each_and_none_that_is_out_of_date() -> None:
    said = [statement("Q2"), statement("Q1", "preferred"), statement("Q3", "deprecated")]
    assert depicted(page({"P180": [*said, statement("Q2")], "P170": [statement("Q9")]})) == (
        "Q2",
        "Q1",
    )
    many = [statement(f"Q{number}") for number in range(1, 200)]
    assert len(depicted(page({"P180": many}))) == MOST_ITEMS


@pytest.mark.parametrize(
    "statements",
    [
        [], {}, {"P180": {}}, {"P180": [{}, None, {"mainsnak": {"snaktype": "somevalue"}}]},
        {"P180": [statement("Q1|Q2"), statement(7), statement("P31"), statement("Q0")]},
    ],
)  # fmt: skip
def test_what_is_no_item_is_not_asked_for(statements: Any) -> None:
    assert depicted(page(statements)) == ()


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, "7"])
def test_structured_data_that_cannot_be_read_costs_nothing(content: str) -> None:
    assert depicted({"revisions": [{"slots": {"mediainfo": {"content": content}}}]}) == ()
    assert depicted({"revisions": [{"slots": {}}]}) == depicted({}) == ()


def test_items_are_called_what_they_are_called_in_english() -> None:
    answer = {
        "entities": {
            "Q1": {"labels": {"en": {"value": "Ford Mustang"}, "mul": {"value": "Mustang"}}},
            "Q2": {"labels": {"mul": {"value": "Fiat; 500"}}},
            "Q3": {"id": "Q3", "missing": ""},
            "Q4": {"labels": []},
        },
        "success": 1,
    }
    labels = parse_labels(parse_answer(json.dumps(answer)))
    assert labels == {"Q1": "Ford Mustang", "Q2": "Fiat, 500"}
