"""Segments of photos: stored over those of another network, and which photos lack them."""

from catalog.rejects import store_rejects
from catalog.segments import (
    Segments,
    load_segments,
    segment_stage,
    store_segments,
    unsegmented,
)
from catalog.table import Catalog
from core.records import Drop

CLASSES = ("__background__", "car")


def row(key: str, version: str = "net@1", png: bytes = b"a map") -> Segments:
    return Segments(key, version, png, CLASSES)


def test_what_is_stored_is_read_back(catalog: Catalog) -> None:
    rows = [row("a", png=b"\x89PNG\x00\xff"), row("b", "net@2")]
    store_segments(catalog, rows, run_id="r")
    assert load_segments(catalog, ["b", "a", "absent"]) == {"a": rows[0], "b": rows[1]}
    assert load_segments(catalog, []) == {}
    assert catalog.column("segments", "run_id").to_pylist() == ["r", "r"]


def test_another_network_replaces_a_row(catalog: Catalog) -> None:
    store_segments(catalog, [row("a"), row("b")], run_id="r")
    before = catalog.versions()["segments"]
    store_segments(catalog, [row("b", "other@9", b"new"), row("c")], run_id="s")
    assert catalog.versions()["segments"] == before + 1
    found = load_segments(catalog, ["a", "b", "c"])
    assert found == {"a": row("a"), "b": row("b", "other@9", b"new"), "c": row("c")}


def test_nothing_is_no_commit(catalog: Catalog) -> None:
    before = catalog.versions()
    store_segments(catalog, [], run_id="r")
    assert catalog.versions() == before


def test_photos_wait_whose_row_is_absent_or_of_another_network(catalog: Catalog) -> None:
    assert unsegmented(catalog, ["b", "a", "b"], "net@1") == ["b", "a"]
    store_segments(catalog, [row("a"), row("b", "net@2")], run_id="r")
    assert unsegmented(catalog, ["c", "b", "a", "c"], "net@1") == ["c", "b"]
    assert unsegmented(catalog, ["c", "b", "a"], "net@2") == ["c", "a"]
    assert unsegmented(catalog, [], "net@1") == []


def test_a_photo_that_a_network_failed_on_waits_for_another_one_only(catalog: Catalog) -> None:
    drops = [Drop("images", "a", "truncated or damaged")]
    store_rejects(catalog, drops, stage=segment_stage("net@1"), run_id="r")
    assert unsegmented(catalog, ["a", "b"], "net@1") == ["b"]
    assert unsegmented(catalog, ["a", "b"], "net@2") == ["a", "b"]
