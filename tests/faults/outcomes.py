"""What came of `make chaos`, as the page docs/reliability.md."""

import os
from collections import Counter
from dataclasses import dataclass, field

import pytest

from benchmarks.machine import made_with

KILLS = "kills"
"""The property of a test that says how often it killed what, by stage."""

_HEAD = """# What kills leave behind

{made}.

A run is ended by SIGKILL, a crawl by SIGKILL of its process, and the same command is run again
until it gets through. Then everything is compared with what an undisturbed run leaves: each photo
is there once with its own bytes, each place and each statement once, each photo can be searched
with its vector and its labels, nothing waits, and a crawl asked for nothing twice that had come. A
test passes only where all of that holds after each kill: then photos lost, rows twice, and labels
differing are 0.

| test | kills | in stages | outcome | minutes |
|---|---|---|---|---|
"""


@dataclass(slots=True)
class Outcomes:
    """The tests that ran, in order: minutes, whether all of their parts passed, and their kills."""

    seconds: dict[str, float] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)
    kills: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, report: pytest.TestReport) -> None:
        """Take in what pytest says of the set-up, the run or the tear-down of a test."""
        name = report.nodeid.rpartition("::")[2]
        self.seconds[name] = self.seconds.get(name, 0.0) + report.duration
        if report.failed:
            self.failed.add(name)
        for key, counted in report.user_properties:
            if key == KILLS:
                self.kills[name] = Counter(counted)  # type: ignore[arg-type]  # as `kills` gave it

    def page(self) -> str:
        """The page, in Markdown."""
        rounds, seed = (os.environ.get(f"CHAOS_{name}", "") for name in ("ROUNDS", "SEED"))
        head = _HEAD.format(made=made_with(f"make chaos ROUNDS={rounds} SEED={seed}"))
        return head + "".join(f"{row}\n" for row in [*map(self._row, self.seconds), self._total()])

    def _row(self, name: str) -> str:
        kills = self.kills.get(name, Counter())
        stages = ", ".join(f"{stage} {count}" for stage, count in kills.most_common())
        outcome = "failed" if name in self.failed else "passed"
        title = name.removeprefix("test_").replace("_", " ")
        return (
            f"| {title} | {kills.total()} | {stages} | {outcome} | {self.seconds[name] / 60:.1f} |"
        )

    def _total(self) -> str:
        kills = sum(each.total() for each in self.kills.values())
        outcome = f"{len(self.seconds) - len(self.failed)} passed, {len(self.failed)} failed"
        return f"| all | {kills} | | {outcome} | {sum(self.seconds.values()) / 60:.1f} |"
