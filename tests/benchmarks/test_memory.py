"""The benchmark of peak memory, at a size that takes seconds."""

from pathlib import Path

import pytest

from benchmarks.memory import Peak, measure_all, page_of, write_photos
from core.photos.decode import decode_facts, image_id


def test_photos_differ_in_bytes_and_can_be_read(tmp_path: Path) -> None:
    write_photos(tmp_path / "photos", 7, drawn=3)
    contents = [each.read_bytes() for each in sorted((tmp_path / "photos").iterdir())]
    assert len({image_id(each) for each in contents}) == 7
    facts = [decode_facts(each) for each in contents]
    assert len({each.phash for each in facts}) == 3
    assert {each.width for each in facts} == {128}


def test_an_ingest_is_measured() -> None:
    peaks = measure_all([40])
    assert [(peak.photos, peak.indexed) for peak in peaks] == [(40, False), (40, True)]
    assert all(100 < peak.megabytes < 4000 for peak in peaks)


@pytest.mark.parametrize(("many", "verdict"), [(749, "reached"), (751, "missed")])
def test_the_page_follows_from_the_numbers(many: float, verdict: str) -> None:
    plain = [Peak(5, False, 600), Peak(50, False, many)]
    page = page_of([*plain, Peak(5, True, 800), Peak(50, True, 850)])
    assert verdict in page
    assert "| 5 | 600 | 800 |" in page
    assert "with a vector index 50 MB more" in page
