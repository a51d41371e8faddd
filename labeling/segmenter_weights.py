"""torchvision's segmentation networks, with weights from a local file or the published ones."""

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from importlib import import_module
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from urllib.request import Request, urlopen

import torch
from safetensors.torch import load_file

from embeddings.hub import check_unpacked_size, file_sha256
from embeddings.network import first_line
from embeddings.registry import ModelError
from labeling import masks

DOWNLOAD_PROBE_SECONDS = 10.0
WAYS_ON = (
    "name a local file with MARQUE_SEGMENTER_WEIGHTS, or set "
    f"MARQUE_SEGMENTER={masks.MASK_MODEL} to try things out on a machine without weights"
)

StateDict = Mapping[str, torch.Tensor]


def published_weights(name: str) -> Any:
    """torchvision's record of a network's published weights: their place, classes and sizes."""
    return _models().get_model_weights(name)["COCO_WITH_VOC_LABELS_V1"]


def load_published(name: str) -> StateDict:
    """The published weights of a network, from the hub's cache, or else downloaded into it.

    Raises `ModelError` with the ways on.
    """
    published = published_weights(name)
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(published.url).name
    try:
        if file.exists():
            _check_copy(file)
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
            f"{str(file.parent)!r}, {WAYS_ON}"
        ) from error
    return state


def load_local(file: Path) -> StateDict:
    """The weights in a .safetensors file, or in one that torch saved; raises `ModelError`."""
    if not file.is_file():
        raise ModelError(f"there is no weights file {str(file)!r}; check the path, or {WAYS_ON}")
    check_unpacked_size(file)
    try:
        if file.suffix == ".safetensors":
            return load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ModelError(
            f"{file.name!r} is damaged, or holds more than weights and was refused, because "
            f"loading it would run what is in it; use a .safetensors file, or {WAYS_ON}"
        ) from error
    # Any file can be named as weights, and a damaged one raises almost anything.
    except Exception as error:
        why = f"{type(error).__name__}: {first_line(error)}"
        raise ModelError(
            f"{file.name!r} cannot be read as weights: {why}; check that the file is whole, or "
            f"{WAYS_ON}"
        ) from error
    is_state = isinstance(state, Mapping) and all(
        isinstance(name, str) and torch.is_tensor(values) for name, values in state.items()
    )
    if not is_state:
        raise ModelError(
            f"{file.name!r} holds more than the weights of one network, or none; save its "
            f"`state_dict()` alone, or {WAYS_ON}"
        )
    named: StateDict = state
    return named


def build(name: str, state: StateDict, file: str) -> torch.nn.Module:
    """torchvision's segmentation model `name` with the weights of `state`.

    The auxiliary head, which only helps in training, is removed. `file` is the file that the
    weights come from, for the message. Raises `ModelError` if the weights do not fit the model.
    """
    has_auxiliary_head = any(key.startswith("aux_classifier.") for key in state)
    model: Any = _models().get_model(
        name, weights=None, weights_backbone=None, aux_loss=has_auxiliary_head
    )
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        # The first line of torch's message only says that loading failed; the next says why.
        why = next(iter(str(error).splitlines()[1:]), str(error)).strip()[:200]
        raise ModelError(
            f"{file!r} does not fit {name!r} ({why}); name the network that it was made for with "
            f"MARQUE_SEGMENTER, or {WAYS_ON}"
        ) from error
    model.aux_classifier = None
    network: torch.nn.Module = model
    return network


def _models() -> Any:
    """torchvision's models, imported after open_clip, which leaves torch's compiler out of it."""
    import_module("embeddings.openclip")
    return import_module("torchvision.models")


def _check_copy(file: Path) -> None:
    """torch compares the digest in a file's name only while it downloads the file."""
    stated = file.stem.rpartition("-")[2]
    found = file_sha256(file)
    if not found.startswith(stated):
        raise ModelError(
            f"{str(file)!r} is damaged: its sha256 begins with {found[: len(stated)]} and not with "
            f"{stated}; delete it to have it downloaded again, {WAYS_ON}"
        )
