"""The batching engine: photos -> vectors or masks, decoding ahead while the model works.

At most three batches of photos are held at a time (`BATCHES_AHEAD` that wait and the one in the
model) by each call of `embed`, so memory does not grow with the catalog.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from core.photos.decode import RejectedError
from core.records import Box
from embeddings.allocator import memory_kept
from embeddings.decoding import DecodePool, picture_of
from embeddings.forward import ForwardPass, ImageEncoder, Output
from embeddings.preparation import Picture, Preparation
from embeddings.tuning import RunConfig

BATCHES_AHEAD = 2


class PhotoEncoder(ImageEncoder, Protocol):
    """A model that also says how it wants its pictures."""

    preparation: Preparation


@dataclass(frozen=True, slots=True)
class Job:
    """A photo for the model: its bytes, and the part to look at if not all of it."""

    image_id: str
    content: bytes
    box: Box | None = None


@dataclass(slots=True)
class EmbeddedBatch:
    """One batch: `outputs` (n, ...) of the n `image_ids`, and those that failed, with why."""

    image_ids: list[str]
    outputs: npt.NDArray[Any]
    failed: list[tuple[str, RejectedError]] = field(default_factory=list)


class Engine:
    """One model and how it runs; several threads may embed at once and take turns at the model.

    Close it: it holds the workers that decode, and a thread of its own for the model, so that
    the number of torch's threads is set for it alone.
    """

    def __init__(self, encoder: PhotoEncoder, config: RunConfig) -> None:
        self._forward = ForwardPass(encoder)
        self._batch_size = config.batch_size
        self._open = ExitStack()
        self._open.enter_context(memory_kept())
        self._decoders = DecodePool(encoder.preparation, config.decoders, config.workers)
        self._model = ThreadPoolExecutor(
            1, "model", initializer=torch.set_num_threads, initargs=(config.threads,)
        )

    def embed(self, jobs: Iterable[Job]) -> Iterator[EmbeddedBatch]:
        """Embed photos in order, a batch at a time; one that cannot be embedded is `failed`.

        Raises `ModelError` where the model fails and not the photos, and `DecodingError`.
        """
        source = iter(jobs)
        decoding: Iterator[list[tuple[str, Future[Picture]]]] = iter(
            lambda: [
                (job.image_id, self._decoders.submit(job.content, job.box))
                for job in islice(source, self._batch_size)
            ],
            [],
        )
        waiting = deque(islice(decoding, BATCHES_AHEAD))
        while waiting:
            ready: list[tuple[str, Picture]] = []
            failed: list[tuple[str, RejectedError]] = []
            for image_id, future in waiting.popleft():
                try:
                    ready.append((image_id, picture_of(future)))
                except RejectedError as error:
                    failed.append((image_id, error))
            waiting += islice(decoding, 1)
            yield self._model.submit(self._infer, ready, failed).result()

    def _infer(
        self, ready: list[tuple[str, Picture]], failed: list[tuple[str, RejectedError]]
    ) -> EmbeddedBatch:
        image_ids: list[str] = []
        outputs: list[Output] = []
        found = self._forward.run([picture for _, picture in ready]) if ready else []
        for (image_id, _), each in zip(ready, found, strict=True):
            if isinstance(each, RejectedError):
                failed.append((image_id, each))
            else:
                image_ids.append(image_id)
                outputs.append(each)
        stacked = np.stack(outputs) if outputs else np.empty((0, 0), np.float32)
        return EmbeddedBatch(image_ids, stacked, failed)

    def close(self) -> None:
        """End the workers."""
        self._decoders.close()
        self._model.shutdown()
        self._open.close()


def embed_photos(
    encoder: PhotoEncoder, jobs: Iterable[Job], *, batch_size: int = 32, workers: int = 2
) -> Iterator[EmbeddedBatch]:
    """Embed photos as `Engine.embed` does, with an engine that is closed at the end."""
    config = RunConfig(threads=torch.get_num_threads(), batch_size=batch_size, workers=workers)
    with closing(Engine(encoder, config)) as engine:
        yield from engine.embed(jobs)
