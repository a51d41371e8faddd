"""Why a label is what it is, as a person is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from catalog.table import Catalog
from core.assertions import Assertion
from labeling.explain import explain_photo
from labeling.label import store_assertions
from labeling.labelers import Calibration, Labeler, retire_labeler, use_labeler
from tests.labeling.review.making import Shop

START = datetime(2026, 11, 1, tzinfo=UTC)
NET = Labeler(
    "net", "1", "m1", False, {"color": Calibration(1.0, 0.8), "body_type": Calibration(1.0, None)}
)


def tell(
    catalog: Catalog,
    key: str,
    attribute: str,
    *values: str,
    by: str = "ann",
    sure: float | None = None,
    at: int = 0,
    version: str = "",
) -> None:
    """What a person says, or with `sure` a network."""
    origin = "human" if sure is None else "model"
    time = START + timedelta(minutes=at)
    one_of = not values and attribute != "people"
    said = Assertion(key, attribute, values, one_of, sure, origin, by, version, "", time)  # type: ignore[arg-type]
    store_assertions(catalog, [said], run_id="r")


def guess(catalog: Catalog, key: str, attribute: str, value: str, sure: float) -> None:
    tell(catalog, key, attribute, value, by="net", sure=sure, version="1")


def labels(told: dict) -> dict[str, tuple]:  # type: ignore[type-arg]
    return {
        each["attribute"]: (each["value"], each["origin"], each["confidence"])
        for each in told["labels"]
    }


def rows(told: dict, attribute: str) -> list[tuple]:  # type: ignore[type-arg]
    """Of each statement about an attribute who said what, whether it counts and contradicts."""
    return [
        (each["by"], each["values"], each["counts"], each["against"])
        for each in told["assertions"]
        if each["attribute"] == attribute
    ]


def why(told: dict, attribute: str) -> str:  # type: ignore[type-arg]
    [reason] = [each["why"] for each in told["labels"] if each["attribute"] == attribute]
    assert isinstance(reason, str)
    return reason


def test_of_a_photo_about_which_nothing_is_said_nothing_is_told(shop: Shop) -> None:
    key = shop.see(1)
    shop.label()
    assert explain_photo(shop.catalog, key) == {"image_id": key, "labels": [], "assertions": []}


def test_the_label_of_a_source_names_it(shop: Shop) -> None:
    key = shop.see(1, color="rot")
    shop.label()
    told = explain_photo(shop.catalog, key)
    assert labels(told) == {"color": (["red"], "source", None)}
    assert why(told, "color") == "said by shop"
    assert rows(told, "color") == [("shop", ["red"], True, False)]


def test_the_label_of_a_network_tells_how_sure_it_is(shop: Shop) -> None:
    key = shop.see(1)
    use_labeler(shop.catalog, NET, run_id="r")
    guess(shop.catalog, key, "color", "red", 0.93)
    guess(shop.catalog, key, "body_type", "suv", 0.99)
    told = explain_photo(shop.catalog, key)
    assert labels(told) == {
        "color": (["red"], "model", 0.93), "body_type": (None, None, None),
    }  # fmt: skip
    assert why(told, "color") == "net is 93.00% sure and needs 80.00%"
    assert "not trusted" in why(told, "body_type")
    assert rows(told, "body_type") == [("net", ["suv"], True, False)]


def test_what_a_person_said_earlier_no_longer_counts(shop: Shop) -> None:
    key = shop.see(1)
    tell(shop.catalog, key, "color", "red")
    tell(shop.catalog, key, "color", "blue", at=1)
    told = explain_photo(shop.catalog, key)
    assert labels(told)["color"] == (["blue"], "human", None)
    assert why(told, "color") == "decided by ann on 2026-11-01"
    assert rows(told, "color") == [("ann", ["red"], False, False), ("ann", ["blue"], True, False)]


def test_another_person_contradicts(shop: Shop) -> None:
    key = shop.see(1)
    tell(shop.catalog, key, "color", "red", by="bob")
    tell(shop.catalog, key, "color", "blue", at=1)
    told = explain_photo(shop.catalog, key)
    assert rows(told, "color") == [("bob", ["red"], True, True), ("ann", ["blue"], True, False)]


def test_a_person_who_cannot_tell_is_named(shop: Shop) -> None:
    key = shop.see(1, color="red")
    shop.label()
    tell(shop.catalog, key, "color")
    told = explain_photo(shop.catalog, key)
    assert labels(told)["color"] == (None, None, None)
    assert "ann on 2026-11-01 could not tell" in why(told, "color")


def test_an_older_reading_of_a_place_no_longer_counts(shop: Shop) -> None:
    key = shop.see(1, color="red")
    shop.label()
    shop.see(1, color="blue")
    shop.label()
    told = explain_photo(shop.catalog, key)
    assert labels(told)["color"] == (["blue"], "source", None)
    assert rows(told, "color") == [
        ("shop", ["red"], False, False), ("shop", ["blue"], True, False),
    ]  # fmt: skip


def test_a_network_that_is_sure_contradicts_a_source(shop: Shop) -> None:
    key = shop.see(1, color="red")
    shop.label()
    use_labeler(shop.catalog, NET, run_id="r")
    guess(shop.catalog, key, "color", "blue", 0.9)
    told = explain_photo(shop.catalog, key)
    assert labels(told)["color"] == (["red"], "source", None)
    assert ("net", ["blue"], True, True) in rows(told, "color")
    use_labeler(shop.catalog, replace(NET, is_tryout=True), run_id="r")
    told = explain_photo(shop.catalog, key)
    assert ("net", ["blue"], True, False) in rows(told, "color"), "one for trying out never does"


def test_an_older_version_of_a_network_no_longer_counts(shop: Shop) -> None:
    key = shop.see(1)
    use_labeler(shop.catalog, NET, run_id="r")
    guess(shop.catalog, key, "color", "red", 0.9)
    use_labeler(shop.catalog, replace(NET, version="2"), run_id="r")
    told = explain_photo(shop.catalog, key)
    assert told["labels"] == []
    assert rows(told, "color") == [("net", ["red"], False, False)]
    tell(shop.catalog, key, "color", "blue", by="net", sure=0.95, version="2", at=1)
    assert labels(explain_photo(shop.catalog, key))["color"] == (["blue"], "model", 0.95)
    retire_labeler(shop.catalog, "net", run_id="r")
    told = explain_photo(shop.catalog, key)
    assert told["labels"] == []
    assert len(rows(told, "color")) == 2


def test_places_that_contradict_each_other_are_told(shop: Shop) -> None:
    key = shop.see(1, place="a", color="red")
    shop.see(1, place="b", color="blue")
    shop.label()
    told = explain_photo(shop.catalog, key)
    assert labels(told)["color"] == (None, None, None)
    assert "contradict each other" in why(told, "color")
    assert all(against for _, _, _, against in rows(told, "color"))


def test_a_person_settles_what_a_source_says(shop: Shop) -> None:
    key = shop.see(1, color="blue")
    shop.label()
    tell(shop.catalog, key, "color", "red")
    told = explain_photo(shop.catalog, key)
    assert rows(told, "color") == [("ann", ["red"], True, False), ("shop", ["blue"], True, False)]


def test_statements_are_in_the_order_of_the_vocabulary_and_of_time(shop: Shop) -> None:
    key = shop.see(1, color="red", make="Ford", body_type="suv")
    shop.label()
    tell(shop.catalog, key, "color", "blue", at=2)
    tell(shop.catalog, key, "color", "grey", by="bob", at=1)
    tell(shop.catalog, key, "rust", "much", at=0)
    told = explain_photo(shop.catalog, key)
    order = [(each["attribute"], each["by"]) for each in told["assertions"]]
    assert order == [
        ("make", "shop"), ("body_type", "shop"), ("color", "bob"), ("color", "ann"),
        ("color", "shop"), ("rust", "ann"),
    ]  # fmt: skip
    assert rows(told, "rust") == [("ann", ["much"], False, False)]
    assert list(labels(told)) == ["make", "body_type", "color"]


def test_an_explanation_can_be_written_as_json(shop: Shop) -> None:
    key = shop.see(1, color="türkis", people="none", model_year="2012")
    shop.label()
    use_labeler(shop.catalog, NET, run_id="r")
    guess(shop.catalog, key, "color", "green", 0.9)
    told = explain_photo(shop.catalog, key)
    assert json.loads(json.dumps(told)) == told
    assert labels(told) == {
        "color": (["green"], "model", 0.9),
        "people": ([], "source", None),
        "model_year": (["2012"], "source", None),
    }
    for each in told["assertions"]:
        assert datetime.fromisoformat(each["created_at"]).utcoffset() == timedelta(0)
