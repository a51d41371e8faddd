"""Files that hold some columns of one fragment, written as a stream and committed as they are.

The rows of a file are those of its fragment in their places, deleted ones included. So a file fits
its fragment for as long as the fragment exists: where another writer deletes rows, moves them or
rewrites other columns at the same moment, the same file is committed again and nothing is written
twice. Only compaction, which puts rows into new fragments, leaves a file without its place.
"""

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import SystemRandom
from typing import Any

import lance
import pyarrow as pa
from lance.commit import CommitConflictError
from lance.file import LanceFileWriter
from lance.fragment import DataFile, FragmentMetadata

from catalog.upsert import COMMIT_TRIES, MAX_RETRY_SECONDS

_DROPPED = -2  # what Lance writes for a column of a file that another file has replaced


@dataclass(frozen=True, slots=True)
class ColumnFile:
    """A written file of a fragment's columns, as these were when it was written, and the file that
    they were in, if there was one."""

    fragment: int
    file: DataFile
    schema: pa.Schema
    before: str | None


def write_column_file(
    stored: Any, fragment: Any, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> ColumnFile:
    """Write the columns of `schema` for all rows of a fragment, deleted ones included.

    The file belongs to the table only once `commit_column_files` has committed it.
    """
    ids = _field_ids(stored, schema.names)
    name = f"{uuid.uuid4().hex}.lance"
    writer = LanceFileWriter(
        f"{stored.uri}/data/{name}",
        schema,
        version=stored.data_storage_version,
        storage_options=stored.latest_storage_options(),
    )
    with writer:
        for batch in batches:
            writer.write_batch(batch)
    major, minor = (int(each) for each in stored.data_storage_version.split("."))
    file = DataFile(name, ids, list(range(len(ids))), major, minor, writer.size_bytes)
    return ColumnFile(fragment.fragment_id, file, schema, _holder(fragment.metadata, ids))


def commit_column_files(table: Any, files: Sequence[ColumnFile]) -> dict[int, Any]:
    """Let fragments of a LanceDB table have these files, in one commit; returns these fragments by
    number, with the rows that they had at that moment.

    A file is left out if its fragment is gone, if another writer has written these columns of it
    since, or if the table's columns of these names are others by now. Raises what Lance raises, and
    `CommitConflictError` if others were first `COMMIT_TRIES` times.
    """
    for attempt in range(COMMIT_TRIES):
        table.checkout_latest()
        stored = table.to_lance()
        there = {each.fragment_id: each.metadata for each in stored.get_fragments()}
        fitting = [each for each in files if _fits(each, stored, there.get(each.fragment))]
        if not fitting:
            return {}
        change = lance.LanceOperation.Update(
            updated_fragments=[_with_file(there[each.fragment], each.file) for each in fitting],
            fields_modified=fitting[0].file.fields,
        )
        try:
            now = lance.LanceDataset.commit(stored, change, read_version=stored.version)
        except CommitConflictError as error:
            if attempt == COMMIT_TRIES - 1 or not error.retryable:
                raise
            time.sleep(SystemRandom().uniform(0, min(MAX_RETRY_SECONDS, 0.01 * 2**attempt)))
        else:
            return {each.fragment: now.get_fragment(each.fragment) for each in fitting}
    return {}


def _field_ids(stored: Any, names: Sequence[str]) -> list[int]:
    """The numbers by which a version of a table knows these columns; those that it has."""
    known = {field.name(): int(field.id()) for field in stored.lance_schema.fields()}
    return [known[name] for name in names if name in known]


def _holder(fragment: FragmentMetadata, ids: Sequence[int]) -> str | None:
    """The file of a fragment in which the first of these columns is; None if all its rows are NULL
    because the column came later."""
    return next((str(file.path) for file in fragment.files if ids[0] in file.fields), None)


def _fits(made: ColumnFile, stored: Any, fragment: FragmentMetadata | None) -> bool:
    ids, names = made.file.fields, made.schema.names
    if fragment is None or _field_ids(stored, names) != ids:
        return False
    # Lance may give the number of a dropped column to the next one, so the fields are compared too.
    now = pa.schema([stored.schema.field(name) for name in names])
    return bool(now.equals(made.schema, check_metadata=True)) and (
        _holder(fragment, ids) == made.before
    )


def _with_file(fragment: FragmentMetadata, file: DataFile) -> FragmentMetadata:
    for other in fragment.files:
        other.fields = [_DROPPED if each in file.fields else each for each in other.fields]
    fragment.files = [
        other for other in fragment.files if any(each != _DROPPED for each in other.fields)
    ]
    fragment.files.append(file)
    return fragment
