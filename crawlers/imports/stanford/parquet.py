"""Stanford Cars as Hugging Face parquet files: an image struct and a label number."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.records import Drop, Notice, Photo
from core.text import escape_bytes
from crawlers.imports.copies import READ_AS_COPY, choose_copy, without_mark
from crawlers.imports.stanford.classes import STANFORD_CARS, photo_of
from crawlers.imports.stanford.labels import ClassList
from crawlers.imports.walk import HIDDEN_LEFT_OUT

BATCH_ROWS = 64  # photos turned into records at once
MOST_SHARDS = 1000  # a name may count to 99,999
PARQUET_READ_BYTES = 1 << 20  # read at once; without it a whole row group is

NOT_PARQUET = "parquet file cannot be read"
OTHER_COLUMNS = "parquet file has no image struct and label number"
NO_BYTES = "parquet row holds no photo"
NO_SHARD = "parquet file of the data set is not there"
UNLABELED = -1
"""Hugging Face's label for a row without a label."""


@dataclass
class ParquetLayout:
    """Parquet files whose rows are photos; the part is in the name of a file or of its folder."""

    root: Path
    files: list[Path]
    broken: list[Drop]
    notices: list[Notice]
    title: str = "Hugging Face parquet"

    def count(self) -> int:
        """The number of photos and drops: one per row, and one per unreadable file."""
        return len(self.broken) + sum(int(pq.read_metadata(f).num_rows) for f in self.files)

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """Each row of each file in order, a batch at a time.

        Raises `SourceError` if the labels do not fit the class list.
        """
        yield from self.broken
        yield from self.notices
        lists = self._class_lists()
        for file, classes in zip(self.files, lists, strict=True):
            yield from self._file(file, classes)

    def _class_lists(self) -> list[ClassList]:
        """The class list of each file; files with the same names are checked together."""
        lists, labels = [], dict[tuple[str, ...], set[int | None]]()
        for path in self.files:
            names = class_names(pq.read_schema(path))
            lists.append(ClassList(path, 0, names or None))
            labels.setdefault(tuple(names), set()).update(_labels(path))
        for classes in lists:
            classes.check(labels[tuple(classes.own or ())])
        return lists

    def _file(self, path: Path, classes: ClassList) -> Iterator[Photo | Drop | Notice]:
        yield from classes.notices
        relative = escape_bytes(path.relative_to(self.root))
        try:
            for number, (content, label) in enumerate(_rows(path)):
                source_id = f"{relative}#{number}"
                if content is None:
                    what = "the photos must lie inside the parquet file"
                    yield Drop(STANFORD_CARS, source_id, NO_BYTES, what)
                    continue
                name, said = classes.name_of(label, source_id)
                yield from said
                yield from photo_of(content, source_id, name, part_of(path))
        except (OSError, pa.ArrowException) as error:
            yield _unreadable(path, error)


def _rows(path: Path) -> Iterator[tuple[bytes | None, int | None]]:
    # pre_buffer, on by default, would hold every row group that was read until the file closes.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=PARQUET_READ_BYTES) as file:
        wanted = [name for name in ("image", "label") if name in file.schema_arrow.names]
        for batch in file.iter_batches(BATCH_ROWS, columns=wanted):
            for row in batch.to_pylist():
                label = row.get("label")
                content = (row["image"] or {}).get("bytes")
                yield content, None if label == UNLABELED else label


def _labels(path: Path) -> set[int | None]:
    """The distinct labels of a file; empty if it cannot be read, which its rows report."""
    try:
        table = pq.read_table(path, columns=["label"])
        return set(pc.unique(table["label"]).to_pylist()) - {UNLABELED}
    except (OSError, KeyError, pa.ArrowException):
        return set()


def _unreadable(path: Path, error: Exception) -> Drop:
    return Drop(STANFORD_CARS, escape_bytes(path), NOT_PARQUET, f"{error}; download the file again")


def find_parquet(root: Path) -> ParquetLayout | None:
    """The parquet files below `root` that hold photos; None if none of them has labels.

    Raises `SourceError` if copies of a file differ.
    """
    layout, labeled = ParquetLayout(root, [], [], []), False
    for path in _one_of_copies(root, layout.notices):
        try:
            schema = pq.read_schema(path)
        except (OSError, pa.ArrowException) as error:
            layout.broken.append(_unreadable(path, error))
            continue
        has_labels = "label" in schema.names and pa.types.is_integer(schema.field("label").type)
        if _has_photos(schema) and (has_labels or "label" not in schema.names):
            layout.files.append(path)
            labeled = labeled or has_labels
        else:
            detail = f"its columns are {schema.names}"
            layout.broken.append(Drop(STANFORD_CARS, escape_bytes(path), OTHER_COLUMNS, detail))
    layout.notices.extend(_absent(layout.files))
    return layout if labeled else None


def _one_of_copies(root: Path, notices: list[Notice]) -> list[Path]:
    """The parquet files below a folder, without copies."""
    originals: dict[Path, list[Path]] = {}
    for path in sorted(root.rglob("*.parquet")):
        if any(part.startswith(".") for part in path.relative_to(root).parts):
            notices.append(Notice(HIDDEN_LEFT_OUT, escape_bytes(path)))
        else:
            originals.setdefault(path.with_stem(without_mark(path.stem)), []).append(path)
    chosen = []
    for original, paths in sorted(originals.items()):
        paths.sort(key=lambda path: path != original)
        chosen.append(choose_copy(paths) if len(paths) > 1 else paths[0])
        notices.extend(
            Notice(READ_AS_COPY, escape_bytes(path)) for path in paths if path != original
        )
    return chosen


def _absent(files: list[Path]) -> Iterator[Notice]:
    """Notices for missing shards: `train-00000-of-00002.parquet` is the first of two."""
    there = set()
    wanted: dict[Path, None] = {}
    for path in files:
        original = path.with_stem(without_mark(path.stem))
        there.add(original)
        if counted := re.fullmatch(r"(.+-)(\d{5})-of-(\d{5})", original.stem):
            stem, _, several = counted.groups()
            for number in range(min(int(several), MOST_SHARDS)):
                wanted[original.with_stem(f"{stem}{number:05}-of-{several}")] = None
    yield from (Notice(NO_SHARD, escape_bytes(path)) for path in wanted if path not in there)


def _has_photos(schema: pa.Schema) -> bool:
    if "image" not in schema.names:
        return False
    image = schema.field("image").type
    return bool(pa.types.is_struct(image) and image.get_field_index("bytes") >= 0)


def class_names(schema: pa.Schema) -> list[str]:
    """The label names in Hugging Face's metadata, in order; empty without metadata."""
    try:
        metadata = json.loads((schema.metadata or {})[b"huggingface"])
        return [str(name) for name in metadata["info"]["features"]["label"]["names"]]
    except (KeyError, TypeError, ValueError):
        return []


def part_of(path: Path) -> str | None:
    """`train` for train-00000-of-00002.parquet or train/0000.parquet; None if no part is named."""
    words = (without_mark(path.stem).split("-")[0], path.parent.name)
    parts = ("train", "test", "validation")
    return next((word for word in words if word in parts), None)
