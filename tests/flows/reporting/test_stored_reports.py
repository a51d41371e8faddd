"""Reports as they are kept in the catalog."""

import json
import os
from pathlib import Path

from catalog.table import open_catalog
from flows.reporting.report import new_report, store_report


def test_a_folder_whose_name_is_no_unicode_is_kept(tmp_path: Path) -> None:
    """A name of bytes, as an old archive may leave it."""
    catalog = open_catalog(tmp_path / "catalog")
    path = os.fsdecode(b"/photos/J\xf6rg")
    store_report(catalog, new_report("ingest", "run", {"path": path}))
    (kept,) = catalog.column("runs", "report").to_pylist()
    assert json.loads(kept)["parameters"] == {"path": path}
