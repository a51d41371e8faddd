"""Commands that write to the same catalog at the same time."""

from pathlib import Path

import pytest

from catalog.published import PublishedCars
from catalog.versions import published_version
from tests.faults.running import (
    Folder,
    catalog_of,
    check_adds_up,
    check_labeled,
    check_registered,
    check_whole,
    counts,
    held,
    here,
    report,
    start,
    told,
)


def test_two_ingests_of_one_folder(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Into a catalog that neither finds there: both make its tables, and both tidy them up."""
    monkeypatch.setenv("MARQUE_SHARD_SIZE", "5")
    home = tmp_path / "home"
    words = ("ingest", "scenes", str(folder.path), "--no-embed", "--json")
    both = [start(home, *words) for _ in range(2)]
    reports = [told(each) for each in both]
    for each in reports:
        check_adds_up(each)
        assert each["seen"] == 94
    assert sum(each["new"] for each in reports) >= 90, "each photo is new to one of them at least"
    check_registered(catalog_of(home), folder)
    check_labeled(catalog_of(home), folder)
    again = report(here(home, *words))
    assert (again["known"], again["new"], again["again"]) == (91, 0, 0)


@pytest.mark.chaos
def test_all_at_once(tmp_path: Path, folder: Folder) -> None:
    home = tmp_path / "home"
    ingest = ("ingest", "scenes", str(folder.path))
    report(here(home, *ingest, "--no-embed", "--limit", "50", "--json"))
    every = [ingest, ingest, ("embed",), ("publish",)]
    for process in [start(home, *words, "--json") for words in every]:
        told(process)
    check_whole(home, folder)


def test_an_embed_while_an_ingest_has_photos_and_not_yet_their_places(
    tmp_path: Path, folder: Folder
) -> None:
    home = tmp_path / "home"
    ingest = ("ingest", "scenes", str(folder.path), "--no-embed", "--json")
    strike = {"when": "after", "call": "commit", "stage": "register", "table": "images", "nth": 2}
    with held(home, strike, *ingest) as process:
        assert (counts(home)["images"], counts(home)["sightings"]) == (40, 20)
        done = report(here(home, "embed", "--json"))
        assert done["published"]["photos"] == 20
        assert PublishedCars(catalog_of(home)).count() == 20
    check_adds_up(told(process))
    done = report(here(home, "embed", "--json"))
    assert done["stages"]["embed"]["photos"] == 70
    check_whole(home, folder)


def test_an_ingest_while_a_publish_is_about_to_move_the_tag(tmp_path: Path, folder: Folder) -> None:
    """What it then publishes is the newest, and not what it had looked at."""
    home = tmp_path / "home"
    ingest = ("ingest", "scenes", str(folder.path))
    report(here(home, *ingest, "--limit", "20", "--json"))
    catalog = catalog_of(home)
    catalog.table("cars").tags.delete("published")
    strike = {"when": "before", "call": "create", "stage": "publish", "nth": 1}
    with held(home, strike, "publish", "--json") as process:
        assert report(here(home, *ingest, "--json"))["published"]["photos"] == 90
    assert told(process)["published"]["photos"] == 90
    assert published_version(catalog) == catalog.versions()["cars"]
    check_whole(home, folder)
