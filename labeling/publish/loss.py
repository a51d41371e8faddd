"""Photos and labels that searches would no longer find: compares two versions of `cars`."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from catalog.car_columns import space_record, space_records, space_version
from catalog.sql import equals
from catalog.table import Catalog, CatalogError
from embeddings.registry import SPACE
from labeling.pending import KNOWN

MAX_LOSS = 0.1
"""The share of the photos, or of the labels of one attribute, that may be lost at once."""

ALWAYS = 10
"""So many may always be lost, as each of few photos is a large share."""

_SURE, _GUESSED = 2, 1


class LossError(CatalogError):
    """The new version lacks much of the published one; the message says what."""


@dataclass(frozen=True, slots=True)
class Loss:
    """How many photos, or labels of an attribute, are `gone`, `of` how many."""

    what: str
    gone: int
    of: int

    def is_more_than(self, share: float) -> bool:
        """Whether this is more than a share of them, and more than a few."""
        return self.gone > max(ALWAYS, share * self.of)

    def __str__(self) -> str:
        return f"{self.gone:,} of {self.of:,} {self.what}"


def losses(before: Catalog, after: Catalog) -> list[Loss]:
    """Photos, labels of each attribute, and vectors of each space, that `cars` has in `before` and
    lacks in `after`.

    They are compared photo by photo, so that new ones do not make up for lost ones. Labels of
    networks count only where the vocabulary and the networks are the same, as others are meant to
    label otherwise. Labels of an attribute that the vocabulary has dropped do not count; those of a
    word that it has dropped do.
    """
    ids, versions, had = _labels(before)
    there, versions_now, have = _labels(after)
    at = pc.index_in(ids, value_set=there).to_numpy(zero_copy_only=False)
    gone = np.isnan(at)
    at = np.where(gone, 0, at).astype(np.int64)
    if len(there) == 0:
        have, versions_now = np.zeros((1, had.shape[1]), np.uint8), np.zeros(1, np.int64)
    same = gone | (versions == versions_now[at])
    lost = [Loss("photos", int(gone.sum()), len(ids))]
    for column, attribute in enumerate(before.vocabulary.attributes):
        counts = (had[:, column] == _SURE) | (same & (had[:, column] == _GUESSED))
        left = ~gone & (have[at, column] > 0)
        lost.append(Loss(f"labels of {attribute}", int((counts & ~left).sum()), int(counts.sum())))
    lost += _lost_vectors(before, after, ids.filter(pa.array(gone)))
    return [each for each in lost if each.gone]


def _lost_vectors(before: Catalog, after: Catalog, gone: pa.ChunkedArray) -> Iterator[Loss]:
    """The photos that have no vector of a space any more, of any model, but for those `gone`.

    `semantic` is not among them: every photo must have its vector.
    """
    for space in space_records(before.table("cars").schema):
        if space == SPACE:
            continue
        had, have = _with_vector(before, space), _with_vector(after, space)
        left = pc.or_(pc.is_in(had, value_set=have), pc.is_in(had, value_set=gone))
        lost = len(had) - int(pc.sum(left).as_py() or 0)
        yield Loss(f"vectors of space {space!r} (`marque embed --space {space}`)", lost, len(had))


def _with_vector(catalog: Catalog, space: str) -> pa.ChunkedArray:
    """The ids of the photos with a vector of the model that the space's column names."""
    record = space_record(catalog.table("cars").schema, space)
    if record is None:
        return pa.chunked_array([], pa.string())
    return catalog.column("cars", "image_id", equals(f"{space}_version", space_version(record)))


def check_loss(before: Catalog, after: Catalog, share: float) -> None:
    """Raise `LossError` where `after` lacks more than this share of what `before` has."""
    lost = [str(each) for each in losses(before, after) if each.is_more_than(share)]
    if lost:
        raise LossError(
            f"searches would lose {', '.join(lost[:4])}{', ...' if len(lost) > 4 else ''}, which "
            f"is more than {share:.0%} at once; nothing was published. If that is meant, run the "
            "same command with --allow-loss; if not, a table was damaged or emptied: put a copy "
            "of the catalog's folder back, or ingest the photos again"
        )


def check_bytes(catalog: Catalog, share: float) -> None:
    """Raise `LossError` where table `images` lacks the bytes of more than this share of `cars`.

    Searches would find these photos and could not show them.
    """
    cars, images = catalog.column("cars", "image_id"), catalog.column("images", "image_id")
    gone = int(pc.sum(pc.invert(pc.is_in(cars, value_set=images))).as_py() or 0)
    lost = Loss("photos", gone, len(cars))
    if lost.is_more_than(share):
        raise LossError(
            f"table 'images' of {catalog.uri} lacks {lost}, which is more than {share:.0%}; "
            "nothing was published. Put a copy of the catalog's folder back, or ingest these "
            "photos again; if they are to be found without, run the same command with --allow-loss"
        )


def _labels(
    catalog: Catalog,
) -> tuple[pa.ChunkedArray, npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    """Ids (n,), the version that each row was labeled with as a number (n,), and how sure each of
    its labels is (n, attributes)."""
    names = list(catalog.vocabulary.attributes)
    columns = ["image_id", "labelled_with", *(f"{name}_origin" for name in names)]
    ids, versions, sure = [], [np.empty(0, np.int64)], [np.empty((0, len(names)), np.uint8)]
    for batch in catalog.read("cars", columns, batch_rows=65_536):
        ids.append(batch.column("image_id"))
        hashes = map(hash, batch.column("labelled_with").to_pylist())
        versions.append(np.fromiter(hashes, np.int64))
        sure.append(np.stack([_sure(batch.column(name)) for name in columns[2:]], axis=1))
    return pa.chunked_array(ids, pa.string()), np.concatenate(versions), np.concatenate(sure)


def _sure(origins: pa.Array) -> npt.NDArray[np.uint8]:
    known = pc.is_in(origins, value_set=pa.array(KNOWN)).to_numpy(zero_copy_only=False)
    there = origins.is_valid().to_numpy(zero_copy_only=False)
    return np.where(known, _SURE, np.where(there, _GUESSED, 0)).astype(np.uint8)
