"""Labels, findings and credits in words."""

from pathlib import Path
from typing import Any

import pytest

from core.vocabulary import load_vocabulary
from search.engine import Hit
from search.query import Query, make_query
from search.wording import credit_lines, credit_text, found_text, labels_text


def _labels(**values: Any) -> dict[str, dict[str, Any]]:
    return {
        name: {"value": value, "origin": "source", "confidence": None}
        for name, value in values.items()
    }


def test_labels_are_grouped() -> None:
    labels = _labels(
        make="Ford",
        model="Mustang",
        model_year=1967,
        body_type="convertible",
        color="red",
        background="sea",
        view="exterior",
        people=["man", "child"],
        age=["young"],
        doors=2,
    )
    said = "1967 red Ford Mustang convertible · sea · exterior · man, child, young · doors 2"
    assert labels_text(labels) == said
    assert labels_text(_labels(people=[], color="red")) == "red"
    assert labels_text({}) == ""


def test_what_a_network_says_is_apart() -> None:
    labels = _labels(color="red", background="sea", people=["man", "woman"])
    labels["color"] |= {"origin": "model", "confidence": 0.871}
    labels["people"] |= {"origin": "model"}
    assert labels_text(labels) == "sea; network: red 87%, man, woman"


def _hit(score: float | None) -> Hit:
    given = dict.fromkeys(("page_url", "image_url", "license", "creator", "attribution", "split"))
    found_by = ("semantic",) if score is not None else ("filter",)
    return Hit(1, "0" * 64, score, found_by, {}, {}, "folder", "a.jpg", **given)


@pytest.mark.parametrize(
    ("text", "image_id", "where", "score", "said"),
    [
        ("a car", None, [], 0.12345, "0.123 by text (semantic)"),
        (None, "0" * 64, ["color=red"], -0.5, "-0.500 by picture (semantic)"),
        ("a car", "0" * 64, [], 0.5, "0.500 by text and picture (semantic)"),
        (None, None, ["color=red"], None, "passes the filters"),
        (None, None, [], None, "in the order they came in"),
    ],
)
def test_what_found_a_photo(
    text: str | None, image_id: str | None, where: list[str], score: float | None, said: str
) -> None:
    query = make_query(text, image_id, where, 3, load_vocabulary(None))
    assert found_text(_hit(score), query) == said
    by_file = Query(text, Path("a.jpg"))
    if image_id:
        assert found_text(_hit(score), by_file) == said


def test_credits() -> None:
    hit = {"attribution": None, "creator": "Ann", "license": "CC BY 4.0", "source": "commons"}
    assert credit_lines(hit) == ("Ann", "CC BY 4.0 · from commons")
    own_words = hit | {"attribution": "Photo: Ann B."}
    assert credit_text(own_words, 99) == "Photo: Ann B. · CC BY 4.0 · from commons"
    assert credit_text(own_words, 5) == "Photo… · CC BY 4.0 · from commons"
    assert credit_lines(hit | {"license": None}) == ("Ann", "license unknown · from commons")
    nothing = hit | {"creator": None, "license": None}
    assert credit_text(nothing, 9) == "credit and license unknown · from commons"
