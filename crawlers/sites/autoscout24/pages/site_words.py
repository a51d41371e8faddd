"""One country site's words for the ids of colors and bodies, as its own pages give them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crawlers.sites.autoscout24.pages.codes import (
    BODIES,
    BODY_LABELS,
    COLORS,
    LANGUAGES,
    CountrySite,
    body_id,
    color_name,
    color_of_label,
)
from crawlers.sites.autoscout24.pages.search import SearchPage, TaxonomyEntry


@dataclass(frozen=True, slots=True)
class SiteWords:
    """Id -> the kept word, for colors and bodies. `strange` lists labels that are unknown or belong
    to another id elsewhere: "bcol=13 is 'Burdeos', not 'Violett'"."""

    colors: Mapping[int, str]
    bodies: Mapping[int, str]
    strange: tuple[str, ...] = ()


def site_words(site: CountrySite, page: SearchPage) -> SiteWords:
    """The words of a site. A label on its page counts more than the known label of the id. An
    unknown label is kept as it is and reported, and never taken for another site's color."""
    colors = {number: color_name(number, site.language) for number in COLORS}
    colors |= {each.id: color_of_label(each.label, site.language) for each in page.colors}
    bodies = dict(BODIES)
    for each in page.bodies:
        bodies[each.id] = BODIES.get(body_id(each.label, site.language) or 0, each.label)
    strange = (
        *_strange("bcol", page.colors, COLORS, site.language),
        *_strange("body", page.bodies, BODY_LABELS, site.language),
    )
    return SiteWords(colors, bodies, strange)


def _strange(
    name: str,
    labels: tuple[TaxonomyEntry, ...],
    table: Mapping[int, tuple[str, ...]],
    language: str,
) -> Iterator[str]:
    column = LANGUAGES.index(language)
    for number, label in labels:
        known = table[number][column] if number in table else ""
        if label.casefold() != known.casefold():
            yield f"{name}={number} is {label!r}, " + (f"not {known!r}" if known else "not known")
