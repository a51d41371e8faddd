"""SqueezeNet trained on ImageNet, as a frozen encoder for measuring: Marque never runs it.

Iandola et al. 2016, "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and <0.5MB model
size"; the features of its version 1.1, with weights that were ported from Caffe.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torchvision.models import squeezenet1_1

from benchmarks.machine import SHARED

Array = npt.NDArray[np.float32]

WEIGHTS = SHARED.parent / "weights" / "squeezenet1_1_features_torchvision.pth"
SIDE, SIZE = 224, 512
_BLUE_GREEN_RED = (103.939, 116.779, 123.68)  # what Caffe takes from each channel, of 0..255
_BATCH = 32


@torch.inference_mode()
def embed(paths: Sequence[Path], *, mirrored: bool = False) -> Array:
    """Photos, or their mirror images -> unit vectors (n, 512): the mean over height and width of
    the last features."""
    model = squeezenet1_1(weights=None).features
    state = torch.load(WEIGHTS, map_location="cpu", weights_only=True)
    model.load_state_dict({name.removeprefix("features."): each for name, each in state.items()})
    model.eval()
    taken = torch.tensor(_BLUE_GREEN_RED)[:, None, None]
    vectors = np.empty((len(paths), SIZE), np.float32)
    for start in range(0, len(paths), _BATCH):
        some = paths[start : start + _BATCH]
        pixels = torch.from_numpy(np.stack([_pixels(path) for path in some])).permute(0, 3, 1, 2)
        turned = pixels.flip(1, 3) if mirrored else pixels.flip(1)
        found = model(turned.float() - taken).mean((2, 3))
        vectors[start : start + _BATCH] = torch.nn.functional.normalize(found).numpy()
    return vectors


def _pixels(path: Path) -> npt.NDArray[np.uint8]:
    with Image.open(path) as image:
        fitted = image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(fitted)
