"""Vectors that are computed and not yet in their column: files in a folder of the home.

Each shard is a file of its own that gets its name once it is on disk, so a crash loses at most the
shard that was being written. Vectors are kept by image id and know nothing of the table's files:
whatever happens to the table meanwhile, a vector finds its photo, or its photo is gone.
"""

import hashlib
import io
import os
import shutil
import uuid
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from catalog.errors import CatalogError, StoreError, storing

DIGEST = 32
"""Bytes of an image id, which is a sha256."""

Digests = npt.NDArray[np.bytes_]
Halves = npt.NDArray[np.float16]


def digests_of(image_ids: Iterable[str]) -> Digests:
    """Image ids as an array of bytes (n,); raises `CatalogError` for what is no image id."""
    ids = list(image_ids)
    try:
        wrong = next((each for each in ids if len(each) != 2 * DIGEST), None)
        raw = b"" if wrong else bytes.fromhex("".join(ids))
    except ValueError:
        wrong, raw = "".join(ids), b""
    if wrong is not None or len(raw) != DIGEST * len(ids):
        raise CatalogError(
            f"{(wrong or '')[:80]!r} is not an image id; give ids of {2 * DIGEST} digits 0-9 a-f, "
            "as table 'cars' has them"
        )
    return np.frombuffer(raw, f"S{DIGEST}")


def ids_of(digests: Digests) -> list[str]:
    """The image ids of such an array."""
    text = digests.tobytes().hex()
    return [text[at : at + 2 * DIGEST] for at in range(0, len(text), 2 * DIGEST)]


class TakenError(StoreError):
    """A file of vectors is gone, because another filling has committed and removed them."""


@dataclass(slots=True)
class Shard:
    """A file of vectors: the ids (n,), and which of them are `done`, that is in their column. The
    vectors are read when they are asked for, so that no file stays open."""

    path: Path
    ids: Digests
    done: npt.NDArray[np.bool_]

    def vectors(self, rows: npt.NDArray[np.int64]) -> Halves:
        """The float16 vectors (m, size) of these rows of the file; raises `TakenError`."""
        try:
            read: Halves = np.load(self.path, mmap_mode="r")["vector"][rows]
        except FileNotFoundError as error:
            raise TakenError(
                f"the vectors in {self.path} are gone; another run has committed them, or somebody "
                "has removed them: run the same command again"
            ) from error
        return read


class Kept:
    """The vectors kept aside at one moment, without those that are done, by image id."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._shards = list(shards)
        sizes = [len(each.ids) for each in self._shards]
        self._starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
        ids = np.concatenate([_NO_IDS, *(each.ids for each in self._shards)])
        waiting = np.concatenate([_NONE, *(~each.done for each in self._shards)])
        places = np.flatnonzero(waiting)
        order = np.argsort(ids[places], kind="stable")
        self._places = places[order]
        self.ids: Digests = ids[self._places]

    def __len__(self) -> int:
        return len(self.ids)

    def find(self, digests: Digests) -> npt.NDArray[np.int64]:
        """The place of each image id, -1 for one of which there is no vector."""
        if not len(self.ids):
            return np.full(len(digests), -1)
        at = np.searchsorted(self.ids, digests).clip(max=len(self.ids) - 1)
        return np.where(self.ids[at] == digests, at, -1)

    def take(self, places: npt.NDArray[np.int64], size: int) -> Halves:
        """The vectors (n, size) at these places; raises `TakenError`."""
        rows = self._places[places]
        shards = np.searchsorted(self._starts, rows, side="right") - 1
        taken = np.empty((len(rows), size), np.float16)
        for number in np.unique(shards):
            mine = shards == number
            taken[mine] = self._shards[number].vectors(rows[mine] - self._starts[number])
        return taken

    def mark_done(self, digests: Digests) -> None:
        """Note that these photos' vectors are in their column."""
        rows = self._places[np.isin(self.ids, digests)]
        for number, shard in enumerate(self._shards):
            start, end = self._starts[number : number + 2]
            shard.done[rows[(rows >= start) & (rows < end)] - start] = True


_NO_IDS = np.empty(0, f"S{DIGEST}")
_NONE = np.empty(0, np.bool_)


class Aside:
    """The folder of vectors of one model version of one space, for one catalog.

    Several processes may use it at once: a file never changes once it has its name.
    """

    def __init__(self, folder: Path, space: str, size: int, *, catalog: str, version: str) -> None:
        place, model = (
            hashlib.sha256(each.encode()).hexdigest()[:16] for each in (catalog, version)
        )
        self.folder = folder / space / f"{place}-{model}"
        self.size = size
        self._shards: dict[str, Shard] = {}
        for other in (folder / space).glob(f"{place}-*"):
            if other != self.folder:  # of a model whose column is no longer there
                shutil.rmtree(other, ignore_errors=True)
        for part in self.folder.glob("*.part"):
            _remove_if_left(part)

    def store(self, image_ids: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        """Keep the vectors (n, size) of n photos; they are on disk when this returns.

        Of a photo that is there twice the first vector is kept. Raises `CatalogError` for another
        size and for numbers that float16 cannot hold, and `StoreError` if the disk is full.
        """
        self._check(image_ids, vectors)
        ids, first = np.unique(digests_of(image_ids), return_index=True)
        records = np.empty(len(ids), _record_type(self.size))
        records["image_id"], records["vector"] = ids, vectors[first]
        content = io.BytesIO()
        np.save(content, records)
        with storing(f"the folder {self.folder}"):
            _store_file(self.folder, content.getbuffer())

    def _check(self, image_ids: Sequence[str], vectors: npt.NDArray[np.float32]) -> None:
        if vectors.shape != (len(image_ids), self.size):
            raise CatalogError(
                f"vectors of shape {vectors.shape} were given for {len(image_ids)} photos of a "
                f"space of size {self.size}; give one vector of that size for each photo"
            )
        bad = ~(np.abs(vectors) <= np.finfo(np.float16).max).all(axis=1)
        if bad.any():
            raise CatalogError(
                f"the vector of photo {image_ids[int(bad.argmax())]} has a number that is not "
                "finite or too large for float16; let the photo fail instead, or check the model"
            )

    def count(self) -> int:
        """How many vectors are kept now. A file that is damaged or of another size is removed."""
        there = {path.name: path for path in self.folder.glob("*.npy")}
        for name in self._shards.keys() - there.keys():  # another filling has removed it
            del self._shards[name]
        for name in sorted(there.keys() - self._shards.keys()):
            if (shard := _load_shard(there[name], self.size)) is not None:
                self._shards[name] = shard
        return sum(int((~each.done).sum()) for each in self._shards.values())

    def kept(self) -> Kept:
        """All that is kept now, by image id."""
        self.count()
        return Kept(list(self._shards.values()))

    def remove_done(self) -> None:
        """Remove the files whose vectors are all done."""
        for name, shard in list(self._shards.items()):
            if shard.done.all():
                shard.path.unlink(missing_ok=True)
                del self._shards[name]

    def remove_known(self) -> None:
        """Remove all files that were counted. The folder stays: another filling may be about to
        write into it."""
        for shard in self._shards.values():
            shard.path.unlink(missing_ok=True)
        self._shards.clear()


def _record_type(size: int) -> np.dtype[Any]:
    return np.dtype([("image_id", f"S{DIGEST}"), ("vector", np.float16, (size,))])


def _store_file(folder: Path, content: memoryview) -> None:
    """Write a file whole or not at all; a power cut right after this does not take it back."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f"{uuid.uuid4().hex}.part"
    try:
        with part.open("xb") as file:
            flock(file, LOCK_EX)  # until it has its name, so that nobody takes it for a left one
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            part.replace(part.with_suffix(".npy"))
    except OSError:
        with suppress(OSError):
            part.unlink()
        raise
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _load_shard(path: Path, size: int) -> Shard | None:
    try:
        records = np.load(path, mmap_mode="r")
    except FileNotFoundError:
        return None
    except (ValueError, EOFError):
        records = None  # it was cut off
    if records is None or records.dtype != _record_type(size) or records.ndim != 1:
        path.unlink(missing_ok=True)
        return None
    return Shard(path, records["image_id"].copy(), np.zeros(len(records), bool))


def _remove_if_left(part: Path) -> None:
    """Remove a file that a killed process was writing; one that is being written is locked."""
    with suppress(OSError), part.open("rb") as file:
        flock(file, LOCK_EX | LOCK_NB)
        part.unlink()
