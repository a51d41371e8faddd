"""Slices of the market: addresses, and cutting so that nothing is lost and nothing comes twice."""

from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import UsageMistakeError
from core.web import Web
from crawlers.sites.autoscout24.pages.codes import BODIES, COLORS, COUNTRY_SITES
from crawlers.sites.autoscout24.pages.search import SearchPage, TaxonomyEntry
from crawlers.sites.autoscout24.pages.slices import (
    Slice,
    body_slices,
    color_slices,
    filters,
    search_url,
)
from crawlers.sites.autoscout24.pages.splitting import beyond_cap, needs_split, split

YEAR = 2026
MODELS = (TaxonomyEntry(1639, "316"), TaxonomyEntry(1640, "318"), TaxonomyEntry(21073, "Sonstige"))


def _page(
    results: int = 9000, pages: int = 200, models: tuple[TaxonomyEntry, ...] = MODELS
) -> SearchPage:
    return SearchPage((), (), results, pages, echo={"mmmv": "13|||"}, models=models)


def _holds(part: Slice, year: int) -> bool:
    after = part.year_from is None or part.year_from <= year
    return after and (part.year_to is None or year <= part.year_to)


def _cut(part: Slice, page: SearchPage) -> list[Slice]:
    """Cut as far as it goes."""
    parts = split(part, page, this_year=YEAR)
    return [part] if parts is None else [leaf for one in parts for leaf in _cut(one, page)]


YEARS = st.none() | st.integers(1880, 2040)


@given(YEARS, YEARS)
def test_halves_of_years_meet_and_do_not_overlap(start: int | None, end: int | None) -> None:
    if start is not None and end is not None and start > end:
        start, end = end, start
    whole = Slice(COUNTRY_SITES["it"], "fiat", model="500", year_from=start, year_to=end)
    leaves = _cut(whole, _page())
    for year in range(1870, 2050):
        assert sum(_holds(leaf, year) for leaf in leaves) == _holds(whole, year)
    for leaf in leaves:
        inside = [year for year in range(1900, YEAR + 1) if _holds(leaf, year)]
        assert len(inside) <= 1


def test_a_make_is_cut_by_model_before_it_is_cut_by_year() -> None:
    whole = Slice(COUNTRY_SITES["de"], "bmw", color=6)
    parts = split(whole, _page(), this_year=YEAR)
    assert parts is not None
    assert [(part.make_id, part.model_id, part.color) for part in parts] == [
        (13, 1639, 6),
        (13, 1640, 6),
        (13, 21073, 6),
    ]
    halves = split(parts[0], _page(), this_year=YEAR)
    assert halves is not None
    assert [filters(half) for half in halves] == [
        {"cy": "D", "mmmv": "13|1639||", "fregto": "1963", "bcol": "6"},
        {"cy": "D", "mmmv": "13|1639||", "fregfrom": "1964", "bcol": "6"},
    ]


def test_a_make_whose_models_are_not_known_is_cut_by_year() -> None:
    halves = split(Slice(COUNTRY_SITES["de"], "bmw"), _page(models=()), this_year=YEAR)
    assert halves is not None
    assert [(half.year_from, half.year_to) for half in halves] == [(None, 1963), (1964, None)]


def test_a_single_year_cannot_be_cut() -> None:
    one = Slice(COUNTRY_SITES["de"], "bmw", model="320", year_from=2019, year_to=2019)
    assert split(one, _page(), this_year=YEAR) is None
    assert split(one, _page(), this_year=2018) is None


@pytest.mark.parametrize(
    ("results", "pages", "needed", "lost"),
    [
        (2093, 108, False, 0),
        (3800, 199, False, 0),
        (3900, 200, True, 0),
        (4000, 200, True, 0),
        (4001, 200, True, 1),
        (44772, 200, True, 40772),
        (5000, 51, True, 1000),
    ],
)
def test_what_a_search_does_not_show(results: int, pages: int, needed: bool, lost: int) -> None:
    page = _page(results, pages)
    assert (needs_split(page), beyond_cap(page)) == (needed, lost)


def test_colors_and_bodies_of_a_slice() -> None:
    whole = Slice(COUNTRY_SITES["de"], "bmw", model="320", year_from=2010)
    assert {part.color for part in color_slices(whole)} == set(COLORS)
    assert {part.body for part in body_slices(whole)} == set(BODIES)
    assert (len(color_slices(whole)), len(body_slices(whole))) == (14, 9)
    assert {(part.model, part.year_from) for part in color_slices(whole)} == {("320", 2010)}


@pytest.mark.parametrize(
    ("part", "page", "url"),
    [
        (
            Slice(COUNTRY_SITES["de"], "bmw", model="320"),
            1,
            "https://www.autoscout24.de/lst/bmw/320?sort=age&desc=1&cy=D&page=1",
        ),
        (
            Slice(
                COUNTRY_SITES["it"],
                "fiat",
                make_id=28,
                model_id=15160,
                year_from=2015,
                year_to=2018,
            ),
            12,
            "https://www.autoscout24.it/lst/fiat?sort=age&desc=1&cy=I&mmmv=28%7C15160%7C%7C"
            "&fregfrom=2015&fregto=2018&page=12",
        ),
        (
            Slice(COUNTRY_SITES["be-nl"], "land-rover", color=10, body=4),
            200,
            "https://www.autoscout24.be/nl/lst/land-rover?sort=age&desc=1&cy=B&bcol=10&body=4&page=200",
        ),
        (
            Slice(COUNTRY_SITES["com"], "fiat", model="500"),
            1,
            "https://www.autoscout24.com/lst/fiat/500?sort=age&desc=1&page=1",
        ),
        (
            Slice(COUNTRY_SITES["fr"], "kia", model="ceed-/-cee'd"),
            1,
            "https://www.autoscout24.fr/lst/kia/ceed-%2F-cee%27d?sort=age&desc=1&cy=F&page=1",
        ),
    ],
)
def test_the_address_of_a_search(part: Slice, page: int, url: str) -> None:
    assert search_url(Web(), part, page) == url


def test_the_address_of_a_search_on_a_replica() -> None:
    url = search_url(Web("http://127.0.0.1:8421"), Slice(COUNTRY_SITES["de"], "bmw"), 2)
    assert url.startswith("http://www.autoscout24.de.localhost:8421/lst/bmw?")


@given(
    st.builds(
        Slice,
        site=st.sampled_from(list(COUNTRY_SITES.values())),
        make=st.sampled_from(["bmw", "alfa-romeo", "lynk-&-co", "?", "cat=1"]),
        make_id=st.just(13),
        model_id=st.none() | st.integers(1, 99999),
        year_from=YEARS,
        color=st.none() | st.sampled_from(sorted(COLORS)),
        body=st.none() | st.sampled_from(sorted(BODIES)),
    ),
    st.integers(1, 200),
)
def test_every_address_names_a_make_and_says_what_is_asked(search: Slice, page: int) -> None:
    parts = urlsplit(search_url(Web(), search, page))
    assert parts.path.startswith(f"{search.site.search}/")
    assert len(parts.path) > len(search.site.search) + 1
    query = parse_qs(parts.query, strict_parsing=True)
    assert len(parse_qsl(parts.query)) == len(query)
    assert query.keys().isdisjoint({"cat", "pricefrom", "priceto"})
    assert "cat=" not in parts.query
    order = {"sort": ["age"], "desc": ["1"], "page": [str(page)]}
    assert query == order | {name: [value] for name, value in filters(search).items()}


@pytest.mark.parametrize("page", [0, -1, 201])
def test_a_page_that_no_search_has(page: int) -> None:
    with pytest.raises(UsageMistakeError, match=str(page)):
        search_url(Web(), Slice(COUNTRY_SITES["de"], "bmw"), page)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"make": ""}, "needs a make"),
        ({"make": "Alfa Romeo"}, "'alfa-romeo', not 'Alfa Romeo'"),
        ({"model": "X 5"}, "'x-5', not 'X 5'"),
        ({"model_id": 1641}, "goes with make_id"),
        ({"model_id": 1641, "make_id": 13, "model": "320"}, "without model"),
        ({"year_from": 2020, "year_to": 2010}, "2020 to 2010"),
        ({"color": 8}, "no color 8"),
        ({"body": 8}, "no body 8"),
    ],
)
def test_a_slice_that_makes_no_sense(values: dict[str, object], words: str) -> None:
    with pytest.raises(UsageMistakeError, match=words):
        Slice(**({"site": COUNTRY_SITES["de"], "make": "bmw"} | values))


def test_a_slice_is_named_for_people() -> None:
    part = Slice(COUNTRY_SITES["de"], "bmw", model="320", year_to=2012, color=6)
    assert str(part) == "de bmw 320 cy=D fregto=2012 bcol=6"
