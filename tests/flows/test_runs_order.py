"""Which run was the last, also after a clock that ran ahead."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from catalog.table import open_catalog
from flows.reporting.report import new_report, store_report
from labeling.publish.status import catalog_status
from marque.checks.runs import open_runs


def test_a_run_dated_ahead_is_not_the_last_one(tmp_path: Path) -> None:
    catalog = open_catalog(tmp_path / "catalog")
    now = datetime.now(UTC)
    for run_id, status, at in (
        ("ahead", "running", now + timedelta(days=300)),
        ("ended", "done", now - timedelta(hours=2)),
    ):
        report = new_report("ingest", run_id, {"path": "/photos"})
        report.status, report.started_at = status, at  # type: ignore[assignment]
        store_report(catalog, report)
        found = [run.run_id for run in open_runs(catalog)]
        assert found == (["ahead"] if status == "running" else []), "it was done again, to the end"
    last = catalog_status(catalog)["last_runs"]["ingest"]
    assert (last["run_id"], last["status"]) == ("ended", "done")
