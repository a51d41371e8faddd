"""Vectors out of a network's layers."""

import pytest
import torch
from torch import nn

from embeddings.registry import ModelError, Pooling
from embeddings.vision.features import FeatureNetwork, Features, default_layer, head_of
from embeddings.vision.networks import torchvision_models


class Small(nn.Module):
    """Two convolutions, of which the second writes into the output of the first, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 1)
        self.relu = nn.ReLU(inplace=True)
        self.second = nn.Conv2d(4, 5, 1)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(5, 2)
        self.heads_run = 0

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        found = self.second(self.relu(self.first(pictures)))
        self.heads_run += 1
        return torch.as_tensor(self.fc(self.avgpool(found).flatten(1)))


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.randn(3, 3, 8, 6, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("pooling", "size"), [("mean", 4), ("max", 4), ("both", 8)])
def test_a_layer_is_pooled_over_all_places(
    pictures: torch.Tensor, pooling: Pooling, size: int
) -> None:
    network = Small()
    found = FeatureNetwork(network, Features(("first",), pooling))(pictures)
    whole = network.first(pictures)
    mean, most = whole.mean((2, 3)), whole.amax((2, 3))
    unit = nn.functional.normalize
    wanted = {"mean": mean, "max": most, "both": torch.cat([unit(mean), unit(most)], 1)}[pooling]
    assert found.shape == (3, size)
    assert torch.allclose(found, wanted, atol=1e-6), "not as the layer that follows changed it"


def test_layers_are_joined_at_equal_lengths_in_the_order_asked_for(pictures: torch.Tensor) -> None:
    network = Small()
    with torch.no_grad():
        network.second.weight *= 1000
    found = FeatureNetwork(network, Features(("second", "first")))(pictures)
    assert torch.allclose(found[:, :5].norm(dim=1), torch.ones(3), atol=1e-5)
    assert torch.allclose(found[:, 5:].norm(dim=1), torch.ones(3), atol=1e-5)
    swapped = FeatureNetwork(network, Features(("first", "second")))(pictures)
    assert torch.equal(swapped[:, 4:], found[:, :5])


def test_what_is_behind_the_last_layer_is_not_computed(pictures: torch.Tensor) -> None:
    network = Small()
    FeatureNetwork(network, Features(("second",)))(pictures)
    assert network.heads_run == 0
    FeatureNetwork(network, Features(("fc",)))(pictures)
    assert network(pictures).shape == (3, 2), "the network itself runs as before"


def test_gradients_reach_the_first_layer(pictures: torch.Tensor) -> None:
    network = Small()
    FeatureNetwork(network, Features(("second",), "max"))(pictures).sum().backward()
    assert network.first.weight.grad is not None


@pytest.mark.parametrize(
    ("layers", "said"), [(("third",), "no layer 'third'.*first, relu, second"), ((), "at least")]
)
def test_a_layer_that_is_not_there_is_named(layers: tuple[str, ...], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        FeatureNetwork(Small(), Features(layers))


def test_a_layer_that_takes_no_part_is_named(pictures: torch.Tensor) -> None:
    network = Small()
    network.unused = nn.Linear(1, 1)
    with pytest.raises(ModelError, match="'unused' takes no part"):
        FeatureNetwork(network, Features(("unused",)))(pictures)


@pytest.mark.parametrize(
    ("name", "layer", "size"),
    [
        ("vgg11", "features", 512),
        ("resnet18", "layer4", 512),
        ("squeezenet1_1", "features", 512),
        ("mobilenet_v3_small", "features", 576),
        ("swin_t", "permute", 768),
        ("shufflenet_v2_x0_5", "conv5", 1024),
    ],
)
def test_the_layer_before_the_head_is_found_in_networks_of_torchvision(
    name: str, layer: str, size: int
) -> None:
    network = torchvision_models().get_model(name, weights=None).eval()
    assert default_layer(network) == layer
    assert all(part not in layer for part in head_of(network))
    with torch.inference_mode():
        found = FeatureNetwork(network, Features((layer,)))(torch.zeros(2, 3, 64, 64))
    assert found.shape == (2, size)
