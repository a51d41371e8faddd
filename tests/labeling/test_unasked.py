"""Which photos wait for a network to say what it can about them."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from catalog.car_columns import open_space
from catalog.table import Catalog
from core.assertions import Assertion
from labeling.label import store_assertions
from labeling.labelers import Calibration, Labeler, use_labeler
from labeling.pending import stale_cars, unasked_images
from labeling.publish.cars import append_cars, refresh_cars, replace_vectors
from tests.catalog.making import SIZE, Fill, MakePhoto, record, vectors_for

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NET = Labeler(
    "net", "m1+a", "m1", False,
    {name: Calibration(1.0, 0.5) for name in ("view", "body_type", "color")},
)  # fmt: skip
HEAD = Labeler("head body_type", "m1+h", "m1", False, {"body_type": Calibration(1.0, 0.5)})
Photos = Callable[..., list[str]]


@pytest.fixture
def photos(catalog: Catalog, fill: Fill, make_photo: MakePhoto) -> Photos:
    """Some photos with vectors of m1, about which nobody but their sources said anything."""

    def make(count: int = 3, start: int = 0, **words: str) -> list[str]:
        return fill(catalog, [make_photo(start + at, **words) for at in range(count)])

    return make


def tell(catalog: Catalog, by: Labeler, key: str, **said: str) -> None:
    """What this labeler states of a photo."""
    store_assertions(
        catalog,
        [
            Assertion(key, name, (value,), False, 0.9, "model", by.name, by.version, "", NOW)
            for name, value in said.items()
        ],
        run_id="r",
    )


def correct(catalog: Catalog, key: str, view: str) -> None:
    """A person says what a photo shows, and `cars` is brought up to date."""
    said = Assertion(key, "view", (view,), False, None, "human", "ann", "", "", NOW)
    store_assertions(catalog, [said], run_id="r")
    refresh(catalog)


def refresh(catalog: Catalog) -> None:
    refresh_cars(catalog, stale_cars(catalog))


def unasked(catalog: Catalog, *labelers: Labeler) -> set[str]:
    found = unasked_images(catalog, "semantic", labelers)
    assert len(found) == len(set(found))
    return set(found)


def test_without_vectors_nobody_can_be_asked(catalog: Catalog) -> None:
    assert unasked(catalog, NET) == set()


def test_without_labelers_nothing_waits(catalog: Catalog, photos: Photos) -> None:
    photos()
    assert unasked(catalog) == set()


def test_what_nothing_was_said_about_waits(catalog: Catalog, photos: Photos) -> None:
    first, second, third = photos()
    assert unasked(catalog, NET) == {first, second, third}
    tell(catalog, NET, first, view="exterior", body_type="suv", color="red")
    assert unasked(catalog, NET) == {second, third}


def test_when_all_were_asked_nothing_waits(catalog: Catalog, photos: Photos) -> None:
    for key in photos():
        tell(catalog, NET, key, view="exterior", body_type="suv", color="red")
    use_labeler(catalog, NET, run_id="r")
    refresh(catalog)
    assert unasked(catalog, NET) == set()


def test_what_sources_and_people_said_is_no_answer_of_a_network(
    catalog: Catalog, photos: Photos
) -> None:
    [key] = photos(1, color="red", view="exterior", body_type="suv")
    said = {"view": "exterior", "body_type": "suv", "color": "red"}
    store_assertions(
        catalog,
        [
            Assertion(key, name, (value,), False, None, "human", NET.name, NET.version, "", NOW)
            for name, value in said.items()
        ],
        run_id="r",
    )
    assert unasked(catalog, NET) == {key}


def test_another_version_asks_anew(catalog: Catalog, photos: Photos) -> None:
    keys = photos()
    for key in keys:
        tell(catalog, NET, key, view="exterior", body_type="suv", color="red")
    assert unasked(catalog, replace(NET, version="m1+b")) == set(keys)
    assert unasked(catalog, replace(NET, name="other")) == set(keys)


def test_each_labeler_is_asked(catalog: Catalog, photos: Photos) -> None:
    first, second = photos(2)
    for key in (first, second):
        tell(catalog, NET, key, view="exterior", body_type="suv", color="red")
    assert unasked(catalog, NET, HEAD) == {first, second}
    tell(catalog, HEAD, first, body_type="suv")
    assert unasked(catalog, NET, HEAD) == {second}


def test_a_view_that_a_person_corrects_asks_for_what_was_left_out(
    catalog: Catalog, photos: Photos
) -> None:
    use_labeler(catalog, NET, run_id="r")
    key, other = photos(2)
    for each in (key, other):
        tell(catalog, NET, each, view="interior")
    refresh(catalog)
    assert unasked(catalog, NET) == set(), "of an interior nothing else is asked"
    correct(catalog, key, "exterior")
    assert unasked(catalog, NET) == {key}
    tell(catalog, NET, key, body_type="suv", color="red")
    assert unasked(catalog, NET) == set()


def test_a_view_that_another_network_guesses_asks_for_nothing_more(
    catalog: Catalog, photos: Photos
) -> None:
    other = replace(NET, name="other", calibration={"view": Calibration(1.0, 0.5)})
    use_labeler(catalog, other, run_id="r")
    [key] = photos(1)
    tell(catalog, other, key, view="exterior")
    refresh(catalog)
    [row] = catalog.rows("cars", [key], ["view", "view_origin"]).to_pylist()
    assert row == {"view": "exterior", "view_origin": "model"}
    tell(catalog, NET, key, view="interior")
    assert unasked(catalog, NET) == set()


def test_of_two_networks_the_more_trusted_tells_the_view(catalog: Catalog, photos: Photos) -> None:
    """The head saw an interior, about which it was right not to be asked for a body type."""
    views = {"view": Calibration(1.0, 0.5, 50, 0.6)}
    head = replace(HEAD, name="head view", calibration=views)
    [key] = photos(1)
    tell(catalog, head, key, view="interior")
    tell(catalog, NET, key, view="exterior")
    assert unasked(catalog, NET, head) == unasked(catalog, head, NET) == set()


def test_a_view_that_allows_for_one_more_question_asks_it(catalog: Catalog, photos: Photos) -> None:
    [key] = photos(1)
    tell(catalog, NET, key, view="interior")
    correct(catalog, key, "detail")
    assert unasked(catalog, NET) == {key}, "a detail has a color"
    tell(catalog, NET, key, color="red")
    assert unasked(catalog, NET) == set(), "and no body type"


def test_a_view_that_a_source_gives_later_asks_too(
    catalog: Catalog, photos: Photos, fill: Fill, make_photo: MakePhoto
) -> None:
    [key] = photos(1)
    tell(catalog, NET, key, view="interior")
    assert unasked(catalog, NET) == set()
    fill(catalog, [make_photo(0, "another place", view="exterior")])
    refresh(catalog)
    assert unasked(catalog, NET) == {key}


def test_a_corrected_view_that_makes_less_sense_asks_nothing(
    catalog: Catalog, photos: Photos
) -> None:
    [key] = photos(1)
    tell(catalog, NET, key, view="exterior", body_type="suv", color="red")
    correct(catalog, key, "interior")
    assert unasked(catalog, NET) == set()


@pytest.mark.parametrize("words", [{"view": "interior"}, {}], ids=["known", "guessed"])
def test_who_has_nothing_to_say_about_a_view_is_not_asked_for_ever(
    catalog: Catalog, photos: Photos, words: dict[str, str]
) -> None:
    """A head for body types says nothing of an interior, so its statement would be missed in
    every run."""
    [key] = photos(1, **words)
    tell(catalog, NET, key, view="interior")
    assert unasked(catalog, NET) == set()
    assert unasked(catalog, NET, HEAD) == set()


def test_photos_with_vectors_of_another_model_are_not_asked(
    catalog: Catalog, photos: Photos
) -> None:
    keys = photos()
    open_space(catalog, "semantic", SIZE, record("m2"))
    later = replace(NET, space_version="m2", version="m2+a")
    assert unasked(catalog, NET) == set(), "their vectors are gone"
    assert unasked(catalog, later) == set(), "and there are none yet"
    replace_vectors(catalog, vectors_for(keys[:2], "m2"))
    assert unasked(catalog, later) == set(keys[:2])
    assert unasked(catalog, NET) == set()


def test_an_attribute_that_the_vocabulary_no_longer_has_is_no_question(
    catalog: Catalog, photos: Photos
) -> None:
    [key] = photos(1)
    old = replace(NET, calibration=NET.calibration | {"rust": Calibration(1.0, 0.5)})
    tell(catalog, old, key, view="exterior", body_type="suv", color="red", rust="much")
    assert unasked(catalog, old) == set()


def test_names_and_versions_may_have_quotes(catalog: Catalog, photos: Photos) -> None:
    first, second = photos(2)
    odd = replace(NET, name="it's", version="m1+'")
    tell(catalog, odd, first, view="exterior", body_type="suv", color="red")
    assert unasked(catalog, odd) == {second}


def test_photos_that_came_in_several_commits_wait_alike(catalog: Catalog, photos: Photos) -> None:
    keys = [*photos(2), *photos(2, start=10)]
    vectors = vectors_for(keys, "m1")
    assert append_cars(catalog, vectors) == 0
    assert unasked(catalog, NET) == set(keys)
    for key in keys[1:3]:
        tell(catalog, NET, key, view="exterior", body_type="suv", color="red")
    assert unasked(catalog, NET) == {keys[0], keys[3]}
