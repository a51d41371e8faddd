"""The network: a small U-Net that predicts for every pixel whether it shows the car.

After Ronneberger et al. 2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation",
with residual blocks (He et al. 2015) and features that are added on the way up, not joined.
"""

from pathlib import Path

import torch.nn.functional as F  # noqa: N812 - the name that everyone gives it
from safetensors.torch import load_file
from torch import Tensor, nn

from core.errors import UsageMistakeError
from labeling.masks import CLASSES, MASK_WEIGHTS

CHANNELS = (24, 48, 80, 112)
"""Channels at a half, a quarter, an eighth and a sixteenth of the picture's size."""

STRIDE = 2 ** len(CHANNELS)
"""Height and width must be multiples of this."""


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class Residual(nn.Module):
    """Two convolutions whose output is added to their input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _convolution(width, width)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)

    def forward(self, x: Tensor) -> Tensor:
        """Features to features of the same shape."""
        return F.relu(x + self.norm(self.second(self.first(x))))


class GlobalContext(nn.Module):
    """Adds the mean over the picture to every place: a part of a car is recognized by the whole."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Features to features of the same shape."""
        return F.relu(x + self.mix(x.mean((2, 3)))[:, :, None, None])


class MaskNetwork(nn.Module):
    """Pictures (n, 3, height, width), normalized, to logits (n, 2, height, width)."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d = CHANNELS
        self.down = nn.ModuleList(
            [
                nn.Sequential(nn.PixelUnshuffle(2), _convolution(12, a), Residual(a)),
                nn.Sequential(_convolution(a, b, 2), Residual(b)),
                nn.Sequential(_convolution(b, c, 2), Residual(c)),
                nn.Sequential(_convolution(c, d, 2), Residual(d), GlobalContext(d), Residual(d)),
            ]
        )
        self.across = nn.ModuleList(
            nn.Conv2d(high, low, 1) for low, high in ((c, d), (b, c), (a, b))
        )
        self.up = nn.ModuleList(Residual(width) for width in (c, b, a))
        self.head = nn.Sequential(nn.Conv2d(a, 4 * len(CLASSES), 1), nn.PixelShuffle(2))

    def forward(self, pictures: Tensor) -> Tensor:
        """The logits of `CLASSES` for every pixel.

        Raises `UsageMistakeError` if height or width is not a multiple of `STRIDE`.
        """
        height, width = pictures.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise UsageMistakeError(
                f"the pictures are {width} x {height}; give a width and a height that are "
                f"multiples of {STRIDE}"
            )
        x, levels = pictures, []
        for stage in self.down:
            x = stage(x)
            levels.append(x)
        for across, up, level in zip(self.across, self.up, reversed(levels[:-1]), strict=True):
            larger = F.interpolate(across(x), scale_factor=2, mode="bilinear", align_corners=False)
            x = up(level + larger)
        logits: Tensor = self.head(x)
        return logits


def load_network(weights: Path = MASK_WEIGHTS) -> nn.Module:
    """The trained network, in evaluation mode, on the CPU, in float32."""
    network = MaskNetwork()
    network.load_state_dict(load_file(weights))
    return network.eval()
