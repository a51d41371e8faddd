"""Color and body if robots.txt closes the offers: from searches by each color and each body.

A narrowed search keeps the order of the whole one, newest first. The wanted listings are the first
ones of the whole search, so they come first in each narrowed search too, and a walk ends at the
first page without any of them.
"""

from collections.abc import Collection, Sequence

from crawlers.sites.autoscout24.pages.codes import BODIES, COLORS
from crawlers.sites.autoscout24.pages.listing import FilterValue, SearchFacts
from crawlers.sites.autoscout24.pages.search import Row
from crawlers.sites.autoscout24.pages.slices import Slice, body_slices, color_slices
from crawlers.sites.autoscout24.searches import Searches


async def find_colors_and_bodies(
    searches: Searches, search: Slice, rows: Sequence[Row]
) -> dict[str, SearchFacts]:
    """Listing -> the color and the body whose search shows it; None if no search shows it, or
    several do.

    `rows` are the first rows of `search`, without a gap.
    """
    wanted = {row.id for row in rows}
    words = searches.words
    colors = [FilterValue(number, words.colors[number]) for number in COLORS]
    bodies = [FilterValue(number, words.bodies[number]) for number in BODIES]
    by_color = await _found_in(searches, color_slices(search), colors, wanted)
    by_body = await _found_in(searches, body_slices(search), bodies, wanted)
    return {key: SearchFacts(by_color.get(key), by_body.get(key)) for key in wanted}


async def _found_in(
    searches: Searches,
    parts: Sequence[Slice],
    narrowed_to: Sequence[FilterValue],
    wanted: Collection[str],
) -> dict[str, FilterValue | None]:
    found: dict[str, FilterValue | None] = {}
    for part, narrowed in zip(parts, narrowed_to, strict=True) if wanted else ():
        async for page in searches.walk(part, await searches.page(part, 1)):
            # A sponsored row is out of order, and may be shown in any search.
            here = [row.id for row in page.rows if row.id in wanted and not row.sponsored]
            if not here:
                break
            for key in here:
                found[key] = narrowed if found.get(key, narrowed) == narrowed else None
    return found
