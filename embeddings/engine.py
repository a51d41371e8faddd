"""The batching engine: photos -> vectors, decoding in threads while the model works.

At most three batches of photos are held at a time (`BATCHES_AHEAD` that wait and the one in the
model), so memory does not grow with the catalogue.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image

from catalog.photos import RejectedError, decode
from crawlers.records import Box

BATCHES_AHEAD = 2


class ImageEncoder(Protocol):
    """What the engine needs of a model."""

    def preprocess(self, image: Image.Image) -> torch.Tensor:
        """One photo -> the tensor that the model takes."""
        ...

    def encode_images(self, batch: torch.Tensor) -> npt.NDArray[np.float32]:
        """(n, 3, H, W) -> (n, size)."""
        ...


@dataclass(frozen=True, slots=True)
class Job:
    """A photo to embed: its bytes, and the part to embed if not all of it."""

    image_id: str
    content: bytes
    box: Box | None = None


@dataclass(slots=True)
class Embedded:
    """One batch: `vectors` (n, size) of the n `image_ids`, and those that failed, with why."""

    image_ids: list[str]
    vectors: npt.NDArray[np.float32]
    failed: list[tuple[str, RejectedError]] = field(default_factory=list)


def embed_photos(
    encoder: ImageEncoder, jobs: Iterable[Job], *, batch_size: int = 32, workers: int = 2
) -> Iterator[Embedded]:
    """Embed photos in order, `batch_size` at a time; a photo that cannot be decoded is `failed`.

    Decoding and preprocessing run in `workers` threads (Pillow frees the interpreter while it
    decodes) and overlap the model's forward pass, which runs in the caller's thread.
    """
    source = iter(jobs)
    waiting: deque[list[tuple[str, Future[torch.Tensor]]]] = deque()
    with ThreadPoolExecutor(workers) as pool:

        def decode_next() -> None:
            batch = [
                (job.image_id, pool.submit(_prepare, encoder, job))
                for job in islice(source, batch_size)
            ]
            if batch:
                waiting.append(batch)

        for _ in range(BATCHES_AHEAD):
            decode_next()
        while waiting:
            batch = waiting.popleft()
            ready, failed = _collect(batch)
            decode_next()
            yield _infer(encoder, ready, failed)


def _prepare(encoder: ImageEncoder, job: Job) -> torch.Tensor:
    return encoder.preprocess(decode(job.content, job.box))


def _collect(
    batch: list[tuple[str, "Future[torch.Tensor]"]],
) -> tuple[list[tuple[str, torch.Tensor]], list[tuple[str, RejectedError]]]:
    ready: list[tuple[str, torch.Tensor]] = []
    failed: list[tuple[str, RejectedError]] = []
    for image_id, future in batch:
        try:
            ready.append((image_id, future.result()))
        except RejectedError as error:
            failed.append((image_id, error))
    return ready, failed


def _infer(
    encoder: ImageEncoder,
    ready: list[tuple[str, torch.Tensor]],
    failed: list[tuple[str, RejectedError]],
) -> Embedded:
    if not ready:
        return Embedded([], np.empty((0, 0), np.float32), failed)
    image_ids = [image_id for image_id, _ in ready]
    vectors = encoder.encode_images(torch.stack([tensor for _, tensor in ready]))
    return Embedded(image_ids, vectors, failed)
