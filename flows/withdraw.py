"""The flow that takes back what a table beside photos said of them."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from catalog.facts import FactChange
from catalog.withdraw import find_withdrawal, forget_tellers, withdraw_facts
from flows.recipe import recipe
from flows.reporting.progress import stage
from flows.reporting.report import RunReport
from flows.run import recorded_run
from flows.settings import Settings
from flows.stages.pipeline import make_searchable
from flows.stages.tasks import VECTOR_SHARDS, opened, shard_task, shards


@recipe("withdraw")
def withdraw(path: str) -> RunReport:
    """Take back all that the sidecar at `path` said, or every sidecar of the photos below the
    folder `path`; the next ingest does not use it any more unless it is given.

    Doing it again finds nothing to do, and fails.
    """
    with recorded_run("withdraw", {"path": path}) as run:
        found = find_withdrawal(run.catalog, Path(path))
        folders = forget_tellers(run.catalog, found.tellers)  # or a run meanwhile says it again
        done: Counter[tuple[str, FactChange]] = Counter()
        with stage(run.report, "withdraw", len(found.places)) as step:
            for shard in shards(found.places, run.settings.shard_size * VECTOR_SHARDS):
                done += withdraw_shard(run.settings, found.tellers, shard, run.run_id)
                step.advance(len(shard))
        run.report.add_facts(done)
        run.report.messages += [
            f"the next ingest of {folder} uses no sidecar unless one is given" for folder in folders
        ]
        make_searchable(run, None, allow_loss=True)  # it was asked for
    return run.report


@shard_task("withdraw")
def withdraw_shard(
    settings: Settings, tellers: Sequence[str], places: Sequence[str], run_id: str
) -> Counter[tuple[str, FactChange]]:
    """Take back what these tellers said of one shard of places."""
    return withdraw_facts(opened(settings), tellers, places, run_id=run_id)
