"""Batch norm folded into the convolution before it: the same answers, fewer passes over memory.

In inference a batch norm multiplies each channel by a constant and adds another, which the weights
and the bias of a convolution can do as well.
"""

import copy
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

TOLERANCE = 1e-3
"""Of the largest output: rounding alone changes about a millionth of it."""


def fold_batch_norms(network: nn.Module, pictures: Tensor) -> nn.Module:
    """A copy of a network in evaluation mode without the batch norms that follow a convolution.

    Which ones do is seen while the network looks at `pictures` (n, 3, height, width). The network
    itself is returned where there are none, or where the copy would answer otherwise, as it does
    if something else than the batch norm uses what the convolution gives.
    """
    folded = copy.deepcopy(network)
    modules = dict(folded.named_modules())
    with torch.inference_mode():
        wanted = network(pictures)
        pairs = norm_pairs(folded, pictures)
        for convolution, norm in pairs:
            fused = fuse_conv_bn_eval(modules[convolution], modules[norm])
            _replace(folded, convolution, fused)
            _replace(folded, norm, _rest(modules[norm]))
        found = folded(pictures) if pairs else wanted
    least = TOLERANCE * float(wanted.abs().max())
    same = found.shape == wanted.shape and bool((found - wanted).abs().max() <= least)
    return folded if pairs and same else network


def norm_pairs(network: nn.Module, pictures: Tensor) -> list[tuple[str, str]]:
    """The convolutions that a batch norm follows, each with it, by name, as a network looks at
    `pictures` (n, 3, height, width)."""
    names = {module: name for name, module in network.named_modules()}
    made: list[tuple[Tensor, str]] = []  # holds the outputs, so that none takes another's place
    pairs: list[tuple[str, str]] = []
    calls: dict[str, int] = {}

    def after(convolution: nn.Module, _inputs: Any, output: Any) -> None:
        made.append((output, names[convolution]))
        calls[names[convolution]] = calls.get(names[convolution], 0) + 1

    def before(norm: nn.Module, inputs: Any) -> None:
        pairs.extend((name, names[norm]) for output, name in made if output is inputs[0])

    with ExitStack() as stack:
        for module in names:
            if isinstance(module, nn.Conv2d):
                stack.callback(module.register_forward_hook(after).remove)
            elif isinstance(module, nn.BatchNorm2d):
                stack.callback(module.register_forward_pre_hook(before).remove)
        network(pictures)
    norms = [norm for _, norm in pairs]
    return [each for each in pairs if calls[each[0]] == 1 and norms.count(each[1]) == 1]


def _rest(norm: Any) -> nn.Module:
    """What a batch norm does besides: those of timm have an activation."""
    return nn.Sequential(norm.drop, norm.act) if hasattr(norm, "act") else nn.Identity()


def _replace(network: nn.Module, name: str, module: nn.Module) -> None:
    parent, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(parent), leaf, module)
