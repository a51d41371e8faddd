"""Rows of `cars` without vectors, made directly, and the vectors a filling should give them."""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from catalog.fill import FillCounts, Filling, open_filling
from catalog.table import Catalog
from tests.catalog.making import record

LITE, SIZE = "lite", 24
RECORD = record("l1")


def image_id(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def ids(numbers: Iterable[int]) -> list[str]:
    return [image_id(number) for number in numbers]


def vectors(image_ids: Sequence[str], size: int = SIZE) -> npt.NDArray[np.float32]:
    made = [np.random.default_rng(int(key[:12], 16)).normal(size=size) for key in image_ids]
    return np.array(made, np.float32).reshape(len(image_ids), size)


def add_rows(catalog: Catalog, numbers: Iterable[int]) -> None:
    rows = [
        {
            "image_id": image_id(number), "source": "shop", "source_id": str(number),
            "evidence": 0, "labelled_with": "", "thumbnail": bytes(50),
        }
        for number in numbers
    ]  # fmt: skip
    catalog.insert("cars", pa.Table.from_pylist(rows, catalog.specs["cars"].schema))


def colored(numbers: Iterable[int], color: str) -> pa.Table:
    keys = ids(numbers)
    return pa.table({"image_id": keys, "color": [color] * len(keys)})


def resume(catalog: Catalog, folder: Path, space: str = LITE, **more: Any) -> Filling:
    return open_filling(catalog, space, RECORD, folder, **more)


def fill(filling: Filling, rows: int = 16, shards: int | None = None) -> list[list[str]]:
    """Keep the vectors of what waits, or of some shards of it; returns what was computed."""
    computed = []
    for some in filling.waiting(rows):
        if len(computed) == shards:
            break
        filling.keep(some, vectors(some, filling._aside.size))
        filling.commit()
        computed.append(some)
    return computed


def fill_all(catalog: Catalog, folder: Path, space: str = LITE) -> FillCounts:
    with resume(catalog, folder, space) as filling:
        fill(filling)
        return filling.finish()


def check(
    catalog: Catalog, filled: Iterable[int], null: Iterable[int] = (), *, space: str = LITE
) -> None:
    """The table has these rows, each once, with its own vector or none."""
    with_vector = {image_id(number) for number in filled}
    made = f"{space}_version"
    rows = catalog.table("cars").search().select(["image_id", space, made]).to_arrow()
    keys = rows.column("image_id").to_pylist()
    assert sorted(keys) == sorted(with_vector | {image_id(number) for number in null})
    has = [key in with_vector for key in keys]
    assert [each is not None for each in rows.column(made).to_pylist()] == has
    assert rows.column(space).is_valid().to_pylist() == has
    assert set(rows.column(made).to_pylist()) <= {"l1", None}
    there = rows.filter(pa.array(has))
    size = rows.schema.field(space).type.list_size
    stored = there.column(space).combine_chunks().flatten().to_numpy().reshape(-1, size)
    expected = vectors(there.column("image_id").to_pylist(), size).astype(np.float16)
    assert np.array_equal(stored, expected)


def data_files(catalog: Catalog) -> dict[str, int]:
    """The data files of `cars` and their sizes."""
    folder = Path(catalog.uri) / "cars.lance" / "data"
    return {path.name: path.stat().st_size for path in folder.iterdir()}
