"""Versions and statements that go, and those that stay: under readers, under tags, under people."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import lance
import pyarrow as pa
import pytest

from catalog import cleanup
from catalog.cleanup import clean_up, remove_superseded, remove_versions
from catalog.optimize import optimize_table
from catalog.published import PublishedCars
from catalog.table import Catalog, StoreError, open_catalog
from catalog.versions import PUBLISHED_TAG, REPLACED_PREFIX
from core.assertions import Assertion
from flows.settings import SettingsError, load_settings
from labeling.label import store_assertions
from labeling.labelers import Calibration, Labeler, retire_labeler, use_labeler
from labeling.pending import evidence, stale_cars
from labeling.publish.cars import refresh_cars
from labeling.publish.publish import publish
from tests.catalog.making import Fill, MakePhoto

NOW, HOUR = timedelta(0), timedelta(hours=1)


def size(catalog: Catalog, name: str) -> int:
    folder = Path(catalog.uri) / f"{name}.lance"
    files = (each for each in folder.rglob("*") if each.is_file() and each.suffix != ".json")
    return sum(each.stat().st_size for each in files)


def versions(catalog: Catalog, name: str = "cars") -> set[int]:
    return {each["version"] for each in catalog.table(name).to_lance().version_refs()}


def tags(catalog: Catalog) -> dict[str, Any]:
    return dict(catalog.table("cars").to_lance().tags.list())


@pytest.fixture
def grown(catalog: Catalog, make_photo: MakePhoto, fill: Fill) -> Catalog:
    """Five small imports, each published."""
    for seed in range(0, 20, 4):
        fill(catalog, [make_photo(seed + at, color="red") for at in range(4)])
        publish(catalog)
    return catalog


def test_replaced_versions_go_and_what_searches_read_stays(grown: Catalog) -> None:
    before, rows = size(grown, "cars"), grown.table("cars").to_arrow()
    there = versions(grown)
    assert remove_versions(grown, "cars", HOUR).versions == 0
    assert versions(grown) == there
    done = remove_versions(grown, "cars", NOW)
    newest = int(grown.table("cars").version)
    assert versions(grown) == {newest}
    assert done.versions == len(there) - 1
    assert done.bytes == before - size(grown, "cars") > 0
    assert set(tags(grown)) == {PUBLISHED_TAG}
    assert grown.table("cars").to_arrow() == rows
    assert PublishedCars(open_catalog(grown.uri, create=False)).count() == 20


def test_a_clean_up_that_was_broken_off_is_gone_on_with(grown: Catalog) -> None:
    """Killed in the middle it has deleted some files of old versions, and the rest is there."""
    rows = grown.table("cars").to_arrow()
    optimize_table(grown.table("cars"), [], large=False)
    grown.table("cars").to_lance().optimize.compact_files()
    publish(grown)
    current = grown.table("cars").to_lance()
    used = {file.path for part in current.get_fragments() for file in part.metadata.files}
    folder = Path(grown.uri) / "cars.lance"
    unused = [each for each in (folder / "data").iterdir() if each.name not in used]
    assert unused
    for each in unused[::2]:
        each.unlink()
    sorted((folder / "_transactions").iterdir())[0].unlink()
    assert remove_versions(grown, "cars", NOW).versions > 0
    assert versions(grown) == {current.version}
    assert not any(each.exists() for each in unused)
    assert grown.table("cars").to_arrow().sort_by("image_id") == rows.sort_by("image_id")


def test_a_search_that_is_under_way_reads_on_after_the_tag_has_moved(
    grown: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    optimize_table(grown.table("cars"), [], large=False)
    reader = PublishedCars(grown)
    reading = reader._read(["image_id", "thumbnail"], None, 1)
    seen = [next(reading).column("image_id")[0].as_py()]
    opened = tags(grown)[PUBLISHED_TAG]["version"]
    # Written long before it was replaced: by its age it would go at once.
    fill(grown, [make_photo(99)])
    publish(grown)
    assert tags(grown)[f"{REPLACED_PREFIX}{opened}"]["version"] == opened
    # All versions but those that are tagged, though they too were replaced just now.
    remove_versions_but_tags(grown)
    assert opened in versions(grown)
    seen += [batch.column("image_id")[0].as_py() for batch in reading]
    assert len(set(seen)) == reader.count() == 20
    assert len(reader.rows(seen, ["thumbnail"])) == 20
    assert remove_versions(grown, "cars", NOW).versions == 5
    assert versions(grown) == {tags(grown)[PUBLISHED_TAG]["version"]}


def remove_versions_but_tags(catalog: Catalog) -> None:
    """As a grace time that is over for them, and not for what was published."""
    later = datetime.now(UTC) + timedelta(days=1)
    stored = catalog.table("cars").to_lance()
    tagged = {each["version"] for each in stored.tags.list().values()}
    old = [each for each in cleanup._replaced(stored, later) if each not in tagged]
    stored.cleanup_old_versions(versions=old, error_if_tagged_old_versions=False)


def test_the_grace_time_begins_when_a_version_is_replaced(
    grown: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = grown.table("cars").to_lance()
    known = stored.versions()
    long_ago = datetime.now() - timedelta(days=30)  # as Lance gives them
    for each in known[:-1]:
        each["timestamp"] = long_ago
    monkeypatch.setattr(type(stored), "versions", lambda self: known)
    # The last but one is a month old, and was replaced just now.
    old = list(cleanup._replaced(stored, datetime.now(UTC) - HOUR))
    assert old == [each["version"] for each in known[:-2]]


def test_a_version_that_is_published_again_is_not_one_that_was_replaced(grown: Catalog) -> None:
    newest = tags(grown)[PUBLISHED_TAG]["version"]
    grown.table("cars").tags.create(f"{REPLACED_PREFIX}{newest}", newest)
    remove_versions(grown, "cars", HOUR)
    assert f"{REPLACED_PREFIX}{newest}" not in tags(grown)
    assert newest in versions(grown)


def test_a_write_that_is_under_way_is_not_lost(
    grown: Catalog, make_photo: MakePhoto, fill: Fill
) -> None:
    """A writer that has read a version and written its files commits after the clean-up."""
    table = grown.table("cars")
    stored = table.to_lance()
    some = [row["image_id"] for row in table.search().select(["image_id"]).limit(2).to_list()]
    fragment = stored.get_fragments()[0]
    change = pa.table({"image_id": some, "make": ["seat"] * len(some)})
    meta, fields = fragment.update_columns(change, left_on="image_id", right_on="image_id")
    fill(grown, [make_photo(50)])
    remove_versions(grown, "cars", NOW)
    update = lance.LanceOperation.Update(updated_fragments=[meta], fields_modified=sorted(fields))
    try:
        lance.LanceDataset.commit(stored, update, read_version=stored.version)
    except OSError:  # refused, and to be tried again, is as good
        assert grown.count("cars", "make = 'seat'") == 0
    else:
        assert grown.count("cars", "make = 'seat'") > 0
    assert grown.count("cars") == len(grown.table("cars").to_arrow()) == 21


def test_it_looks_every_some_versions_or_runs(
    grown: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"run_id": "r", "flow": "ingest", "status": "done", "report": "{}"}
    grown.insert("runs", pa.Table.from_pylist([row], grown.specs["runs"].schema))
    here = grown.versions()
    assert clean_up(grown, NOW, since=here).versions == 0
    monkeypatch.setattr(cleanup, "CLEANUP_RUNS", 1)
    assert clean_up(grown, HOUR, since=here).versions == 0
    before = {name: size(grown, name) for name in ("cars", "images", "sightings")}
    assert clean_up(grown, NOW, since=here).versions > 0
    assert all(size(grown, name) < was for name, was in before.items())


def test_another_writer_that_is_first_ends_no_run(
    grown: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "CLEANUP_VERSIONS", 2)
    monkeypatch.setattr(cleanup, "CLEANUP_RUNS", 1000)
    asked: list[str] = []
    lasts = False

    def refuse(catalog: Catalog, name: str, grace: timedelta) -> None:
        asked.append(name)
        raise StoreError("another writer was first, or the disk is gone", lasts=lasts)

    monkeypatch.setattr(cleanup, "remove_versions", refuse)
    assert clean_up(grown, NOW, since={}).versions == 0
    assert {"cars", "images", "sightings"} <= set(asked)
    lasts = True
    with pytest.raises(StoreError):
        clean_up(grown, NOW, since={})


def test_a_run_that_published_cleans_up_and_counts_it(
    grown: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.reporting.report import new_report
    from flows.run import Run
    from flows.stages.pipeline import publish_pending

    monkeypatch.setattr(cleanup, "CLEANUP_RUNS", 1)
    settings = SimpleNamespace(keep_days=0, shard_size=9, exact_rows=99, publish_max_loss=0.1)
    run = Run(settings, grown, new_report("publish", "r", {}))  # type: ignore[arg-type]
    many = len(versions(grown))
    publish_pending(run)
    assert len(versions(grown)) == 1
    counts = run.report.stages["publish"].counts
    assert counts["old versions removed"] >= many - 1
    assert counts["bytes freed"] > 0
    assert run.report.published["photos"] == 20


def test_versions_are_kept_for_an_hour_at_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().keep_days == 7
    monkeypatch.setenv("MARQUE_KEEP_DAYS", "0.01")
    with pytest.raises(SettingsError, match="keep_days"):
        load_settings()


def labeler(version: str, name: str = "net") -> Labeler:
    return Labeler(name, version, "m1", False, {"color": Calibration(1.0, 0.5)})


def statements(keys: list[str], version: str, **more: Any) -> list[Assertion]:
    given = {"origin": "model", "by": "net", "values": ("blue",), "confidence": 0.9} | more
    return [
        Assertion(key, "color", one_of=False, version=version, about="",
                  created_at=datetime.now(UTC), **given)
        for key in keys
    ]  # fmt: skip


@pytest.fixture
def relabeled(catalog: Catalog, make_photo: MakePhoto, fill: Fill) -> Callable[[], Catalog]:
    """Photos that two versions of a network have labeled, one after the other."""
    keys = fill(catalog, [make_photo(seed) for seed in range(40)])
    use_labeler(catalog, labeler("1"), run_id="r")
    stranger = statements(keys, "9", by="stranger")
    store_assertions(catalog, statements(keys, "1") + stranger, run_id="r")
    person = statements(keys[:3], "", origin="human", by="ann", values=("red",), confidence=None)
    store_assertions(catalog, person, run_id="r")
    use_labeler(catalog, labeler("2"), run_id="r")
    store_assertions(catalog, statements(keys, "2"), run_id="r")
    refresh_cars(catalog, stale_cars(catalog))
    publish(catalog)
    return lambda: open_catalog(catalog.uri)


def said(catalog: Catalog) -> set[tuple[str, str, str]]:
    rows = catalog.table("assertions").to_arrow().to_pylist()
    return {(row["origin"], row["by"], row["version"]) for row in rows}


def test_what_a_network_out_of_use_has_said_goes_and_nothing_else(
    relabeled: Callable[[], Catalog],
) -> None:
    catalog = relabeled()
    labels, known = catalog.table("cars").to_arrow(), evidence(catalog, None)
    everything = said(catalog)
    assert remove_superseded(catalog, HOUR) == 0
    assert said(catalog) == everything
    before = catalog.count("assertions")
    assert remove_superseded(catalog, NOW) == 40
    assert said(catalog) == everything - {("model", "net", "1")}
    assert catalog.count("assertions") == before - 40
    # No row is stale by it, so nothing is written again and what is published stays.
    assert stale_cars(catalog) == []
    assert evidence(catalog, None) == known
    assert not publish(catalog).moved
    assert catalog.table("cars").to_arrow() == labels
    stored = catalog.table("assertions").to_lance()
    assert stored.stats.dataset_stats()["num_deleted_rows"] == 0
    taken = size(catalog, "assertions")
    remove_versions(catalog, "assertions", NOW)
    assert size(catalog, "assertions") < taken
    assert remove_superseded(catalog, NOW) == 0


def test_a_run_that_was_killed_after_deleting_is_gone_on_with(
    relabeled: Callable[[], Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = relabeled()
    catalog.table("assertions").delete("`by` = 'net' AND `version` = '1'")
    stored = catalog.table("assertions").to_lance()
    assert stored.stats.dataset_stats()["num_deleted_rows"] == 40
    assert stale_cars(catalog) == []
    assert remove_superseded(catalog, NOW) == 0
    stored = catalog.table("assertions").to_lance()
    assert stored.stats.dataset_stats()["num_deleted_rows"] == 0


def test_a_version_that_is_back_in_use_keeps_what_it_said(
    relabeled: Callable[[], Catalog],
) -> None:
    catalog = relabeled()
    use_labeler(catalog, labeler("1"), run_id="r")
    assert remove_superseded(catalog, NOW) == 40
    assert ("model", "net", "1") in said(catalog)
    assert ("model", "net", "2") not in said(catalog)
    retire_labeler(catalog, "net", run_id="r")
    assert remove_superseded(catalog, HOUR) == 0


def test_few_superseded_statements_wait_for_more(
    relabeled: Callable[[], Catalog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cleanup, "MIN_SUPERSEDED_SHARE", 0.5)
    catalog = relabeled()
    assert remove_superseded(catalog, NOW) == 0
    assert ("model", "net", "1") in said(catalog)
