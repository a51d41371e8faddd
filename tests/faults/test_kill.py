"""A command that is killed inside a stage, and the same command again: all is there, once."""

from pathlib import Path
from typing import Any

import pytest

from catalog.versions import published_version
from labeling.pending import stale_cars
from labeling.publish.status import catalog_status
from tests.faults.running import (
    Folder,
    Struck,
    catalog_of,
    check_adds_up,
    check_registered,
    check_whole,
    counts,
    here,
    kill,
    make_folder,
    report,
)

BEFORE: dict[str, Any] = {"when": "before", "call": "commit"}
AFTER: dict[str, Any] = BEFORE | {"when": "after"}


def killed(home: Path, strike: dict[str, Any], *words: str) -> Struck:
    found = kill(home, home.with_name("journal"), strike, *words)
    assert found is not None, "the command ended before it was struck"
    assert found.when == strike["when"]
    assert found.call == strike["call"]
    assert found.stage == strike["stage"]
    return found


def last_run(home: Path, flow: str) -> dict[str, Any]:
    found: dict[str, Any] = catalog_status(catalog_of(home))["last_runs"][flow]
    return found


def test_in_register_between_photos_and_the_places_that_show_them(
    tmp_path: Path, folder: Folder
) -> None:
    home = tmp_path / "home"
    words = ("ingest", "scenes", str(folder.path), "--no-embed")
    strike = AFTER | {"stage": "register", "table": "images", "nth": 2}
    killed(home, strike, *words)
    half = counts(home)
    assert (half["images"], half["sightings"]) == (40, 20)
    assert last_run(home, "ingest")["status"] == "running"

    said = report(here(home, *words, "--json"))
    assert (said["new"], said["again"], said["known"]) == (50, 21, 20)
    check_adds_up(said)
    check_registered(catalog_of(home), folder)
    assert last_run(home, "ingest")["status"] == "done"
    report(here(home, "embed", "--json"))
    check_whole(home, folder)


def test_in_label_between_statements_and_the_mark_of_having_read_them(
    tmp_path: Path, folder: Folder
) -> None:
    home = tmp_path / "home"
    words = ("ingest", "scenes", str(folder.path), "--no-embed")
    killed(home, BEFORE | {"stage": "label", "table": "sightings", "nth": 1}, *words)
    half = counts(home)
    assert half["assertions"] > 300
    assert catalog_status(catalog_of(home))["pending"]["label"] == 91

    said = report(here(home, *words, "--json"))
    assert (said["known"], said["new"]) == (91, 0)
    assert counts(home)["assertions"] == half["assertions"]
    report(here(home, "embed", "--json"))
    check_whole(home, folder)


def test_in_embed_with_one_shard_written_and_the_next_computed(
    tmp_path: Path, folder: Folder
) -> None:
    home = tmp_path / "home"
    words = ("ingest", "scenes", str(folder.path))
    killed(home, BEFORE | {"stage": "embed", "table": "cars", "nth": 2}, *words)
    assert counts(home)["cars"] == 20
    assert published_version(catalog_of(home)) is None
    assert here(home, "search", "--where", "view=exterior").exit_code == 1

    said = report(here(home, *words, "--json"))
    assert said["stages"]["embed"]["photos"] == 70
    check_whole(home, folder)


def test_in_networks_between_what_they_said_and_the_rows_that_show_it(
    tmp_path: Path, folder: Folder
) -> None:
    home = tmp_path / "home"
    words = ("ingest", "scenes", str(folder.path))
    strike = AFTER | {"stage": "networks", "table": "assertions", "nth": 1}
    killed(home, strike, *words)
    half = counts(home)
    assert half["cars"] == 90
    assert half["labelers"] == 1
    assert half["assertions"] > 800
    assert published_version(catalog_of(home)) is None

    said = report(here(home, "label", "--json"))
    assert said["stages"]["networks"]["photos"] == 0, "nobody is asked twice"
    assert counts(home)["assertions"] == half["assertions"]
    check_whole(home, folder)


def test_in_pictures_with_segments_made_and_nothing_said_yet(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("MARQUE_SEGMENTER", "marque-mask-tiny")
    report(here(home, "ingest", "scenes", str(folder.path), "--json"))
    before = counts(home)
    words = ("label", "--with", "colour")
    strike = BEFORE | {"stage": "pictures", "table": "assertions", "nth": 1}
    killed(home, strike, *words)
    half = counts(home)
    assert half["segments"] > 20
    assert half["assertions"] == before["assertions"]

    said = report(here(home, *words, "--json"))
    assert said["stages"]["colour"]["photos"] > 70
    again = report(here(home, *words, "--json"))
    assert again["stages"]["colour"]["photos"] == 0
    check_whole(home, folder)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    """As many photos as a vector index wants."""
    return make_folder(tmp_path_factory.mktemp("large") / "photos", 260, 20_000)


def test_in_publish_with_fresh_rows_and_fresh_indexes_before_searches_see_them(
    tmp_path: Path, large: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    words = ("ingest", "scenes", str(large.path), "--no-embed")
    report(here(home, "ingest", "scenes", str(large.path), "--json"))
    check_whole(home, large)
    before = published_version(catalog_of(home))
    old = red(home)
    large.repaint()

    tag = {"when": "before", "call": "update", "stage": "publish", "nth": 1}
    killed(home, tag, *words)
    catalog = catalog_of(home)
    assert published_version(catalog) == before
    assert stale_cars(catalog) == [], "all rows were refreshed"
    assert catalog_status(catalog)["pending"]["publish"] > 200, "but nobody sees them yet"
    assert red(home) == old

    monkeypatch.setenv("MARQUE_EXACT_ROWS", "256")
    step = {"when": "after", "call": "create_index", "stage": "publish", "nth": 2}
    killed(home, step, *words)
    indexed = {column for i in catalog.table("cars").list_indices() for column in i.columns}
    assert "semantic" in indexed
    assert len(indexed) == 2
    assert published_version(catalog) == before
    assert red(home) == old

    said = report(here(home, *words, "--json"))
    assert said["published"]["version"] == published_version(catalog) != before
    check_whole(home, large)
    assert red(home) != old
    unindexed = catalog_status(catalog)["unindexed"]
    assert unindexed
    assert set(unindexed.values()) == {0}


def red(home: Path) -> set[str]:
    """The photos that a search for red cars finds."""
    said = report(here(home, "search", "--where", "color=red", "-k", "1000", "--json"))
    return {hit["image_id"] for hit in said["hits"]}
