"""The same commands by hand and as Prefect flows: the same tables, the same counts, and what
Prefect's pages show besides."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from click.testing import CliRunner

from catalog.table import Catalog, open_catalog
from flows.recipe import as_flows
from marque.__main__ import commands
from synthetic.replica.server import start_replica
from synthetic.replica.world import World
from synthetic.scenes import write_scenes

OF_A_RUN = {"run_id", "added_at", "fetched_at", "created_at", "rejected_at", "assertion_id"}
"""Columns that tell one run from another; a statement's key holds its time."""

COUNTS = ("status", "seen", "new", "again", "known", "changed", "rejected", "notices", "labels",
          "unknown_words", "ambiguous_names", "network_labels", "published", "models",
          "parameters")  # fmt: skip


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, 24, 1)
    (folder / "page.jpg").write_bytes(b"<!doctype html>")
    return folder


@pytest.fixture
def url(prefect_harness: None) -> str:
    from prefect.settings import get_current_settings

    return str(get_current_settings().api.url)


@pytest.fixture
def artifact(prefect_harness: None) -> Callable[[str], str]:
    from prefect.artifacts import Artifact

    def read(key: str) -> str:
        found = Artifact.get(key)
        assert found is not None, key
        return str(found.data)

    return read


def told(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(commands, [*words, "--json"])
    assert done.exit_code == 0, done.output
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def rows(catalog: Catalog, name: str) -> Iterator[dict[str, Any]]:
    for row in catalog.table(name).search().limit(10_000).to_list():
        kept = {column: value for column, value in row.items() if column not in OF_A_RUN}
        yield {
            column: np.asarray(value, np.float32).round(2).tolist() if column == "semantic" else
            round(value, 3) if isinstance(value, float) else value
            for column, value in kept.items()
        }  # fmt: skip


def tables(home: Path) -> dict[str, list[str]]:
    """Every row that is no history, as text."""
    catalog = open_catalog(home / "catalog", create=False)
    names = [name for name in catalog.specs if name not in {"runs", "labelers", "format"}]
    return {name: sorted(map(str, rows(catalog, name))) for name in names}


def commands_in(home: Path, scenes: Path, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    monkeypatch.setenv("MARQUE_HOME", str(home))
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
    monkeypatch.setenv("MARQUE_SHARD_SIZE", "5")
    ingest = ("ingest", "scenes", str(scenes))
    return [told(*ingest, "--limit", "12"), told(*ingest), told("label"), told("publish")]


def test_by_hand_and_as_a_flow_is_the_same(
    tmp_path: Path, scenes: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = commands_in(tmp_path / "by hand", scenes, monkeypatch)
    monkeypatch.setenv("PREFECT_API_URL", url)
    flows = commands_in(tmp_path / "flows", scenes, monkeypatch)
    for one, other in zip(by_hand, flows, strict=True):
        assert {name: one[name] for name in COUNTS} == {name: other[name] for name in COUNTS}
        stages = [
            {name: stage["photos"] for name, stage in report["stages"].items()}
            for report in (one, other)
        ]
        assert stages[0] == stages[1]
    first, second = tables(tmp_path / "by hand"), tables(tmp_path / "flows")
    for name, expected in first.items():
        assert second[name] == expected, name
    assert len(first["cars"]) == 24

    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        names = [client.read_flow_run(UUID(each["run_id"])).state_name for each in flows]
    assert names == ["Completed"] * 4
    assert os.environ["PREFECT_API_URL"] == url


def test_a_flow_shows_its_report_in_prefects_pages(
    tmp_path: Path, scenes: Path, artifact: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.ingest import ingest
    from flows.search import search

    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
    with as_flows():
        report = ingest(source="scenes", path=str(scenes), limit=10)
        found = search(text="a red car", k=3)
    shown = artifact("ingest-report")
    assert "# ingest: done" in shown
    assert f"| run | {report.run_id} |" in shown
    assert '"seen"' in artifact("ingest-photos")
    assert float(artifact("ingest-embed")) == 100.0
    assert found.answer is not None
    assert found.answer["hits"][0]["image_id"][:12] in artifact("search-hits")


def test_a_crawl_shows_its_report_there_too(
    tmp_path: Path, artifact: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.crawl import crawl_recipe

    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    world = World(seed=3, listings=60, photos=1, files=1, sites=("it",))
    with start_replica(world) as replica, as_flows():
        report = crawl_recipe("autoscout24")(
            make="fiat", site="it", size="480x360", limit=3, searchable=False, replica=replica.url
        )
    assert report.new == 3
    assert "| listings |" in artifact("crawl-autoscout24-report")
    assert '"photos fetched"' in artifact("crawl-autoscout24-crawl")


def test_parameters_are_checked_by_hand_as_a_flow_does() -> None:
    from pydantic import ValidationError

    from flows.ingest import ingest

    with pytest.raises(ValidationError, match="limit"):
        ingest(limit=0)
