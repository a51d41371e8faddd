"""Reports add up: what a run counts is what it added to the tables."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from catalog.table import Catalog, StoreError, open_catalog
from flows.reporting.progress import listener
from flows.reporting.report import RunReport
from labeling.labelers import load_labelers
from synthetic.replica.server import start_replica
from synthetic.replica.world import World
from synthetic.scenes import write_scenes

COUNT = 45


@pytest.fixture(autouse=True)
def small_shards(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUE_SHARD_SIZE", "16")


@pytest.fixture
def catalog(home: Path) -> Catalog:
    return open_catalog(home / "catalog")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    write_scenes(folder, COUNT, 1)
    Image.new("RGB", (9, 9)).save(folder / "small.png")
    return folder


@dataclass
class Bars:
    """A listener that keeps what bars would show: of each stage its total and what is done."""

    totals: Counter[str]
    done: Counter[str]

    def begin(self, stage: str, total: int | None) -> None:
        self.totals[stage] += total or 0

    def advance(self, stage: str, photos: int) -> None:
        self.done[stage] += photos

    def tell(self, stage: str, text: str) -> None:
        """Nothing to keep."""

    def end(self, stage: str) -> None:
        """Nothing to keep."""


@contextmanager
def watched() -> Iterator[Bars]:
    bars = Bars(Counter(), Counter())
    before = listener.set(bars)
    try:
        yield bars
    finally:
        listener.reset(before)


def rows(catalog: Catalog) -> Counter[str]:
    """How many rows there are: photos, rejects, and statements by origin."""
    origins = catalog.column("assertions", "origin").to_pylist()
    names = ("images", "rejects")
    return Counter(origins) + Counter({name: catalog.count(name) for name in names})


def adds_up(catalog: Catalog, flow: Callable[..., RunReport], **given: Any) -> RunReport:
    """Run a flow, and hold its report against the tables before and after, and its bars."""
    before = rows(catalog)
    with watched() as bars:
        report = flow(**given)
    added = rows(catalog) - before
    counted = Counter(report.statements) | Counter(images=report.new, rejects=report.newly_rejected)
    assert +counted == added
    assert sum(report.labels.values()) == added["source"]
    assert report.seen == report.good + sum(report.rejected.values())
    said = Counter[str]()
    for name, values in report.network_labels.items():
        said[name] = sum(count.said for count in values.values())
        assert sum(report.confidences[name]) <= said[name]
    one = [name for name in said if not catalog.vocabulary.attributes[name.split(": ")[1]].many]
    in_use = {(each.name, each.version) for each in load_labelers(catalog)}
    stored = catalog.table("assertions").search().select(["by", "version", "attribute", "run_id"])
    mine = [row for row in stored.limit(10**6).to_list() if row["run_id"] == report.run_id]
    mine = [row for row in mine if (row["by"], row["version"]) in in_use]
    by_name = Counter(f"{row['by']}: {row['attribute']}" for row in mine)
    assert {name: said[name] for name in one} == {n: by_name[n] for n in one}
    assert len(mine) == report.statements.get("model", 0) - report.superseded
    for name, stage in report.stages.items():
        assert stage.photos == bars.done[name]
        assert bars.totals[name] in {0, stage.photos}, name
    return report


def test_an_ingest_new_known_and_changed(scenes: Path, catalog: Catalog, tmp_path: Path) -> None:
    from flows.ingest import embed, ingest
    from flows.label import label

    first = adds_up(catalog, ingest, source="scenes", path=str(scenes), limit=20, embed=False)
    assert (first.new, first.newly_rejected) == (20, 0)
    later = adds_up(catalog, embed)
    photos = {name: stage.photos for name, stage in later.stages.items()}
    assert photos == {"label": 0, "embed": 20, "networks": 20, "publish": 20}
    rest = adds_up(catalog, ingest, source="scenes", path=str(scenes))
    assert (rest.new, rest.known, rest.newly_rejected) == (COUNT - 20, 20, 1)
    photos = {name: stage.photos for name, stage in rest.stages.items()}
    assert photos["networks"] >= COUNT - 20
    assert photos["publish"] >= COUNT - 20
    again = adds_up(catalog, ingest, source="scenes", path=str(scenes))
    assert (again.new, again.known, again.newly_rejected) == (0, COUNT, 0)
    assert (sum(again.rejected.values()), again.statements) == (1, {})
    assert {stage.photos for name, stage in again.stages.items() if name != "register"} == {0}
    table = scenes / "labels.csv"
    whole = table.read_text()
    table.write_text(whole.replace("exterior", "interior"))
    changed = adds_up(catalog, ingest, source="scenes", path=str(scenes))
    table.write_text(whole)
    assert changed.facts["view"]["changed"] == changed.changed > 0
    calibrated = adds_up(catalog, label, calibrate=True)
    assert calibrated.stages["networks"].photos in {0, COUNT}


def test_a_recalibration_in_mid_run_counts_no_statement_twice(
    scenes: Path, catalog: Catalog
) -> None:
    from flows.ingest import ingest

    adds_up(catalog, ingest, source="scenes", path=str(scenes), limit=12)
    (before,) = load_labelers(catalog)
    report = adds_up(catalog, ingest, source="scenes", path=str(scenes))
    (after,) = load_labelers(catalog)
    assert after.version != before.version, "now enough is known"
    assert report.superseded > 0
    said = report.network_labels["zero-shot: color"]
    assert sum(each.said for each in said.values()) <= COUNT
    assert report.stages["networks"].photos == COUNT


def test_a_run_that_was_tried_again_half_way(
    scenes: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write of each stage fails once, after an earlier one of the same try was stored."""
    from flows.ingest import ingest

    calls: Counter[tuple[str, str]] = Counter()
    wanted = {("upsert_unchanged", "sightings"): 9, ("update", "sightings"): 1,
              ("insert_keys", "rejects"): 1, ("insert_keys", "assertions"): 2,
              ("insert", "cars"): 1}  # fmt: skip

    def let_fail(name: str) -> None:
        write = getattr(Catalog, name)

        def fails(self: Catalog, table: str, *given: Any, **more: Any) -> Any:
            calls[name, table] += 1
            if calls[name, table] == wanted.get((name, table)):
                raise StoreError("another writer was first")
            return write(self, table, *given, **more)

        monkeypatch.setattr(Catalog, name, fails)

    monkeypatch.setattr("catalog.register.BYTES_A_WRITE", 1)
    for name in {name for name, _ in wanted}:
        let_fail(name)
    report = adds_up(catalog, ingest, source="scenes", path=str(scenes))
    assert all(calls[each] > at for each, at in wanted.items()), "all have failed"
    assert (report.new, report.newly_rejected) == (COUNT, 1)


def test_decisions_and_heads(scenes: Path, catalog: Catalog, tmp_path: Path) -> None:
    from flows.ingest import ingest
    from flows.review import review_import
    from flows.training import train_heads

    adds_up(catalog, ingest, source="scenes", path=str(scenes))
    ids = catalog.column("images", "image_id").to_pylist()
    file = tmp_path / "review.csv"
    file.write_text("image_id,attribute,decision,by\n" + "".join(
        f"{key},{name},?,ann\n" for key in ids[:5] for name in ("color", "view")))  # fmt: skip
    decided = adds_up(catalog, review_import, files=[str(file)])
    assert decided.statements == {"human": 10}
    assert decided.stages["import"].photos == 5, "photos, not decisions"
    again = adds_up(catalog, review_import, files=[str(file)])
    assert again.statements == {}
    trained = adds_up(catalog, train_heads, attributes=["color", "view"])
    known = sum(row["known labels"] for row in trained.heads)
    assert trained.stages["train"].photos == known > 2, "photos, not attributes"


def test_a_crawl_and_the_same_one_again(catalog: Catalog) -> None:
    from flows.crawl import crawl_recipe

    with start_replica(World(seed=3, listings=0, photos=3, files=60, sites=("it",))) as replica:
        given = {"categories": ["Ford Mustang"], "width": 330, "replica": replica.url}
        report = adds_up(catalog, crawl_recipe("commons"), **given)
        assert report.crawl is not None
        assert report.new == report.crawl["photos"] > 5
        again = adds_up(catalog, crawl_recipe("commons"), **given)
        assert (again.new, again.known) == (0, report.new)


def test_what_runs_at_once_count_is_together_what_they_added(
    scenes: Path, catalog: Catalog
) -> None:
    from flows.ingest import ingest

    before = rows(catalog)
    with ThreadPoolExecutor(4) as pool:
        runs = [pool.submit(ingest, source="scenes", path=str(scenes)) for _ in range(4)]
        reports: list[RunReport] = [run.result() for run in runs]
    added = rows(catalog) - before
    counted = Counter[str]()
    for report in reports:
        counted += Counter(report.statements)
        counted += Counter(images=report.new, rejects=report.newly_rejected)
    assert counted == added
    assert added["images"] == COUNT
