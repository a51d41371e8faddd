"""Everyone measured against what people decided, on a catalog of rendered scenes."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from catalog.table import Catalog, open_catalog
from core.assertions import Assertion
from labeling.assess import assess
from labeling.heads import is_held_out
from labeling.label import store_assertions
from labeling.labelers import Calibration, Labeler, use_labeler
from synthetic.scenes import write_scenes

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COUNT = 40


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Catalog]:
    """A catalog of scenes that a source describes."""
    from flows.ingest import ingest

    monkeypatch.setenv("MARQUE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("MARQUE_SEMANTIC_MODEL", "marque-tiny")
    write_scenes(tmp_path / "scenes", COUNT, 41_000)
    ingest(source="scenes", path=str(tmp_path / "scenes"))
    return lambda: open_catalog(tmp_path / "home" / "catalog", create=False)


def colors(catalog: Catalog) -> dict[str, str]:
    rows = catalog.table("cars").search().select(["image_id", "color", "color_origin"]).to_list()
    return {row["image_id"]: row["color"] for row in rows if row["color_origin"] == "source"}


def say(key: str, value: str, origin: str, by: str, sure: float | None = None) -> Assertion:
    return Assertion(key, "color", (value,), False, sure, origin, by, "v1", "", NOW)  # type: ignore[arg-type]


def decide(catalog: Catalog, wrong: int) -> dict[str, str]:
    """Let a person agree with the source, but for so many photos; what was decided."""
    decided = {}
    for at, (key, color) in enumerate(sorted(colors(catalog).items())):
        decided[key] = ("blue" if color != "blue" else "red") if at < wrong else color
    said = [say(key, value, "human", "ann") for key, value in decided.items()]
    store_assertions(catalog, said, run_id="r")
    return decided


def test_the_report_says_how_often_each_was_right(catalog: Callable[[], Catalog]) -> None:
    from flows.quality import label_quality

    empty = label_quality()
    assert empty.quality == []
    assert "nobody has decided" in empty.messages[0]
    decided = decide(catalog(), wrong=5)
    report = label_quality()
    rows = {row["who"]: row for row in report.quality}
    assert set(rows) == {"source scenes", "model zero-shot", "label"}
    share = (len(decided) - 5) / len(decided)
    assert rows["source scenes"]["accuracy"] == rows["label"]["accuracy"] == f"{share:.3f}"
    assert rows["source scenes"]["photos"] == len(decided)
    assert float(rows["source scenes"]["from"]) < share < float(rows["source scenes"]["to"])
    assert 0 < float(rows["model zero-shot"]["ECE"]) < 1
    wrong = [row for row in report.confusions if row["who"] == "source scenes"]
    assert sum(row["photos"] for row in wrong) == 5
    assert {row["decided"] for row in wrong} <= {"blue", "red"}
    assert report.sheet is not None
    assert Path(report.sheet).read_bytes().startswith(b"\x89PNG")


def test_a_head_is_measured_on_photos_that_it_never_learns_from(
    catalog: Callable[[], Catalog],
) -> None:
    decided = decide(catalog(), wrong=0)
    how = {"color": Calibration(1.0, 0.5)}
    use_labeler(catalog(), Labeler("head color", "v1", "", False, how), run_id="r")
    said = [
        say(key, value if is_held_out(key) else "pink", "model", "head color", 0.9)
        for key, value in decided.items()
    ]
    store_assertions(catalog(), said, run_id="r")
    (head,) = [each for each in assess(catalog()) if each.by == "head color"]
    assert head.accuracy_of_all is not None
    held_out = sum(is_held_out(key) for key in decided)
    assert (head.accuracy_of_all.right, head.accuracy_of_all.of) == (held_out, held_out)
    assert 0 < held_out < len(decided)
