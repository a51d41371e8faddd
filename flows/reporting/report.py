"""RunReport: what every flow returns, keeps in table `runs` and shows in Prefect."""

import json
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from catalog.registered import Registered
from catalog.table import Catalog
from catalog.told import CHANGES, Change
from core.text import counted, visible_json
from flows.reporting.crawl_report import crawl_tables
from flows.reporting.markdown import plain, table
from flows.reporting.review_report import review_tables
from labeling.label import Labeled
from labeling.networks import Asked
from labeling.publish.cars import Differences

EMBEDDING = "while embedding"
"""In the counts of a stage, the photos that were seen to while they were embedded."""

SHOWN = 16
"""So many values of an attribute have a line of their own in a table."""


class Stage(BaseModel):
    """How much one stage did and how long it took.

    `photos` is what it went over, one by one, as the bar shows: in `register` what the source
    holds, photos or not; in `label` and `withdraw` the places where photos were seen; in `train`
    the photos learned from, once for each attribute; else photos. A stage that runs twice adds up.
    """

    photos: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = Field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        """Photos a second, or None if nothing was timed; what an earlier stage did for this one
        took no time here."""
        photos = self.photos - self.counts.get(EMBEDDING, 0)
        return photos / self.seconds if photos and self.seconds else None


class NetworkCount(BaseModel):
    """How many statements that the run added say a value, and how many of them are sure enough for
    a label."""

    said: int = 0
    labeled: int = 0


class Differing(BaseModel):
    """Of how many photos a network that is sure contradicts the sources, or sources each other."""

    networks: int = 0
    sources: int = 0


class RunReport(BaseModel):
    """One run of a flow: what it was given, what it did, what it left out and why.

    What is counted as new is what this run itself added, whoever else writes at the same moment
    and however often it was tried: `new` photos are rows of `images`, `newly_rejected` of
    `rejects`, and `statements`, by origin, of `assertions`; `labels` are those of sources by
    attribute. Beside them, `seen` is the sum of `new`, `again`, `known` and all that is `rejected`.
    `network_labels` tell of the versions of networks that are in use at the end; what those said
    that were replaced meanwhile is `superseded`.
    """

    model_config = ConfigDict(validate_assignment=True)

    run_id: str
    flow: str
    status: Literal["running", "done", "failed"] = "running"
    started_at: datetime
    finished_at: datetime | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    seen: int = 0
    new: int = 0
    again: int = 0
    known: int = 0
    changed: int = 0
    rejected: dict[str, int] = Field(default_factory=dict)
    newly_rejected: int = 0
    notices: dict[str, int] = Field(default_factory=dict)
    examples: dict[str, str] = Field(default_factory=dict)
    facts: dict[str, dict[str, int]] = Field(default_factory=dict)
    unknown_words: dict[str, int] = Field(default_factory=dict)
    ambiguous_names: dict[str, int] = Field(default_factory=dict)
    labels: dict[str, int] = Field(default_factory=dict)
    statements: dict[str, int] = Field(default_factory=dict)
    superseded: int = 0
    network_labels: dict[str, dict[str, NetworkCount]] = Field(default_factory=dict)
    confidences: dict[str, list[int]] = Field(default_factory=dict)
    disagreements: dict[str, Differing] = Field(default_factory=dict)
    heads: list[dict[str, Any]] = Field(default_factory=list)
    quality: list[dict[str, Any]] = Field(default_factory=list)
    value_quality: list[dict[str, Any]] = Field(default_factory=list)
    confusions: list[dict[str, Any]] = Field(default_factory=list)
    stages: dict[str, Stage] = Field(default_factory=dict)
    models: dict[str, str] = Field(default_factory=dict)
    published: dict[str, int] = Field(default_factory=dict)
    messages: list[str] = Field(default_factory=list)
    crawl: dict[str, Any] | None = None
    review: dict[str, Any] | None = None
    answer: dict[str, Any] | None = None
    sheet: str | None = None
    error: str | None = None
    versions_before: dict[str, int] = Field(default_factory=dict)
    versions_after: dict[str, int] = Field(default_factory=dict)
    _asked: list[Asked] = PrivateAttr(default_factory=list)

    @property
    def good(self) -> int:
        """Photos that are in the catalog after this run: new, seen again, or known."""
        return self.new + self.again + self.known

    def add_registered(self, done: Registered) -> None:
        """Count what came of a source's records."""
        for name in ("seen", "new", "again", "known", "changed", "newly_rejected"):
            setattr(self, name, getattr(self, name) + getattr(done, name))
        self.rejected = dict(Counter(self.rejected) + done.rejected)
        self.notices = dict(Counter(self.notices) + done.notices)
        self.examples = done.examples | self.examples
        self.add_facts(done.facts)

    def add_facts(self, done: Mapping[tuple[str, Change], int]) -> None:
        """Count what became of facts at places that were known, by the fact's name."""
        for (name, change), count in sorted(done.items()):
            counts = self.facts.setdefault(name, {})
            counts[change] = counts.get(change, 0) + count

    def add_labels(self, done: Labeled) -> None:
        """Count what sources said."""
        self.unknown_words = dict(Counter(self.unknown_words) + done.unknown)
        self.ambiguous_names = dict(Counter(self.ambiguous_names) + done.ambiguous)
        self.labels = dict(Counter(self.labels) + done.assertions)
        self.add_statements("source", done.assertions.total())

    def add_statements(self, origin: str, count: int) -> None:
        """Count rows that were added to `assertions`."""
        if count:
            self.statements[origin] = self.statements.get(origin, 0) + count

    def add_networks(self, asked: Asked, in_use: Mapping[str, str]) -> None:
        """Count what networks said in a part of the run; `in_use` is each one's version."""
        self.add_statements("model", asked.statements.total())
        self._asked.append(asked)
        self.network_labels, self.confidences, self.superseded = {}, {}, 0
        for part in self._asked:
            old = {by for by, version in part.versions.items() if in_use.get(by) != version}
            self.superseded += sum(part.statements[by] for by in old)
            self._count_said(part, old)

    def _count_said(self, asked: Asked, without: Collection[str]) -> None:
        for (by, attribute, value), said in asked.said.items():
            if by in without:
                continue
            name = f"{by}: {attribute}"
            count = self.network_labels.setdefault(name, {}).setdefault(value, NetworkCount())
            count.said += said
            count.labeled += asked.passed[by, attribute, value]
        for (by, attribute), bins in asked.confidences.items():
            if by not in without:
                name = f"{by}: {attribute}"
                held = self.confidences.get(name, [0] * len(bins))
                self.confidences[name] = [a + b for a, b in zip(held, bins, strict=True)]

    def add_differences(self, found: Differences) -> None:
        """Count where networks and sources differ, of photos whose labels were refreshed."""
        for name in sorted({*+found.networks, *+found.sources}):
            self.disagreements[name] = Differing(
                networks=found.networks[name], sources=found.sources[name]
            )

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values, with each stage's rate."""
        data: dict[str, Any] = self.model_dump(mode="json")
        for name, stage in self.stages.items():
            rate = stage.rate
            data["stages"][name]["photos_per_second"] = None if rate is None else round(rate, 2)
        return data

    def summary(self) -> str:
        """What came of the run, in one line."""
        parts = []
        if self.crawl and not self.crawl["estimate"]:
            parts.append(counted(self.crawl["listings"], "listing"))
        if self.review:
            parts.append(counted(self.review["new"], "new decision"))
        if self.seen:
            parts.append(f"{self.new:,} new of {self.seen:,} seen")
        if self.rejected:
            parts.append(f"{sum(self.rejected.values()):,} rejected")
        if self.unknown_words:
            parts.append(counted(len(self.unknown_words), "unknown word"))
        if self.published:
            parts.append(f"{counted(self.published['photos'], 'photo')} can be searched now")
        if self.answer is not None:
            parts.append(f"{counted(len(self.answer['hits']), 'photo')} found")
        state: str = self.status
        if self.finished_at is not None:
            state += f" in {_duration((self.finished_at - self.started_at).total_seconds())}"
        return ": ".join(filter(None, (self.flow, state, ", ".join(parts))))

    def to_markdown(self) -> str:
        """The report for Prefect's page: what came of it first, then what needs a person, then
        the numbers."""
        lines = [f"# {plain(self.summary())}", ""]
        if self.error:
            lines += [f"**{plain(self.error)}**", ""]
        lines += [f"> {plain(message)}\n" for message in self.messages]
        for title, rows in self.tables().items():
            lines += [f"## {title}", "", *table(rows), ""]
        facts = {
            "run": self.run_id,
            "began": f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC",
            **{f"asked: {name}": _words(value) for name, value in self.parameters.items()},
            **{f"model of {space}": version for space, version in self.models.items()},
            "contact sheet": self.sheet,
        }
        shown = [{"": name, "value": value} for name, value in facts.items() if value]
        return "\n".join([*lines, "## This run", "", *table(shown)])

    def _photo_rows(self) -> list[dict[str, Any]]:
        counts = {
            "seen": self.seen,
            "new": self.new,
            "known bytes at a new place": self.again,
            "already known": self.known,
            "facts changed": self.changed,
            "rejected": sum(self.rejected.values()),
            "rejected for the first time": self.newly_rejected,
        }
        return [
            {"": name, "photos": value}
            for name, value in counts.items()
            if self.seen and (value or name in {"seen", "new"})
        ]

    def tables(self) -> dict[str, list[dict[str, Any]]]:
        """The parts of the report as tables, those without rows left out."""
        every = {
            "Photos": self._photo_rows(),
            "Facts of known photos": _fact_rows(self.facts),
            "Rejected": _counted("reason", self.rejected, self.examples),
            "Noticed": _counted("what", self.notices, self.examples),
            "Unknown words": _counted("word", self.unknown_words, {}),
            "Ambiguous names": _counted("name", self.ambiguous_names, {}),
            "Labels from sources": _counted("attribute", self.labels, {}),
            "Heads": self.heads,
            "Quality": self.quality,
            "Quality by value": self.value_quality,
            "Confusions": self.confusions,
            "Labels from networks": _network_rows(self.network_labels),
            "Disagreements": [
                {
                    "attribute": name,
                    "network against source": each.networks,
                    "source against source": each.sources,
                }
                for name, each in self.disagreements.items()
            ],
            "Stages": [
                {
                    "stage": name,
                    "photos": stage.photos,
                    "seconds": round(stage.seconds, 2),
                    "photos/s": "" if stage.rate is None else round(stage.rate, 1),
                }
                for name, stage in self.stages.items()
            ],
        }
        if self.crawl and self.crawl["estimate"]:
            return crawl_tables(self.crawl, registered=False)
        crawl = {} if self.crawl is None else crawl_tables(self.crawl, registered=bool(self.seen))
        review = {} if self.review is None else review_tables(self.review)
        return crawl | review | {title: rows for title, rows in every.items() if rows}


def new_report(flow: str, run_id: str, parameters: Mapping[str, Any]) -> RunReport:
    """A report that begins now."""
    given = {name: value for name, value in parameters.items() if value is not None}
    return RunReport(run_id=run_id, flow=flow, started_at=datetime.now(UTC), parameters=given)


def store_report(catalog: Catalog, report: RunReport) -> None:
    """Write the report to table `runs`, over what an earlier state of the run wrote there."""
    row = {
        "run_id": report.run_id,
        "flow": report.flow,
        "status": report.status,
        "started_at": report.started_at,
        "finished_at": report.finished_at,
        # A byte of a folder's name that is no character is text to Python alone.
        "report": visible_json(json.dumps(report.to_dict(), ensure_ascii=False)),
    }
    catalog.upsert("runs", pa.Table.from_pylist([row], catalog.specs["runs"].schema))


def _counted(
    name: str, counts: Mapping[str, int], examples: Mapping[str, str]
) -> list[dict[str, Any]]:
    rows = []
    for text, count in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        row: dict[str, Any] = {name: text, "count": count}
        if examples:
            row["for example"] = examples.get(text, "")
        rows.append(row)
    return rows


def _fact_rows(facts: Mapping[str, Mapping[str, int]]) -> list[dict[str, Any]]:
    return [
        {"fact": name, **{change: counts.get(change, 0) for change in CHANGES}}
        for name, counts in facts.items()
    ]


def _network_rows(counts: Mapping[str, Mapping[str, NetworkCount]]) -> list[dict[str, Any]]:
    """The values that networks said most often, of each labeler and attribute."""
    rows = []
    for name, values in counts.items():
        ranked = sorted(values.items(), key=lambda item: (-item[1].said, item[0]))
        for value, count in ranked[:SHOWN]:
            sure = {"said": count.said, "sure enough": count.labeled}
            rows.append({"who": name, "value": value, **sure})
        if rest := ranked[SHOWN:]:
            sure = {
                "said": sum(count.said for _, count in rest),
                "sure enough": sum(count.labeled for _, count in rest),
            }
            rows.append({"who": name, "value": f"{len(rest)} others", **sure})
    return rows


def _words(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
