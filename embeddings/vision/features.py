"""Vectors out of a network's layers: which ones, and how each is pooled to one vector a picture."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from embeddings.registry import ModelError, Pooling


@dataclass(frozen=True, slots=True)
class Features:
    """What of a network becomes the vector: the outputs of `layers`, by the names that torch's
    `named_modules` gives them, each pooled over all places of the picture, and joined."""

    layers: tuple[str, ...]
    pooling: Pooling = "mean"


class FeatureNetwork(nn.Module):
    """A network whose output is its `features`: pictures (n, 3, height, width) -> (n, size).

    Where several parts are joined (layers, or mean and max of one), each is first scaled to length
    1, so that none outweighs the others. Layers behind the last one asked for are not computed.
    Raises `ModelError` for a layer that the network does not have.
    """

    def __init__(self, network: nn.Module, features: Features) -> None:
        super().__init__()
        names = dict(network.named_modules())
        for layer in features.layers:
            if layer not in names or not layer:
                raise ModelError(
                    f"the network has no layer {layer!r}; use one of {', '.join(_near(names))}"
                )
        if not features.layers:
            raise ModelError("name at least one layer of the network")
        self.network = network
        self.features = features
        # Swin and others have the channels last; timm says so.
        self._channels_last = str(getattr(network, "output_fmt", "")).endswith("NHWC") or (
            type(network).__name__ == "SwinTransformer"  # that of torchvision does not
        )

    def forward(self, pictures: Tensor) -> Tensor:
        """Pictures (n, 3, height, width), normalized -> vectors (n, size)."""
        parts = [part for each in self.pooled(pictures) for part in each]
        if len(parts) == 1:
            return parts[0]
        return torch.cat([normalize(part, dim=1) for part in parts], dim=1)

    def pooled(self, pictures: Tensor) -> list[tuple[Tensor, ...]]:
        """The pooled outputs of each layer, in the order of `features.layers`."""
        found: dict[str, tuple[Tensor, ...]] = {}
        wanted = set(self.features.layers)

        def keep(layer: str, output: Any) -> None:
            # Pooled here: a later layer may write into the same memory.
            found[layer] = self._pool(output, first=layer == "permute")
            if found.keys() == wanted:
                raise _DoneError

        with _outputs(self.network, self.features.layers, keep), suppress(_DoneError):
            self.network(pictures)
        if missing := [layer for layer in self.features.layers if layer not in found]:
            raise ModelError(f"layer {missing[0]!r} takes no part when the network sees a picture")
        return [found[layer] for layer in self.features.layers]

    def _pool(self, output: Any, *, first: bool) -> tuple[Tensor, ...]:
        """The pooled parts of a map; with `first` its channels come first in any network."""
        if not isinstance(output, Tensor) or output.ndim not in (2, 3, 4):
            raise ModelError("the output of that layer is not a map of features; name another one")
        if output.ndim == 2:
            return (output,)
        last = self._channels_last and not first
        places = (1,) if output.ndim == 3 else (1, 2) if last else (2, 3)
        mean = (output.mean(places),) if self.features.pooling != "max" else ()
        most = (output.amax(places),) if self.features.pooling != "mean" else ()
        return mean + most


class _DoneError(Exception):
    """Every layer that was asked for has been computed."""


@contextmanager
def _outputs(
    network: nn.Module, layers: Sequence[str], keep: Callable[[str, Any], None]
) -> Iterator[None]:
    """Call `keep` with the name and the output of these layers while the network runs.

    The hooks are set for one pass, so that a copy of the network has none of another's.
    """
    with ExitStack() as stack:
        for layer in layers:
            hook = network.get_submodule(layer).register_forward_hook(
                lambda _module, _inputs, output, layer=layer: keep(layer, output)
            )
            stack.callback(hook.remove)
        yield


def default_layer(network: nn.Module) -> str:
    """The layer whose output the network itself pools and classifies: the last before its head."""
    heads = ("avgpool", "global_pool", "flatten", "classif", "fc", "head", "aux", "dropout")
    # timm says what it is, where it is called otherwise.
    stated = (getattr(network, "default_cfg", None) or {}).get("classifier") or ()
    stated = (stated,) if isinstance(stated, str) else tuple(stated)
    heads += tuple(name.split(".")[0] for name in stated)
    names = [name for name, _ in network.named_children()]
    before = [name for name in names if not name.lower().startswith(heads)]
    if not before:
        raise ModelError(f"name a layer of the network; it has {', '.join(names)}")
    return before[-1]


def head_of(network: nn.Module) -> tuple[str, ...]:
    """The parts of a network behind its `default_layer`."""
    names = [name for name, _ in network.named_children()]
    return tuple(names[names.index(default_layer(network)) + 1 :])


def _near(names: dict[str, nn.Module]) -> list[str]:
    """Layers to choose from: those of the first two levels."""
    return [name for name in names if name and name.count(".") < 2][:40]
