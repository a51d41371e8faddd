"""A trained network on disk: safetensors, and a card that says what it is and what it learned from.

The weights have the names of the plain network, so that any program that knows it can load them.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import nn

from core.files import atomic_write
from embeddings.hub import file_sha256
from embeddings.network import check_numbers
from embeddings.registry import TRAINED, ModelError, ModelSpec
from embeddings.training.pictures import Pictures
from embeddings.training.siamese import Embedder, Trained, VectorRows, embed_pictures
from embeddings.vision.features import Features
from embeddings.vision.networks import ImageNetwork, load_image_network
from embeddings.vision.weights import load_local

CARD, WEIGHTS, HEAD_WEIGHTS = "card.json", "network.safetensors", "head.safetensors"
_AGAIN = "train it again, or copy the whole folder again from where it was trained"


@dataclass(frozen=True, slots=True, eq=False)
class TrainedModel:
    """A trained network as loaded, and its card."""

    module: Embedder
    card: dict[str, Any]

    def embed(self, pictures: Pictures) -> VectorRows:
        """Unit vectors (n, size) of prepared pictures (n, side, side, 3)."""
        return embed_pictures(self.module, pictures, self.card["preprocess"])


def store_trained(
    trained: Trained,
    folder: Path,
    spec: ModelSpec,
    *,
    data: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> Path:
    """Write the weights and then the card, which is returned; raises `OSError`.

    `spec` names the plain network that the training began with (`load_start`). `data` says which
    photos these were and under which licenses; `metrics` how well held-out photos are found, with
    intervals. Both are the caller's words, as JSON.
    """
    files = {WEIGHTS: trained.network.module.state_dict()}
    if trained.head is not None:
        files[HEAD_WEIGHTS] = trained.head.state_dict()
    digests = {}
    for name, state in files.items():
        content = save({key: value.detach().contiguous() for key, value in state.items()})
        atomic_write(folder / name, content)
        digests[name] = hashlib.sha256(content).hexdigest()
    card = {
        "kind": "siamese",
        "network": spec.name,
        "start_sha256": trained.start_sha256,
        "files": digests,
        "layers": list(trained.features.layers),
        "pooling": trained.features.pooling,
        "head": None if trained.head is None else list(trained.head.weight.shape),
        "preprocess": trained.network.preprocess,
        "size": _size(trained),
        "metric": "cosine",
        "seed": trained.settings.seed,
        "settings": asdict(trained.settings),
        "data": {**trained.counts, **data},
        "validation": {
            "recall_at_1": trained.best.score,
            "epoch": trained.best.number,
            "chosen": trained.best.chosen,
            "refit_on_all_classes": trained.settings.refit and trained.best.number > 0,
        },
        "epochs": [asdict(each) | {"loss": _number(each.loss)} for each in trained.epochs],
        "metrics": dict(metrics),
    }
    atomic_write(folder / CARD, json.dumps(card, indent=1, ensure_ascii=False).encode())
    return folder / CARD


def load_trained(folder: Path) -> TrainedModel:
    """Load what `store_trained` wrote, every weight of it; raises `ModelError` with what to do."""
    try:
        card = json.loads((folder / CARD).read_bytes())
        digests = dict(card["files"])
        features = Features(tuple(card["layers"]), card["pooling"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{str(folder)!r} holds no trained network: {CARD} is missing or cannot be read "
            f"({type(error).__name__}); {_AGAIN}"
        ) from error
    network = load_image_network(ModelSpec(card["network"], str(folder / WEIGHTS)))
    check_numbers(network.module, WEIGHTS)
    head = _load_head(folder, card) if card["head"] else None
    for name, digest in digests.items():
        if file_sha256(folder / name) != digest:
            raise ModelError(
                f"{str(folder / name)!r} is not the file that its card was written for (sha256 "
                f"{digest[:12]}...); {_AGAIN}"
            )
    return TrainedModel(Embedder(network.module, features, head).eval(), card)


def load_start(spec: ModelSpec) -> tuple[ImageNetwork, ModelSpec]:
    """The network that a training begins with, and the plain one that it was made from: for a
    folder that a training has written, what it began with. Raises `ModelError`."""
    if not spec.name.startswith(TRAINED):
        return load_image_network(spec), spec
    trained = load_trained(Path(spec.name.removeprefix(TRAINED)))
    network = ImageNetwork(trained.module.features.network, trained.card["preprocess"])
    return network, ModelSpec(trained.card["network"])


def _load_head(folder: Path, card: Mapping[str, Any]) -> nn.Linear:
    state = load_local(folder / HEAD_WEIGHTS, _AGAIN)
    out, into = card["head"]
    head = nn.Linear(into, out)
    try:
        head.load_state_dict(state)
    except RuntimeError as error:
        raise ModelError(
            f"{HEAD_WEIGHTS!r} does not hold a head of {into} values to {out}; {_AGAIN}"
        ) from error
    return head


def _size(trained: Trained) -> int:
    side = trained.network.preprocess["size"]
    with torch.inference_mode():
        module = Embedder(trained.network.module, trained.features, trained.head).eval()
        return int(module(torch.zeros(1, 3, side, side)).shape[1])


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value  # JSON has no NaN
