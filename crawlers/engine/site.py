"""The record of a web site: what is asked of it, how politely, and what is expected back."""

from dataclasses import dataclass


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
    """The least share of listings that have a field; below it the site has changed."""

    field: str
    least: float
    why: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The largest share of the files or listings of a crawl that may be left out for one reason."""

    reason: str
    most: float
    why: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What a whole crawl of a source brings. Shares are of what the site itself counts.

    Shares count from `judge_from` listings on. A run fails under `least_share` of the results that
    the site counts, under a `Fill`, and over a `Refused`; over `most_photos` a listing it warns.
    """

    least_share: float
    most_photos: int
    why: str
    fills: tuple[Fill, ...]
    refusals: tuple[Refused, ...] = ()
    judge_from: int = 20


@dataclass(frozen=True, slots=True)
class Site:
    """One source on the web; `name` is that of its folder, and of its source in the catalog.

    `title` is what people call it, and `summary` says in a sentence what comes from it. `hosts`
    serve pages and `photo_hosts` photos; nothing else is ever asked. `api` is a path for programs
    with rules of its own, which hold there in place of robots.txt. A run makes at most
    `max_requests`, and takes no photo over `max_photo_bytes`. `page_bytes` and `photo_bytes` are
    about what one takes on its way, for estimates. With `permission` a crawl needs the setting of
    that name, for the reason that `terms` gives; the setting is made from this record.
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
    expected: Expected
    permission: str | None = None
    api: str | None = None
