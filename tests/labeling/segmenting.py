"""A segmentation network with random weights that still tells pixels apart, as a file."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from embeddings.network import PictureNetwork
from embeddings.preparation import Preparation
from synthetic.scenes import render

NAME = "deeplabv3_mobilenet_v3_large"


def random_network(seed: int = 0, *, second_head: bool = True) -> Any:
    """torchvision's smaller DeepLab; its norms fit what they see, or nothing would reach its end,
    and its scores are spread, or all classes would be alike."""
    from torchvision.models import get_model

    torch.manual_seed(seed)
    model: Any = get_model(NAME, weights=None, weights_backbone=None, aux_loss=second_head)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the mean of what is seen
    preparation = Preparation(96, 96, (0.5,) * 3, (0.25,) * 3, "bilinear", "longest", (0,) * 3)
    pictures = np.stack([preparation.fit(render(each).image) for each in range(6)])
    values = PictureNetwork(model, preparation, "cpu")._values(pictures)
    with torch.no_grad():
        model.train()(values)
        model.eval()
        head = model.classifier[-1]
        head.weight.mul_(4)
        head.bias.sub_(model(values)["out"].mean((0, 2, 3)))
    return model


def save_network(path: Path, seed: int = 0) -> Path:
    torch.save(random_network(seed).state_dict(), path)
    return path
