"""What a crawl is asked, and what came of it; both go between processes as JSON."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from core.licenses import ACCEPTED
from core.text import visible
from crawlers.sites.sources import Pace

Ending = Literal["running", "finished", "limit", "cap", "blocked", "stopped", "died", "failed"]

COMPLETE = ("finished", "limit")
"""Endings of a crawl that did what it was asked; after any other it can be gone on with."""


@dataclass(frozen=True, slots=True)
class CrawlJob:
    """One crawl: `asked` holds what the source's spider takes, such as site, make and model.

    `limit` is the most photos, `per_listing` the most of one listing. A live crawl says who asks by
    `contact`, an address of mail or web. `pace` replaces the site's own on a replica only.
    `permission` says that the operator of a site that wants it has given it.
    """

    source: str
    asked: dict[str, Any]
    limit: int | None = None
    per_listing: int | None = None
    accepted: tuple[str, ...] = ACCEPTED
    contact: str | None = None
    permission: bool = False
    replica: str | None = None
    pace: Pace | None = None
    max_requests: int | None = None
    dry_run: bool = False

    @property
    def key(self) -> str:
        """Hex digits that name what is asked, whoever asks and however much of it is taken; a dry
        run does not go on with a crawl that broke off."""
        how = [self.per_listing, self.accepted, bool(self.replica), self.dry_run]
        what = [self.source, self.asked, *how]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """The job as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "CrawlJob":
        """The job that `to_json` wrote."""
        data = json.loads(text)
        pace = data.pop("pace")
        accepted = tuple(data.pop("accepted"))
        return cls(**data, accepted=accepted, pace=None if pace is None else Pace(**pace))


@dataclass(slots=True)
class CrawlReport:
    """What a run of a crawl did.

    `photos` were fetched now and `known` were there, from a run that broke off too. `bytes` are all
    that came in. `stated` is how many listings the site itself counts. `fill` maps a field to the
    share of listings that have it. `ended` and `why` say why it stopped, `goes_on` what going on
    would do, and `failures` which checks it failed. `estimate` is what a dry run reckoned.
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
        """Whether the crawl did all that it was asked."""
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
