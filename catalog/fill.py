"""Filling the vector column of a space over rows that exist already.

A flow asks which photos wait, keeps their vectors aside shard by shard, and these are committed to
the column fragment by fragment: one file a fragment, written once, and no other file changes.

    with open_filling(catalog, space, record, folder) as filling:
        for ids in filling.waiting(256):
            filling.keep(ids, embed(ids))
            filling.commit()
        filling.finish()

What is kept survives a crash, and is found by image id wherever its row lies by then. So photos may
be added, deleted, labeled and compacted meanwhile, and other fillings may run.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog import update_columns
from catalog.aside import DIGEST, Aside, Digests, Kept, TakenError, digests_of, ids_of
from catalog.car_columns import space_record, space_version
from catalog.column_files import ColumnFile, commit_column_files, write_column_file
from catalog.errors import CatalogError, StoreError, storing
from catalog.sql import literal
from catalog.table import Catalog
from catalog.upsert import Upsert, write_rows

COMMIT_ROWS = 16_384
"""Vectors that are kept aside before it is worth looking at which fragments they complete."""

MAX_ASIDE_ROWS = 131_072
"""With more vectors aside, fragments are committed that still wait for others: what is aside, and
the memory to find it, stays bounded whatever the order in which vectors come."""

FILL_BATCH_ROWS = 4096
PASSES = 100  # over the fragments, each after another writer was first

_ADDRESS = "_rowaddr"
_OFFSET = 0xFFFFFFFF  # the bits of a row's address that say its place in the fragment


@dataclass(slots=True)
class FillCounts:
    """What a filling wrote: photos and fragments by files of the column, and photos that were
    `moved` because their fragment had nearly all vectors. `left` vectors had no place any more: the
    photo was deleted, or had its vector already."""

    photos: int = 0
    fragments: int = 0
    moved: int = 0
    left: int = 0


@dataclass(frozen=True, slots=True)
class _Match:
    """A fragment and the vectors kept for it: for each of its rows, deleted ones included, the
    place of its vector or -1; how many live rows it has, how many of these have a vector in the
    column, and how many wait for one that is not here."""

    fragment: Any
    places: npt.NDArray[np.int64]
    rows: int
    filled: int
    missing: int

    @property
    def found(self) -> int:
        return int((self.places >= 0).sum())

    def ids(self, kept: Kept, offsets: Any = ...) -> Digests:
        """The photos with a kept vector, among the rows at these places of the fragment."""
        places = self.places[offsets]
        there: Digests = kept.ids[places[places >= 0]]
        return there


def open_filling(
    catalog: Catalog, space: str, record: bytes, folder: Path, *, failed: Iterable[str] = ()
) -> "Filling":
    """Begin to fill the column of a space, or go on where a filling was interrupted.

    `record` describes the model, as for `open_space`, which has made the column. `folder` is where
    vectors are kept until they are committed; what is there of another model version of the space
    is removed. Photos that the model `failed` on stay NULL. Raises `CatalogError` if the column is
    absent or of another model, and `StoreError` if the folder cannot be written.
    """
    return Filling(catalog, space, space_version(record), folder, failed)


class Filling:
    """A filling in progress, made by `open_filling`. One thread asks and commits; `keep` and
    `skip` may be called by others."""

    def __init__(
        self, catalog: Catalog, space: str, version: str, folder: Path, failed: Iterable[str]
    ) -> None:
        self.catalog = catalog
        self.space = space
        self.version = version
        self.counts = FillCounts()
        self._names = [space, f"{space}_version"]
        size = self._fields(self._table().schema)[0].type.list_size
        self._aside = Aside(folder, space, size, catalog=catalog.uri, version=version)
        self._failed = set(digests_of(failed).tolist())
        self._full: set[int] = set()  # fragments that have all their vectors
        self._tried = 0
        with storing(f"the folder {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            self._todo = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - until `close`
            self.total = self._list_waiting()

    def __enter__(self) -> "Filling":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget which photos wait; what is kept aside stays for the next time."""
        self._todo.close()

    def waiting(self, rows: int) -> Iterator[list[str]]:
        """The `total` photos that wait, in the order of the table, `rows` of them at a time.

        They are those of the moment when the filling was opened, without those that are kept aside
        already. Photos that are added meanwhile wait for the next filling.
        """
        self._todo.seek(0)
        while some := self._todo.read(rows * DIGEST):
            yield ids_of(np.frombuffer(some, f"S{DIGEST}"))

    def keep(self, image_ids: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Keep the vectors (n, size) of n photos aside; they are on disk when this returns.

        Of a photo that is given twice the first vector counts. Raises `CatalogError` if the size is
        another one or a number is not finite in float16, and `StoreError` if the disk is full: what
        was kept before stays, and the same call can be made again.
        """
        if len(image_ids) or len(vectors):
            self._aside.store(image_ids, vectors)

    def skip(self, image_ids: Iterable[str]) -> None:
        """Leave photos NULL that the model failed on."""
        self._failed.update(digests_of(image_ids).tolist())

    def commit(self) -> None:
        """Commit the fragments that are complete, once enough vectors are kept for some to be.

        Cheap enough to be called after each shard. Raises `CatalogError` if the column is of
        another model by now, and `StoreError`.
        """
        if self._aside.count() < self._tried + COMMIT_ROWS:
            return
        with suppress(TakenError):  # what another filling has committed needs no commit
            self._pass(self._aside.kept(), everything=False)
        self._tried = self._aside.count()

    def finish(self) -> FillCounts:
        """Commit all that is kept, and remove it from the folder; raises as `commit` does."""
        for _ in range(PASSES):
            kept = self._aside.kept()
            with suppress(TakenError):
                if not self._pass(kept, everything=True):
                    self.counts.left += len(np.unique(kept.ids))
                    self._aside.remove_known()
                    return self.counts
        raise StoreError(
            f"the {self.space!r} vectors of {self.catalog.uri} could not all be committed: other "
            f"writers were first {PASSES} times; run the same command again when they are done"
        )

    def _table(self) -> Any:
        """The newest version of `cars`, if its column is still that of this model."""
        table = self.catalog.table("cars")
        held = space_record(table.schema, self.space)
        if held is None or space_version(held) != self.version:
            there = "is not there" if held is None else f"is of model {space_version(held)!r}"
            raise CatalogError(
                f"the column {self.space!r} of {self.catalog.uri} {there}, and the vectors are of "
                f"{self.version!r}; run `marque embed` again with the model that you want"
            )
        return table

    def _fields(self, schema: pa.Schema) -> list[pa.Field]:
        return [schema.field(name) for name in self._names]

    def _list_waiting(self) -> int:
        """Write the ids of the photos that wait to a file without a name; returns how many."""
        kept, total = self._aside.kept(), 0
        made = self._names[1]
        where = f"`{made}` IS NULL OR `{made}` != {literal(self.version)}"
        for batch in self.catalog.read("cars", ["image_id"], where, batch_rows=65_536):
            ids = digests_of(batch.column("image_id").to_pylist())
            ids = ids[(kept.find(ids) < 0) & ~self._has_failed(ids)]
            self._todo.write(ids.tobytes())
            total += len(ids)
        self._todo.flush()
        return total

    def _has_failed(self, ids: Digests) -> npt.NDArray[np.bool_]:
        if not self._failed:
            return np.zeros(len(ids), bool)
        return np.fromiter((each in self._failed for each in ids.tolist()), bool, len(ids))

    def _pass(self, kept: Kept, *, everything: bool) -> int:
        """Look through the fragments once and commit; returns how many vectors had a place."""
        table = self._table()
        placed, waiting = 0, len(kept)
        made: list[tuple[ColumnFile, _Match]] = []
        moved: list[Digests] = []
        with self.catalog.storing("cars"):
            stored = table.to_lance()
            fragments = [each for each in stored.get_fragments() if self._is_open(each)]
            largest = max((each.physical_rows for each in fragments), default=0)
            everything |= waiting > max(MAX_ASIDE_ROWS, 2 * largest)
            for fragment in fragments:
                if not waiting:
                    break
                match = self._match(fragment, kept)
                waiting -= match.found
                if not match.found or (match.missing and not everything):
                    continue
                placed += match.found
                if match.filled and match.found < update_columns.MIN_REWRITE_SHARE * match.rows:
                    moved.append(match.ids(kept))
                else:
                    made.append((self._write(stored, match, kept), match))
                if sum(each.found for _, each in made) >= COMMIT_ROWS:
                    self._commit(table, made, kept)
                    made = []
            self._commit(table, made, kept)
            self._move(table, moved, kept)
        self._aside.remove_done()
        return placed

    def _is_open(self, fragment: Any) -> bool:
        return fragment.fragment_id not in self._full

    def _match(self, fragment: Any, kept: Kept) -> _Match:
        places = np.full(fragment.physical_rows, -1)
        rows = filled = missing = 0
        columns = ["image_id", self._names[1]]
        for batch in _batches(fragment, columns, 65_536):
            current = _equal(batch.column(self._names[1]), self.version)
            rows, filled = rows + len(current), filled + int(current.sum())
            if current.all():
                continue
            offsets = batch.column(_ADDRESS).to_numpy() & _OFFSET
            ids = digests_of(batch.column("image_id").filter(pa.array(~current)).to_pylist())
            found = kept.find(ids)
            places[offsets[~current]] = found
            missing += int(((found < 0) & ~self._has_failed(ids)).sum())
        if filled == rows:
            self._full.add(fragment.fragment_id)
        return _Match(fragment, places, rows, filled, missing)

    def _write(self, stored: Any, match: _Match, kept: Kept) -> ColumnFile:
        schema = pa.schema(self._fields(stored.schema))
        parts = self._old(match) if match.filled else self._nothing(match)
        batches = (self._merged(match, kept, schema, *part) for part in parts)
        return write_column_file(stored, match.fragment, schema, batches)

    def _nothing(self, match: _Match) -> Iterator[tuple[int, int, None]]:
        """The rows of a fragment without vectors, some at a time: from, to, what is there."""
        for start in range(0, len(match.places), FILL_BATCH_ROWS):
            yield start, min(start + FILL_BATCH_ROWS, len(match.places)), None

    def _old(self, match: _Match) -> Iterator[tuple[int, int, pa.RecordBatch | None]]:
        """The rows of a fragment with the vectors that it has; the last part has none."""
        start = 0
        for batch in _batches(match.fragment, self._names, FILL_BATCH_ROWS):
            end = int(batch.column(_ADDRESS)[-1].as_py() & _OFFSET) + 1
            yield start, end, batch
            start = end
        if start < len(match.places):
            yield start, len(match.places), None

    def _merged(
        self,
        match: _Match,
        kept: Kept,
        schema: pa.Schema,
        start: int,
        end: int,
        old: pa.RecordBatch | None,
    ) -> pa.RecordBatch:
        """The rows from `start` to `end`: new vectors, old ones where there are no new ones."""
        size = schema.field(0).type.list_size
        vectors = np.zeros((end - start, size), np.float16)
        known = np.zeros(end - start, bool)
        if old is not None:
            current = pa.array(_equal(old.column(self._names[1]), self.version))
            there = old.filter(pc.and_(current, old.column(self.space).is_valid()))
            at = (there.column(_ADDRESS).to_numpy() & _OFFSET) - start
            vectors[at] = there.column(self.space).flatten().to_numpy().reshape(-1, size)
            known[at] = True
        places = match.places[start:end]
        new = places >= 0
        vectors[new] = kept.take(places[new], size)
        known |= new
        column = pa.FixedSizeListArray.from_arrays(
            pa.array(vectors.ravel()), type=schema.field(0).type, mask=pa.array(~known)
        )
        made = pa.array([self.version if each else None for each in known.tolist()], pa.string())
        return pa.record_batch([column, made], schema=schema)

    def _commit(self, table: Any, made: list[tuple[ColumnFile, _Match]], kept: Kept) -> None:
        if not made:
            return
        committed = commit_column_files(table, [file for file, _ in made])
        for file, match in made:
            if (fragment := committed.get(file.fragment)) is None:
                continue
            # A row that another writer moved meanwhile still needs its vector where it is now.
            for batch in _batches(fragment, [], 65_536):
                ids = match.ids(kept, batch.column(_ADDRESS).to_numpy() & _OFFSET)
                kept.mark_done(ids)
                self.counts.photos += len(ids)
            self.counts.fragments += 1

    def _move(self, table: Any, moved: list[Digests], kept: Kept) -> None:
        """Write whole rows anew: a fragment's file would copy all the vectors that it has."""
        every = np.concatenate(moved) if moved else kept.ids[:0]
        schema = pa.schema([table.schema.field(each) for each in ("image_id", *self._names)])
        for start in range(0, len(every), FILL_BATCH_ROWS):
            ids = every[start : start + FILL_BATCH_ROWS]
            flat = pa.array(kept.take(kept.find(ids), self._aside.size).ravel())
            vectors = pa.FixedSizeListArray.from_arrays(flat, self._aside.size)
            made = pa.array([self.version] * len(ids), pa.string())
            rows = pa.table([ids_of(ids), vectors, made], names=schema.names).cast(schema)
            done = write_rows(table, Upsert("image_id", rows, insert=False, update=True))
            kept.mark_done(ids)  # one that was not replaced belongs to a photo that is gone
            self.counts.moved += len(done.replaced)


def _batches(fragment: Any, columns: list[str], rows: int) -> Iterator[pa.RecordBatch]:
    """The live rows of a fragment in order, with their addresses."""
    found = fragment.to_batches(
        columns=columns, batch_size=rows, with_row_address=True, batch_readahead=1
    )
    yield from (batch for batch in found if batch.num_rows)


def _equal(column: pa.Array, value: str) -> npt.NDArray[np.bool_]:
    same = pc.fill_null(pc.equal(column, value), False)
    return np.asarray(same.to_numpy(zero_copy_only=False), bool)
