"""Distances between a question and stored vectors, as the record of a space says."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

VectorMatrix = npt.NDArray[np.float32]


def matrix_of(column: pa.Array) -> VectorMatrix:
    """A vector column (n,) without NULL as an array (n, size)."""
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat.reshape(len(column), column.type.list_size), dtype=np.float32)


def units(rows: VectorMatrix) -> VectorMatrix:
    """VectorMatrix (n, size) at length one: float16 leaves stored ones a thousandth off."""
    return rows / _lengths(rows)[:, None]


def distances(metric: str, stored: VectorMatrix, vector: VectorMatrix) -> VectorMatrix:
    """The distances (n,) of stored vectors (n, size) to a question (size,).

    `cosine` is 1 minus the cosine of their angle and needs a question of length one; `l2` is the
    Euclidean distance, not squared; `l1` is the sum of the absolute differences.
    """
    if metric == "cosine":
        return np.asarray(1 - stored @ vector / _lengths(stored), np.float32)
    differences = stored - vector
    if metric == "l2":
        return np.asarray(np.sqrt(np.einsum("ij,ij->i", differences, differences)), np.float32)
    return np.asarray(np.abs(differences).sum(axis=1), np.float32)


def _lengths(rows: VectorMatrix) -> VectorMatrix:
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return np.asarray(np.maximum(lengths, 1e-12), dtype=np.float32)
