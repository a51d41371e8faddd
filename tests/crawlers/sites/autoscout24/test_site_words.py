"""The words of a site for the ids by which searches are narrowed."""

from typing import Any

import pytest

from crawlers.sites.autoscout24.pages.codes import BODIES, COLORS, COUNTRY_SITES
from crawlers.sites.autoscout24.pages.paths import reduce_search
from crawlers.sites.autoscout24.pages.search import SearchPage, TaxonomyEntry, parse_search
from crawlers.sites.autoscout24.pages.site_words import site_words
from crawlers.sites.autoscout24.pages.slices import Slice


def _page(*colors: TaxonomyEntry, bodies: tuple[TaxonomyEntry, ...] = ()) -> SearchPage:
    return SearchPage((), (), 0, 1, colors=colors, bodies=bodies)


def test_a_real_page_says_what_is_known(real_search: dict[str, Any]) -> None:
    search = Slice(COUNTRY_SITES["de"], "bmw", model="320")
    words = site_words(COUNTRY_SITES["de"], parse_search(reduce_search(real_search), search=search))
    assert words.colors == {number: labels[0] for number, labels in COLORS.items()}
    assert words.bodies == BODIES
    assert words.strange == ()


@pytest.mark.parametrize("name", COUNTRY_SITES)
def test_a_page_without_labels_is_read_by_the_table_of_its_language(name: str) -> None:
    words = site_words(COUNTRY_SITES[name], _page())
    assert words.colors[13] == ("Burgundy" if name == "es" else "Violet")
    assert words.bodies == BODIES


def test_the_label_of_the_page_goes_before_what_is_known_of_the_number() -> None:
    """Where a site gives a number to another color it is not taken for the one elsewhere."""
    page = _page(
        TaxonomyEntry(13, "Rot"), TaxonomyEntry(17, "Rosa"), bodies=(TaxonomyEntry(5, "Limousine"),)
    )
    words = site_words(COUNTRY_SITES["de"], page)
    assert (words.colors[13], words.colors[17], words.colors[10]) == ("Red", "Rosa", "Red")
    assert words.bodies[5] == "Limousine"
    assert words.strange == (
        "bcol=13 is 'Rot', not 'Violett'",
        "bcol=17 is 'Rosa', not known",
        "body=5 is 'Limousine', not 'Kombi'",
    )
