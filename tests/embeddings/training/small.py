"""A small network and small pictures that a test can train on in seconds."""

from typing import Any

import numpy as np
import torch
from torch import nn

from embeddings.training.siamese import ClassPhotos, SiameseSettings
from embeddings.vision.networks import ImageNetwork

SIDE = 32
PREPROCESS: dict[str, Any] = {
    "size": SIDE, "mode": "RGB", "mean": [0.5] * 3, "std": [0.25] * 3,
    "interpolation": "bilinear", "resize_mode": "shortest", "fill_color": 0,
}  # fmt: skip
SETTINGS = SiameseSettings(
    frozen_through="stage1", side=24, head=16, classes_per_batch=4, photos_per_class=3, epochs=4,
    patience=4, rate=1e-2, proxy_rate=3e-2, validation_share=0.3, refit=False,
)  # fmt: skip


class SmallNetwork(nn.Module):
    """Three stages of a convolution, a batch norm and an activation."""

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = self._stage(3, 8)
        self.stage2 = self._stage(8, 12)
        self.stage3 = self._stage(12, 16)

    @staticmethod
    def _stage(into: int, out: int) -> nn.Sequential:
        conv = nn.Conv2d(into, out, 3, stride=2, padding=1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(out), nn.ReLU())

    def forward(self, pictures: torch.Tensor) -> Any:
        return self.stage3(self.stage2(self.stage1(pictures)))


def small_network(seed: int = 0) -> ImageNetwork:
    """The network with batch norms that have seen something."""
    torch.manual_seed(seed)
    module = SmallNetwork().train()
    for _ in range(3):
        module(torch.randn(8, 3, SIDE, SIDE))
    return ImageNetwork(module.eval(), PREPROCESS)


def tinted_photos(classes: int = 10, each: int = 30, seed: int = 0) -> ClassPhotos:
    """Photos of random grays under a tint, which is what tells the classes apart."""
    draw = np.random.default_rng(seed)
    pictures, names = [], []
    for number in range(classes):
        tint = 10 * np.cos(2 * np.pi * number / classes + np.array([0, 2, 4]) * np.pi / 3)
        for _ in range(each):
            grays = draw.uniform(40, 215, (4, 4, 1)).repeat(SIDE // 4, 0).repeat(SIDE // 4, 1)
            photo = grays + tint + draw.normal(0, 10, (SIDE, SIDE, 3))
            pictures.append(np.clip(photo, 0, 255).astype(np.uint8))
            names.append(f"class {number}")
    return ClassPhotos(np.stack(pictures), names, np.arange(len(names)))
