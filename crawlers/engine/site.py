"""The record of a web site: its hosts, its terms, its pace, and the expected result of a crawl."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a site is crawled: seconds between two requests to a host, and the most requests to
    it at a time, for its pages and for its photos.

    An answer may take `timeout` seconds. A site that wants fewer requests and does not say for how
    long gets none for `pause` seconds.
    """

    delay: float
    concurrency: int
    photo_delay: float
    photo_concurrency: int
    timeout: float = 60.0
    pause: float = 60.0


@dataclass(frozen=True, slots=True)
class FillRate:
    """The least share of listings that have a field; below it the site has changed."""

    field: str
    least: float
    why: str


@dataclass(frozen=True, slots=True)
class RefusalLimit:
    """The largest share of the files or listings of a crawl that may be left out for one reason."""

    reason: str
    most: float
    why: str


@dataclass(frozen=True, slots=True)
class Expectations:
    """The expected result of a whole crawl of a source.

    A run fails if it has less than `least_share` of the listings that the site itself counts, less
    than a `FillRate` or more than a `RefusalLimit`. It warns of more than `most_photos` a listing.
    Shares count from `judge_from` on: of what the site counts for `least_share`, of the listings
    for a `FillRate` and the photos, of listings and refusals together for a `RefusalLimit`.
    """

    least_share: float
    most_photos: int
    why: str
    fills: tuple[FillRate, ...]
    refusals: tuple[RefusalLimit, ...] = ()
    judge_from: int = 20


@dataclass(frozen=True, slots=True)
class Site:
    """One source on the web; its folder and its source in the catalog have the same `name`.

    `title` is what people call it, and `summary` says in a sentence what comes from it. `hosts`
    serve pages and `photo_hosts` photos; no other host gets a request. `api` is a path for programs
    that has rules of its own in place of robots.txt. A run makes at most `max_requests`, and takes
    no photo over `max_photo_bytes`. `page_bytes` and `photo_bytes` are typical sizes, for
    estimates. With `permission` a crawl needs the setting of that name, for the reason in `terms`;
    the setting is made from this record.
    """

    name: str
    title: str
    summary: str
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
    expected: Expectations
    permission: str | None = None
    api: str | None = None
