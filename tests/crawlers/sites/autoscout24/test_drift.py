"""Paths that are gone: each is named, of real pages and of the replica's, and none that is absent
on a sound page is."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import DriftError
from crawlers.sites.autoscout24.pages.codes import COUNTRY_SITES
from crawlers.sites.autoscout24.pages.drift import FEW_ROWS, LackCounter, at
from crawlers.sites.autoscout24.pages.offer import NOT_ACTIVE, OfferError, parse_offer
from crawlers.sites.autoscout24.pages.paths import (
    OFFER,
    SEARCH,
    path_steps,
    reduce_offer,
    reduce_search,
)
from crawlers.sites.autoscout24.pages.search import (
    LIES_IN,
    MANY,
    NO_LINK,
    NO_PHOTOS,
    NOT_MAIN,
    Row,
    SearchPage,
    check_rows,
    parse_search,
)
from crawlers.sites.autoscout24.pages.slices import Slice
from synthetic.replica.autoscout24.data import offer_props, search_props
from synthetic.replica.autoscout24.query import parse_query
from synthetic.replica.autoscout24.search import SearchIndex
from synthetic.replica.autoscout24.sites import sites_of
from synthetic.replica.world import World

Json = dict[str, Any]
Page = Callable[[Json], Any]


def _required(fields: tuple[Any, ...]) -> list[str]:
    """Every key on the way of a required path, once."""
    paths: dict[str, None] = {}
    for field in fields:
        path = ""
        for step in field.required:
            path += step if step in {"[]", "{}"} or not path else f".{step}"
            if step not in {"[]", "{}", "*"} and not field.unless:
                paths[path] = None
    return list(paths)


def _changed(page: Json, path: str, new: str | None = None) -> Json:
    """The page without a path, wherever it has it; with `new` the key is called so."""
    page = copy.deepcopy(page)
    *way, key = path_steps(path)
    places: list[Any] = [page]
    for step in way:
        if step == "[]":
            places = [item for place in places for item in place]
        elif step == "*":
            places = [item for place in places for item in place.values()]
        else:
            places = [place[step] for place in places if place.get(step) is not None]
    for place in places:
        if key in place:
            value = place.pop(key)
            if new:
                place[new] = value
    return page


def _parse_real(page: Json) -> SearchPage:
    return parse_search(reduce_search(page), search=Slice(COUNTRY_SITES["de"], "bmw", model="320"))


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=6, listings=300, photos=2, sites=("it",), photo_size=(96, 72))


@pytest.fixture(scope="module")
def played_search(world: World) -> Json:
    site = sites_of("it")[0]
    return search_props(world, SearchIndex(world), site, parse_query(site, ("fiat",), {}))


@pytest.fixture(scope="module")
def played_offer(world: World) -> Json:
    return offer_props(world, sites_of("it")[0], world.car(7))


def _parse_played(page: Json) -> SearchPage:
    return parse_search(reduce_search(page), search=Slice(COUNTRY_SITES["it"], "fiat"))


def _parse_offer(page: Json, row: Row) -> Any:
    return parse_offer(reduce_offer(page), row=row, language="de")


def _row(page: Json) -> Row:
    told = page["listingDetails"]
    return Row(told["id"], f"/x-{told['id']}", told["vehicle"]["make"], "Main")


@pytest.mark.parametrize("new", [None, "renamed"])
@pytest.mark.parametrize("path", _required(SEARCH))
def test_a_path_gone_from_a_search_is_named(
    real_search: Json, played_search: Json, path: str, new: str | None
) -> None:
    for page, parse in ((real_search, _parse_real), (played_search, _parse_played)):
        parse(page)
        with pytest.raises(DriftError) as caught:
            parse(_changed(page, path, new))
        assert caught.value.path == path
        assert str(caught.value).startswith(f"drift: {path} is ")


def test_the_paths_that_were_lost_in_silence_are_required() -> None:
    rows = (
        "searchResultType searchResultSection images url id vehicle.make vehicle.modelVersionInput "
        "vehicle.variant vehicle.modelGroup tracking.imageContent tracking.modelTaxonomy"
    )
    offers = (
        "prices isCoverImagePlaceholder vehicle.modelVersionInput vehicle.variant "
        "vehicle.modelGroup"
    )
    assert {"taxonomy", "listings", *(f"listings[].{path}" for path in rows.split())} <= set(
        _required(SEARCH)
    )
    assert {f"listingDetails.{path}" for path in offers.split()} <= set(_required(OFFER))


@pytest.mark.parametrize("new", [None, "renamed"])
@pytest.mark.parametrize("path", _required(OFFER))
def test_a_path_gone_from_an_offer_is_named(
    real_offer_de: Json, played_offer: Json, path: str, new: str | None
) -> None:
    for page in (real_offer_de, played_offer):
        row = _row(page)
        _parse_offer(page, row)
        with pytest.raises(DriftError) as caught:
            _parse_offer(_changed(page, path, new), row)
        assert caught.value.path == path


@pytest.mark.parametrize("field", [f for f in (*SEARCH, *OFFER) if "?" in f.declared])
def test_what_a_sound_page_may_lack_is_not_missed(
    real_search: Json, real_offer_de: Json, real_offer_com: Json, field: Any
) -> None:
    sure = field.declared.partition("?")[0]
    if field in SEARCH:
        _parse_real(_changed(real_search, sure))
        _parse_real(_changed(real_search, sure, "renamed"))
        return
    for page in (real_offer_de, real_offer_com):
        row = _row(page)
        _parse_offer(_changed(page, sure), row)


def test_what_is_known_otherwise_is_not_missed(real_search: Json, real_offer_com: Json) -> None:
    """A price by its number, a color by its English word, a body by its id."""
    assert _parse_real(_changed(real_search, "listings[].tracking.price")).rows[0].price_eur
    without = _changed(real_search, "listings[].tracking.price")
    with pytest.raises(DriftError, match=r"listings\[\]\.tracking\.price "):
        _parse_real(_changed(without, "listings[].price.priceRaw"))
    row = _row(real_offer_com)
    for path in ("listingDetails.vehicle.bodyColor", "listingDetails.vehicle.bodyType"):
        facts = _parse_offer(_changed(real_offer_com, path), row)
        assert (facts.color, facts.body_id) == ("White", 6)
    bare = _changed(real_offer_com, "listingDetails.vehicle.bodyColorRaw")
    bare = _changed(bare, "listingDetails.vehicle.rawData.bodyColor")
    with pytest.raises(DriftError, match=r"vehicle\.bodyColor "):
        _parse_offer(_changed(bare, "listingDetails.vehicle.bodyColor"), row)


@pytest.mark.parametrize("path", [f.path for f in SEARCH if f.path.startswith("listings[].")])
def test_one_row_that_lacks_something_is_no_drift(real_search: Json, path: str) -> None:
    """Nor are nulls in all, but for what each row must have."""
    page = copy.deepcopy(real_search)
    row = {"listings": [page["listings"][2]]}
    page["listings"][2] = _changed(row, path.replace("images[]", "images"))["listings"][0]
    assert len(_parse_real(page).rows) >= 5


def test_nulls_are_no_drift(real_search: Json, real_offer_de: Json) -> None:
    for path in ("vehicle.variant", "vehicle.modelGroup", "vehicle.modelVersionInput", "tracking"):
        page = copy.deepcopy(real_search)
        *way, key = path.split(".")
        for row in page["listings"]:
            (row[way[0]] if way else row)[key] = None
        assert len(_parse_real(page).rows) == 6
    page = copy.deepcopy(real_offer_de)
    page["listingDetails"]["prices"] = None
    assert _parse_offer(page, _row(page)).price_eur is None


def test_a_value_of_another_type_is_as_good_as_gone(real_search: Json) -> None:
    page = copy.deepcopy(real_search)
    for row in page["listings"]:
        row["tracking"]["mileage"] = int(row["tracking"]["mileage"])
    with pytest.raises(DriftError, match=r"listings\[\]\.tracking\.mileage "):
        _parse_real(page)


def test_few_rows_may_lack_something_by_chance(real_search: Json) -> None:
    page = _changed(real_search, "listings[].tracking.mileage")
    page["listings"] = page["listings"][: FEW_ROWS - 1]
    assert len(_parse_real(page).rows) == FEW_ROWS - 1


def test_an_error_page_is_none_that_has_changed() -> None:
    """A page that does not say that it is a list, or an offer."""
    with pytest.raises(OfferError):
        _parse_offer({"pageid": "error"}, Row("x", "/x", "BMW", "Main"))
    with pytest.raises(DriftError) as caught:
        _parse_offer({"pageid": "detail"}, Row("x", "/x", "BMW", "Main"))
    assert caught.value.path == "listingDetails"


def test_an_offer_that_is_not_there_any_more_is_none_that_has_changed(real_offer_de: Json) -> None:
    page = _changed(real_offer_de, "listingDetails.prices")
    page["listingDetails"]["status"] = "Inactive"
    with pytest.raises(OfferError) as caught:
        _parse_offer(page, _row(real_offer_de))
    assert caught.value.reason == NOT_ACTIVE


def _all(real_search: Json, key: str, make: Callable[[Any], Any]) -> SearchPage:
    page = copy.deepcopy(real_search)
    for row in page["listings"]:
        row[key] = make(row[key])
    return _parse_real(page)


@pytest.mark.parametrize(
    ("key", "make", "reason"),
    [
        ("searchResultSection", str.lower, NOT_MAIN),
        ("url", lambda url: f"https://www.autoscout24.de{url}", NO_LINK),
        ("images", lambda links: [link.replace("/listing-images/", "/i/") for link in links],
         NO_PHOTOS),
    ],
)  # fmt: skip
def test_rows_that_all_hold_something_else(
    real_search: Json, key: str, make: Callable[[Any], Any], reason: str
) -> None:
    page = _all(real_search, key, make)
    with pytest.raises(DriftError, match=f"all 6 rows of page 1 '{reason}'") as caught:
        check_rows(page, expected=True, where="page 1")
    assert caught.value.path == LIES_IN[reason]


def test_rows_that_are_left_out_with_good_reason(real_search: Json) -> None:
    others = _all(real_search, "searchResultSection", lambda _: "Recommendations")
    check_rows(others, expected=False, where="a page beyond the results")
    bare = _all(real_search, "images", lambda _: [])
    check_rows(bare, expected=True, where="cars without photos")
    page = copy.deepcopy(real_search)
    page["listings"] = [row | {"images": []} for row in page["listings"] * 2][:MANY]
    with pytest.raises(DriftError, match=NO_PHOTOS):
        check_rows(_parse_real(page), expected=True, where="page 1")


def test_every_path_at_a_page() -> None:
    page = {"a": [{"b": 1}, {"b": None}, {}], "c": json.dumps({"d": 2}), "e": {"7": {"f": 3}}}
    assert at(page, "a[].b") == [1, None]
    assert at(page, "c{}.d") == [2]
    assert at(page, "e.*.f") == [3]
    assert at(page, "x.y") == []


def test_an_odd_offer_among_others_is_no_drift() -> None:
    watch = LackCounter()
    for number in range(50):
        assert watch.lost(["prices"] if number % FEW_ROWS else []) is None
    assert watch.never_there() is None
    assert [watch.lost(["prices"]) for _ in range(FEW_ROWS)][-1] == "prices"
    assert watch.missed["prices"] >= FEW_ROWS


def test_what_no_offer_had_is_drift_from_the_first_on() -> None:
    watch = LackCounter()
    assert watch.never_there() is None
    assert watch.lost(["prices"]) is None
    assert watch.never_there() == "prices"
    assert watch.lost([]) is None
    assert watch.never_there() is None
