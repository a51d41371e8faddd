"""The benchmark of peak memory, at a size that takes seconds."""

from pathlib import Path

import pytest

from benchmarks.memory import Peak, measure_all, page_of, write_photos
from catalog.photos import examine, image_id


def test_photos_differ_in_bytes_and_can_be_read(tmp_path: Path) -> None:
    write_photos(tmp_path / "photos", 7, drawn=3)
    contents = [each.read_bytes() for each in sorted((tmp_path / "photos").iterdir())]
    assert len({image_id(each) for each in contents}) == 7
    facts = [examine(each) for each in contents]
    assert len({each.phash for each in facts}) == 3
    assert {each.width for each in facts} == {128}


def test_an_ingest_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (peak,) = measure_all([40])
    assert peak.photos == 40
    assert 100 < peak.megabytes < 4000


def test_the_page_follows_from_the_numbers() -> None:
    assert "reached" in page_of([Peak(5, 600), Peak(50, 749)])
    assert "missed" in page_of([Peak(5, 600), Peak(50, 751)])
