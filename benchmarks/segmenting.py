"""The segmentation stage end to end against the bare network; part of the benchmark `labeling`."""

import copy
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torchvision

from benchmarks.photos import write_photos
from catalog.register import register
from catalog.table import open_catalog
from core.records import Photo, Sighting
from embeddings.engine import Engine
from embeddings.measure import measure
from embeddings.network import DTYPES
from embeddings.tuning import Overrides, RunConfig
from labeling.segment import Segmenter, load_segmenter, segment_photos
from labeling.segmenters import DEFAULT_SEGMENTER

SEGMENTED = 64


@dataclass(frozen=True, slots=True)
class Segmenting:
    """The segmentation stage and the bare network over the same photos, photos a second."""

    config: RunConfig
    photos: int
    stage: float
    bare: float


def measure_segmenting(photos: int = SEGMENTED, name: str = DEFAULT_SEGMENTER) -> Segmenting:
    """`segment_photos` from stored bytes to stored maps, against the network's forward passes over
    pictures that lie ready; before and after, and the faster counts. Its weights are random: speed
    does not depend on what they are."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        print(f"segmenting {photos} photos with {name}", flush=True)
        torch.manual_seed(0)
        model = torchvision.models.segmentation.__dict__[name](
            weights=None, weights_backbone=None, num_classes=21, aux_loss=True
        )
        torch.save(model.state_dict(), place / "random.pth")
        segmenter = load_segmenter(name, place / "random.pth", "cpu", "fp32")
        config = replace(measure(segmenter, Overrides()).config, decoders="threads")
        segmenter = segmenter.in_dtype(config.dtype)
        paths = write_photos(place / "photos", photos, 2)
        contents = [path.read_bytes() for path in paths]
        catalog = open_catalog(place / "catalog")
        records = [
            Photo(Sighting("scenes", str(at), {}), content) for at, content in enumerate(contents)
        ]
        register(catalog, records, run_id="r")
        ids = catalog.column("images", "image_id").to_pylist()
        rates = []
        torch.set_num_threads(config.threads)
        pictures = np.stack([segmenter.preparation.picture(each) for each in contents])
        rates.append(_bare(model, segmenter, config, pictures))
        with closing(Engine(segmenter, config)) as engine:
            began = time.perf_counter()
            done = segment_photos(catalog, segmenter, engine, ids, "r")
            stage = done.photos / (time.perf_counter() - began)
        rates.append(_bare(model, segmenter, config, pictures))
        return Segmenting(config, done.photos, stage, max(rates))


def _bare(
    model: torch.nn.Module, segmenter: Segmenter, config: RunConfig, pictures: npt.NDArray[np.uint8]
) -> float:
    mean, std = (
        torch.tensor(each)[:, None, None]
        for each in (segmenter.preparation.mean, segmenter.preparation.std)
    )
    dtype, layout = DTYPES[config.dtype], torch.channels_last
    network = copy.deepcopy(model).eval().to(dtype).to(memory_format=layout)
    batches = []
    for at in range(0, len(pictures), config.batch_size):
        values = torch.from_numpy(pictures[at : at + config.batch_size]).permute(0, 3, 1, 2).float()
        batches.append(((values / 255 - mean) / std).to(dtype, memory_format=layout))
    with torch.inference_mode():
        network(batches[0])  # in the first run the kernels are made
        began = time.perf_counter()
        for batch in batches:
            network(batch)
        return len(pictures) / (time.perf_counter() - began)
