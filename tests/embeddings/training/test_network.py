"""Batch norm is folded without a difference, and layers are frozen in the order they run."""

import torch

from embeddings.training.network import fold_for_training, open_layers
from tests.embeddings.training.small import SmallNetwork, small_network

PICTURES = torch.linspace(-2, 2, 2 * 3 * 32 * 32).reshape(2, 3, 32, 32)


def test_a_folded_network_gives_the_same_without_batch_norms() -> None:
    plain = small_network().module
    folded = fold_for_training(plain)
    assert [norm for _, norm in folded.pairs] == ["stage1.1", "stage2.1", "stage3.1"]
    assert not any(isinstance(each, torch.nn.BatchNorm2d) for each in folded.module.modules())
    with torch.inference_mode():
        assert torch.allclose(plain(PICTURES), folded.module(PICTURES), atol=1e-5)


def test_trained_weights_go_back_into_the_plain_network() -> None:
    plain = small_network().module
    folded = fold_for_training(plain)
    with torch.no_grad():
        for parameter in folded.module.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))
    again = SmallNetwork().eval()
    again.load_state_dict(folded.plain_state(plain))
    with torch.inference_mode():
        assert torch.allclose(again(PICTURES), folded.module(PICTURES), atol=1e-5)
        assert not torch.allclose(again(PICTURES), plain(PICTURES), atol=1e-3)


class TwiceUsed(SmallNetwork):
    """A convolution whose output goes past its batch norm too."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        conv, norm, _ = self.stage1
        found = conv(pictures)
        return norm(found).relu() + found


def test_a_network_that_cannot_be_folded_is_left_as_it_is() -> None:
    torch.manual_seed(0)
    plain = TwiceUsed().train()
    plain(torch.randn(8, 3, 32, 32))
    folded = fold_for_training(plain.eval())
    assert folded.pairs == ()
    with torch.inference_mode():
        assert torch.equal(plain(PICTURES), folded.module(PICTURES))


def test_what_runs_after_the_named_layer_is_open() -> None:
    network = small_network().module
    assert open_layers(network, "stage1") == ("stage2", "stage3")
    opened = {name for name, each in network.named_parameters() if each.requires_grad}
    assert opened == {name for name, _ in network.named_parameters() if name[:6] != "stage1"}
    assert open_layers(network, None) == ("stage1", "stage2", "stage3")
    assert all(each.requires_grad for each in network.parameters())


def test_stages_of_a_deeper_network_are_those_beside_the_frozen_one() -> None:
    class Deep(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            one = SmallNetwork()
            self.blocks = torch.nn.Sequential(one.stage1, one.stage2, one.stage3)
            self.last = torch.nn.Conv2d(16, 20, 1)
            self.act = torch.nn.ReLU()
            self.pool = torch.nn.Identity()

        def forward(self, pictures: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = self.pool(self.act(self.last(self.blocks(pictures))))
            return found

    assert open_layers(Deep(), "blocks.0") == ("blocks.1", "blocks.2", "act")
