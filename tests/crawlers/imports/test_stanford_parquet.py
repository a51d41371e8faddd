"""Parquet files of Stanford Cars: faults of rows and files, and the memory that reading takes."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.records import Drop, Photo, SourceError
from crawlers.imports.stanford import labels as stanford_labels
from crawlers.imports.stanford import parquet as stanford_parquet
from crawlers.imports.stanford.read import StanfordCarsSource


def one_parquet(root: Path, images: list[Any], labels: list[Any]) -> None:
    image = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    schema = pa.schema({"image": image, "label": pa.int32()})
    pq.write_table(pa.table({"image": images, "label": labels}, schema), root / "0.parquet")


def test_parquet_labels_that_count_from_1_are_refused(tmp_path: Path) -> None:
    one_parquet(tmp_path, [{"bytes": b"x"}] * 2, [1, 196])
    with pytest.raises(
        SourceError, match="has the class number 196, where classes count from 0 to 195"
    ):
        list(StanfordCarsSource(tmp_path).records())


def test_parquet_rows_and_files_with_faults(tmp_path: Path) -> None:
    images = [{"bytes": b"x"}, {"bytes": None, "path": "gone.jpg"}, None, {"bytes": b"y"}]
    one_parquet(tmp_path, images, [0, 1, 2, None])
    (tmp_path / "broken.parquet").write_bytes(b"PAR1 nothing PAR1")
    pq.write_table(pa.table({"image": ["a"], "label": ["b"]}), tmp_path / "other.parquet")
    records = list(StanfordCarsSource(tmp_path).records())
    told = Counter(
        r.reason if isinstance(r, Drop) else r.text for r in records if not isinstance(r, Photo)
    )
    assert told == {
        "layout: Hugging Face parquet": 1,
        stanford_parquet.NOT_PARQUET: 1,
        stanford_parquet.OTHER_COLUMNS: 1,
        stanford_labels.NO_NAMES: 1,
        stanford_parquet.NO_BYTES: 2,
        stanford_labels.NO_LABELS: 1,
    }
    assert [r.content for r in records if isinstance(r, Photo)] == [b"x", b"y"]


def test_parquet_is_read_in_parts(tmp_path: Path) -> None:
    """Files of this form have half a gigabyte: a reader that keeps what it read fails here."""
    size, count = 100_000, 400
    noise = np.random.default_rng(0)
    one_parquet(tmp_path, [{"bytes": noise.bytes(size)} for _ in range(count)], [0] * count)
    table = pq.read_table(tmp_path / "0.parquet")
    pq.write_table(table, tmp_path / "0.parquet", row_group_size=50)
    del table
    before, largest = pa.total_allocated_bytes(), 0
    for _ in StanfordCarsSource(tmp_path).records():
        largest = max(largest, pa.total_allocated_bytes() - before)
    assert 0 < largest < size * count / 2
