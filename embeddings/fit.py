"""Whether a file of weights was trained at the sizes of the architecture that it is loaded as.

open_clip stretches position embeddings to the architecture's size without a word: the model then
runs on pictures or texts of another size than it learned from.
"""

import math
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from embeddings.openclip import open_clip
from embeddings.registry import ModelError

_PICTURE = ("visual.positional_embedding",)
_TEXT = ("positional_embedding", "text.positional_embedding")
_OWN_CONFIG = (
    "name the architecture that it was trained as, or put it into a folder with a config of its "
    "own and name that as local-dir:FOLDER"
)


def check_fits(path: Path, architecture: str, model: Any) -> None:
    """Compare a file that was loaded with the model that it was loaded into.

    Raises `ModelError` where the size of pictures or the length of texts is another one.
    """
    own = {name: len(each) for name, each in model.state_dict().items() if name in _PICTURE + _TEXT}
    stored = _stored_lengths(path)
    for names, what in ((_PICTURE, "pictures"), (_TEXT, "texts")):
        there, wanted = (
            next((lengths[name] for name in names if name in lengths), None)
            for lengths in (stored, own)
        )
        if there is None or wanted is None or there == wanted:
            continue
        if what == "texts":
            was, takes, advice = f"{there} tokens", f"{wanted}", _OWN_CONFIG
        else:
            side = _side(there, architecture)
            was, takes = f"{side} pixels", f"{_side(wanted, architecture)} pixels"
            config = open_clip.get_model_config(architecture)
            config["vision_cfg"]["image_size"] = side
            models = open_clip.list_models()
            same = [name for name in models if open_clip.get_model_config(name) == config]
            advice = f"name it {' or '.join(same)}" if same else _OWN_CONFIG
        raise ModelError(
            f"{path.name!r} was trained on {what} of {was}, and {architecture} takes {takes}: "
            f"{advice}"
        )


def _stored_lengths(path: Path) -> dict[str, int]:
    """How many places the tensors of a file have for a picture and a text; reads no values."""
    if path.suffix == ".safetensors":
        with safe_open(path, "pt") as file:
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118
    elif path.suffix in {".npz", ".npy"}:
        return {}
    else:
        state = open_clip.factory.load_state_dict(str(path), device="meta", weights_only=True)
        shapes = {name: each.shape for name, each in state.items() if torch.is_tensor(each)}
    named = {name.removeprefix("module."): shape for name, shape in shapes.items()}
    return {name: int(named[name][0]) for name in _PICTURE + _TEXT if named.get(name)}


def _side(length: int, architecture: str) -> int:
    """The side, in pixels, of the square picture that has `length` positions: one for each patch,
    and one for the class."""
    vision = open_clip.get_model_config(architecture)["vision_cfg"]
    return math.isqrt(length - 1) * int(vision["patch_size"])
