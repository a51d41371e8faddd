"""Where a model's weights are: a file, this project, or the model hub and its cache."""

import os.path
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import open_clip
from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import EntryNotFoundError
from open_clip.constants import HF_CONFIG_NAME, HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from open_clip.pretrained import download_pretrained, download_pretrained_from_hf

from embeddings import tiny
from embeddings.registry import HUB, LOCAL, TINY, ModelError, ModelSpec

PROBE_SECONDS = 10.0


def fetch_weights(spec: ModelSpec) -> str | None:
    """The file that holds a model's weights, downloaded if it is nowhere on this machine.

    None where open_clip finds them itself by the model's name: `local-dir:`, and `hf-hub:`, whose
    files are in the cache afterwards. A cached copy is used without asking the hub. Raises
    `ModelError` with the ways on.
    """
    if spec.weights is not None:
        return _existing(spec, Path(spec.weights))
    if spec.name == TINY:
        return str(tiny.WEIGHTS)
    if spec.name.startswith(LOCAL):
        return None
    known = tag_facts(spec)
    if not known and not spec.name.startswith(HUB):
        raise ModelError(_unknown(spec))
    try:
        return _from_hub(spec, known)
    # The hub client's errors come from several packages and change with its releases.
    except Exception as error:
        raise ModelError(_cannot_fetch(spec, error)) from error


def tag_facts(spec: ModelSpec) -> Mapping[str, Any]:
    """What open_clip knows of a pretrained tag: where it is, how photos are prepared for it.

    Empty where the name has no tag; raises `ModelError` for a tag that open_clip does not know.
    """
    if spec.tag is None:
        return {}
    known: Mapping[str, Any] = open_clip.get_pretrained_cfg(spec.architecture, spec.tag)
    if not known:
        raise ModelError(_unknown(spec))
    return known


def _existing(spec: ModelSpec, path: Path) -> str:
    if not path.is_file():
        raise ModelError(
            f"the weights file {str(path)!r} of {spec.name!r} is not there; put it back, or name "
            "it where it is now with MARQUE_SEMANTIC_WEIGHTS"
        )
    return str(path)


def _from_hub(spec: ModelSpec, known: Mapping[str, Any]) -> str | None:
    if spec.name.startswith(HUB):
        repo = spec.name.removeprefix(HUB)
        if _cached(repo, [HF_CONFIG_NAME]) and _cached(repo, _file_names("")):
            return None
        _probe(repo)
        download_pretrained_from_hf(repo)
        return None
    if place := known.get("hf_hub"):
        repo, file_name = os.path.split(place)
        if found := _cached(repo, _file_names(file_name)):
            return found
        _probe(repo)
    return str(download_pretrained(dict(known)))


def _file_names(file_name: str) -> list[str]:
    """The names that open_clip tries for a weights file of the hub, in its order."""
    if not file_name:
        return [HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME]
    name = Path(file_name)
    if name.suffix not in (".bin", ".pth"):
        return [file_name]
    return [str(name.with_suffix(".safetensors")), file_name]


def _cached(repo: str, file_names: Sequence[str]) -> str | None:
    found = [try_to_load_from_cache(repo, name) for name in file_names]
    return next((path for path in found if isinstance(path, str)), None)


def _probe(repo: str) -> None:
    """One short question to the hub: a download tries for half a minute a file before it fails."""
    try:
        get_hf_file_metadata(hf_hub_url(repo, HF_CONFIG_NAME), timeout=PROBE_SECONDS)
    except EntryNotFoundError:
        return  # the repository is there, and that is what was asked


def _cannot_fetch(spec: ModelSpec, error: Exception) -> str:
    return (
        f"the weights of {spec.name!r} are not on this machine and the model hub did not give them "
        f"({type(error).__name__}); put a copy into the hub's cache (HF_HOME), name a local file "
        f"with --weights FILE, or set MARQUE_SEMANTIC_MODEL={TINY} to try things out"
    )


def _unknown(spec: ModelSpec) -> str:
    tags = open_clip.list_pretrained_tags_by_model(spec.architecture)
    if tags:
        return (
            f"{spec.name!r} names no weights of {spec.architecture}: use one of the tags "
            f"{', '.join(tags)} as {spec.architecture}/TAG, or {spec.architecture} with "
            "--weights FILE"
        )
    if spec.architecture in open_clip.list_models():
        return f"{spec.architecture!r} has no weights of its own; name them with --weights FILE"
    return (
        f"{spec.architecture!r} is no model that open_clip knows; use ARCHITECTURE/TAG, "
        f"hf-hub:ORG/REPO, local-dir:PATH or {TINY}"
    )
