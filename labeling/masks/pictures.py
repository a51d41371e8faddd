"""Photos as input of the network, and its output as masks of the photos."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name that everyone gives it
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from core.records import Box
from labeling.masks import MEAN, SIDE, STD

Pixels = NDArray[np.uint8]


def scaled_size(width: int, height: int) -> tuple[int, int]:
    """A photo's width and height when its longer side is `SIDE`, at least 1 each."""
    longer = max(width, height)
    return max(1, round(width * SIDE / longer)), max(1, round(height * SIDE / longer))


def letterbox(image: Image.Image) -> tuple[Pixels, Box]:
    """An RGB photo scaled into the middle of a black square: the pixels (SIDE, SIDE, 3), and the
    photo's box in the square."""
    width, height = scaled_size(*image.size)
    x, y = (SIDE - width) // 2, (SIDE - height) // 2
    square = Image.new("RGB", (SIDE, SIDE))
    square.paste(image.resize((width, height), Image.Resampling.BILINEAR), (x, y))
    return np.asarray(square), Box(x, y, x + width, y + height)


def to_input(pixels: Pixels) -> Tensor:
    """Pixels (n, height, width, 3) as the network's input (n, 3, height, width), normalized."""
    values = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div_(255)
    mean, deviation = (torch.tensor(row).view(1, 3, 1, 1) for row in (MEAN, STD))
    return ((values - mean) / deviation).contiguous(memory_format=torch.channels_last)


def car_masks(network: nn.Module, images: Sequence[Image.Image]) -> list[NDArray[np.bool_]]:
    """The car's mask of each RGB photo, (height, width) in pixels of the photo."""
    squares, places = zip(*(letterbox(image) for image in images), strict=True)
    with torch.inference_mode():
        logits = network(to_input(np.stack(squares)))
    masks = []
    for image, box, found in zip(images, places, logits, strict=True):
        inner = found[None, :, box.y0 : box.y1, box.x0 : box.x1]
        size = (image.height, image.width)
        whole = F.interpolate(inner, size, mode="bilinear", align_corners=False)[0]
        masks.append((whole[1] > whole[0]).numpy())
    return masks
