"""Whether a page answers what was asked: a real page, and the same with another answer."""

from dataclasses import replace
from typing import Any

import pytest

from crawlers.sites.autoscout24.pages.codes import COUNTRY_SITES
from crawlers.sites.autoscout24.pages.echo import EchoError, UnknownSlugError, check_echo
from crawlers.sites.autoscout24.pages.paths import reduce_search
from crawlers.sites.autoscout24.pages.search import parse_search
from crawlers.sites.autoscout24.pages.slices import Slice

Json = dict[str, Any]

ASKED = Slice(COUNTRY_SITES["de"], "bmw", model="320")
BY_ID = Slice(COUNTRY_SITES["de"], "bmw", make_id=13, model_id=1641)
NARROW = replace(BY_ID, year_from=2015, year_to=2018, color=10, body=5)
NARROW_ECHO = {"fregfrom": "2015", "fregto": "2018", "bcol": "10", "body": "5"}


def _check(props: Json, search: Slice, **echo: str | None) -> None:
    """Check the page against `search`; `echo` changes what it answers, None takes it away."""
    named = {"cat": None} if "mmmv" in echo else {}  # the real page names the car twice
    query = {k: v for k, v in (props["pageQuery"] | named | echo).items() if v is not None}
    page = parse_search(reduce_search(props | {"pageQuery": query}), search=search)
    check_echo(page, search)


@pytest.mark.parametrize("search", [ASKED, BY_ID])
def test_a_real_page_answers_its_search(real_search: Json, search: Slice) -> None:
    _check(real_search, search)


def test_every_filter_is_answered(real_search: Json) -> None:
    _check(real_search, NARROW, **NARROW_ECHO)


@pytest.mark.parametrize("name", [*NARROW_ECHO, "cy"])
@pytest.mark.parametrize("value", [None, "1999", "10,5"])
def test_a_filter_that_is_answered_otherwise(
    real_search: Json, name: str, value: str | None
) -> None:
    search = NARROW_ECHO.get(name, "D")
    with pytest.raises(EchoError, match=f"asked {name}={search}, answered {name}={value or 'no'}"):
        _check(real_search, NARROW, **(NARROW_ECHO | {name: value}))


@pytest.mark.parametrize("name", NARROW_ECHO)
def test_a_filter_that_nobody_asked_for(real_search: Json, name: str) -> None:
    with pytest.raises(EchoError, match=f"asked {name}=nothing"):
        _check(real_search, ASKED, **{name: NARROW_ECHO[name]})


@pytest.mark.parametrize(
    ("search", "mmmv", "words"),
    [
        (BY_ID, "13|1640||", "asked model=1641, answered model=1640"),
        (BY_ID, "13|||", "asked model=1641, answered model=None"),
        (BY_ID, "28|1641||", "asked make=13, answered make=28"),
        (BY_ID, None, "asked make=13, answered make=None"),
        (BY_ID, "13|1641||,28|||", "asked make=13, answered make=None"),
        (ASKED, "13|1640||", "asked model=1641, answered model=1640"),
        (ASKED, "28|||", "asked make=13, answered make=28"),
        (Slice(COUNTRY_SITES["de"], "bmw"), "13|1641||", "asked model=None, answered model=1641"),
        (Slice(COUNTRY_SITES["de"], "bmw"), None, "asked make=13, answered make=None"),
    ],
)
def test_another_make_or_model(
    real_search: Json, search: Slice, mmmv: str | None, words: str
) -> None:
    with pytest.raises(EchoError, match=words):
        _check(real_search, search, mmmv=mmmv)


@pytest.mark.parametrize(
    ("search", "mmmv", "words"),
    [
        (Slice(COUNTRY_SITES["de"], "bwm"), None, "no make 'bwm'; near it: .*BMW"),
        (
            Slice(COUNTRY_SITES["de"], "mercedes"),
            None,
            "no make 'mercedes'; near it: Mercedes-Benz",
        ),
        (Slice(COUNTRY_SITES["de"], "mercedes", model="gls"), None, "no make 'mercedes'"),
        (Slice(COUNTRY_SITES["de"], "qqqqqq"), None, "no make 'qqqqqq'; look up"),
        (Slice(COUNTRY_SITES["de"], "vw"), "74|||", "no make 'vw'"),
        (
            Slice(COUNTRY_SITES["de"], "bmw", model="320d"),
            "13|||",
            "no model '320d'; near it: .*320",
        ),
        (Slice(COUNTRY_SITES["de"], "bmw", model="320d"), None, "no model '320d'"),
    ],
)
def test_a_make_or_model_that_the_site_does_not_know(
    real_search: Json, search: Slice, mmmv: str | None, words: str
) -> None:
    with pytest.raises(UnknownSlugError, match=words):
        _check(real_search, search, mmmv=mmmv)


def test_punctuation_of_a_slug_does_not_matter(real_search: Json) -> None:
    _check(real_search, Slice(COUNTRY_SITES["de"], "lynk-co"), mmmv=_mmmv(real_search, "Lynk & Co"))
    _check(
        real_search,
        Slice(COUNTRY_SITES["de"], "rolls-royce"),
        mmmv=_mmmv(real_search, "Rolls-Royce"),
    )


def test_of_two_like_names_the_one_that_is_written_so_is_meant(real_search: Json) -> None:
    models = [{"value": 1, "label": "500 E"}, {"value": 2, "label": "500e"}]
    page = real_search | {"taxonomy": real_search["taxonomy"] | {"models": {"28": models}}}
    _check(page, Slice(COUNTRY_SITES["de"], "fiat", model="500e"), mmmv="28|2||")
    _check(page, Slice(COUNTRY_SITES["de"], "fiat", model="500-e"), mmmv="28|1||")


def _mmmv(props: Json, label: str) -> str:
    makes = props["taxonomy"]["makes"]
    return next(f"{key}|||" for key, make in makes.items() if make["label"] == label)


def test_a_page_without_lists_of_names_is_taken_at_its_word(real_search: Json) -> None:
    bare = real_search | {"taxonomy": None}
    _check(bare, ASKED)
    _check(bare, BY_ID)
    with pytest.raises(EchoError, match="answered model=1640"):
        _check(bare, BY_ID, mmmv="13|1640||")
    with pytest.raises(UnknownSlugError, match="no make 'bmw'"):
        _check(bare, ASKED, mmmv=None)


def test_a_site_of_all_europe_may_answer_with_any_country(real_search: Json) -> None:
    search = replace(ASKED, site=COUNTRY_SITES["com"])
    _check(real_search, search, cy="D,A,B,E,F,I,L,NL")
    _check(real_search, search, cy=None)


@pytest.mark.parametrize(
    ("search", "cat"),
    [
        (ASKED, "ma13mo1641"),
        (BY_ID, "ma13mo1641"),
        (BY_ID, "ma13mo1641mt467"),
        (Slice(COUNTRY_SITES["de"], "bmw"), "ma13"),
        (Slice(COUNTRY_SITES["de"], "bmw"), "ma13gr100061mt467"),
    ],
)
def test_the_car_may_be_named_by_cat_alone(real_search: Json, search: Slice, cat: str) -> None:
    _check(real_search, search, mmmv=None, cat=cat)


@pytest.mark.parametrize(
    ("search", "cat", "words"),
    [
        (BY_ID, "ma13", "asked model=1641, answered model=None"),
        (BY_ID, "ma28mo1641", "asked make=13, answered make=28"),
        (BY_ID, "ma13mo1641,ma28", "asked make=13, answered make=None"),
        (BY_ID, "mo1641", "asked make=13, answered make=None"),
        (ASKED, "ma28", "asked make=13, answered make=28"),
    ],
)
def test_another_car_by_cat(real_search: Json, search: Slice, cat: str, words: str) -> None:
    with pytest.raises(EchoError, match=words):
        _check(real_search, search, mmmv=None, cat=cat)


def test_mmmv_goes_before_cat(real_search: Json) -> None:
    _check(real_search, BY_ID, mmmv="13|1641||", cat="ma28mo15160")
