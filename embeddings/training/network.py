"""A network made ready for training: batch norm folded, frozen up to a named layer."""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from embeddings.registry import ModelError
from embeddings.vision.folding import fold_batch_norms, norm_pairs

_SIDE = 96  # pixels of the picture that the order of the layers is found with


@dataclass(frozen=True, slots=True)
class _Call:
    """One module as the network ran it; the tensors are kept, so that none is given another's
    place in memory."""

    name: str
    module: nn.Module
    seen: Tensor | None
    made: Tensor | None


@dataclass(frozen=True, slots=True)
class FoldedNetwork:
    """A copy of a network without batch norms, and which convolution took in which of them."""

    module: nn.Module
    pairs: tuple[tuple[str, str], ...]

    def plain_state(self, plain: nn.Module) -> dict[str, Tensor]:
        """The weights for the network as it was, with batch norms that only add what they must.

        So any program that knows the plain network can load the trained one.
        """
        state, folded = plain.state_dict(), self.module.state_dict()
        for name in state.keys() & folded.keys():
            state[name] = folded[name]
        for conv, norm in self.pairs:
            eps = float(plain.get_submodule(norm).eps)  # type: ignore[arg-type]
            bias = folded[f"{conv}.bias"]
            if f"{conv}.bias" in state:
                state[f"{conv}.bias"] = torch.zeros_like(bias)
            state[f"{norm}.bias"] = bias
            state[f"{norm}.weight"] = torch.full_like(bias, (1 + eps) ** 0.5)
            state[f"{norm}.running_mean"] = torch.zeros_like(bias)
            state[f"{norm}.running_var"] = torch.ones_like(bias)
        return state


def fold_for_training(network: nn.Module) -> FoldedNetwork:
    """A copy with batch norms folded into the convolutions before them, as far as that can be.

    Statistics of small batches of few classes would spoil those of the pretraining, so batch norms
    stay as they are; folded they cost nothing.
    """
    picture = torch.linspace(-2, 2, 3 * _SIDE * _SIDE).reshape(1, 3, _SIDE, _SIDE)
    folded = fold_batch_norms(network, picture)
    with torch.no_grad():
        pairs = () if folded is network else tuple(norm_pairs(network, picture))
    # The copy is trained, and what was folded in inference mode could not be.
    return FoldedNetwork(copy.deepcopy(folded).eval(), pairs)


def open_layers(network: nn.Module, frozen_through: str | None) -> tuple[str, ...]:
    """Freeze a network up to and with this layer, open what runs after it; without one, open all.

    Returns the layers behind it whose maps can be pooled to a vector, in the order in which they
    run. Raises `ModelError` for a name that the network does not have.
    """
    calls = list(_trace(network))
    names = [call.name for call in calls]
    if frozen_through is not None and frozen_through not in names:
        known = [name for name in names if name and name.count(".") < 2]
        raise ModelError(
            f"the network has no layer {frozen_through!r} to freeze up to; use one of "
            f"{', '.join(known[:40])}"
        )
    network.requires_grad_(False)
    start = 0 if frozen_through is None else names.index(frozen_through) + 1
    for call in calls[start:]:
        for parameter in call.module.parameters(recurse=False):
            parameter.requires_grad_(True)
    return tuple(_stages(calls[start:], frozen_through or ""))


def _stages(calls: Sequence[_Call], frozen: str) -> Iterator[str]:
    inside = {name for name in (call.name for call in calls) if f"{frozen}.".startswith(f"{name}.")}
    outer = [call for call in calls if call.name and call.name not in inside]
    names = {call.name for call in outer}
    for call in outer:
        parts = call.name.split(".")
        parents = {".".join(parts[:end]) for end in range(1, len(parts))}
        is_map = call.made is not None and call.made.ndim == 4
        passed_on = isinstance(call.module, (nn.Conv2d, nn.Identity))  # the next one tells more
        if is_map and not parents & names and not passed_on:
            yield call.name


@torch.no_grad()
def _trace(network: nn.Module) -> Iterator[_Call]:
    """The modules in the order in which they finish."""
    calls: list[_Call] = []
    hooks = []
    for name, module in network.named_modules():

        def keep(
            module: nn.Module, seen: tuple[object, ...], made: object, name: str = name
        ) -> None:
            first = seen[0] if seen else None
            tensors = [each if isinstance(each, Tensor) else None for each in (first, made)]
            calls.append(_Call(name, module, *tensors))

        hooks.append(module.register_forward_hook(keep))
    try:
        network(torch.zeros(1, 3, _SIDE, _SIDE))
    finally:
        for hook in hooks:
            hook.remove()
    return iter(calls)
