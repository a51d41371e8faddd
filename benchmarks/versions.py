"""Disk use after small imports and a relabeling, and how much of it a cleanup frees.

A catalog of rows as runs write them, with vectors and thumbnails that cannot be compressed and
without photos; the writes are those of runs: register, label, append, refresh, publish.
"""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from benchmarks.machine import made_by
from catalog.car_columns import open_space
from catalog.cleanup import clean_up, remove_superseded, remove_versions
from catalog.index import maintain_indexes
from catalog.schema import sighting_id
from catalog.table import Catalog, open_catalog
from core.assertions import Assertion
from labeling.label import label_sightings, store_assertions
from labeling.labelers import Calibration, Labeler, use_labeler
from labeling.pending import stale_cars, unlabeled_sightings
from labeling.publish.cars import Vectors, append_cars, refresh_cars
from labeling.publish.publish import publish

PHOTOS, IMPORTS, EACH = 8_000, 41, 10
SIZE, THUMBNAIL, SHARD = 512, 4_000, 256
SPACE, MODEL = "semantic", "some-model@1"
ASKED = ("color", "body_type", "background", "view", "doors", "people")
OVER = timedelta(0)
WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Disk:
    """The size of the tables after one step, in MB, and their number of versions."""

    when: str
    cars: float
    assertions: float
    versions: int


def measure(photos: int = PHOTOS, imports: int = IMPORTS) -> list[Disk]:
    """Fill a catalog, import a few photos many times, relabel all, and clean up."""
    with tempfile.TemporaryDirectory() as folder:
        catalog = open_catalog(Path(folder) / "catalog")
        open_space(catalog, SPACE, SIZE, json.dumps({"version": MODEL}).encode())
        _use(catalog, "1")
        for start in range(0, photos, SHARD):
            _take_in(catalog, range(start, min(start + SHARD, photos)), "1")
        _publish(catalog)
        for name in catalog.specs:
            remove_versions(catalog, name, OVER)
        found = [_disk(catalog, f"{photos:,} photos, one version of each table")]
        for number in range(imports):
            before = catalog.versions()
            start = photos + number * EACH
            _take_in(catalog, range(start, start + EACH), "1")
            _publish(catalog)
            clean_up(catalog, WEEK, since=before)
        found.append(_disk(catalog, f"after {imports} imports of {EACH} photos"))
        _clean(catalog)
        found.append(_disk(catalog, "and when the grace time of what they replaced is over"))
        _use(catalog, "2")
        keys = catalog.column("cars", "image_id").to_pylist()
        for start in range(0, len(keys), 8 * SHARD):
            store_assertions(catalog, _statements(keys[start : start + 8 * SHARD], "2"), run_id="r")
        refresh_cars(catalog, stale_cars(catalog))
        _publish(catalog)
        found.append(_disk(catalog, "after another version of a network has labeled all"))
        _clean(catalog)
        found.append(_disk(catalog, "and when the grace time of the version before is over"))
        assert not stale_cars(catalog), "a clean-up has left rows to be written again"
        assert not publish(catalog).moved
    return found


def _use(catalog: Catalog, version: str) -> None:
    calibration = {name: Calibration(1.0, 0.9) for name in ASKED}
    use_labeler(catalog, Labeler("net", version, MODEL, False, calibration), run_id="r")


def _statements(keys: Sequence[str], version: str) -> list[Assertion]:
    now = datetime.now(UTC)
    return [
        Assertion(key, name, ("other",), False, 0.5, "model", "net", version, "", now)
        for key in keys
        for name in ASKED
    ]


def _take_in(catalog: Catalog, numbers: range, version: str) -> None:
    draw = np.random.default_rng(numbers.start)
    keys = [f"{number * 2654435761 % 2**32:08x}{number:056x}" for number in numbers]
    images = [
        {"image_id": key, "content": b"", "width": 240, "height": 200,
         "thumbnail": draw.bytes(THUMBNAIL)}
        for key in keys
    ]  # fmt: skip
    catalog.insert("images", pa.Table.from_pylist(images, catalog.specs["images"].schema))
    places = [
        {"sighting_id": sighting_id("shop", key), "source": "shop", "source_id": key,
         "image_id": key, "words": '{"color": "red"}', "revision": 1,
         "fetched_at": datetime.now(UTC)}
        for key in keys
    ]  # fmt: skip
    catalog.insert("sightings", pa.Table.from_pylist(places, catalog.specs["sightings"].schema))
    label_sightings(catalog, unlabeled_sightings(catalog), run_id="r")
    store_assertions(catalog, _statements(keys, version), run_id="r")
    values = draw.normal(size=(len(keys), SIZE))
    units = (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)
    append_cars(catalog, Vectors(SPACE, MODEL, keys, units))


def _publish(catalog: Catalog) -> None:
    maintain_indexes(catalog, SPACE)
    publish(catalog)


def _clean(catalog: Catalog) -> None:
    remove_superseded(catalog, OVER)
    for name in catalog.specs:
        remove_versions(catalog, name, OVER)


def _disk(catalog: Catalog, when: str) -> Disk:
    def taken(name: str) -> float:
        files = (Path(catalog.uri) / f"{name}.lance").rglob("*")
        return sum(each.stat().st_size for each in files if each.is_file()) / 1e6

    versions = len(catalog.table("cars").to_lance().version_refs())
    return Disk(when, taken("cars"), taken("assertions"), versions)


def page() -> str:
    """The whole page."""
    return page_of(measure())


def page_of(found: Sequence[Disk]) -> str:
    """The page of a measurement."""
    return "\n".join([
        "# Versions",
        "",
        made_by("versions", "lancedb"),
        "",
        f"What a catalog takes on disk: vectors of {SIZE} numbers in float16 and thumbnails of "
        f"{THUMBNAIL:,} bytes that cannot be compressed, a statement of its source and "
        f"{len(ASKED)} of a network about each photo. Every import is labeled and published by "
        "itself, as by `marque ingest`. Old versions stay for the grace time of the setting "
        "`keep_days`; here it is over at once where the table says so.",
        "",
        "| | `cars`, MB | its versions | `assertions`, MB |",
        "| --- | --- | --- | --- |",
        *(f"| {e.when} | {e.cars:,.1f} | {e.versions} | {e.assertions:,.1f} |" for e in found),
        "",
    ])  # fmt: skip
