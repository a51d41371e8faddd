"""Siamese networks on real photos: make and model year by picture, of classes that they never saw.

Trained on classes 1 to 49 of Stanford Cars, a part of which judges epochs and layers; tried on
classes 50 to 98, each photo against all others of these.
"""

import csv
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from benchmarks.machine import SHARED, made_by
from benchmarks.real_photos import histograms, unit
from benchmarks.squeezenet import WEIGHTS
from core.photos.decode import decode_facts
from embeddings.allocator import memory_kept
from embeddings.preparation import Preparation
from embeddings.registry import LITE_MODEL, ModelSpec
from embeddings.training.loop import Epoch
from embeddings.training.network import open_layers
from embeddings.training.pictures import Pictures, network_input, shrink
from embeddings.training.siamese import (
    ClassPhotos,
    SiameseSettings,
    SiameseTask,
    Trained,
    pooled_vectors,
    train_siamese,
)
from embeddings.training.splits import join_groups, split_classes
from embeddings.vision.features import FeatureNetwork, Features
from embeddings.vision.networks import ImageNetwork, load_image_network, torchvision_models
from search.evaluation.metrics import Photos, Retrieval, measure_retrieval

Array = npt.NDArray[np.float32]

CARS = SHARED / "cars_224"
LAST_TRAINED = 49
SETTINGS = {
    "lite0": SiameseSettings(frozen_through="blocks.3", epochs=8),
    "SqueezeNet": SiameseSettings(frozen_through="features.5"),
}
ABSENT = "The real photos were not there, so nothing was measured.\n"
WANTED, TIMES, SQUEEZENET_TIMES, MINUTES, SPEED = 0.64, 1.3, 1.15, 6.0, 0.85
_STEPS = 12  # of each way, in turns, to compare the speed of training


@dataclass(frozen=True, slots=True, eq=False)
class Cars:
    """n photos: pictures (n, 224, 224, 3), files, and of each the number and name of its class."""

    pictures: Pictures
    paths: tuple[Path, ...]
    numbers: npt.NDArray[np.intp]
    classes: tuple[str, ...]

    def take(self, rows: npt.NDArray[np.intp]) -> "Cars":
        """The same with these rows only."""
        at = rows.tolist()
        return Cars(
            self.pictures[rows],
            tuple(self.paths[row] for row in at),
            self.numbers[rows],
            tuple(self.classes[row] for row in at),
        )


@dataclass(frozen=True, slots=True)
class Row:
    """What one kind of vectors finds; `layer` is what of a network it is, `core_minutes` what its
    training took."""

    name: str
    layer: str
    size: int
    found: Retrieval
    core_minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Speed:
    """Photos a core-second of the training and of a bare loop over tensors in memory."""

    training: float
    bare: float


def load_cars(folder: Path, each: int | None = None) -> Cars:
    """The photos of the classes in the folder, `each` of every class."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    seen: dict[str, int] = {}
    taken = []
    for row in rows:
        seen[row["class_id"]] = seen.get(row["class_id"], 0) + 1
        if each is None or seen[row["class_id"]] <= each:
            taken.append(row)
    paths = tuple(folder / row["path"] for row in taken)
    preparation = Preparation.of(load_squeezenet().preprocess)
    pictures = np.empty((len(paths), preparation.height, preparation.width, 3), np.uint8)
    for at, path in enumerate(paths):
        pictures[at] = preparation.picture(path.read_bytes())
    numbers = np.array([int(row["class_id"]) for row in taken])
    return Cars(pictures, paths, numbers, tuple(row["class_name"] for row in taken))


def load_squeezenet() -> ImageNetwork:
    """The features of SqueezeNet 1.1 with weights from Caffe, taught to take RGB."""
    module = torchvision_models().get_model("squeezenet1_1", weights=None)
    module.classifier = torch.nn.Identity()
    state = torch.load(WEIGHTS, map_location="cpu", weights_only=True)
    module.features.load_state_dict(
        {name.removeprefix("features."): each for name, each in state.items()}
    )
    first = module.features[0].weight
    first.data = first.data.flip(1).contiguous()  # Caffe's photos are BGR
    mean = [value / 255 for value in (123.68, 116.779, 103.939)]
    preprocess = load_lite().preprocess | {"mean": mean, "std": [1 / 255] * 3}
    return ImageNetwork(module.eval(), preprocess)


def load_lite() -> ImageNetwork:
    """EfficientNet-lite0 from its package."""
    return load_image_network(ModelSpec(LITE_MODEL))


def random_lite() -> ImageNetwork:
    """The same network with the weights that it begins a training from nothing with."""
    from embeddings.openclip import load_timm

    torch.manual_seed(0)
    module = load_timm().create_model("tf_efficientnet_lite0", num_classes=0, global_pool="")
    return ImageNetwork(module.eval(), load_lite().preprocess)


def try_layers(name: str, network: ImageNetwork, frozen: str | None, cars: Cars) -> list[Row]:
    """What each layer and pooling of a network finds as it is."""
    layers = open_layers(network.module, frozen)
    print(f"{name}: {', '.join(layers)}", flush=True)
    with memory_kept():
        features = FeatureNetwork(network.module, Features(layers, "both"))
        found = pooled_vectors(features, cars.pictures, network.preprocess)
    return [_row(name, layer, vectors, cars) for layer, vectors in found.items()]


def train_row(
    name: str, network: ImageNetwork, settings: SiameseSettings, training: Cars, test: Cars
) -> tuple[Row, Trained]:
    """Train, and try the layer that the validation part chose."""

    def show(epoch: Epoch) -> None:
        print(
            f"{name}: epoch {epoch.number}, loss {epoch.loss:.2f}, Recall@1 {epoch.score:.3f} of "
            f"the validation part by {epoch.chosen}, {time.process_time() - started:.0f} s",
            flush=True,
        )

    started = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        photos = class_photos(training)
        trained = train_siamese(network, photos, settings, Path(folder), show)
    minutes = (time.process_time() - started) / 60
    row = _row(name, trained.best.chosen, trained.embed(test.pictures), test)
    return replace(row, core_minutes=minutes), trained


def class_photos(cars: Cars) -> ClassPhotos:
    """Photos with their classes; those with nearly the same perceptual hash are a group."""
    hashes = [decode_facts(path.read_bytes()).phash for path in cars.paths]
    return ClassPhotos(cars.pictures, cars.classes, join_groups([None] * len(hashes), hashes))


def measure_speed(network: ImageNetwork, settings: SiameseSettings, training: Cars) -> Speed:
    """Train some batches by the training's way, and by a bare loop over the same, in turns.

    Processor time of this process, as other programs hardly change it.
    """
    photos = ClassPhotos(training.pictures, training.classes, range(len(training.classes)))
    split = split_classes(photos.classes, photos.groups, settings.validation_share, 0)
    task = SiameseTask(network, photos, split, settings)
    optimizer = torch.optim.AdamW(task.parameter_groups())
    draw = np.random.default_rng(0)
    batches = (each for _ in range(_STEPS + 1) for each in task.batches(draw))
    first, count = next(batches)
    tensors = (network_input(first[0], network.preprocess), first[1])

    def step(loss: torch.Tensor) -> None:
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    def ours() -> None:
        batch, _ = next(batches)
        step(task.loss(batch))

    def bare() -> None:
        step(task.loss_of(*tensors))

    spent: dict[Callable[[], None], list[float]] = {ours: [], bare: []}
    with memory_kept():
        for _ in range(_STEPS):
            for way, times in spent.items():
                started = time.process_time()
                way()
                times.append(time.process_time() - started)
    return Speed(*(count / float(np.median(times[1:])) for times in spent.values()))


def page() -> str:
    """Measure at the full size: the page docs/benchmarks/siamese.md."""
    if not CARS.is_dir():
        return f"# Siamese networks\n\n{ABSENT}"
    torch.set_num_threads(1)
    return page_of(*measure(load_cars(CARS), SETTINGS))


def measure(cars: Cars, settings: dict[str, SiameseSettings]) -> tuple[list[Row], list[Row], Speed]:
    """What needs no training, the trained networks, and the speed of training."""
    training = cars.take(np.flatnonzero(cars.numbers <= LAST_TRAINED))
    test = cars.take(np.flatnonzero(cars.numbers > LAST_TRAINED))
    networks = {"lite0": load_lite(), "SqueezeNet": load_squeezenet()}
    trained = [
        train_row(f"siamese on {name}", network, settings[name], training, test)[0]
        for name, network in networks.items()
    ]
    speed = measure_speed(networks["lite0"], settings["lite0"], training)
    small = shrink(test.pictures, 32).reshape(len(test.classes), -1).astype(np.float32)
    plain = [
        _row("color histogram", "", histograms(test.paths), test),
        _row("raw pixels, 32x32", "", unit(small - small.mean(axis=1, keepdims=True)), test),
    ]
    tried = {"lite0, random weights": random_lite()}
    tried |= {f"plain {name}": network for name, network in networks.items()}
    for name, network in tried.items():
        frozen = settings[name.split()[-1] if name[:5] == "plain" else "lite0"].frozen_through
        rows = try_layers(name, network, frozen, test)
        plain.append(max(rows, key=lambda row: row.found.recall[1].mean))
    return plain, trained, speed


def _row(name: str, layer: str, vectors: Array, cars: Cars) -> Row:
    found = measure_retrieval(Photos(vectors, cars.classes), ks=(1, 5))
    return Row(name, layer, vectors.shape[1], found)


def page_of(plain: Sequence[Row], trained: Sequence[Row], speed: Speed) -> str:
    """The page of these rows."""
    first = trained[0].found
    lines = [
        "# Siamese networks",
        "",
        made_by("siamese", "torch", "timm", "pytorch-metric-learning"),
        "",
        "Photos of Stanford Cars, 224x224. The networks are trained on classes 1 to "
        f"{LAST_TRAINED}: a fifth of these first chooses epoch, layer and pooling of a network "
        "trained on the others, which is then trained again on all of them, and both trainings "
        "count as time. "
        f"They are tried on the other classes: {first.questions:,} questions, each photo against "
        "all others of these. Recall@1 is the share of photos whose nearest one is of their "
        "class, MAP@R as in Musgrave et al. 2020; in brackets 95 % of bootstraps over questions; "
        f"seed {SETTINGS['lite0'].seed}. Of a network without training the layer and pooling is "
        "shown that is best **on these very photos**, which favors it.",
        "",
        "| vectors | layer, pooling | size | Recall@1 | Recall@5 | MAP@R | core-minutes |",
        "|---|---|---:|---:|---:|---:|---:|",
        *(_line(row) for row in (*plain, *trained)),
        "",
        *(_verdict(row, plain) for row in trained),
        "",
        f"Training lite0 takes in {speed.training:.0f} photos a core-second, a bare loop over the "
        f"same tensors {speed.bare:.0f}: {speed.training / speed.bare:.2f} of it, "
        f"{SPEED} wanted. Drawing, cropping and mirroring are the difference.",
        "",
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    found, minutes = row.found, "" if row.core_minutes is None else f"{row.core_minutes:.1f}"
    return (
        f"| {row.name} | {row.layer} | {row.size} | {found.recall[1]} | "
        f"{found.recall[5].mean:.3f} | {found.map_at_r} | {minutes} |"
    )


def _verdict(row: Row, plain: Sequence[Row]) -> str:
    network = row.name.split()[-1]
    rival = next(each for each in plain if each.name == f"plain {network}").found.recall[1].mean
    reached, times = row.found.recall[1], TIMES if network == "lite0" else SQUEEZENET_TIMES
    ratio = reached.mean / rival
    asked = f"{times} times its best plain layer"
    fine = ratio >= times and reached.low > rival
    if network == "lite0":
        asked = f"{WANTED}, and {asked}, within {MINUTES:.0f} core-minutes"
        fine = fine and reached.mean >= WANTED and (row.core_minutes or 0) <= MINUTES
    return (
        f"**The {row.name} finds {reached.mean:.3f}, {ratio:.2f} times its best plain layer; "
        f"{asked} was wanted: {'reached' if fine else 'missed'}.**\n"
    )
