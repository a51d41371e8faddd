"""The contents of a catalog, what waits in it, and all that is known of one photo."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from catalog.car_columns import label_of, space_record, space_records
from catalog.migrations import FORMAT
from catalog.sidecars import remembered_sidecars
from catalog.sql import equals, literal
from catalog.table import Catalog, CatalogError
from catalog.versions import published_problem, readable_published
from crawlers.imports.sidecar.read import teller_of
from embeddings.registry import SPACE, VISION
from labeling.labelers import load_labelers
from labeling.pending import stale_cars, unasked_images, unembedded_images, unlabeled_sightings

ID_PREFIX = re.compile(r"[0-9a-f]{6,64}")
_AFTER_HEX = "g"


def catalog_status(catalog: Catalog, *, wanted: str | None = None) -> dict[str, Any]:
    """Rows of each table, what waits for each stage, rows outside each index, last run of each
    flow, and the sidecars that belong to folders; JSON-ready.

    With another model `wanted`, by name, than the one that made the vectors, all photos wait.
    """
    record = space_record(catalog.table("cars").schema, SPACE)
    made = {} if record is None else json.loads(record)
    model = made.get("version")
    current = wanted is None or made.get("model") == wanted
    new, old = unembedded_images(catalog, SPACE, model if model and current else "")
    columns = ["run_id", "flow", "status", "started_at", "finished_at"]
    runs = [row for batch in catalog.read("runs", columns) for row in batch.to_pylist()]
    labelers = load_labelers(catalog)
    spaces = describe_spaces(catalog)
    unasked = sum(
        len(unasked_images(catalog, space["space"], [
            each for each in labelers if each.space_version == space["version"]
        ]))
        for space in spaces
    )  # fmt: skip
    return {
        "catalog": catalog.uri,
        "format": catalog.format,
        "rows": {name: catalog.count(name) for name in catalog.specs if name != FORMAT},
        "published": _published(catalog),
        "problems": [] if (wrong := published_problem(catalog)) is None else [wrong],
        "models": {} if model is None else {SPACE: model},
        "spaces": spaces,
        "pending": {
            "label": len(unlabeled_sightings(catalog)),
            "networks": unasked,
            "embed": len(new) + len(old),
            "publish": len(
                set(stale_cars(catalog))
                | unpublished(catalog, "evidence", "labelled_with", f"{SPACE}_version")
            ),
        },
        "unindexed": _unindexed(catalog),
        "last_runs": {row["flow"]: _plain(row) for row in by_start(runs)},
        "sidecars": [
            {"folder": each.folder, "sidecar": teller_of(each.path), "there": each.is_there}
            for each in remembered_sidecars(catalog)
        ],
    }


def describe_spaces(catalog: Catalog) -> list[dict[str, Any]]:
    """Each space with its model, how its vectors are made and compared, how many photos of `cars`
    have one, and how many wait for one; JSON-ready."""
    found = []
    for name, stored in space_records(catalog.table("cars").schema).items():
        made = json.loads(stored)
        version = str(made["version"])
        layers = made.get("layers") or []
        found.append(
            {
                "space": name,
                "model": made.get("model"),
                "version": version,
                "size": made.get("size"),
                "metric": made.get("metric"),
                "layers": layers,
                "pooling": made.get("pooling") if layers else None,
                "reads_text": not str(made.get("model")).startswith(VISION),
                "filled": catalog.count("cars", equals(f"{name}_version", version)),
                "waiting": len(unembedded_images(catalog, name, version)[1]),
            }
        )
    return found


def find_photo(catalog: Catalog, prefix: str) -> str:
    """The id of the one photo whose id begins with `prefix`; raises `CatalogError`."""
    prefix = prefix.lower()
    if not ID_PREFIX.fullmatch(prefix):
        raise CatalogError(
            f"{prefix!r} is not an image id; give at least 6 of its digits 0-9 a-f, "
            "as `marque search` prints them"
        )
    after = literal(prefix + _AFTER_HEX)
    inside = f"`image_id` >= {literal(prefix)} AND `image_id` < {after}"
    found = catalog.column("images", "image_id", inside).to_pylist()
    if len(found) != 1:
        raise CatalogError(
            f"{len(found)} photos have an id that begins with {prefix!r}; "
            + (
                "give more digits"
                if found
                else f"look for one in {catalog.uri} with `marque search`"
            )
        )
    return str(found[0])


def describe_photo(catalog: Catalog, image_id: str) -> dict[str, Any]:
    """Everything that is known of a photo but its bytes; JSON-ready."""
    names = [name for name in catalog.specs["images"].schema.names if name not in _BYTES]
    image = catalog.rows("images", [image_id], names).to_pylist()[0]
    there = set(catalog.table("cars").schema.names) - _BYTES  # it may lack a new attribute yet
    facts = [name for name in catalog.specs["cars"].schema.names if name in there]
    car = catalog.rows("cars", [image_id], facts).to_pylist()
    known = catalog.vocabulary.attributes.values()
    return {
        **_plain(image),
        "phash": bytes(image["phash"]).hex(),
        "searchable": bool(car) and image_id not in unpublished(catalog),
        "labels": {a.name: label_of(a, car[0]) for a in known if car and label_of(a, car[0])},
        "sightings": [_plain(row) for row in _photo_rows(catalog, "sightings", image_id)],
        "assertions": [_plain(row) for row in _photo_rows(catalog, "assertions", image_id)],
    }


def by_start(runs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `runs`, the newest last.

    A run with a date in the future was dated by a fast clock. It is sorted first; otherwise it
    would count as the newest until that date.
    """
    now = datetime.now(UTC)
    return sorted(runs, key=lambda run: (run["started_at"] <= now, run["started_at"]))


_BYTES = {"content", "thumbnail"}


def _photo_rows(catalog: Catalog, name: str, image_id: str) -> list[dict[str, Any]]:
    """All columns of a photo's rows in the table `name`, with JSON columns parsed."""
    names = catalog.specs[name].schema.names
    rows: list[dict[str, Any]] = catalog.rows_where(name, "image_id", [image_id], names).to_pylist()
    for row in rows:
        if "words" in row:
            row["words"] = json.loads(row["words"])
            row["told"] = json.loads(row["told"] or "null")
    return rows


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in row.items()
    }


def unpublished(catalog: Catalog, *columns: str) -> set[str]:
    """The ids of photos that are only in `cars` or only in its published version, and those whose
    `columns` differ between the two."""
    rows = _car_rows(catalog, columns)
    if (published := readable_published(catalog)) is not None:
        rows ^= _car_rows(published, columns)
    return {row[0] for row in rows}


def _car_rows(catalog: Catalog, columns: Sequence[str]) -> set[tuple[Any, ...]]:
    """The rows of `cars` as (image_id, *columns); columns that the table lacks are left out."""
    names = set(catalog.table("cars").schema.names)
    present = ["image_id", *(name for name in columns if name in names)]
    rows: set[tuple[Any, ...]] = set()
    for batch in catalog.read("cars", present, batch_rows=65_536):
        rows.update(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    return rows


def _published(catalog: Catalog) -> dict[str, int] | None:
    published = readable_published(catalog)
    if published is None:
        return None
    version = int(published.table("cars").version)
    return {"version": version, "photos": published.count("cars")}


def _unindexed(catalog: Catalog) -> dict[str, int]:
    table = catalog.table("cars")
    with catalog.reading("cars"):
        return {
            index.name: int(table.index_stats(index.name).num_unindexed_rows)
            for index in table.list_indices()
        }
