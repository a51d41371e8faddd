"""Color and body where robots.txt closes the offers: from searches by each color and each body.

A narrowed search keeps the order of the whole one, newest first. The wanted listings are the first
ones of the whole search, so they come first in each narrowed search too, and a walk ends at the
first page without any of them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from crawlers.sites.autoscout24.pages.listing import Narrowed, Searched
from crawlers.sites.autoscout24.pages.search import Row
from crawlers.sites.autoscout24.pages.slices import Slice, body_slices, color_slices
from crawlers.sites.autoscout24.searches import Searches

Ids = Callable[[Slice], int | None]


async def find_colors_and_bodies(
    searches: Searches, search: Slice, rows: Sequence[Row]
) -> dict[str, Searched]:
    """Listing -> the color and the body whose search shows it; None where no search shows it, or
    several do.

    `rows` are the first rows of `search`, without a gap.
    """
    wanted = {row.id for row in rows}
    colors = await _found_in(searches, color_slices(search), wanted, lambda part: part.color)
    bodies = await _found_in(searches, body_slices(search), wanted, lambda part: part.body)
    words = searches.words
    return {
        key: Searched(
            _narrowed(colors.get(key), words.colors), _narrowed(bodies.get(key), words.bodies)
        )
        for key in wanted
    }


def _narrowed(number: int | None, words: Mapping[int, str]) -> Narrowed | None:
    return None if number is None else Narrowed(number, words[number])


async def _found_in(
    searches: Searches, parts: Sequence[Slice], wanted: Collection[str], number: Ids
) -> dict[str, int | None]:
    found: dict[str, int | None] = {}
    for part in parts if wanted else ():
        async for page in searches.walk(part, await searches.page(part, 1)):
            # A sponsored row stands out of order, and may be shown in any search.
            here = [row.id for row in page.rows if row.id in wanted and not row.sponsored]
            if not here:
                break
            for key in here:
                found[key] = number(part) if found.get(key, number(part)) == number(part) else None
    return found
