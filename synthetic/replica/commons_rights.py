"""The rights and authors of the replica's Commons files, in the forms of real answers: some that a
parser must read, and some that it must refuse."""

from dataclasses import dataclass
from urllib.parse import quote

CC = "https://creativecommons.org/licenses/"


@dataclass(frozen=True, slots=True)
class Rights:
    """A license as worded in `extmetadata`, and how many of 80 files have it.

    `slug` is absent if Commons cannot name the license and for all nc and nd licenses; `url` is
    absent if a template has none.
    """

    count: int
    short: str
    terms: str
    slug: str | None = None
    url: str | None = None


_BY, _SA = "Creative Commons Attribution", "Creative Commons Attribution-Share Alike"
_CC0_URL = "http://creativecommons.org/publicdomain/zero/1.0/deed.en"

LICENSE_FIELDS = (
    Rights(26, "CC BY-SA 4.0", f"{_SA} 4.0", "cc-by-sa-4.0", CC + "by-sa/4.0"),
    Rights(11, "CC0", "Creative Commons Zero, Public Domain Dedication", "cc0", _CC0_URL),
    Rights(9, "CC BY 4.0", f"{_BY} 4.0", "cc-by-4.0", CC + "by/4.0"),
    Rights(6, "CC BY-SA 3.0", f"{_SA} 3.0", "cc-by-sa-3.0", CC + "by-sa/3.0"),
    Rights(3, "CC BY-SA 3.0 de", f"{_SA} 3.0 de", "cc-by-sa-3.0-de", CC + "by-sa/3.0/de/deed.en"),
    Rights(1, "CC BY-SA 3.0 es", f"{_SA} 3.0 es", "cc-by-sa-3.0-es", CC + "by-sa/3.0/es/deed.en"),
    Rights(4, "CC BY 2.0", f"{_BY} 2.0", "cc-by-2.0", CC + "by/2.0"),
    Rights(4, "CC BY-SA 2.0", f"{_SA} 2.0", "cc-by-sa-2.0", CC + "by-sa/2.0"),
    Rights(8, "Public domain", "Public domain", "pd"),
    Rights(
        2, "No restrictions", "No known copyright restrictions",
        url="https://www.flickr.com/commons/usage/",
    ),
    Rights(2, "CC BY-NC 2.0", f"{_BY}-NonCommercial 2.0", url=CC + "by-nc/2.0"),
    Rights(1, "CC BY-NC-SA 4.0", f"{_BY}-NonCommercial-ShareAlike 4.0", url=CC + "by-nc-sa/4.0"),
    Rights(1, "CC BY-ND 4.0", f"{_BY}-NoDerivatives 4.0", url=CC + "by-nd/4.0"),
    # A version that exists only with a port, and a license that is not Creative Commons.
    Rights(1, "CC BY 2.1", f"{_BY} 2.1", "cc-by-2.1", CC + "by/2.1"),
    Rights(
        1, "GFDL", "GNU Free Documentation License", "gfdl", "http://www.gnu.org/copyleft/fdl.html"
    ),
)  # fmt: skip
"""The shares are about those of 78 real records, with more ported and older licenses (car photos
have more of them), and with some licenses that a crawler must refuse."""

RIGHTS_DECK = tuple(rights for rights in LICENSE_FIELDS for _ in range(rights.count))

CREATORS = (
    "Anna Marin", "Piotr Wolny", "K. Sato", "Inês Duarte", "T. Okoro", "Lena Brandt",
    "Märta Åkesson", "Jo O'Dea",
)  # fmt: skip

ARTIST_DECK = (
    *("user",) * 10, *("plain",) * 10, *("absolute",) * 3, *("redlink",) * 3, *("partial",) * 2,
    *("div",) * 2, "bdi", *("absent",) * 5,
)  # fmt: skip
"""The forms of `Artist`, with about the shares of real records."""


def artist(form: str, name: str) -> str | None:
    """The `Artist` value with a person's name in one of the forms; None if it is absent."""
    user = quote(name.replace(" ", "_"), safe="")
    page = f"//commons.wikimedia.org/wiki/User:{user}"
    shown = name.replace("'", "&#039;")
    forms = {
        "plain": shown,
        "div": f'<div class="fn value">\n{shown}</div>',
        "user": f'<a href="{page}" title="User:{shown}">{shown}</a>',
        "redlink": (
            f'<a href="//commons.wikimedia.org/w/index.php?title=User:{user}&amp;action=edit'
            f'&amp;redlink=1" class="new" title="User:{shown} (page does not exist)">{shown}</a>'
        ),
        "absolute": _outside(user, shown),
        "partial": f"{_outside(user, f'{shown} &amp; friends')} from Turin",
        "bdi": (
            f'<bdi><a href="https://en.wikipedia.org/wiki/en:{user}" class="extiw" '
            f'title="w:en:{shown}">{shown}</a>\n</bdi>'
        ),
    }
    return forms.get(form)


def _outside(user: str, shown: str) -> str:
    address = f"https://www.flickr.com/people/{user}"
    return f'<a rel="nofollow" class="external text" href="{address}">{shown}</a>'
