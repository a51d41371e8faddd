"""Stanford Cars as parquet files of the Hugging Face form: an image struct and a label number."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crawlers.imports.stanford_annotations import devkit_names
from crawlers.imports.stanford_classes import SOURCE, photo_of
from crawlers.imports.walk import readable
from crawlers.records import Drop, Notice, Photo, SourceError

BATCH_ROWS = 64  # photos turned into records at once
READ_BYTES = 1 << 20  # read at once; without it a whole row group is

NOT_PARQUET = "parquet file cannot be read"
OTHER_COLUMNS = "parquet file has no image struct and label number"
NO_BYTES = "parquet row holds no photo"
NO_CLASS = "row's label is outside the list of classes; the photo is taken without words"
NO_NAMES = "parquet file does not name its classes; the published order of the 196 is used"


@dataclass
class ParquetLayout:
    """Files whose rows are photos; `part` of a file is told by its name or its folder's."""

    root: Path
    files: list[Path]
    broken: list[Drop]
    title: str = "Hugging Face parquet"

    def count(self) -> int:
        """How many photos and drops there are: one a row, and one a file that is not read."""
        return len(self.broken) + sum(int(pq.read_metadata(f).num_rows) for f in self.files)

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """Each row of each file in their order, a batch at a time."""
        yield from self.broken
        for file in self.files:
            yield from self._file(file)

    def _file(self, path: Path) -> Iterator[Photo | Drop | Notice]:
        names = class_names(pq.read_schema(path))
        if not names:
            names = devkit_names()
            _check_zero_based(path, names)
            yield Notice(NO_NAMES, readable(path))
        relative = readable(path.relative_to(self.root))
        try:
            for number, (content, label) in enumerate(_rows(path)):
                yield from _row(content, label, names, f"{relative}#{number}", part_of(path))
        except (OSError, pa.ArrowException) as error:
            yield _unreadable(path, error)


def _rows(path: Path) -> Iterator[tuple[bytes | None, int | None]]:
    # pre_buffer, which is on by default, keeps every row group that was read until the file closes.
    with pq.ParquetFile(path, pre_buffer=False, buffer_size=READ_BYTES) as file:
        for batch in file.iter_batches(BATCH_ROWS, columns=["image", "label"]):
            for row in batch.to_pylist():
                yield (row["image"] or {}).get("bytes"), row["label"]


def _unreadable(path: Path, error: Exception) -> Drop:
    return Drop(SOURCE, readable(path), NOT_PARQUET, f"{error}; fetch the file anew")


def find_parquet(root: Path) -> ParquetLayout | None:
    """The parquet files below `root` that hold photos and labels; None where there is none."""
    layout = ParquetLayout(root, [], [])
    for path in sorted(root.rglob("*.parquet")):
        try:
            schema = pq.read_schema(path)
        except (OSError, pa.ArrowException) as error:
            layout.broken.append(_unreadable(path, error))
            continue
        if _fits(schema):
            layout.files.append(path)
        else:
            detail = f"its columns are {schema.names}"
            layout.broken.append(Drop(SOURCE, readable(path), OTHER_COLUMNS, detail))
    return layout if layout.files else None


def _fits(schema: pa.Schema) -> bool:
    if not {"image", "label"} <= set(schema.names):
        return False
    image, label = schema.field("image").type, schema.field("label").type
    has_bytes = pa.types.is_struct(image) and image.get_field_index("bytes") >= 0
    return bool(has_bytes and pa.types.is_integer(label))


def class_names(schema: pa.Schema) -> list[str]:
    """The names that Hugging Face's metadata gives the labels, in order; empty without any."""
    try:
        metadata = json.loads((schema.metadata or {})[b"huggingface"])
        return [str(name) for name in metadata["info"]["features"]["label"]["names"]]
    except (KeyError, TypeError, ValueError):
        return []


def _check_zero_based(path: Path, names: list[str]) -> None:
    """Refuse labels that count from 1: nothing else would tell that each is one class off."""
    largest = pc.max(pq.read_table(path, columns=["label"])["label"]).as_py()
    if largest is not None and largest >= len(names):
        raise SourceError(
            f"{path} does not name its classes and has the label {largest}, where labels count"
            f" from 0 to {len(names) - 1}: which class it means cannot be told"
        )


def part_of(path: Path) -> str | None:
    """`train` of train-00000-of-00002.parquet or of train/0000.parquet, else None."""
    words = (path.stem.split("-")[0], path.parent.name)
    parts = ("train", "test", "validation")
    return next((word for word in words if word in parts), None)


def _row(
    content: bytes | None, label: int | None, names: list[str], source_id: str, split: str | None
) -> Iterator[Photo | Drop | Notice]:
    if content is None:
        yield Drop(SOURCE, source_id, NO_BYTES, "the photos must lie inside the parquet file")
        return
    name = names[label] if label is not None and 0 <= label < len(names) else None
    if name is None:
        yield Notice(NO_CLASS, f"{source_id}: {label} of {len(names)}")
    yield from photo_of(content, source_id, name, split)
