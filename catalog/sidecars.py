"""Remembers which sidecar belongs to a folder, so that the next ingest of the folder reads it."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from catalog.sql import equals
from catalog.table import Catalog
from core.text import escape_bytes
from crawlers.imports.sidecar.read import teller_of


@dataclass(frozen=True, slots=True)
class RememberedSidecar:
    """The sidecar of a folder's last ingest, and its column map: target -> column."""

    folder: str
    path: Path
    columns: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def is_there(self) -> bool:
        """Whether the sidecar's file exists on this machine."""
        return self.path.is_file()


def remember_sidecar(
    catalog: Catalog,
    folder: Path,
    sidecar: Path,
    columns: Mapping[str, str] | None,
    *,
    run_id: str,
) -> None:
    """Make the next ingest of this folder, under any spelling of its path, use this sidecar."""
    # Stored under the given name: a link such as latest.csv is resolved again each time.
    new = RememberedSidecar(
        escape_bytes(os.path.realpath(folder)),
        sidecar.expanduser().absolute(),
        dict(columns or {}),
    )
    row = {
        "import_id": _folder_id(folder),
        "folder": new.folder,
        "sidecar": teller_of(sidecar),
        "path": os.fsencode(new.path),
        "columns": json.dumps(new.columns, ensure_ascii=False, sort_keys=True),
        "run_id": run_id,
        "given_at": datetime.now(UTC),
    }
    if remembered_sidecar(catalog, folder) != new:
        catalog.upsert("imports", pa.Table.from_pylist([row], catalog.specs["imports"].schema))


def remembered_sidecar(catalog: Catalog, folder: Path) -> RememberedSidecar | None:
    """The sidecar of a folder; None if it has none."""
    return next(iter(_load(catalog, equals("import_id", _folder_id(folder)))), None)


def remembered_sidecars(catalog: Catalog) -> list[RememberedSidecar]:
    """All remembered sidecars, ordered by folder."""
    return sorted(_load(catalog, None), key=lambda each: each.folder)


def forget_sidecar(catalog: Catalog, sidecar: RememberedSidecar) -> None:
    """Forget a sidecar: later ingests use it only if it is given again."""
    where = equals("folder", sidecar.folder)
    catalog.remove("imports", catalog.column("imports", "import_id", where).to_pylist())


def _folder_id(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()


def _load(catalog: Catalog, where: str | None) -> list[RememberedSidecar]:
    names = ["folder", "path", "columns"]
    rows = [row for batch in catalog.read("imports", names, where) for row in batch.to_pylist()]
    return [
        RememberedSidecar(row["folder"], Path(os.fsdecode(row["path"])), json.loads(row["columns"]))
        for row in rows
    ]
