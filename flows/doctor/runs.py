"""Runs that never ended: whether somebody is still at work, and the command that goes on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from catalog.status import by_start
from catalog.table import Catalog
from crawlers.text import shell_word
from flows.doctor.check import Check
from flows.doctor.server import ServerFacts, User
from flows.settings import Settings

NO_LOCK = "no process holds the lock that it would hold"
EMBEDDING = ("ingest", "embed", "reset")
WRITING = (*EMBEDDING, "publish", "withdraw")


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
        if row["flow"] in WRITING:
            newest[_task(run)] = (row["status"], run)
    return [run for status, run in newest.values() if status == "running"]


def command_of(run: OpenRun, settings: Settings, *, home_given: bool) -> str:
    """The command that does what the run was to do, and so goes on with it."""
    given = run.parameters
    words = ["marque", run.flow]
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
    if (weights := given.get("weights")) and run.flow in EMBEDDING:
        words += ["--weights", weights]
    words += ["--home", str(settings.home_path)] if home_given else []
    return " ".join(map(shell_word, words))


def check_runs(
    catalog: Catalog, settings: Settings, server: ServerFacts | None, *, home_given: bool
) -> list[Check]:
    """One check for each run that did not end."""
    found = []
    for run in open_runs(catalog):
        again = command_of(run, settings, home_given=home_given)
        alive, why = _is_at_work(run, catalog, server)
        what = f"{run.flow} of {run.started_at:%Y-%m-%d %H:%M} UTC"
        facts = {"run_id": run.run_id, "flow": run.flow, "at_work": alive, "command": again}
        if alive:
            found.append(Check("run", "ok", f"{what} is at work: {why}", facts=facts))
        elif alive is None:
            advice = f"if it is not, run the same command again: {again}"
            said = f"{what} may still be at work: {why}"
            found.append(Check("run", "warning", said, advice, facts))
        else:
            advice = f"run the same command again, nothing is lost: {again}"
            if run.flow == "reset":
                advice = f"{again} begins anew: it deletes all, with what came in since"
            said = f"{what} was interrupted: {why}"
            found.append(Check("run", "warning", said, advice, facts))
    return found or [Check("run", "ok", "no run was interrupted")]


def _task(run: OpenRun) -> str:
    return json.dumps([run.flow, run.parameters], sort_keys=True)


def _is_at_work(
    run: OpenRun, catalog: Catalog, server: ServerFacts | None
) -> tuple[bool | None, str]:
    """Whether a run's process is alive, with the reason; None if that cannot be told.

    Every command that runs a flow on the server of the home holds a lock there while it does, which
    the system drops however it ends. Only a flow that a deployment started holds none, and needs a
    server that runs.
    """
    if server is None or "://" in catalog.uri:
        what = "Prefect could not be looked at" if server is None else "the catalogue is shared"
        return None, f"{what}, so another process or machine may be writing"
    if server.configured is not None:
        return _by_prefect(run, server.configured)
    if server.users is None and server.in_use:
        return None, "a command of this home is at work, perhaps this one"
    candidates = [user for user in server.users or [] if _could_be(user, run)]
    if candidates:
        said = ", ".join(f"{user.command} (process {user.pid})" for user in candidates)
        return (True, said) if len(candidates) == 1 else (None, f"one of {said}")
    return (False, NO_LOCK) if server.own is None else _by_prefect(run, server.own.url)


def _could_be(user: User, run: OpenRun) -> bool:
    # The clock of processes counts in hundredths of a second from a boot time in whole seconds.
    return not user.keeps_up and user.since <= run.started_at + timedelta(seconds=2)


def _by_prefect(run: OpenRun, url: str) -> tuple[bool | None, str]:
    """What Prefect knows of the run; it still calls running what was killed."""
    from uuid import UUID

    from prefect.client.orchestration import SyncPrefectClient, get_client
    from prefect.exceptions import ObjectNotFound
    from prefect.settings import get_current_settings

    ours = get_current_settings().api.url is None
    try:
        with SyncPrefectClient(url) if ours else get_client(sync_client=True) as client:
            known = client.read_flow_run(UUID(run.run_id))
    except ObjectNotFound:
        return False, "Prefect does not know it"
    # The client's errors are those of its HTTP library.
    except Exception as error:
        return None, f"Prefect could not be asked ({type(error).__name__})"
    state = known.state
    if state is not None and state.is_final():
        return False, f"Prefect calls it {state.name}"
    if ours and known.deployment_id is None:
        return False, NO_LOCK
    return None, f"Prefect calls it {state.name if state else 'unknown'}"
