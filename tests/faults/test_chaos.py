"""The long form: a run is killed at each of its writes in turn, and at random moments.

`make chaos` runs it; CHAOS_ROUNDS and CHAOS_SEED say how often and with which dice.
"""

import json
import os
import random
import shutil
from pathlib import Path

import pytest

from tests.faults.running import (
    Folder,
    catalog_of,
    check_adds_up,
    check_whole,
    here,
    kill,
    make_folder,
    report,
)

pytestmark = pytest.mark.chaos

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))


def strike_everywhere(tmp_path: Path, before: Path | None, folder: Folder, *words: str) -> None:
    """Kill a command before and after each write that it makes in a home like `before`."""

    def home(name: str) -> Path:
        place = tmp_path / name
        if before is not None:
            shutil.copytree(before, place)
        return place

    journal = tmp_path / "journal"
    assert kill(home("whole"), journal, {}, *words) is None
    writes = [json.loads(line) for line in journal.read_text().splitlines()]
    for number, write in enumerate(writes, start=1):
        for when in ("before", "after"):
            place = home(f"{number} {when}")
            strike = {"nth": number, "when": when}
            struck = kill(place, place.with_suffix(".journal"), strike, *words)
            assert struck is not None
            assert struck.when == when
            assert len(struck.writes) == number
            check_adds_up(report(here(place, *words, "--json")))
            report(here(place, "embed", "--json"))
            check_whole(place, folder)
            shutil.rmtree(place)
            print(f"{number} of {len(writes)}, {when}: {write}")  # noqa: T201 - minutes pass


def test_at_every_write_of_an_ingest(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUE_SHARD_SIZE", "50")  # two shards a stage are enough here
    words = ("ingest", "scenes", str(folder.path), "--no-embed")
    strike_everywhere(tmp_path, None, folder, *words)
    writes = [json.loads(line) for line in (tmp_path / "journal").read_text().splitlines()]
    for name, version in catalog_of(tmp_path / "whole").versions().items():
        noted = [write for write in writes if write["table"] == name]
        assert len(noted) == version, f"the journal misses writes to {name}"


def test_at_every_write_of_an_embed(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARQUE_SHARD_SIZE", "50")
    before = tmp_path / "before"
    report(here(before, "ingest", "scenes", str(folder.path), "--no-embed", "--json"))
    strike_everywhere(tmp_path, before, folder, "embed")


def test_at_every_write_where_labels_change_and_indexes_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = make_folder(tmp_path / "photos", 260, 30_000)
    before = tmp_path / "before"
    words = ("ingest", "scenes", str(large.path))
    report(here(before, *words, "--json"))
    large.repaint()
    monkeypatch.setenv("MARQUE_EXACT_ROWS", "256")
    strike_everywhere(tmp_path, before, large, *words, "--no-embed")


def test_at_random_moments(tmp_path: Path, folder: Folder) -> None:
    """Each round kills one home again and again until a run gets through."""
    dice = random.Random(SEED)
    words = ("ingest", "scenes", str(folder.path))
    stages = []
    for number in range(ROUNDS):
        home = tmp_path / str(number)
        for attempt in range(100):
            strike = {"seconds": dice.uniform(0, 2.5)}
            journal = tmp_path / f"{number}.{attempt}"
            struck = kill(home, journal, strike, *words)
            if struck is None:
                break
            stages.append(struck.stage)
        check_adds_up(report(here(home, *words, "--json")))
        check_whole(home, folder)
        print(f"round {number}: {attempt} kills")  # noqa: T201 - minutes pass
    assert {"register", "embed"} <= set(stages), stages
