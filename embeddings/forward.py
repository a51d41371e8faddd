"""A forward pass that finds the photos on which the model fails, and leaves them out.

A batch that fails is repeated by halves until the photo that causes it is alone.
"""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from core.photos.decode import RejectedError
from embeddings.preparation import Picture
from embeddings.registry import ModelError

MODEL_FAILED = "the model failed on it"
UNUSABLE = "the model gave no usable numbers"
NO_COINCIDENCE = 8
"""If this many photos fail before any has succeeded, the model is wrong, not the photos."""

Output = npt.NDArray[Any]
"""The output of a model for one picture: a vector, a mask."""


class ImageEncoder(Protocol):
    """The interface of a model that the engine uses."""

    def encode_images(self, pictures: Picture) -> npt.NDArray[Any]:
        """Prepared pictures (n, height, width, 3) -> their outputs (n, ...), of one shape."""
        ...

    def are_sound(self, outputs: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
        """Which of the outputs (n, ...) can be used: none that came from NaN or infinity can."""
        ...


class ForwardPass:
    """Runs one model; remembers whether it ever worked, and how many photos fit its memory."""

    def __init__(self, encoder: ImageEncoder) -> None:
        self._encoder = encoder
        self._most: int | None = None
        self._managed: Picture | None = None  # a picture that the model is known to manage

    def run(self, pictures: Sequence[Picture]) -> list[Output | RejectedError]:
        """Of each picture what the model says of it, or why it says nothing.

        Raises `ModelError` where the model is at fault and not the photos: it fails on a picture
        that it managed before or that is plain, or on each of the first `NO_COINCIDENCE` or more.
        """
        had_worked = self._managed is not None
        done = self._pieces(pictures, len(pictures))
        failed = [each for each in done if isinstance(each, RejectedError)]
        if failed:
            every = len(failed) == len(done) >= NO_COINCIDENCE and not had_worked
            alike = len({(each.reason, each.detail) for each in failed}) == 1
            witness = self._managed
            if witness is None:
                ramp = np.linspace(0, 255, pictures[0].size).reshape(pictures[0].shape)
                witness = ramp.astype(np.uint8)
            if (every and alike) or isinstance(self._piece([witness])[0], RejectedError):
                raise ModelError(
                    f"the model itself does not work here ({failed[0]}), so no photo was rejected "
                    "for it; check its weights, or try MARQUE_PRECISION=fp32 or another "
                    "MARQUE_DEVICE, and run the same command again"
                )
        return done

    def _pieces(self, pictures: Sequence[Picture], size: int) -> list[Output | RejectedError]:
        """The pictures in pieces of at most `size`, or of what turned out to fit the memory."""
        done: list[Output | RejectedError] = []
        while len(done) < len(pictures):
            most = min(size, self._most or size)  # a piece can find that less fits
            done += self._piece(pictures[len(done) : len(done) + most])
        return done

    def _piece(self, pictures: Sequence[Picture]) -> list[Output | RejectedError]:
        try:
            outputs = self._encoder.encode_images(np.stack(pictures))
        except (torch.OutOfMemoryError, MemoryError) as error:
            if len(pictures) == 1:
                raise ModelError(
                    "the memory is too small for the model and a single photo; use a smaller "
                    "model, or another device with MARQUE_DEVICE"
                ) from error
            self._most = len(pictures) // 2
        except Exception as error:  # a network can raise anything
            if len(pictures) == 1:
                lines = str(error).strip().splitlines()
                said = f"{type(error).__name__}: {lines[0][:300] if lines else ''}".rstrip(": ")
                return [RejectedError(MODEL_FAILED, said)]
        else:
            good = self._encoder.are_sound(outputs)
            if good.all():
                self._managed = pictures[0]
                return list(outputs)
            if len(pictures) == 1:
                return [RejectedError(UNUSABLE)]
            # Alone, to know that no other photo of the batch did it.
            return [
                part
                for picture, fine, output in zip(pictures, good, outputs, strict=True)
                for part in ([output] if fine else self._piece([picture]))
            ]
        # Here and not above: an error that is being handled keeps all that the pass had computed.
        return self._pieces(pictures, -(-len(pictures) // 2))
