"""An image network by its name, with its weights: of timm, of torchvision, or of a package."""

import difflib
import warnings
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch

from embeddings.hub import check_reachable, download, find_cached, no_weights_message
from embeddings.network import first_line
from embeddings.openclip import SAFE_WEIGHTS_FILE, WEIGHTS_FILE, load_timm
from embeddings.registry import PACKAGE, TIMM, TORCHVISION, TRAINED, ModelError, ModelSpec
from embeddings.vision.features import head_of
from embeddings.vision.weights import (
    StateDict,
    check_copy,
    load_local,
    load_published,
    missing_package,
    packaged_file,
    published_file,
    translated,
    weights_package,
)

TRAINED_WEIGHTS = "network.safetensors"
"""The file of weights in a folder that a training has written."""

TIMM_FILES = ("model.safetensors", SAFE_WEIGHTS_FILE, WEIGHTS_FILE)
"""The names that weights of timm have in the model hub."""

NETWORK_WAYS = "name a local file with --weights FILE, or use `lite`, whose weights are a package"


@dataclass(frozen=True, slots=True)
class ImageNetwork:
    """A network with its weights; `preprocess` has open_clip's names (`Preparation.of`)."""

    module: torch.nn.Module
    preprocess: dict[str, Any]


def load_image_network(spec: ModelSpec, *, with_head: bool = False) -> ImageNetwork:
    """Build an image network and load its weights, in evaluation mode, on the CPU.

    Without its head, the part that pools and classifies, that need not be in the file either.
    Raises `ModelError` that says what to do.
    """
    if spec.name.startswith(PACKAGE):
        return _from_package(spec, with_head)
    build = _from_timm if spec.name.startswith(TIMM) else _from_torchvision
    return build(spec, with_head)


def find_network(spec: ModelSpec) -> Path | None:
    """The weights file of an image network on this machine; None if it is missing.

    Raises `ModelError` for a name that is not known.
    """
    if spec.weights is not None:
        path = Path(spec.weights)
        return path if path.is_file() else None
    if spec.name.startswith(PACKAGE):
        return packaged_file(weights_package(spec.name))
    if spec.name.startswith(TRAINED):
        path = Path(spec.name.removeprefix(TRAINED)) / TRAINED_WEIGHTS
        return path if path.is_file() else None
    if spec.name.startswith(TIMM):
        found = find_cached(timm_repo(spec), TIMM_FILES)
        return None if found is None else Path(found)
    file = published_file(torchvision_weights(spec))
    return file if file.is_file() else None


def timm_repo(spec: ModelSpec) -> str:
    """The repository of the model hub with the weights of `timm:NAME`; raises `ModelError`."""
    repo = getattr(_timm_config(spec), "hf_hub_id", None)
    if not repo:
        raise ModelError(f"{spec.name!r} has no weights of its own; {NETWORK_WAYS}")
    return str(repo)


def torchvision_weights(spec: ModelSpec) -> Any:
    """torchvision's record of the published weights of `torchvision:NAME` or
    `torchvision:NAME/WEIGHTS`, by default its best ones; raises `ModelError`."""
    name, _, wanted = spec.name.removeprefix(TORCHVISION).partition("/")
    models = torchvision_models()
    try:
        known = models.get_model_weights(name)
    except ValueError as error:
        raise ModelError(
            f"{name!r} is not a network of torchvision; use one of "
            f"{', '.join(models.list_models(module=models))}"
        ) from error
    if wanted and wanted not in known.__members__:
        raise ModelError(
            f"{name!r} has no weights {wanted!r}; use one of {', '.join(known.__members__)}"
        )
    return known[wanted] if wanted else known.DEFAULT


def torchvision_models() -> Any:
    """torchvision's models, imported after open_clip, which leaves torch's compiler out of it."""
    import_module("embeddings.openclip")
    return import_module("torchvision.models")


def _from_package(spec: ModelSpec, with_head: bool) -> ImageNetwork:
    package = weights_package(spec.name)
    module = load_timm().create_model(package.network, pretrained=False)
    if spec.weights is None:
        file = packaged_file(package)
        if file is None:
            raise ModelError(missing_package(spec.name))
        check_copy(file, f"install {package.distribution} again")
        state: StateDict = translated(load_local(file, missing_package(spec.name)), module)
    else:
        file = Path(spec.weights)
        state = load_local(file, NETWORK_WAYS)
    mean, std = [package.mean] * 3, [package.std] * 3
    preprocess = _preprocess(package.side, mean, std)
    return _loaded(spec, module, state, file, preprocess, with_head=with_head)


def _from_timm(spec: ModelSpec, with_head: bool) -> ImageNetwork:
    config = _timm_config(spec)
    module = load_timm().create_model(spec.name.removeprefix(TIMM), pretrained=False)
    file = Path(spec.weights) if spec.weights else _fetch_timm(spec)
    side = config.input_size[-1]
    preprocess = _preprocess(side, config.mean, config.std, config.interpolation)
    state = load_local(file, NETWORK_WAYS)
    return _loaded(spec, module, state, file, preprocess, with_head=with_head)


def _timm_config(spec: ModelSpec) -> Any:
    name = spec.name.removeprefix(TIMM)
    timm = load_timm()
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=5)
        raise ModelError(
            f"{architecture!r} is not a network of timm; "
            + (f"similar ones are {', '.join(near)}" if near else "see `timm.list_models()`")
        )
    try:
        config = timm.get_pretrained_cfg(name)
    except RuntimeError:
        config = None
    if config is None:
        tags = ", ".join(timm.list_pretrained(f"{architecture}.*"))
        raise ModelError(
            f"{name!r} names no weights of {architecture}; "
            + (f"use one of {tags}" if tags else NETWORK_WAYS)
        )
    return config


def _fetch_timm(spec: ModelSpec) -> Path:
    if (found := find_network(spec)) is not None:
        return found
    repo = timm_repo(spec)
    try:
        check_reachable(repo, TIMM_FILES[0])
        return Path(download(repo, TIMM_FILES[0]))
    except ModelError:
        raise
    # The hub client's errors come from several packages and change with its releases.
    except Exception as error:
        raise ModelError(no_weights_message(spec.name, error, NETWORK_WAYS)) from error


def _from_torchvision(spec: ModelSpec, with_head: bool) -> ImageNetwork:
    published = torchvision_weights(spec)
    name = spec.name.removeprefix(TORCHVISION).partition("/")[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of the first values, which are replaced
        module = torchvision_models().get_model(name, weights=None)
    if hasattr(module, "transform_input"):
        module.transform_input = True  # as its published weights were trained
    if spec.weights:
        file = Path(spec.weights)
        state = load_local(file, NETWORK_WAYS)
    else:
        file = published_file(published)
        state = load_published(spec.name, published, NETWORK_WAYS)
    preset = published.transforms()
    (side,) = preset.crop_size
    how = preset.interpolation.value
    preprocess = _preprocess(side, preset.mean, preset.std, how)
    return _loaded(spec, module, state, file, preprocess, with_head=with_head)


def _preprocess(side: int, mean: Any, std: Any, interpolation: str = "bicubic") -> dict[str, Any]:
    return {
        "size": side,
        "mode": "RGB",
        "mean": list(mean),
        "std": list(std),
        "interpolation": "bilinear" if interpolation == "bilinear" else "bicubic",
        "resize_mode": "shortest",
        "fill_color": 0,
    }


def _loaded(
    spec: ModelSpec,
    module: torch.nn.Module,
    state: StateDict,
    file: Path,
    preprocess: dict[str, Any],
    *,
    with_head: bool,
) -> ImageNetwork:
    """Load the weights strictly, into the network with or without its head."""
    head = head_of(module)
    if not with_head:
        for part in head:
            setattr(module, part, torch.nn.Identity())
        behind = tuple(f"{part}." for part in head)
        state = {name: each for name, each in state.items() if not name.startswith(behind)}
    try:
        module.load_state_dict(state)
    except RuntimeError as error:
        # The first line of torch's message only says that loading failed; the next says why.
        why = next(iter(str(error).splitlines()[1:]), first_line(error)).strip()[:200]
        raise ModelError(
            f"{file.name!r} does not fit {spec.name!r} ({why}); name the network that it was made "
            f"for, or {NETWORK_WAYS}"
        ) from error
    return ImageNetwork(module.eval(), preprocess)
