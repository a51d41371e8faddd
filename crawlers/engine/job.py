"""The job of a crawl and its report; both go between processes as JSON."""

import hashlib
import json
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

from core.text import visible
from crawlers.engine.query import SiteQuery
from crawlers.engine.registry import load_query
from crawlers.engine.site import Pace

Ending = Literal["running", "finished", "limit", "cap", "blocked", "stopped", "died", "failed"]

COMPLETE = ("finished", "limit")
"""Endings of a crawl that did all of its job; after any other it can be resumed."""


@dataclass(frozen=True, slots=True)
class CrawlJob:
    """One crawl of the site `source`, which is asked for `query`.

    `limit` is the most photos. On the web `contact`, an address of mail or web, tells the site who
    asks. `pace` replaces the site's own, on a replica only. `permission` says that the site's
    operator has given the permission that its terms want.
    """

    source: str
    query: SiteQuery
    limit: int | None = None
    contact: str | None = None
    permission: bool = False
    replica: str | None = None
    pace: Pace | None = None
    max_requests: int | None = None
    dry_run: bool = False

    @property
    def per_listing(self) -> int | None:
        """The most photos of one listing, if the site's query has such a limit."""
        most: int | None = getattr(self.query, "per_listing", None)
        return most

    @property
    def key(self) -> str:
        """Hex digits that name what is asked for. They depend neither on `limit` nor on `contact`:
        a job with others resumes an interrupted crawl. A dry run has a key of its own."""
        fields_given, *apart = self.query.key()
        what = [self.source, fields_given, *apart, bool(self.replica), self.dry_run]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """The job as one line."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        query = self.query.model_dump(mode="json")
        return json.dumps(values | {"query": query, "pace": self.pace and asdict(self.pace)})

    @classmethod
    def from_json(cls, text: str) -> "CrawlJob":
        """The job that `to_json` wrote."""
        data = json.loads(text)
        pace, query = data.pop("pace"), data.pop("query")
        model = load_query(data["source"])
        return cls(**data, query=model(**query), pace=None if pace is None else Pace(**pace))


@dataclass(slots=True)
class CrawlReport:
    """The result of a run of a crawl.

    `photos` were fetched now; `known` were stored before, perhaps by an interrupted run. `bytes`
    is all that came in. `stated` is how many listings the site itself counts. `fill` maps a field
    to the share of listings that have it. `ended` and `why` say why it stopped, `goes_on` how to go
    on, and `failures` which checks it failed. `estimate` is what a dry run found.
    """

    source: str
    crawl_id: str
    started_at: str
    finished_at: str | None = None
    requests: int = 0
    listings: int = 0
    fresh: int = 0
    changed: int = 0
    gone: int = 0
    photos: int = 0
    known: int = 0
    bytes: int = 0
    stated: int | None = None
    drops: dict[str, int] = field(default_factory=dict)
    examples: dict[str, str] = field(default_factory=dict)
    notices: dict[str, int] = field(default_factory=dict)
    statuses: dict[str, int] = field(default_factory=dict)
    fill: dict[str, float] = field(default_factory=dict)
    ended: Ending = "running"
    why: str = ""
    goes_on: str | None = None
    warnings: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    estimate: dict[str, float] | None = None

    @property
    def complete(self) -> bool:
        """Whether the crawl did all that it was asked for."""
        return self.ended in COMPLETE

    def count_drop(self, reason: str, example: str) -> None:
        """Count something that was left out, and keep the first example of each reason."""
        reason = visible(reason)
        self.drops[reason] = self.drops.get(reason, 0) + 1
        self.examples.setdefault(reason, visible(example))

    def count_notice(self, text: str, example: str) -> None:
        """Count something worth telling that loses no photo."""
        text = visible(text)
        self.notices[text] = self.notices.get(text, 0) + 1
        self.examples.setdefault(text, visible(example))

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return asdict(self)

    def to_json(self) -> str:
        """The report as one line."""
        return json.dumps(self.to_dict())

    @classmethod
    def from_json(cls, text: str) -> "CrawlReport":
        """The report that `to_json` wrote."""
        return cls(**json.loads(text))
