"""Reports as they are kept in the catalog."""

import json
import os
from pathlib import Path

from catalog.table import open_catalog
from flows.reporting.report import new_report, store_report

KEYS = """
run_id flow status started_at finished_at parameters seen new again known changed rejected
newly_rejected notices examples facts unknown_words ambiguous_names labels statements superseded
network_labels confidences disagreements heads epochs retrieval quality value_quality confusions
stages models published messages crawl review answer sheet error versions_before versions_after
"""


def test_the_document_is_flat_and_has_every_key_whatever_the_flow() -> None:
    for flow in ("ingest", "label-quality"):
        document = new_report(flow, "run", {}).to_dict()
        assert sorted(document) == sorted(KEYS.split())
        assert list(document)[:2] == ["run_id", "flow"]


def test_a_folder_whose_name_is_no_unicode_is_kept(tmp_path: Path) -> None:
    """A name of bytes, as an old archive may leave it."""
    catalog = open_catalog(tmp_path / "catalog")
    path = os.fsdecode(b"/photos/J\xf6rg")
    store_report(catalog, new_report("ingest", "run", {"path": path}))
    (kept,) = catalog.column("runs", "report").to_pylist()
    assert json.loads(kept)["parameters"] == {"path": path}
