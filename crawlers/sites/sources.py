"""The web sites that can be crawled, one frozen record each: what is asked of them, how politely,
and what is expected to come back."""

from dataclasses import dataclass

from core.licenses import NOT_KNOWN, NOT_STATED
from core.records import SourceError


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a site is asked: seconds between two requests to a host, and requests to it at a
    time, for its pages and for its photos.

    An answer may take `timeout` seconds, and a site that asks for less without saying how long is
    left alone for `pause` seconds.
    """

    delay: float
    concurrency: int
    photo_delay: float
    photo_concurrency: int
    timeout: float = 60.0
    pause: float = 60.0


@dataclass(frozen=True, slots=True)
class Fill:
    """The least share of listings that have a field; under it the site has changed, or fails."""

    field: str
    least: float
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The largest share of what a crawl met that may be left out for one reason."""

    reason: str
    most: float
    why: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What a whole crawl of a source brings. Shares are of what the site itself counts.

    `judge_from` listings are needed before shares mean anything. Under `least_share` of the stated
    results, or a `Fill`, or over a `Refused`, a run fails; over `most_photos` a listing it warns.
    """

    least_share: float
    most_photos: int
    why: str
    fills: tuple[Fill, ...]
    refusals: tuple[Refused, ...] = ()
    judge_from: int = 20


@dataclass(frozen=True, slots=True)
class Site:
    """One source on the web.

    `hosts` serve pages and `photo_hosts` photos; nothing else is ever asked. `api` is a path that
    is made for programs and has rules of its own, which hold there in place of robots.txt. A run
    makes at most `max_requests`, and takes no photo over `max_photo_bytes`. `page_bytes` and
    `photo_bytes` are about what one takes on its way, for estimates. With `permission` a crawl
    needs the setting of that name, for the reason that `terms` gives.
    """

    name: str
    home: str
    terms: str
    rights: str
    hosts: tuple[str, ...]
    photo_hosts: tuple[str, ...]
    pace: Pace
    max_requests: int
    page_bytes: int
    photo_bytes: int
    max_photo_bytes: int
    expected: Expected
    permission: str | None = None
    api: str | None = None


AUTOSCOUT24 = Site(
    name="autoscout24",
    home="https://www.autoscout24.com",
    terms=(
        "the terms of AutoScout24 forbid automated queries of its database without permission "
        "(dealers' terms 3.3, consumers' terms 8.2), and it sells access by a search API of its own"
    ),
    rights="the sellers' own photos: no license to use them is stated, and none is recorded",
    hosts=tuple(
        f"www.autoscout24.{tld}" for tld in ("de", "at", "it", "nl", "be", "fr", "lu", "com", "es")
    ),
    photo_hosts=("prod.pictures.autoscout24.net",),
    # Reported: 429 after 83 minutes at five requests at a time, and none at one every few seconds.
    pace=Pace(delay=4.0, concurrency=1, photo_delay=1.0, photo_concurrency=1),
    max_requests=20_000,  # a night at the pace above
    page_bytes=150_000,
    photo_bytes=170_000,  # a JPEG of 1280x960
    max_photo_bytes=20_000_000,  # the largest size is 1920x1080: under 2 MB
    expected=Expected(
        least_share=0.9,
        most_photos=60,
        why="a walk misses what is sold while it lasts; dealers may show 50 photos",
        fills=(
            Fill("make", 0.99, "each row of a search states it"),
            Fill("model", 0.95, "each row states it; rare cars are filed under a rest category"),
            Fill("body_type", 0.9, "sellers must choose one of nine; offers of all samples had it"),
            Fill("color", 0.5, "sellers leave it out in one advert of four, of the samples seen"),
            Fill("first_registration", 0.8, "new cars have none, and say so by a word"),
            Fill("mileage_km", 0.8, "each row of the samples seen had it"),
        ),
    ),
    permission="autoscout24_permission",
)

COMMONS = Site(
    name="commons",
    home="https://commons.wikimedia.org",
    terms=(
        "Wikimedia asks for a User-Agent with a contact, at most three requests at a time, and to "
        "obey Retry-After; each file states its own license"
    ),
    rights="each file's own Creative Commons license, parsed and checked",
    hosts=("commons.wikimedia.org",),
    photo_hosts=("upload.wikimedia.org", "thumb.wikimedia.org"),
    # Together at most three at a time; 200 requests a minute are allowed to an honest client, and
    # two at a time to the media hosts.
    pace=Pace(delay=1.0, concurrency=1, photo_delay=0.5, photo_concurrency=1),
    max_requests=20_000,
    page_bytes=25_000,
    photo_bytes=350_000,  # a thumbnail 1280 pixels wide
    max_photo_bytes=60_000_000,
    expected=Expected(
        least_share=0.0,  # categories count drawings, videos and refused licenses too
        most_photos=1,
        why="how many files of a category are photos under a free license differs from 0 to all",
        fills=(
            Fill("creator", 0.6, "14 % of a sample of 78 files named none; old ones more often"),
        ),
        refusals=(
            Refused(NOT_STATED, 0.7, "41 % of the sample had no address of a license, old works"),
            Refused(NOT_KNOWN, 0.2, "3 % of the sample named what is no Creative Commons license"),
        ),
    ),
    # Wikimedia's robots.txt closes all of /w/ to what follows links, and its robot policy has a
    # chapter of rules for programs that ask this API: these are kept.
    api="/w/api.php",
)

SITES = {site.name: site for site in (AUTOSCOUT24, COMMONS)}


def site_named(name: str) -> Site:
    """The record of a source; raises `SourceError` naming those that there are."""
    if name not in SITES:
        raise SourceError(f"there is no web source {name!r}; there are {', '.join(SITES)}")
    return SITES[name]
