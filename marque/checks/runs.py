"""Runs without an end: whether their process is alive, and the command that resumes them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from catalog.table import AbsentCatalogError, Catalog
from core.text import shell_word
from flows.resources import catalog_at
from flows.run_lock import lock_holder
from flows.settings import Settings
from labeling.publish.status import by_start
from marque.checks.check import Check, CheckContext

NO_LOCK = "no process holds the lock that it would hold"
EMBEDDING_FLOWS = ("ingest", "embed", "reset")
WRITING_FLOWS = (*EMBEDDING_FLOWS, "publish", "withdraw", "train-siamese")


_OPTIONS = {
    "embed": {
        "spaces": "--space",
        "model": "--model",
        "space_weights": "--weights",
        "layers": "--layer",
        "pooling": "--pooling",
        "metric": "--metric",
    },
    "train-siamese": {
        "attributes": "--on",
        "folder": "--folder",
        "space": "--space",
        "start": "--from",
        "frozen_through": "--frozen-through",
        "loss": "--loss",
        "epochs": "--epochs",
        "seed": "--seed",
        "memory_mb": "--memory",
    },
}
"""Flow -> its parameters and the options of the command that give them."""


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run that the table says is running."""

    run_id: str
    flow: str
    started_at: datetime
    parameters: Mapping[str, Any]


def open_runs(catalog: Catalog) -> list[OpenRun]:
    """Runs that began and did not end, oldest first: of each flow and parameters the newest, if no
    later run did the same to the end."""
    columns = ["run_id", "flow", "status", "started_at"]
    rows = [row for batch in catalog.read("runs", columns) for row in batch.to_pylist()]
    rows = by_start(rows)
    first = next((at for at, row in enumerate(rows) if row["status"] == "running"), len(rows))
    later = [row["run_id"] for row in rows[first:]]
    newest: dict[str, tuple[str, OpenRun]] = {}
    done = catalog.rows("runs", later, [*columns, "report"]).to_pylist()
    for row in by_start(done):
        parameters = json.loads(row["report"])["parameters"]
        run = OpenRun(row["run_id"], row["flow"], row["started_at"], parameters)
        if row["flow"] in WRITING_FLOWS:
            task = json.dumps([run.flow, run.parameters], sort_keys=True)
            newest[task] = (row["status"], run)
    return [run for status, run in newest.values() if status == "running"]


def command_of(run: OpenRun, settings: Settings, *, home_given: bool) -> str:
    """The command that resumes a run, from its parameters."""
    given = run.parameters
    words = ["marque", *run.flow.split("-")]  # `train-siamese` is `train siamese`
    if run.flow == "ingest":
        words += [given.get("source", "folder"), given.get("path") or str(settings.inbox_path)]
        words += ["--limit", str(given["limit"])] if given.get("limit") else []
        words += ["--sidecar", given["sidecar"]] if given.get("sidecar") else []
        for target, column in (given.get("columns") or {}).items():
            words += ["--map", f"{target}={column}"]
        words += ["--no-embed"] if given.get("embed") is False else []
    elif run.flow == "withdraw":
        words += [given["path"]]
    elif run.flow == "reset":
        words += ["--from", given["path"]]
    elif run.flow in _OPTIONS:
        for name, option in _OPTIONS[run.flow].items():
            values = given.get(name) or []
            for value in values if isinstance(values, list) else [values]:
                words += [option, str(value)]
    weights = None if given.get("spaces") else given.get("weights")  # those of `semantic`
    if weights and run.flow in EMBEDDING_FLOWS:
        words += ["--weights", weights]
    words += ["--home", str(settings.home_path)] if home_given else []
    return " ".join(map(shell_word, words))


def check_runs(context: CheckContext) -> Iterator[Check]:
    """One check for each run that did not end."""
    settings = context.settings
    try:
        catalog = catalog_at(settings, create=False)
    except AbsentCatalogError:
        return  # said where the catalog is looked at
    runs = open_runs(catalog)
    for run in runs:
        command = command_of(run, settings, home_given=context.home_given)
        alive, why = _is_at_work(run, catalog, settings)
        name = f"{run.flow} of {run.started_at:%Y-%m-%d %H:%M} UTC"
        facts = {"run_id": run.run_id, "flow": run.flow, "at_work": alive, "command": command}
        if alive:
            yield Check("run", "ok", f"{name} is at work: {why}", facts=facts)
            continue
        if alive is None:
            said, advice = "may still be at work", "if it is not, run the same command again: "
        else:
            said, advice = "was interrupted", "run the same command again, nothing is lost: "
        advice += command
        if alive is False and run.flow == "reset":
            advice = f"{command} starts over: it deletes everything, also what was added since"
        yield Check("run", "warning", f"{name} {said}: {why}", advice, facts)
    if not runs:
        yield Check("run", "ok", "no run was interrupted")


def _is_at_work(run: OpenRun, catalog: Catalog, settings: Settings) -> tuple[bool | None, str]:
    """Whether a run's process is alive, with the reason; None if it cannot be known.

    A run holds a lock in its home folder, which the system drops however it ends. A catalog
    elsewhere may be written from another home, or machine.
    """
    home = settings.home_path
    if (pid := lock_holder(home, run.run_id)) is not None:
        return True, f"process {pid} holds its lock"
    if "://" in catalog.uri or home not in Path(catalog.uri).resolve().parents:
        return None, "the catalog is not in this home, so another one or machine may be writing"
    return False, NO_LOCK
