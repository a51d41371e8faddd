"""An image network as an encoder: photos -> vectors of the layers that its space names.

Importing this module imports torch, which takes seconds.
"""

import copy
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch

from core.photos.decode import SHOWN_AS
from embeddings.network import (
    PictureNetwork,
    check_numbers,
    check_precision,
    place,
    weights_sha256,
)
from embeddings.preparation import Picture, Preparation
from embeddings.registry import TRAINED, ModelError, SpaceRecord, SpaceSpec
from embeddings.vision.features import FeatureNetwork, Features, default_layer, head_of
from embeddings.vision.folding import fold_batch_norms
from embeddings.vision.networks import ImageNetwork, load_image_network


class VisionEncoder(PictureNetwork):
    """A loaded image network; made by `load_vision_encoder`."""

    def __init__(
        self, network: torch.nn.Module, preparation: Preparation, record: SpaceRecord, device: str
    ) -> None:
        super().__init__(network, preparation, device)
        self.record = record

    @property
    def version(self) -> str:
        """The version in the record: network, weights, preprocessing, layers, pooling, metric."""
        return self.record.version

    @torch.inference_mode()
    def encode_images(self, pictures: Picture) -> npt.NDArray[np.float32]:
        """Prepared pictures (n, height, width, 3) -> vectors (n, size), of length 1 if they are
        compared by cosine."""
        vectors = self._model(self._values(pictures)).float()
        if self.record.metric == "cosine":
            vectors = torch.nn.functional.normalize(vectors, dim=-1)
        return np.asarray(vectors.cpu().numpy())

    def are_sound(self, vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Which of the vectors (n, size) can be compared: none with NaN or infinity, or of length
        0, can."""
        with np.errstate(over="ignore", invalid="ignore"):
            # Vectors are stored as halves.
            lengths = np.linalg.norm(vectors.astype(np.float16).astype(np.float32), axis=1)
        return np.asarray(np.isfinite(lengths) & (lengths > 0))

    def encode_pictures(self, contents: Sequence[bytes]) -> npt.NDArray[np.float32]:
        """n pictures' bytes -> vectors (n, size); raises `RejectedError`."""
        return self.encode_images(np.stack([self.preparation.picture(each) for each in contents]))

    def _for_many(self) -> Self:
        """This encoder over a network whose batch norms are folded into its convolutions."""
        side = (self.preparation.height, self.preparation.width)
        example = torch.rand(1, 3, *side, generator=torch.Generator().manual_seed(0))
        other = copy.copy(self)
        other._model = fold_batch_norms(self._model, example.to(self.device, self._dtype))
        other._model.to(memory_format=torch.channels_last)
        return other

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Raises `ModelError`: an image network reads no text."""
        raise ModelError(
            f"the space {self.record.space!r} is made by {self.record.model}, which reads no text "
            f"such as {str(texts[0])[:80]!r}; ask by picture, or by filters such as color=red"
        )

    def part_read(self, text: str) -> str:
        """The text: none of it is cut off."""
        return text


@lru_cache(maxsize=2)
def load_vision_encoder(
    space: SpaceSpec, device: str = "auto", precision: str = "fp32"
) -> VisionEncoder:
    """Load the network of a space once a process; raises `ModelError` that says what to do.

    `device` is `auto`, or any name torch takes; `precision` is `fp32` or `bf16`.
    """
    check_precision(precision)
    if space.model.name.startswith(TRAINED):
        return _trained(space, device, precision)
    network = load_image_network(space.model)
    behind = head_of(network.module)
    if any(layer.split(".")[0] in behind for layer in space.layers):
        network = load_image_network(space.model, with_head=True)
    check_numbers(network.module, space.model.weights or space.model.name)
    layers = space.layers or (default_layer(network.module),)
    features = FeatureNetwork(network.module, Features(layers, space.pooling)).eval()
    record = _record(space, network, features, features.features)
    preparation = Preparation.of(network.preprocess)
    return VisionEncoder(features, preparation, record, place(features, device, precision))


def _trained(space: SpaceSpec, device: str, precision: str) -> VisionEncoder:
    """The network of a folder that a training has written, with the layers that it chose."""
    from embeddings.training.card import load_trained

    trained = load_trained(Path(space.model.name.removeprefix(TRAINED)))
    network = ImageNetwork(trained.module, trained.card["preprocess"])
    features = trained.module.features.features
    record = _record(replace(space, metric="cosine"), network, trained.module, features)
    preparation = Preparation.of(network.preprocess)
    where = place(trained.module, device, precision)
    return VisionEncoder(trained.module, preparation, record, where)


def _record(
    space: SpaceSpec, network: ImageNetwork, whole: torch.nn.Module, features: Features
) -> SpaceRecord:
    digest = weights_sha256(network.module)
    side = network.preprocess["size"]
    with torch.inference_mode():
        size = whole(torch.zeros(1, 3, side, side)).shape[1]
    seen = [digest, network.preprocess, SHOWN_AS, asdict(features), space.metric]
    short = hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:12]
    return SpaceRecord(
        space=space.space,
        model=space.model.name,
        weights=space.model.weights,
        weights_sha256=digest,
        preprocess=network.preprocess,
        size=size,
        metric=space.metric,
        version=f"{space.model.short_name}@{short}",
        layers=features.layers,
        pooling=features.pooling,
    )
