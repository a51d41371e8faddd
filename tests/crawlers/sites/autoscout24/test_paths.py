"""What is read of a page: every path is in the real files, and nothing else is kept."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawlers.sites.autoscout24.pages.next_data import next_data, page_props
from crawlers.sites.autoscout24.pages.paths import (
    OFFER,
    SEARCH,
    Field,
    MalformedPageError,
    ReducedPage,
    path_steps,
    reduce_offer,
    reduce_search,
)

Json = dict[str, Any]

# Paths with a value in no real file, and why they are read all the same.
UNSEEN = {
    "pageQuery.fregfrom": "a parameter of a search, echoed as the others are",
    "pageQuery.fregto": "the same",
    "pageQuery.bcol": "the same",
    "pageQuery.body": "the same",
    "listingDetails.vehicle.productionYear": "a text of four digits, where it was seen",
}
# Paths that are in every real file and are known to be absent or null elsewhere.
LACKING = {
    "pageid": "only the listing of one offer was kept",
    "pageQuery.mmmv": "an unknown make is answered with the whole market",
    "pageQuery.cat": "absent since July 2026",
    **dict.fromkeys(
        (
            f"taxonomy.{name}[].{key}"
            for name in ("bodyColor", "bodyType")
            for key in ("value", "label")
        ),
        "null from the data route",
    ),
    "pageQuery.cy": "a site without a country of its own",
    "taxonomy.makes.*.label": "null from the data route",
    "taxonomy.models.*[].value": "only where a make is set",
    "taxonomy.models.*[].label": "only where a make is set",
    "listings[].price.priceRaw": "null in some rows; the digits of tracking are read instead",
    "listings[].vehicle.modelGroup": "null in some listings",
    "listings[].vehicle.variant": "null in some listings",
    "listingDetails.prices.public.priceRaw": "null: a price on request",
    "listingDetails.vehicle.modelGroup": "null in some listings",
    "listingDetails.vehicle.bodyColor": "null in some listings",
    "listingDetails.vehicle.bodyColorOriginal": "null in some listings",
    "listingDetails.vehicle.firstRegistrationDateRaw": "null: new cars",
    "listingDetails.vehicle.mileageInKmRaw": "null in some listings",
}


def _values(value: Any, steps: list[str]) -> Iterator[Any]:
    """Everything at a path; None where a part of the way is missing."""
    if not steps:
        yield value
    elif steps[0] == "[]":
        for item in value or []:
            yield from _values(item, steps[1:])
    elif steps[0] == "*":
        for item in (value or {}).values():
            yield from _values(item, steps[1:])
    elif steps[0] == "{}":
        yield from _values(json.loads(value) if value else None, steps[1:])
    else:
        yield from _values((value or {}).get(steps[0]), steps[1:])


def _leaves(value: Any, path: str = "") -> Iterator[str]:
    """The paths of all values, as a `Field` writes them."""
    if isinstance(value, dict):
        for key, item in value.items():
            name = "*" if key.isdigit() else key
            yield from _leaves(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, f"{path}[]")
    elif path.endswith("adTargetingString"):
        yield from _leaves(json.loads(value or "null"), f"{path}{{}}")
    else:
        yield path if value is not None else f"{path} null"


def _declared(path: str, fields: tuple[Field, ...]) -> bool:
    """Whether a path is one of those; null may stand at any part of its way."""
    if path.endswith(" null"):
        path = path.removesuffix(" null")
        ways = (path_steps(field.path) for field in fields)
        return any(way[: len(path_steps(path))] == path_steps(path) for way in ways)
    return path in {field.path for field in fields}


@pytest.fixture(scope="session")
def real_values(
    real_search: Json, real_offer_de: Json, real_offer_com: Json
) -> dict[str, list[Any]]:
    """Every declared path with all its values in the real files."""
    found = {f.path: list(_values(real_search, path_steps(f.path))) for f in SEARCH}
    for field in OFFER:
        steps = path_steps(field.path)
        found[field.path] = [
            value for offer in (real_offer_de, real_offer_com) for value in _values(offer, steps)
        ]
    return found


@pytest.mark.parametrize("field", [*SEARCH, *OFFER], ids=lambda field: field.path)
def test_a_path_is_in_the_real_files_with_its_type(
    field: Field, real_values: dict[str, list[Any]]
) -> None:
    values = real_values[field.path]
    present = [value for value in values if value is not None]
    assert {type(value) for value in present} <= set(field.kinds)
    assert bool(present) == (field.path not in UNSEEN)
    lacks = len(present) < len(values) or field.path in LACKING
    assert field.optional == lacks


def test_the_lists_of_exceptions_name_declared_paths() -> None:
    assert UNSEEN.keys() | LACKING.keys() <= {field.path for field in (*SEARCH, *OFFER)}


def test_only_declared_paths_of_real_pages_are_kept(
    real_search: Json, real_offer_de: Json, real_offer_com: Json
) -> None:
    for fields, pages in (
        (SEARCH, [reduce_search(real_search)]),
        (OFFER, [reduce_offer(real_offer_de), reduce_offer(real_offer_com)]),
    ):
        kept = {path for page in pages for path in _leaves(page)}
        assert all(_declared(path, fields) for path in kept)
        seen = {field.path for field in fields} - UNSEEN.keys()
        assert {path for path in kept if not path.endswith(" null")} == seen


# Keys that lead somewhere, so that made-up pages have declared paths with the wrong values, too.
_KEYS = sorted(
    {step for f in (*SEARCH, *OFFER) for step in path_steps(f.path) if step.isidentifier()}
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*_KEYS, "seller", "13"]) | st.text(), inner, max_size=8)
    ),
    max_leaves=30,
)
_PAGES = st.fixed_dictionaries(
    {},
    optional={
        "listings": st.lists(st.dictionaries(st.sampled_from(_KEYS), _JSON), max_size=3) | _JSON,
        "listingDetails": st.dictionaries(st.sampled_from(_KEYS), _JSON) | _JSON,
        "taxonomy": _JSON,
        "pageQuery": _JSON,
    },
)


@given(_PAGES)
def test_only_declared_paths_of_any_page_are_kept(page: Json) -> None:
    for reduce, fields in ((reduce_search, SEARCH), (reduce_offer, OFFER)):
        kept = reduce(page)
        # A list or an object that nothing is left of says nothing.
        assert [path for path in _leaves(kept) if not _declared(path, fields)] == []
        assert reduce(kept) == kept


def _embed(reduced: ReducedPage) -> str:
    """The smallest page from which `next_data` reads `reduced` again."""
    text = json.dumps({"props": {"pageProps": reduced}}).replace("<", "\\u003c")
    script = f'<script id="__NEXT_DATA__" type="application/json">{text}</script>'
    return f"<!DOCTYPE html><html><body>{script}</body></html>"


@given(_PAGES)
def test_a_small_page_is_read_back(page: Json) -> None:
    for reduced in (reduce_search(page), ReducedPage(page)):
        data = next_data(_embed(reduced))
        assert data is not None
        assert page_props(data) == reduced


@pytest.mark.parametrize(
    "page",
    [
        {"numberOfResults": True},
        {"numberOfResults": "2093"},
        {"trafficAnalysisResult": {"text": "ok"}},
        {"numberOfPages": 1.5},
    ],
)
def test_a_value_of_another_type_is_not_kept(page: Json) -> None:
    assert reduce_search(page) == {}


def test_keys_that_are_to_be_numbers_are_numbers() -> None:
    make = {"label": "BMW"}
    page = {"taxonomy": {"makes": {"13": make, "bmw": make, "1" * 10: make}}}
    assert reduce_search(page) == {"taxonomy": {"makes": {"13": make}}}


def test_a_small_page_ends_where_it_should() -> None:
    reduced = ReducedPage({"pageQuery": {"cy": "</script><script>&lt;"}})
    data = next_data(_embed(reduced))
    assert data == {"props": {"pageProps": reduced}}


def test_a_real_page_is_read_from_its_html(real_search_page: Json) -> None:
    text = json.dumps(real_search_page).replace("<", "\\u003c")
    html = (
        "<!DOCTYPE html><html><head><script>document.getElementById('__NEXT_DATA__')</script>"
        '<meta content=\'id="__NEXT_DATA__"\'></head><body><p>id="__NEXT_DATA__"</p>'
        f'<script nonce="x" id="__NEXT_DATA__" type="application/json" crossorigin>{text}</script>'
        "</body></html>"
    )
    data = next_data(html)
    assert data == real_search_page
    assert page_props(data) is data["props"]["pageProps"]


@pytest.mark.parametrize(
    "html",
    [
        "",
        "<html><body>Access Denied</body></html>",
        '<p>id="__NEXT_DATA__"</p>',
        "<script>{}</script>",
    ],
)
def test_a_page_without_the_script(html: str) -> None:
    assert next_data(html) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"props": </script>', "not JSON"),
        ("</script>", "not JSON"),
        ("[1]</script>", "not an object"),
        ('{"props": {}}', "cut off"),
        ("[" * 100_000 + "</script>", "not JSON"),
    ],
)
def test_a_script_that_is_no_json(content: str, words: str) -> None:
    with pytest.raises(MalformedPageError, match=words):
        next_data(f'<script id="__NEXT_DATA__" type="application/json">{content}')


@pytest.mark.parametrize("data", [{}, {"props": None}, {"props": {"pageProps": []}}, {"props": 1}])
def test_a_page_without_properties(data: Json) -> None:
    assert page_props(data) == {}


@pytest.mark.parametrize(
    "text",
    [
        "Sport Tel. 0171 2345678",
        "Sport +49 171 2345678",
        "Navi 0511/234567",
        "1.2 Lounge 333 1234567",
        "1.2 Lounge 3331234567",
        "mail an x@example.org",
        "www.example.org",
        "https://example.org",
    ],
)
def test_a_version_that_tells_how_to_reach_somebody_is_left_out(text: str) -> None:
    page = {"listings": [{"id": "1", "vehicle": {"modelVersionInput": text}}]}
    left = {"id": "1", "vehicle": {"modelVersionInput": None}}
    assert reduce_search(page) == {"listings": [left]}


def test_the_real_versions_stay(real_search: Json) -> None:
    for row in reduce_search(real_search)["listings"]:
        assert row["vehicle"]["modelVersionInput"]


def test_no_path_leads_to_a_person() -> None:
    personal = re.compile("seller|phone|street|zip|city|plate|vin|descr|whatsapp|location", re.I)
    assert [field.path for field in (*SEARCH, *OFFER) if personal.search(field.path)] == []
