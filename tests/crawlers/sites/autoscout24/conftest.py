"""The real pages: one search on autoscout24.de, an offer there and one on autoscout24.com."""

import json
from pathlib import Path
from typing import Any

import pytest

Json = dict[str, Any]


def _load(folder: Path, name: str) -> Any:
    return json.loads((folder / "autoscout24" / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def real_codes(shared_data: Path) -> Json:
    """Labels of bodies and colors by id and language, as the sites' own pages give them."""
    codes: Json = _load(shared_data, "codes.json")
    return codes


@pytest.fixture(scope="session")
def real_search_page(shared_data: Path) -> Json:
    """The whole `__NEXT_DATA__` of a search for BMW 320 from 10,000 to 30,000 euros."""
    page: Json = _load(shared_data, "search_de_2026-07.next_data.json")
    return page


@pytest.fixture(scope="session")
def real_search(real_search_page: Json) -> Json:
    """Its `props.pageProps`."""
    props: Json = real_search_page["props"]["pageProps"]
    return props


@pytest.fixture(scope="session")
def real_offer_de(shared_data: Path) -> Json:
    """`props.pageProps` of an offer with German labels and no English ones."""
    page: Json = _load(shared_data, "detail_de_2026-01.next_data.json")
    props: Json = page["props"]["pageProps"]
    return props


@pytest.fixture(scope="session")
def real_offer_com(shared_data: Path) -> Json:
    """The same of an offer with English labels; only its `listingDetails` were kept."""
    return {"listingDetails": _load(shared_data, "detail_com_2026-05.listing_details.json")}
