"""Which photos train and which judge: no car stands on both sides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from embeddings.training.loop import TrainingError

RowNumbers = npt.NDArray[np.intp]

SAME_PHOTO = 3
"""Bits in which perceptual hashes of 64 bits may differ for one photo: it was saved again, or made
smaller. Four parts of 16 bits cannot all differ then: only hashes that share one are compared."""
_PARTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Rows to train on and rows to judge by, of different classes and groups; `alone` counts the
    photos of classes with one group, `shared` those of a class to judge by whose group
    is trained on too. Neither is used."""

    training: RowNumbers
    validation: RowNumbers
    alone: int
    shared: int

    @property
    def used(self) -> tuple[RowNumbers, RowNumbers]:
        """Both sides."""
        return self.training, self.validation


def join_groups(listings: Sequence[str | None], phashes: Sequence[bytes]) -> RowNumbers:
    """A number for each photo, the same for photos of one car: of one listing (None has none of
    its own), or whose perceptual hashes (8 bytes) are nearly the same, or by way of others."""
    count = len(listings)
    known = [row for row, name in enumerate(listings) if name is not None]
    _, numbers = np.unique([str(listings[row]) for row in known], return_inverse=True)
    hashes, copies = np.unique(
        np.array([int.from_bytes(each, "big") for each in phashes], np.uint64), return_inverse=True
    )
    alike = list(_near(hashes))
    # Photos, listings and hashes are the nodes of a graph; cars are its components.
    first_hash = count + len(known)
    ends = [
        (np.array(known, np.intp), count + numbers),
        (np.arange(count), first_hash + copies),
        (first_hash + np.array([a for a, _ in alike], np.intp),
         first_hash + np.array([b for _, b in alike], np.intp)),
    ]  # fmt: skip
    start, end = (np.concatenate([pair[side] for pair in ends]) for side in (0, 1))
    size = first_hash + len(hashes)
    graph = coo_matrix((np.ones(len(start)), (start, end)), (size, size))
    _, found = connected_components(graph, directed=False)
    return np.unique(found[:count], return_inverse=True)[1]


def split_classes(
    classes: Sequence[str], groups: Sequence[int] | RowNumbers, share: float, seed: int
) -> Split:
    """Hold out a share of the classes, at least two, to judge by; at least two are left to train.

    Judging by classes that were trained on would favor what only knows these. A class is used if it
    has photos of two groups: only another group's photo answers. Raises `TrainingError` where there
    are too few such classes, or none of their photos is left to judge by.
    """
    names, codes, counts = np.unique(np.array(classes), return_inverse=True, return_counts=True)
    pairs = np.unique(np.stack([codes, np.asarray(groups)]), axis=1)
    several = np.bincount(pairs[0], minlength=len(names)) > 1
    usable = np.flatnonzero(several)
    alone = int(counts[~several].sum())
    if len(usable) < 2:
        raise TrainingError(
            f"there are {len(names)} classes, and {len(usable)} of them with photos of two cars or "
            "more; photos are told apart by at least two such classes: add photos, or take an "
            "attribute with more values"
        )
    held = min(max(2, round(share * len(usable))), len(usable) - 2)
    if held < 2:
        raise TrainingError(
            f"{len(usable)} classes with photos of two cars or more are too few to train on two "
            "and judge by two others; add classes, or take an attribute with more values"
        )
    held_out = np.random.default_rng(seed).permutation(usable)[:held]
    is_held, used = np.isin(codes, held_out), np.isin(codes, usable)
    training = np.flatnonzero(used & ~is_held)
    trained = np.isin(groups, np.asarray(groups)[training])
    validation = np.flatnonzero(is_held & ~trained)
    if not len(validation):
        raise TrainingError(
            "no photo is left to judge by: each of those that were held out is of one listing, or "
            "nearly the same picture, with one that is trained on; take an attribute that is the "
            "same for all photos of a car"
        )
    return Split(training, validation, alone, int((is_held & trained).sum()))


def _near(hashes: npt.NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
    """Pairs of different hashes that differ in at most `SAME_PHOTO` bits."""
    for part in range(_PARTS):
        keys = (hashes >> np.uint64(16 * part)) & np.uint64(0xFFFF)
        order = np.argsort(keys, kind="stable")
        for some in np.split(order, np.flatnonzero(np.diff(keys[order])) + 1):
            for at, row in enumerate(some[:-1]):
                others = some[at + 1 :]
                bits = np.bitwise_count(hashes[others] ^ hashes[row])
                for other in others[bits <= SAME_PHOTO]:
                    yield int(row), int(other)
