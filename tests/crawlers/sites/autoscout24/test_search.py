"""Search pages: the six rows of a real one, written by hand, and what that page does not show."""

import copy
from typing import Any

import pytest

from crawlers.sites.autoscout24.pages import search
from crawlers.sites.autoscout24.pages.codes import COUNTRY_SITES
from crawlers.sites.autoscout24.pages.paths import reduce_search
from crawlers.sites.autoscout24.pages.search import NoListingsError, SearchPage, parse_search
from crawlers.sites.autoscout24.pages.slices import Slice

Json = dict[str, Any]

ASKED = Slice(COUNTRY_SITES["de"], "bmw", model="320")
STEM = "https://prod.pictures.autoscout24.net/listing-images/{}_{}.{}"

# id, last words of the link, variant, version, first registration, km, euros, sponsored
ROWS = [
    (
        "bf14de34-41f2-58ce-a1b6-44f2e3e7f0d7",
        "mild-hybrid-aut-diesel-cat_ma13mo1641",
        "Limousine",
        "d xDrive Mild-Hybrid Aut.",
        "05-2024",
        74983,
        20000,
        True,
    ),
    (
        "5ab7d63e-57bb-5cc7-92e6-30771b839a05",
        "vico-advantage-diesel-schwarz-cat_ma13mo1641",
        "Touring",
        "d Advantage HiFi Alarm AHK ViCo  Advantage",
        "06-2022",
        138022,
        23980,
        False,
    ),
    (
        "afa721a4-9b3c-553d-b993-1fa18d8b8121",
        "pdc-elektro-benzin-grau-cat_ma13mo1641",
        "Touring",
        "e Tour| Sport Line| ACC| HiFi| LED| Shz| PDC|",
        "11-2021",
        67296,
        24906,
        False,
    ),
    (
        "91e5e4d6-9846-5c71-aa2b-76dae5bc0b5a",
        "m-lenkrad-diesel-schwarz-cat_ma13mo1641",
        "Limousine",
        "d Limousine Advantage*NAV*LED*LIVE*M-LENKRAD*",
        "03-2021",
        25365,
        27990,
        False,
    ),
    (
        "8d8e32ae-2df1-5ab4-98cc-9a427e3f0659",
        "shz-tempo-diesel-blau-cat_ma13mo1641",
        "Touring",
        "320d Advantage Aut.*NAVI*PDC*LED*SHZ*TEMPO*",
        "06-2020",
        71063,
        23330,
        False,
    ),
    (
        "4060a4b9-1466-5841-82c8-53bf52c65ad0",
        "hud-19zoll-diesel-weiss-cat_ma13mo1641",
        "Gran Turismo",
        "M Sport Kamera Alarm HUD 19Zoll",
        "06-2018",
        109486,
        26999,
        False,
    ),
]

# photos, the first and the last of them, how many have a stem that ends in .png
GALLERIES = [
    (18, "32e0ce9e-1cec-5419-b012-6420aac8ce65", "c7c540a3-dbf1-59b9-8482-c6560171c332", 0),
    (39, "dff693d2-c307-57a5-a8f3-4cbad7a84442", "9a649f57-e539-5f6b-8ff7-9a503c26fd0d", 0),
    (26, "518478af-79e9-5c45-a8d3-f6b8d04ccb62", "7bcd83a3-6d6d-5758-b38d-052602e5ac8b", 0),
    (27, "d26f654c-4a71-5641-b9ba-d4c817a244e2", "346af4c5-44f1-5c71-80db-6a46ff2ee79a", 0),
    (28, "ad7181c6-be43-572f-be86-5fe7ae45f9c5", "18590e97-16d7-5a15-80f7-f5afce1027ba", 2),
    (43, "38aa6ba1-6e7b-5996-b718-d66b49e24334", "f26f122a-8edc-5fa9-a9e6-f88b4a489850", 0),
]


def _parse(props: Json, search: Slice = ASKED) -> SearchPage:
    return parse_search(reduce_search(props), search=search)


def _changed(props: Json, row: int, **values: Any) -> Json:
    """The page with other values in one row: `price__priceRaw=None` is `price.priceRaw`."""
    props = copy.deepcopy(props)
    for name, value in values.items():
        *parents, key = name.split("__")
        target = props["listings"][row]
        for parent in parents:
            target = target[parent]
        target[key] = value
    return props


@pytest.mark.parametrize("number", range(6))
def test_a_real_row_is_read_whole(real_search: Json, number: int) -> None:
    row = _parse(real_search).rows[number]
    guid, link, variant, version, registered, km, euros, sponsored = ROWS[number]
    assert row.id == guid
    assert row.url.startswith("/angebote/bmw-320-")
    assert row.url.endswith(f"-{link}-{guid}")
    assert (row.make, row.make_id) == ("BMW", 13)
    assert (row.model, row.model_id, row.model_group) == ("320", 1641, "3er")
    assert (row.variant, row.version) == (variant, version)
    assert (row.first_registration, row.mileage_km, row.price_eur) == (registered, km, euros)
    assert (row.section, row.sponsored) == ("Main", sponsored)
    assert not row.cover_is_placeholder


@pytest.mark.parametrize("number", range(6))
def test_a_real_gallery_is_read_whole(real_search: Json, number: int) -> None:
    row = _parse(real_search).rows[number]
    count, first, last, png = GALLERIES[number]
    assert len(row.photos) == count
    assert row.photos[0] == (first, STEM.format(row.id, first, "jpg"))
    assert row.photos[-1] == (last, STEM.format(row.id, last, "jpg"))
    assert sum(photo.stem.endswith(".png") for photo in row.photos) == png


def test_what_a_real_page_says_of_itself(real_search: Json) -> None:
    page = _parse(real_search)
    assert len(page.rows) == 6
    assert page.dropped == ()
    assert (page.number_of_results, page.number_of_pages) == (2093, 108)
    assert page.traffic == "ok"
    assert page.echo == {"mmmv": "13|1641||", "cat": "ma13mo1641", "cy": "D"}
    assert (page.make_id, page.model_id) == (13, 1641)
    assert len(page.makes) == 290
    assert (28, "Fiat") in page.makes
    assert len(page.models) == 114
    assert (1641, "320") in page.models
    assert (21073, "Sonstige") in page.models
    assert (len(page.colors), len(page.bodies)) == (14, 9)
    assert (13, "Violett") in page.colors
    assert (5, "Kombi") in page.bodies


def test_a_price_without_its_number_is_the_digits_of_tracking(real_search: Json) -> None:
    props = _changed(real_search, 1, price__priceRaw=None)
    assert _parse(props).rows[1].price_eur == 23980


@pytest.mark.parametrize("digits", [None, "", "on request", "23.980", "€ 23,980", "-1"])
def test_a_price_is_never_read_from_text(real_search: Json, digits: str | None) -> None:
    props = _changed(real_search, 1, price__priceRaw=None, tracking__price=digits)
    assert _parse(props).rows[1].price_eur is None


@pytest.mark.parametrize("text", ["28.558 km", "28,558 km", "28 558 km"])
def test_a_mileage_is_the_digits_of_tracking(real_search: Json, text: str) -> None:
    props = _changed(real_search, 0, vehicle__mileageInKm=text, tracking__mileage="28558")
    assert _parse(props).rows[0].mileage_km == 28558
    props = _changed(real_search, 0, vehicle__mileageInKm=text, tracking__mileage=None)
    assert _parse(props).rows[0].mileage_km is None


def test_a_new_car_keeps_its_word(real_search: Json) -> None:
    props = _changed(real_search, 0, tracking__firstRegistration="new")
    assert _parse(props).rows[0].first_registration == "new"


def test_nulls_leave_a_row_whole(real_search: Json) -> None:
    nulls = dict.fromkeys(("vehicle__variant", "vehicle__modelGroup", "vehicle__modelVersionInput"))
    row = _parse(_changed(real_search, 0, **nulls, tracking={})).rows[0]
    assert (row.variant, row.model_group, row.version) == (None, None, None)
    assert (row.make_id, row.first_registration, row.price_eur) == (None, None, 20000)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"searchResultSection": "Recommendation"}, search.NOT_MAIN),
        ({"searchResultSection": None}, search.NOT_MAIN),
        ({"vehicle__make": "Audi"}, search.NOT_ASKED),
        ({"vehicle__model": "318", "vehicle__modelId": 1640}, search.NOT_ASKED),
        ({"vehicle__model": "318", "vehicle__modelId": None}, search.NOT_ASKED),
        ({"vehicle__make": None}, search.NOT_ASKED),
        ({"id": None}, search.NO_ID),
        ({"id": "1641"}, search.NO_ID),
        ({"url": None}, search.NO_LINK),
        ({"url": "//example.org/x-4060a4b9-1466-5841-82c8-53bf52c65ad0"}, search.NO_LINK),
        ({"url": "/angebote/bmw-5ab7d63e-57bb-5cc7-92e6-30771b839a05"}, search.NO_LINK),
        ({"images": []}, search.NO_PHOTOS),
        ({"images": ["https://x.org/dealer-info/a-large.jpg"]}, search.NO_PHOTOS),
    ],
)
def test_a_row_that_is_left_out_has_its_reason(
    real_search: Json, values: Json, reason: str
) -> None:
    page = _parse(_changed(real_search, 5, **values))
    assert [row.id for row in page.rows] == [row[0] for row in ROWS[:5]]
    assert [drop.reason for drop in page.dropped] == [reason]


def test_a_row_without_the_number_of_its_model_is_told_by_name(real_search: Json) -> None:
    assert len(_parse(_changed(real_search, 5, vehicle__modelId=None)).rows) == 6


def test_a_cover_that_is_a_placeholder_is_told_and_is_no_photo(real_search: Json) -> None:
    cover = {"tracking__imageContent": "placeholder|0.02"}
    page = _parse(_changed(real_search, 5, **cover))
    assert page.rows[5].cover_is_placeholder
    alone = _changed(real_search, 5, **cover, images=real_search["listings"][5]["images"][:1])
    assert [drop.reason for drop in _parse(alone).dropped] == [search.NO_PHOTOS]


def test_a_photo_of_another_listing_is_not_in_the_gallery(real_search: Json) -> None:
    mixed = real_search["listings"][0]["images"][:2] + real_search["listings"][1]["images"][:1]
    row = _parse(_changed(real_search, 0, images=[*mixed, mixed[0]])).rows[0]
    assert [photo.guid[:8] for photo in row.photos] == ["32e0ce9e", "13f2c36b"]


def test_rows_of_a_slice_by_ids_are_told_by_ids(real_search: Json) -> None:
    by_id = Slice(COUNTRY_SITES["de"], "bmw", make_id=13, model_id=1641)
    assert len(_parse(real_search, by_id).rows) == 6
    other = Slice(COUNTRY_SITES["de"], "bmw", make_id=13, model_id=1640)
    assert {drop.reason for drop in _parse(real_search, other).dropped} == {search.NOT_ASKED}


def test_the_pages_of_a_search_end_at_the_cap(real_search: Json) -> None:
    assert _parse(real_search | {"numberOfPages": 2239}).number_of_pages == 200


def test_no_listings_is_not_zero_results(real_search: Json) -> None:
    empty = _parse(real_search | {"listings": [], "numberOfResults": 0, "numberOfPages": 0})
    assert (empty.rows, empty.number_of_results) == ((), 0)
    for props in (
        real_search | {"listings": None},
        real_search | {"numberOfResults": None},
        {"pageid": "error", "numberOfResults": 2093, "numberOfPages": 108},
        {},
    ):
        with pytest.raises(NoListingsError, match=r"listings|numberOf"):
            _parse(props)


def test_a_page_without_taxonomy_is_read(real_search: Json) -> None:
    page = _parse(real_search | {"taxonomy": None})
    assert len(page.rows) == 6
    assert (page.makes, page.models) == ((), ())
