"""Segmentation networks, and the segmentation of photos.

Importing this module imports torch, which takes seconds: import it only where a photo is segmented.
"""

import hashlib
import json
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

import numpy as np
import numpy.typing as npt
import torch

from catalog.photos import DAMAGED_PHOTO, load_photos
from catalog.rejects import store_rejects
from catalog.segments import Segments, segment_stage, store_segments
from catalog.table import Catalog
from core.photos.decode import SHOWN_AS, RejectedError, decoded
from core.records import Drop
from embeddings.engine import Engine, Job
from embeddings.forward import ForwardPass
from embeddings.network import (
    PictureNetwork,
    check_numbers,
    check_precision,
    place,
    weights_sha256,
)
from embeddings.preparation import Picture, Preparation
from embeddings.registry import ModelError
from embeddings.vision.weights import load_local, load_published
from labeling import masks
from labeling.classmap import THRESHOLD, ClassMap, Numbers
from labeling.segmenter_weights import WAYS_ON, build, published_weights
from labeling.segmenters import SegmenterRecord, segmenter_record

ROWS_AT_ONCE = 64
"""Rows of a picture that are computed at a time, so that they stay in the processor's cache; all
rows at once took twice as long."""

_WRITING = Lock()  # of two commits at the same moment one would have to be repeated


@dataclass(frozen=True, slots=True)
class Network:
    """A network with its weights, before it is moved to a device.

    `classes` are the names of its classes by number, 0 the background; `preparation` is how its
    pictures are prepared.
    """

    record: SegmenterRecord
    model: torch.nn.Module
    classes: tuple[str, ...]
    preparation: Preparation

    @property
    def version(self) -> str:
        """The name of the network and a digest of its weights and preprocessing."""
        seen = json.dumps(
            [weights_sha256(self.model), asdict(self.preparation), SHOWN_AS], sort_keys=True
        )
        return f"{self.record.name}@{hashlib.sha256(seen.encode()).hexdigest()[:12]}"


class Segmenter(PictureNetwork):
    """A loaded network for the engine of `embeddings`; `load_segmenter` makes it."""

    def __init__(self, network: Network, version: str, device: str) -> None:
        super().__init__(network.model, network.preparation, device)
        self.name = network.record.name
        self.version = version
        self.is_tryout = network.record.is_tryout
        self.classes = network.classes

    @torch.inference_mode()
    def encode_images(self, pictures: Picture) -> Numbers:
        """Prepared pictures (n, H, W, 3) -> (n, 2, H, W): the class of every pixel, and its softmax
        probability times 255.

        The probability is 0 where scores are not finite; the largest of finite ones is never 0.
        """
        found = self._model(self._values(pictures))
        scores = found["out"] if isinstance(found, dict) else found
        shape = (len(pictures), 2, *scores.shape[2:])
        outputs = torch.empty(shape, dtype=torch.uint8, device=scores.device)
        for output, each in zip(outputs, scores, strict=True):
            for part, some in zip(
                output.split(ROWS_AT_ONCE, 1), each.split(ROWS_AT_ONCE, 1), strict=True
            ):
                values = some.float()
                best, numbers = values.max(0)
                # Below about e^-87 numbers are denormal, and processors slow.
                sums = (values - best).clamp_(min=-80).exp_().sum(0)
                part[0] = numbers
                part[1] = sums.reciprocal_().mul_(255).round_().nan_to_num_(0.0)
        return np.asarray(outputs.cpu().numpy())

    def are_sound(self, outputs: Numbers) -> npt.NDArray[np.bool_]:
        """Which of the outputs (n, 2, H, W) came from finite scores in every pixel."""
        return np.asarray(outputs[:, 1].min(axis=(1, 2)) > 0)


@lru_cache(maxsize=2)
def load_segmenter(
    name: str, weights: Path | None = None, device: str = "auto", precision: str = "fp32"
) -> Segmenter:
    """Load a network once a process; raises `ModelError` with the ways on.

    `name` is one of `labeling.segmenters.SEGMENTERS`. Without a `weights` file it gets the
    published ones, downloaded if they are not in torch's hub cache. `device` is `auto`, or any name
    torch takes; `precision` is `fp32` or `bf16`.
    """
    check_precision(precision)
    record = segmenter_record(name)
    network = _own(record, weights) if record.is_tryout else _torchvision(record, weights)
    check_numbers(network.model, name if weights is None else weights.name)
    version = network.version  # of the weights as loaded, before `place` converts them
    return Segmenter(network, version, place(network.model, device, precision))


def segment_photo(segmenter: Segmenter, content: bytes, threshold: float = THRESHOLD) -> ClassMap:
    """The class map of one photo, in the photo's own size.

    Raises `RejectedError` for the photo, `ModelError` for the network, and `UsageMistakeError` for
    a threshold that is not a probability.
    """
    with decoded(content) as shown:
        size = shown.size
    (output,) = ForwardPass(segmenter).run([segmenter.preparation.picture(content)])
    if isinstance(output, RejectedError):
        raise output
    return ClassMap.of(output, segmenter.classes, size, threshold).resized(size)


@dataclass(frozen=True, slots=True)
class SegmentedShard:
    """How many photos of a shard were written, and why the others were not."""

    photos: int
    rejected: tuple[str, ...]


def segment_photos(
    catalog: Catalog, segmenter: Segmenter, engine: Engine, image_ids: Sequence[str], run_id: str
) -> SegmentedShard:
    """Segment these photos, each as a whole, and write them to `segments` in one commit.

    `engine` runs `segmenter`. A photo that fails goes to `rejects`; the rest continue.
    Raises `ModelError`, `DecodingError` and `StoreError`.
    """
    known = catalog.rows("images", image_ids, ["image_id", "width", "height"]).to_pylist()
    sizes = {row["image_id"]: (row["width"], row["height"]) for row in known}
    damaged: list[str] = []
    jobs = (Job(key, content) for key, content, _ in load_photos(catalog, image_ids, damaged))
    maps: dict[str, Future[bytes]] = {}
    drops: list[Drop] = []
    # In a thread of its own, while the model runs the next batch.
    with ThreadPoolExecutor(1, "class maps") as pool:
        for batch in engine.embed(jobs):
            for key, output in zip(batch.image_ids, batch.outputs, strict=True):
                maps[key] = pool.submit(_png, output, segmenter.classes, sizes[key])
            drops += [Drop("images", key, why.reason, why.detail) for key, why in batch.failed]
    drops += [Drop("images", key, DAMAGED_PHOTO) for key in damaged]
    rows = [
        Segments(key, segmenter.version, made.result(), segmenter.classes)
        for key, made in maps.items()
    ]
    stage = segment_stage(segmenter.version)
    with _WRITING:
        store_segments(catalog, rows, run_id=run_id)
        store_rejects(catalog, drops, stage=stage, run_id=run_id)
    return SegmentedShard(len(rows), tuple(drop.reason for drop in drops))


def _png(output: Numbers, classes: Sequence[str], photo_size: tuple[int, int]) -> bytes:
    return ClassMap.of(output, classes, photo_size).to_png()


def _torchvision(record: SegmenterRecord, weights: Path | None) -> Network:
    if weights is None:
        state = load_published(record.name, published_weights(record.name), WAYS_ON)
    else:
        state = load_local(weights, WAYS_ON)
    model = build(record.name, state, record.name if weights is None else weights.name)
    published = published_weights(record.name)
    preset = published.transforms()
    mean, std = tuple(preset.mean), tuple(preset.std)
    (side,) = preset.resize_size
    # The network sees zeros around a photo, as its own convolutions add them.
    fill = tuple(round(255 * each) for each in mean)
    preparation = Preparation(side, side, mean, std, "bilinear", "longest", fill)
    return Network(record, model, tuple(published.meta["categories"]), preparation)


def _own(record: SegmenterRecord, weights: Path | None) -> Network:
    from labeling.masks.network import load_network

    if weights is not None:
        raise ModelError(
            f"{record.name!r} brings its own weights, so the weights file {str(weights)!r} would "
            "not be used; leave one of the two out"
        )
    black = (0, 0, 0)  # as in its training
    preparation = Preparation(
        masks.SIDE, masks.SIDE, masks.MEAN, masks.STD, "bilinear", "longest", black
    )
    return Network(record, load_network(), masks.CLASSES, preparation)
