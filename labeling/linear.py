"""Linear classifiers on frozen unit vectors, which zero-shot prompts and trained heads become.

They need numpy alone: photos are labeled by stored weights, and no network is loaded.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load, save

from core.errors import MarqueError

Array = npt.NDArray[np.float32]

_FACTS = "facts"


@dataclass(frozen=True, slots=True)
class Classifier:
    """Scores the `values` of one attribute: `weight` (values, size), `bias` (values,).

    One of the values holds (softmax), or with `many` each by itself (sigmoid).
    """

    attribute: str
    values: tuple[str, ...]
    many: bool
    weight: Array
    bias: Array

    def scores(self, vectors: Array) -> Array:
        """Unit vectors (n, size) -> scores (n, values), from low to high, not yet calibrated."""
        return np.asarray(vectors @ self.weight.T + self.bias, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers about n photos: the values that hold for each, and their probability."""

    values: list[tuple[str, ...]]
    confidences: Array


def answers(scores: Array, values: Sequence[str], temperature: float, *, many: bool) -> Answers:
    """The most probable answer to each row of scores (n, values), and its probability (n,).

    With `many` it is the probability of the whole set: the product over all values, which are taken
    as independent.
    """
    scaled = scores / temperature
    if many:
        chances = 1 / (1 + np.exp(-np.clip(scaled, -60, 60)))
        holds = chances > 0.5
        sure = np.prod(np.maximum(chances, 1 - chances), axis=1)
        found = [tuple(v for v, held in zip(values, row, strict=True) if held) for row in holds]
        return Answers(found, np.asarray(sure, np.float32))
    best = scaled.argmax(axis=1)
    sure = np.exp(scaled.max(axis=1) - log_sum(scaled))
    singles = [(value,) for value in values]
    return Answers([singles[at] for at in best.tolist()], np.asarray(sure, np.float32))


def log_sum(scores: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The logarithm of the sum of exponentials of each row of (n, k), without overflow."""
    top = scores.max(axis=1)
    return np.asarray(top + np.log(np.exp(scores - top[:, None]).sum(axis=1)))


def pack(classifiers: Iterable[Classifier]) -> bytes:
    """Classifiers as one safetensors file."""
    tensors: dict[str, Array] = {}
    facts: list[dict[str, Any]] = []
    for at, each in enumerate(classifiers):
        tensors |= {
            f"{at}.weight": np.ascontiguousarray(each.weight, np.float32),
            f"{at}.bias": np.ascontiguousarray(each.bias, np.float32),
        }
        facts.append({"attribute": each.attribute, "values": each.values, "many": each.many})
    packed: bytes = save(tensors, metadata={_FACTS: json.dumps(facts)})
    return packed


class WeightsError(MarqueError):
    """Stored weights of classifiers are damaged."""


def unpack(content: bytes) -> list[Classifier]:
    """The classifiers that `pack` wrote; raises `WeightsError` where it is something else."""
    try:
        size = int.from_bytes(content[:8], "little")
        facts = json.loads(json.loads(content[8 : 8 + size])["__metadata__"][_FACTS])
        tensors = load(content)
        return [
            Classifier(
                each["attribute"],
                tuple(each["values"]),
                each["many"],
                tensors[f"{at}.weight"],
                tensors[f"{at}.bias"],
            )
            for at, each in enumerate(facts)
        ]
    except (KeyError, TypeError, ValueError, SafetensorError) as error:
        raise WeightsError(f"these are not weights of classifiers: {error}") from error
