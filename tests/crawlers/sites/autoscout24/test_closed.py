"""Color and body from searches: a sponsored row says nothing, whatever search shows it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace

import pytest

from crawlers.sites.autoscout24.closed_offers import find_colors_and_bodies
from crawlers.sites.autoscout24.pages.codes import COUNTRY_SITES
from crawlers.sites.autoscout24.pages.listing import FilterValue, SearchFacts
from crawlers.sites.autoscout24.pages.search import Row, SearchPage
from crawlers.sites.autoscout24.pages.site_words import site_words
from crawlers.sites.autoscout24.pages.slices import Slice, body_slices, color_slices

ASKED = Slice(COUNTRY_SITES["de"], "fiat")
COLORS = [part.color for part in color_slices(ASKED)]
BODIES = [part.body for part in body_slices(ASKED)]


WORDS = site_words(ASKED.site, SearchPage((), (), 0, 1))


def searched(color: int, body: int) -> SearchFacts:
    return SearchFacts(
        FilterValue(color, WORDS.colors[color]), FilterValue(body, WORDS.bodies[body])
    )


class CountrySite:
    """What a site has, and the cars that it shows first on every page, whatever is asked, or on
    those of one color."""

    def __init__(
        self, cars: dict[str, tuple[int, int]], sponsored: Sequence[str], beside: int | None = None
    ) -> None:
        self.cars, self.sponsored, self.beside = cars, sponsored, beside
        self.words = WORDS

    async def page(self, search: Slice, number: int) -> SearchPage:
        fits = [
            key
            for key, (color, body) in self.cars.items()
            if search.color in {None, color} and search.body in {None, body}
        ]
        rows = [row(key) for key in fits]
        shown = self.sponsored if self.beside in {None, search.color} else ()
        ahead = [replace(row(key), sponsored=True) for key in shown]
        return SearchPage((*ahead, *rows), (), len(rows), 1)

    async def walk(self, search: Slice, first: SearchPage) -> AsyncIterator[SearchPage]:
        yield first


def row(key: str) -> Row:
    return Row(key, f"/angebote/{key}", "Fiat", "Main")


CARS = {
    "one": (COLORS[0], BODIES[0]),
    "two": (COLORS[3], BODIES[1]),
    "three": (COLORS[3], BODIES[2]),
}


@pytest.mark.parametrize("sponsored", [(), ("one",), ("two", "three"), ("one", "two", "three")])
def test_a_sponsored_row_gives_neither_color_nor_body(sponsored: Sequence[str]) -> None:
    site = CountrySite(CARS, sponsored)  # type: ignore[arg-type]
    found = asyncio.run(find_colors_and_bodies(site, ASKED, [row(key) for key in CARS]))  # type: ignore[arg-type]
    assert found == {key: searched(color, body) for key, (color, body) in CARS.items()}


def test_a_car_that_is_only_ever_sponsored_has_none() -> None:
    site = CountrySite({"one": (COLORS[0], BODIES[0])}, ["elsewhere"], COLORS[0])  # type: ignore[dict-item]
    wanted = [row("one"), row("elsewhere")]
    found = asyncio.run(find_colors_and_bodies(site, ASKED, wanted))  # type: ignore[arg-type]
    assert found["elsewhere"] == SearchFacts(None, None)
    assert found["one"] == searched(COLORS[0], BODIES[0])  # type: ignore[arg-type]
