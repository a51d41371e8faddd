"""Batch norms folded into convolutions."""

from typing import Any

import pytest
import torch
from torch import nn

from embeddings.openclip import load_timm
from embeddings.vision.features import FeatureNetwork, Features, default_layer
from embeddings.vision.folding import fold_batch_norms
from embeddings.vision.networks import torchvision_models


def trained(network: Any) -> Any:
    """A network whose batch norms have statistics, as after a training."""
    generator = torch.Generator().manual_seed(3)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            shape = module.weight.shape
            module.running_mean.copy_(torch.randn(shape, generator=generator) * 0.1)
            module.running_var.copy_(torch.rand(shape, generator=generator) + 0.5)
            with torch.no_grad():
                module.weight.copy_(torch.rand(shape, generator=generator) + 0.5)
                module.bias.copy_(torch.randn(shape, generator=generator) * 0.1)
    return network.eval()


def norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


@pytest.mark.parametrize("name", ["timm:tf_efficientnet_lite0", "timm:resnet10t", "resnet18"])
def test_a_folded_network_answers_alike(name: str) -> None:
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    if name.startswith("timm:"):
        network = load_timm().create_model(name.removeprefix("timm:"), pretrained=False)
    else:
        network = torchvision_models().get_model(name, weights=None)
    features = FeatureNetwork(trained(network), Features((default_layer(network),))).eval()
    folded = fold_batch_norms(features, pictures[:1])
    assert norms(features) > 10, "the network itself is as before"
    assert norms(folded) == 0
    with torch.inference_mode():
        wanted, found = features(pictures), folded(pictures)
    assert torch.allclose(found, wanted, atol=1e-4 * float(wanted.abs().max()))


class Twice(nn.Module):
    """Something else than the batch norm uses what the convolution gives."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        found = self.conv(pictures)
        return found + torch.as_tensor(self.norm(found))


def test_a_network_that_would_answer_otherwise_is_left_as_it_is() -> None:
    network = trained(Twice())
    assert fold_batch_norms(network, torch.rand(1, 3, 8, 8)) is network
    plain = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()).eval()
    assert fold_batch_norms(plain, torch.rand(1, 3, 8, 8)) is plain
