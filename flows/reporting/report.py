"""RunReport: what every flow returns, keeps in table `runs` and shows in Prefect."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from catalog.table import Catalog
from core.text import counted, visible_json
from flows.reporting.markdown import markdown_table, plain
from flows.reporting.sections import (
    CrawlResult,
    Measurements,
    NetworkLabels,
    ReviewResult,
    Section,
    SourceLabels,
    StageTimes,
)


class RunRecord(Section):
    """The report of every run: its parameters, how it ended, and its messages for people."""

    run_id: str
    flow: str
    status: Literal["running", "done", "failed"] = "running"
    started_at: datetime
    finished_at: datetime | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    models: dict[str, str] = Field(default_factory=dict)
    published: dict[str, int] = Field(default_factory=dict)
    messages: list[str] = Field(default_factory=list)
    answer: dict[str, Any] | None = None
    sheet: str | None = None
    error: str | None = None
    versions_before: dict[str, int] = Field(default_factory=dict)
    versions_after: dict[str, int] = Field(default_factory=dict)


class RunReport(
    CrawlResult,
    ReviewResult,
    SourceLabels,
    Measurements,
    NetworkLabels,
    StageTimes,
    RunRecord,
):
    """One run of a flow: its record, and the sections that flows fill, as their tables are shown.

    `new`, `newly_rejected` and `statements` count the rows that this run added to `images`,
    `rejects` and `assertions`: not those of runs at the same time, and each once where a shard was
    tried again.
    """

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values, with each stage's rate."""
        data: dict[str, Any] = self.model_dump(mode="json")
        for name, stage in self.stages.items():
            rate = stage.rate
            data["stages"][name]["photos_per_second"] = None if rate is None else round(rate, 2)
        return data

    def summary(self) -> str:
        """The outcome of the run, in one line."""
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
        """The report for Prefect's page: outcome, then what needs a person, then the numbers."""
        lines = [f"# {plain(self.summary())}", ""]
        if self.error:
            lines += [f"**{plain(self.error)}**", ""]
        lines += [f"> {plain(message)}\n" for message in self.messages]
        for title, rows in self.tables().items():
            lines += [f"## {title}", "", *markdown_table(rows), ""]
        facts = {
            "run": self.run_id,
            "began": f"{self.started_at:%Y-%m-%d %H:%M:%S} UTC",
            **{
                f"asked: {name}": ", ".join(map(str, value)) if isinstance(value, list) else value
                for name, value in self.parameters.items()
            },
            **{f"model of {space}": version for space, version in self.models.items()},
            "contact sheet": self.sheet,
        }
        shown = [{"": name, "value": value} for name, value in facts.items() if value]
        return "\n".join([*lines, "## This run", "", *markdown_table(shown)])


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
        # A folder's name may hold bytes that are not text; Python keeps them as surrogates.
        "report": visible_json(json.dumps(report.to_dict(), ensure_ascii=False)),
    }
    catalog.upsert("runs", pa.Table.from_pylist([row], catalog.specs["runs"].schema))


def _duration(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min {rest} s"
