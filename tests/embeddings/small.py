"""A small architecture of open_clip, files of random weights for it, and tags of its own."""

import json
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip import factory, pretrained
from safetensors.torch import save_file

NAME = "small-vit"


def small_config(**text: Any) -> dict[str, Any]:
    return {
        "embed_dim": 16,
        "vision_cfg": {
            "image_size": 32,
            "patch_size": 16,
            "layers": 1,
            "width": 32,
            "head_width": 16,
        },
        "text_cfg": {
            "context_length": 12,
            "vocab_size": 49408,
            "width": 16,
            "heads": 2,
            "layers": 1,
            **text,
        },
    }


def register(
    patch: pytest.MonkeyPatch,
    config: dict[str, Any] | None = None,
    tags: dict[str, dict[str, Any]] | None = None,
    name: str = NAME,
) -> None:
    """Let open_clip know an architecture and its published tags, as its own files do."""
    patch.setitem(factory._MODEL_CONFIGS, name, config or small_config())
    published = {tag: pretrained._pcfg(**facts) for tag, facts in (tags or {}).items()}
    patch.setitem(pretrained._PRETRAINED, name, published)


def save_weights(path: Path, name: str = NAME, **changed: Any) -> Path:
    """Random weights of an architecture, or of one that differs from it, as a file."""
    torch.manual_seed(7)
    model = open_clip.create_model(name, **changed)
    state = {key: each.clone().contiguous() for key, each in model.state_dict().items()}
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save({"state_dict": {f"module.{key}": each for key, each in state.items()}}, path)
    return path


def save_folder(folder: Path, document: dict[str, Any], name: str = NAME) -> Path:
    """A model as a folder that `local-dir:` takes."""
    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(json.dumps(document))
    save_weights(folder / "open_clip_model.safetensors", name)
    return folder
