"""A siamese network: photos of one class come to lie near each other, those of others far.

The same network sees all photos of a batch, and a loss compares their vectors: triplets (Schroff et
al. 2015, "FaceNet"), or proxies, which are learned vectors that stand for the classes (Kim et al.
2020, "Proxy Anchor Loss"; Zhai and Wu 2019, "Classification is a Strong Baseline for Deep Metric
Learning"). The loss sees a small head; what is searched by is the layer, or the head, that finds
most on classes that were held out, as a head often knows only the classes it was trained on.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from embeddings.allocator import memory_kept
from embeddings.network import weights_sha256
from embeddings.registry import Pooling
from embeddings.training.loop import Epoch, LoopSettings, TrainingError, best_epoch, train
from embeddings.training.network import fold_for_training, open_layers
from embeddings.training.pictures import (
    MARGIN,
    Pictures,
    augment,
    check_memory,
    network_input,
    shrink,
)
from embeddings.training.splits import RowNumbers, Split, split_classes
from embeddings.vision.features import FeatureNetwork, Features
from embeddings.vision.networks import ImageNetwork

Loss = Literal["proxy_anchor", "normalized_softmax", "triplet"]
Mining = Literal["semihard", "hard"]
VectorRows = npt.NDArray[np.float32]

REFIT = "refit"
"""The folder, in that of the checkpoints, for those of the training on all classes."""
JOINED = "+"
"""What stands between the names of layers that are joined."""
HEAD = "head"
"""What stands for the trained head where a layer is chosen."""
_EMBEDDED_AT_ONCE = 8
"""Larger batches are no faster on a CPU, as their activations leave its cache."""
_TRIPLET_MARGIN = 0.2


@dataclass(frozen=True, slots=True)
class SiameseSettings:
    """How to train; the defaults are those of the benchmark `siamese`.

    Everything up to and with layer `frozen_through` stays as it is. `layers` may be chosen for
    search, by default all behind it; the loss sees the last. Pictures are trained at `side` pixels,
    `classes_per_batch` times `photos_per_class` at a time. `rate` is the network's, its head learns
    at three times as much, proxies at their own. `validation_share` of the classes judges; with
    `refit` the network is then trained again, on all classes, for as many epochs as were best.
    """

    loss: Loss = "proxy_anchor"
    mining: Mining = "semihard"
    frozen_through: str | None = None
    layers: tuple[str, ...] = ()
    side: int = 160
    head: int = 512
    classes_per_batch: int = 12
    photos_per_class: int = 4
    epochs: int = 5
    patience: int = 2
    rate: float = 3e-4
    proxy_rate: float = 1e-2
    weight_decay: float = 1e-4
    validation_share: float = 0.2
    refit: bool = True
    most_mb: int = 4000
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ClassPhotos:
    """n photos in memory: pictures (n, side, side, 3) as the network's preparation makes them, the
    class of each, and its group: of one group (`splits.join_groups`), no photo judges what another
    taught."""

    pictures: Pictures
    classes: Sequence[str]
    groups: Sequence[int] | RowNumbers


class Embedder(nn.Module):
    """Pictures (n, 3, side, side), normalized -> unit vectors (n, size), by layers or the head."""

    def __init__(self, network: nn.Module, features: Features, head: nn.Linear | None) -> None:
        super().__init__()
        self.features = FeatureNetwork(network, features)
        self.head = head

    def forward(self, pictures: Tensor) -> Tensor:
        """Unit vectors of normalized pictures."""
        found = self.features(pictures)
        return normalize(found if self.head is None else self.head(found), dim=1)


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A trained network under the names of the plain one, and what of it is searched by.

    `epochs` are all there were, `best` is the one whose weights these are, `counts` says how many
    photos and classes were trained on, judged by and left out, `start_sha256` which weights the
    training began with.
    """

    network: ImageNetwork
    features: Features
    head: nn.Linear | None
    settings: SiameseSettings
    epochs: tuple[Epoch, ...]
    best: Epoch
    counts: dict[str, int]
    start_sha256: str

    def embed(self, pictures: Pictures) -> VectorRows:
        """Unit vectors (n, size) of prepared pictures (n, side, side, 3)."""
        module = Embedder(self.network.module, self.features, self.head)
        return embed_pictures(module, pictures, self.network.preprocess)


def train_siamese(
    network: ImageNetwork,
    photos: ClassPhotos,
    settings: SiameseSettings,
    folder: Path,
    on_epoch: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Train on photos; the network itself is not changed.

    `folder` gets a checkpoint after each epoch, and a training that was interrupted goes on from
    it. Raises `TrainingError` for pictures that take too much memory, too few classes, and a loss
    that is no number; `ModelError` for a layer that is not there.
    """
    pictures = photos.pictures
    if not len(pictures) == len(photos.classes) == len(photos.groups):
        raise TrainingError(
            f"{len(pictures)} pictures came with {len(photos.classes)} classes and "
            f"{len(photos.groups)} groups; give one class and one group for each"
        )
    check_memory(
        len(pictures), (pictures.shape[1], round(settings.side * MARGIN)), settings.most_mb
    )
    split = split_classes(photos.classes, photos.groups, settings.validation_share, settings.seed)
    loop = LoopSettings(settings.epochs, settings.patience, settings.seed)
    with memory_kept():
        task = SiameseTask(network, photos, split, settings)
        epochs = train(task, loop, folder, on_epoch)
        best = best_epoch(epochs)
        if settings.refit and best.number:
            everything = replace(split, training=np.sort(np.concatenate(split.used)))
            task = SiameseTask(network, photos, everything, settings, best)
            train(task, replace(loop, last=best.number), folder / REFIT, on_epoch)
        return task.trained(epochs, best)


class SiameseTask:
    """Photos of the same classes together, seen by one network; `loop.train` runs it.

    With `chosen`, an epoch of an earlier training, nothing is judged: its layer is taken.
    """

    def __init__(
        self,
        network: ImageNetwork,
        photos: ClassPhotos,
        split: Split,
        settings: SiameseSettings,
        chosen: Epoch | None = None,
    ) -> None:
        torch.manual_seed(settings.seed)
        self._chosen = chosen
        self._plain, self._settings, self._split = network, settings, split
        self._folded = fold_for_training(network.module)
        module = self._folded.module.to(memory_format=torch.channels_last)
        stages = open_layers(module, settings.frozen_through)
        layers = settings.layers or stages
        self._judged = FeatureNetwork(module, Features(layers, "both"))
        self._seen = FeatureNetwork(module, Features(layers[-1:], "both"))
        with torch.no_grad():
            size = self._seen(torch.zeros(1, 3, settings.side, settings.side)).shape[1]
        _, codes = np.unique(np.array(photos.classes), return_inverse=True)
        names, self._labels = np.unique(codes[split.training], return_inverse=True)
        self._head = nn.Linear(size, settings.head)
        self._loss, self._miner = make_loss(settings, len(names))
        self.module: nn.Module = nn.ModuleDict(
            {"network": module, HEAD: self._head, "loss": self._loss}
        )
        self._small = shrink(photos.pictures[split.training], round(settings.side * MARGIN))
        self._held_out = photos.pictures[split.validation]
        self._held_codes = codes[split.validation]
        self._held_groups = np.asarray(photos.groups)[split.validation]
        if not _questions(self._held_codes, self._held_groups).any():
            raise TrainingError(
                f"none of the {len(split.validation)} photos that were held out to judge by has "
                "another one of its class and of another listing; add photos, or take another seed "
                f"(it was {settings.seed})"
            )
        self.fingerprint = self._fingerprint()

    def parameter_groups(self) -> list[dict[str, Any]]:
        """The open layers, the head, and the proxies of the loss if it has any."""
        rate, decay = self._settings.rate, self._settings.weight_decay
        opened = [each for each in self._seen.parameters() if each.requires_grad]
        found = [
            {"params": opened, "lr": rate, "weight_decay": decay},
            {"params": list(self._head.parameters()), "lr": 3 * rate, "weight_decay": decay},
            {"params": list(self._loss.parameters()), "lr": self._settings.proxy_rate,
             "weight_decay": 0.0},
        ]  # fmt: skip
        return [group for group in found if group["params"]]

    def batches(self, draw: np.random.Generator) -> Iterator[tuple[tuple[Pictures, Tensor], int]]:
        """Balanced batches of an epoch: augmented pictures and the numbers of their classes."""
        for rows in balanced_batches(
            self._labels, self._settings.classes_per_batch, self._settings.photos_per_class, draw
        ):
            some = augment(self._small[rows], min(self._settings.side, self._small.shape[1]), draw)
            yield (some, torch.from_numpy(self._labels[rows])), len(rows)

    def loss(self, batch: tuple[Pictures, Tensor]) -> Tensor:
        """The loss of a batch."""
        pictures, labels = batch
        return self.loss_of(network_input(pictures, self._plain.preprocess), labels)

    def loss_of(self, values: Tensor, labels: Tensor) -> Tensor:
        """The loss of what the network takes (n, 3, side, side), and the numbers of classes."""
        vectors = normalize(self._head(self._seen(values)))
        mined = self._miner(vectors, labels) if self._miner is not None else None
        return cast("Tensor", self._loss(vectors, labels, mined))

    def score(self) -> tuple[float, str]:
        """Recall@1 on the classes that were held out, by the layer and pooling that is best."""
        if self._chosen is not None:
            return self._chosen.score, self._chosen.chosen
        vectors = pooled_vectors(self._judged, self._held_out, self._plain.preprocess, self._head)
        found = {
            chosen: recall_at_1(some, self._held_codes, self._held_groups)
            for chosen, some in vectors.items()
        }
        chosen = max(found, key=lambda each: found[each])
        return found[chosen], chosen

    def trained(self, epochs: Sequence[Epoch], best: Epoch) -> Trained:
        """What training left, as the plain network."""
        module = deepcopy(self._plain.module)
        module.load_state_dict(self._folded.plain_state(self._plain.module))
        if best.chosen == HEAD:
            features, head = self._seen.features, self._head
        else:
            layers, pooling = best.chosen.split(" ")
            features = Features(tuple(layers.split(JOINED)), cast("Pooling", pooling))
            head = None
        counts = {
            "photos_trained": len(self._split.training),
            "classes_trained": int(self._labels.max()) + 1,
            "photos_judged": len(self._split.validation),
            "classes_judged": len(np.unique(self._held_codes)),
            "left_out_alone_in_class": self._split.alone,
            "left_out_shared_group": self._split.shared,
        }
        return Trained(
            ImageNetwork(module.eval(), self._plain.preprocess),
            features,
            head,
            self._settings,
            tuple(epochs),
            best,
            counts,
            weights_sha256(self._plain.module),
        )

    def _fingerprint(self) -> str:
        digest = hashlib.sha256(json.dumps(asdict(self._settings)).encode())
        if self._chosen is not None:
            digest.update(f"{self._chosen.number} {self._chosen.chosen}".encode())
        for part in (self._small, self._held_out, self._labels, self._held_codes):
            digest.update(np.ascontiguousarray(part).data)
        return f"siamese {weights_sha256(self._plain.module)[:16]} {digest.hexdigest()[:16]}"


def make_loss(settings: SiameseSettings, classes: int) -> tuple[nn.Module, nn.Module | None]:
    """The loss of pytorch-metric-learning over unit vectors, and for triplets what mines them."""
    from pytorch_metric_learning import losses, miners

    if settings.loss == "proxy_anchor":
        return losses.ProxyAnchorLoss(classes, settings.head), None
    if settings.loss == "normalized_softmax":
        return losses.NormalizedSoftmaxLoss(classes, settings.head), None
    miner = miners.TripletMarginMiner(_TRIPLET_MARGIN, settings.mining)
    return losses.TripletMarginLoss(_TRIPLET_MARGIN), miner


def balanced_batches(
    labels: RowNumbers, classes: int, photos: int, draw: np.random.Generator
) -> Iterator[RowNumbers]:
    """Rows of as many batches as the photos fill: of each of `classes` classes so many `photos`.

    A class with fewer photos gives some of them more than once.
    """
    members = [np.flatnonzero(labels == label) for label in range(int(labels.max()) + 1)]
    classes = min(classes, len(members))
    for _ in range(max(1, len(labels) // (classes * photos))):
        chosen = draw.choice(len(members), classes, replace=False)
        yield np.concatenate(
            [draw.choice(members[each], photos, len(members[each]) < photos) for each in chosen]
        )


def _questions(classes: RowNumbers, groups: RowNumbers) -> npt.NDArray[np.bool_]:
    """Which photos have another one of their class and of another group."""
    pairs = set(zip(classes.tolist(), groups.tolist(), strict=True))
    several = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
    return np.isin(classes, several)


def recall_at_1(vectors: VectorRows, classes: RowNumbers, groups: RowNumbers) -> float:
    """The share of photos whose nearest one of another group is of their class, of those that have
    one; 0 where none has. What is as near as a wrong photo does not count."""
    units = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    alike = units @ units.T
    same, own = classes[:, None] == classes, groups[:, None] == groups
    right = np.where(same & ~own, alike, -np.inf).max(axis=1)
    wrong = np.where(~same & ~own, alike, -np.inf).max(axis=1)
    asked = right > -np.inf
    return float(np.mean(right[asked] > wrong[asked] + 1e-6)) if asked.any() else 0.0


@torch.inference_mode()
def pooled_vectors(
    features: FeatureNetwork,
    pictures: Pictures,
    preprocess: dict[str, Any],
    head: nn.Linear | None = None,
) -> dict[str, VectorRows]:
    """Unit vectors (n, size) of prepared pictures by each layer and pooling, as "layer pooling",
    by the last layers joined, "layer+layer pooling", and by a head behind the last one; `features`
    pools both ways."""
    found: dict[str, list[Tensor]] = {}
    for start in range(0, len(pictures), _EMBEDDED_AT_ONCE):
        some = network_input(pictures[start : start + _EMBEDDED_AT_ONCE], preprocess)
        for layer, parts in zip(features.features.layers, features.pooled(some), strict=True):
            units = [normalize(part, dim=1) for part in parts]
            joined = torch.cat(units, dim=1) if len(units) > 1 else parts[0]
            ways = zip(get_args(Pooling), (*units, joined), strict=True)
            for pooling, vectors in ways if len(units) > 1 else [("both", joined)]:
                found.setdefault(f"{layer} {pooling}", []).append(normalize(vectors, dim=1))
        if head is not None:
            found.setdefault(HEAD, []).append(normalize(head(joined), dim=1))
    done = {name: torch.cat(some).numpy() for name, some in found.items()}
    layers = features.features.layers
    for start in range(len(layers) - 1):
        for pooling in get_args(Pooling):
            names = [f"{layer} {pooling}" for layer in layers[start:]]
            if done.keys() >= set(names):
                joint = np.concatenate([done[name] for name in names], axis=1)
                done[f"{JOINED.join(layers[start:])} {pooling}"] = joint / len(names) ** 0.5
    return done


@torch.inference_mode()
def embed_pictures(module: Embedder, pictures: Pictures, preprocess: dict[str, Any]) -> VectorRows:
    """Unit vectors (n, size) of prepared pictures (n, side, side, 3)."""
    module.eval().to(memory_format=torch.channels_last)
    with memory_kept():
        found = [
            module(network_input(pictures[start : start + _EMBEDDED_AT_ONCE], preprocess)).numpy()
            for start in range(0, len(pictures), _EMBEDDED_AT_ONCE)
        ]
    return np.concatenate(found)
