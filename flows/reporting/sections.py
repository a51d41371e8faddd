"""The sections of a run's report: their fields, how flows fill them, and their tables.

A section is a model with its own tables. The JSON of a report is flat: every field of every
section, empty where the flow does not fill it.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from catalog.facts import FACT_CHANGES, FactChange
from catalog.registration_counts import RegistrationCounts
from core.text import counted
from flows.reporting.crawl_report import counted_rows, crawl_tables
from flows.reporting.review_report import review_tables
from labeling.label import LabelCounts
from labeling.networks import PredictionCounts
from labeling.publish.cars import DisagreementCounts

Tables = dict[str, list[dict[str, Any]]]
"""Title -> rows, each a column's name -> its value."""

WHILE_EMBEDDING = "while embedding"
"""Key in the counts of a stage: photos that it handled while they were embedded."""

VALUES_SHOWN = 16
"""Values of an attribute that get a row of their own in a table; the rest share one."""


def rounded(value: float | None, digits: int = 3) -> str:
    """A number for a table, empty where there is none."""
    return "" if value is None else f"{value:.{digits}f}"


class Section(BaseModel):
    """A part of a report, with `_tables` of its own."""

    model_config = ConfigDict(validate_assignment=True)

    def tables(self) -> Tables:
        """The tables of all sections that have rows, in the order of the sections."""
        found: Tables = {}
        for kind in type(self).__mro__:
            if issubclass(kind, Section) and "_tables" in vars(kind):
                found |= kind._tables(self)
        return {title: rows for title, rows in found.items() if rows}

    def _tables(self) -> Tables:
        return {}


class Stage(BaseModel):
    """How much one stage did and how long it took.

    `photos` is what the bar counts: in `register` all records of the source; in `label` and
    `withdraw` the places where photos were seen; in `train` the photos learned from, once for each
    attribute; else photos. A stage that runs twice adds up.
    """

    photos: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = Field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        """Photos a second, or None if nothing was timed; photos that an earlier stage handled for
        this one do not count."""
        photos = self.photos - self.counts.get(WHILE_EMBEDDING, 0)
        return photos / self.seconds if photos and self.seconds else None


class NetworkCount(BaseModel):
    """How many statements that the run added say a value, and how many of them are sure enough for
    a label."""

    said: int = 0
    labeled: int = 0


class DisagreementCount(BaseModel):
    """Of how many photos a network that is sure contradicts the sources, or sources each other."""

    networks: int = 0
    sources: int = 0


class StageTimes(Section):
    """How far each stage came and how long it took; every flow with stages adds them."""

    stages: dict[str, Stage] = Field(default_factory=dict)

    def _tables(self) -> Tables:
        rows = [
            {
                "stage": name,
                "photos": stage.photos,
                "seconds": round(stage.seconds, 2),
                "photos/s": "" if stage.rate is None else round(stage.rate, 1),
            }
            for name, stage in self.stages.items()
        ]
        return {"Stages": rows}


class Statements(Section):
    """Rows that the run added to `assertions`, by origin."""

    statements: dict[str, int] = Field(default_factory=dict)

    def add_statements(self, origin: str, count: int) -> None:
        """Count rows that were added to `assertions`."""
        if count:
            self.statements[origin] = self.statements.get(origin, 0) + count


class NetworkLabels(Statements):
    """Statements of networks: `network_labels` of the versions in use at the end; `superseded`
    counts those of versions that were replaced meanwhile."""

    superseded: int = 0
    network_labels: dict[str, dict[str, NetworkCount]] = Field(default_factory=dict)
    confidences: dict[str, list[int]] = Field(default_factory=dict)
    disagreements: dict[str, DisagreementCount] = Field(default_factory=dict)
    _asked: list[PredictionCounts] = PrivateAttr(default_factory=list)

    def add_networks(self, asked: PredictionCounts, in_use: Mapping[str, str]) -> None:
        """Count what networks said in a part of the run; `in_use` is each one's version."""
        self.add_statements("model", asked.statements.total())
        self._asked.append(asked)
        self.network_labels, self.confidences, self.superseded = {}, {}, 0
        for part in self._asked:
            old = {by for by, version in part.versions.items() if in_use.get(by) != version}
            self.superseded += sum(part.statements[by] for by in old)
            for (by, attribute, value), said in part.said.items():
                if by not in old:
                    values = self.network_labels.setdefault(f"{by}: {attribute}", {})
                    count = values.setdefault(value, NetworkCount())
                    count.said += said
                    count.labeled += part.passed[by, attribute, value]
            for (by, attribute), bins in part.confidences.items():
                if by not in old:
                    name = f"{by}: {attribute}"
                    held = self.confidences.get(name, [0] * len(bins))
                    self.confidences[name] = [a + b for a, b in zip(held, bins, strict=True)]

    def add_differences(self, found: DisagreementCounts) -> None:
        """Count where networks and sources differ, of photos whose labels were refreshed."""
        for name in sorted({*+found.networks, *+found.sources}):
            self.disagreements[name] = DisagreementCount(
                networks=found.networks[name], sources=found.sources[name]
            )

    def _tables(self) -> Tables:
        differing = [
            {
                "attribute": name,
                "network against source": each.networks,
                "source against source": each.sources,
            }
            for name, each in self.disagreements.items()
        ]
        return {
            "Labels from networks": _network_rows(self.network_labels),
            "Disagreements": differing,
        }


class Measurements(Section):
    """Heads and spaces that were trained, and labels measured against what people decided, as table
    rows."""

    heads: list[dict[str, Any]] = Field(default_factory=list)
    epochs: list[dict[str, Any]] = Field(default_factory=list)
    retrieval: list[dict[str, Any]] = Field(default_factory=list)
    quality: list[dict[str, Any]] = Field(default_factory=list)
    value_quality: list[dict[str, Any]] = Field(default_factory=list)
    confusions: list[dict[str, Any]] = Field(default_factory=list)

    def _tables(self) -> Tables:
        return {
            "Heads": self.heads,
            "Epochs": self.epochs,
            "Retrieval": self.retrieval,
            "Quality": self.quality,
            "Quality by value": self.value_quality,
            "Confusions": self.confusions,
        }


class SourceLabels(Statements):
    """The statements of sources: labels by attribute, and words that the vocabulary lacks."""

    unknown_words: dict[str, int] = Field(default_factory=dict)
    ambiguous_names: dict[str, int] = Field(default_factory=dict)
    labels: dict[str, int] = Field(default_factory=dict)

    def add_labels(self, done: LabelCounts) -> None:
        """Count what sources said."""
        self.unknown_words = dict(Counter(self.unknown_words) + done.unknown)
        self.ambiguous_names = dict(Counter(self.ambiguous_names) + done.ambiguous)
        self.labels = dict(Counter(self.labels) + done.assertions)
        self.add_statements("source", done.assertions.total())

    def _tables(self) -> Tables:
        return {
            "Unknown words": counted_rows("word", self.unknown_words),
            "Ambiguous names": counted_rows("name", self.ambiguous_names),
            "Labels from sources": counted_rows("attribute", self.labels),
        }


class PhotoCounts(Section):
    """Counts of a source's records: `seen` is the sum of `new`, `again`, `known` and all counts of
    `rejected`."""

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

    @property
    def good(self) -> int:
        """Photos that are in the catalog after this run: new, seen again, or known."""
        return self.new + self.again + self.known

    def add_registered(self, done: RegistrationCounts) -> None:
        """Count the results of registering a source's records."""
        for name in ("seen", "new", "again", "known", "changed", "newly_rejected"):
            setattr(self, name, getattr(self, name) + getattr(done, name))
        self.rejected = dict(Counter(self.rejected) + done.rejected)
        self.notices = dict(Counter(self.notices) + done.notices)
        self.examples = done.examples | self.examples
        self.add_facts(done.facts)

    def add_facts(self, done: Mapping[tuple[str, FactChange], int]) -> None:
        """Count what became of facts at places that were known, by the fact's name."""
        for (name, change), count in sorted(done.items()):
            counts = self.facts.setdefault(name, {})
            counts[change] = counts.get(change, 0) + count

    def _tables(self) -> Tables:
        counts = {
            "seen": self.seen,
            "new": self.new,
            "known bytes at a new place": self.again,
            "already known": self.known,
            "facts changed": self.changed,
            "rejected": sum(self.rejected.values()),
            "rejected for the first time": self.newly_rejected,
        }
        photos = [
            {"": name, "photos": value}
            for name, value in counts.items()
            if self.seen and (value or name in {"seen", "new"})
        ]
        facts = [
            {"fact": name, **{change: changed.get(change, 0) for change in FACT_CHANGES}}
            for name, changed in self.facts.items()
        ]
        examples = self.examples or None
        return {
            "Photos": photos,
            "Facts of known photos": facts,
            "Rejected": counted_rows("reason", self.rejected, examples),
            "Noticed": counted_rows("what", self.notices, examples),
        }


class ReviewResult(Section):
    """An import of decisions of people, as `Imported.to_dict` gives it."""

    review: dict[str, Any] | None = None

    def _tables(self) -> Tables:
        return {} if self.review is None else review_tables(self.review)


class CrawlResult(PhotoCounts):
    """A crawl, as `CrawlReport.to_dict` gives it."""

    crawl: dict[str, Any] | None = None

    def _tables(self) -> Tables:
        if self.crawl is None:
            return {}
        return crawl_tables(self.crawl, registered=bool(self.seen))

    def tables(self) -> Tables:
        """The tables of all sections; of a dry run its estimate alone."""
        if self.crawl and self.crawl["estimate"]:
            return self._tables()
        return super().tables()


def _network_rows(counts: Mapping[str, Mapping[str, NetworkCount]]) -> list[dict[str, Any]]:
    """The values that networks said most often, of each labeler and attribute."""
    rows = []
    for name, values in counts.items():
        ranked = sorted(values.items(), key=lambda item: (-item[1].said, item[0]))
        for value, count in ranked[:VALUES_SHOWN]:
            sure = {"said": count.said, "sure enough": count.labeled}
            rows.append({"who": name, "value": value, **sure})
        if rest := ranked[VALUES_SHOWN:]:
            sure = {
                "said": sum(count.said for _, count in rest),
                "sure enough": sum(count.labeled for _, count in rest),
            }
            rows.append({"who": name, "value": counted(len(rest), "other"), **sure})
    return rows
