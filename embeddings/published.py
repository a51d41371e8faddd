"""How to run a file of weights that names no tag: as the published weights of its architecture.

A file holds numbers only. With other preprocessing, or another activation function, than it was
trained with, a model gives worse vectors and no error.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from embeddings.network import first_line
from embeddings.openclip import CONFIG_FILE, open_clip
from embeddings.registry import HUB, LOCAL, ModelError, ModelSpec
from embeddings.weights import find_weights, tag_facts

PREPROCESS_KEYS = ("mean", "std", "interpolation", "resize_mode")
QUICK_GELU = "quick_gelu"


def pretrained_facts(spec: ModelSpec) -> dict[str, Any]:
    """How open_clip must run a model: `PREPROCESS_KEYS`, and whether with `QUICK_GELU`.

    A tag has its own. An architecture with a file of weights has those that all its tags agree on,
    and a config without preprocessing has that of its architecture. Empty where nothing is
    published: open_clip's defaults hold then. Raises `ModelError` where the preprocessing of tags
    differs.
    """
    if spec.tag is not None:
        known = tag_facts(spec)
        return _preprocessing(known) | {QUICK_GELU: bool(known.get(QUICK_GELU))}
    if spec.weights is None:
        return _for_config(spec)
    ways = _ways([spec.architecture])
    if len(ways) > 1:
        found = [json.loads(way) for way in ways]
        keys = [key for key in PREPROCESS_KEYS if any(way[key] != found[0][key] for way in found)]
        said = "; ".join(
            f"{', '.join(tags)} with {' and '.join(f'{key} {way[key]}' for key in keys)}"
            for way, tags in zip(found, ways.values(), strict=True)
        )
        raise ModelError(
            f"photos are not prepared alike for all weights of {spec.architecture} ({said}), and "
            f"the file does not say which it is: give {spec.architecture}/TAG with the tag that "
            "the file holds or was trained from"
        )
    tags = open_clip.list_pretrained_tags_by_model(spec.architecture)
    quick = bool(tags) and _with_quick_gelu(spec.architecture) == tags
    return (json.loads(next(iter(ways))) if ways else {}) | {QUICK_GELU: quick}


def doubt_of(spec: ModelSpec) -> str | None:
    """A warning about a model whose file does not name its activation function, or None.

    The architecture's config has one, and the weights of some of its tags need the other.
    """
    if spec.tag is not None or spec.weights is None:
        return None
    quick = _with_quick_gelu(spec.architecture)
    if not quick or pretrained_facts(spec)[QUICK_GELU]:
        return None
    return (
        f"{spec.architecture} was run with GELU, as its name says; weights of the tags "
        f"{', '.join(quick)} need QuickGELU: if the file is or comes from one of those, name "
        f"{spec.architecture}-quickgelu"
    )


def config_place(spec: ModelSpec) -> Path | None:
    """The config that came with a model, of a folder or of the hub's cache; None without one."""
    if spec.name.startswith(LOCAL):
        path = Path(spec.name.removeprefix(LOCAL)) / CONFIG_FILE
        return path if path.is_file() else None
    found = find_weights(spec) if spec.name.startswith(HUB) else None
    beside = found.beside if found else ()
    return next((path for path in beside if path.name == CONFIG_FILE), None)


def _for_config(spec: ModelSpec) -> dict[str, Any]:
    """Preprocessing for a model whose config says nothing of it, by the architecture that it is."""
    place = config_place(spec)
    if place is None:
        return {}
    config, preprocessing = _parts(spec, place)
    if {"mean", "std"} & preprocessing.keys():
        return {}
    same = [name for name in open_clip.list_models() if open_clip.get_model_config(name) == config]
    ways = _ways(same)
    if len(ways) > 1:
        raise ModelError(
            f"{spec.name!r} does not say how photos are prepared for it, and the published weights "
            f"of {same[0]} differ in that: write mean, std, interpolation and resize_mode into "
            f"'preprocess_cfg' of {CONFIG_FILE}, or name {same[0]}/TAG with --weights FILE"
        )
    return dict(json.loads(next(iter(ways)))) if ways else {}


def _parts(spec: ModelSpec, place: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The network and preprocessing that a config describes; raises `ModelError`."""
    try:
        document = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(_no_config(spec, first_line(error))) from error
    if not isinstance(document, dict):
        raise ModelError(_no_config(spec, "no object"))
    parts = {
        "model_cfg": document.get("model_cfg", document),  # some of the hub are the network alone
        "preprocess_cfg": document.get("preprocess_cfg") or {},
    }
    for name, part in parts.items():
        if not isinstance(part, dict):
            raise ModelError(_no_config(spec, f"its {name!r} is not an object"))
    return parts["model_cfg"], parts["preprocess_cfg"]


def _no_config(spec: ModelSpec, why: str) -> str:
    return (
        f"{CONFIG_FILE} of {spec.name!r} is not a config of a model ({why}); fetch or copy it again"
    )


def _ways(architectures: Iterable[str]) -> dict[str, list[str]]:
    """The tags of architectures by their preprocessing, as JSON."""
    found: dict[str, list[str]] = {}
    for architecture in architectures:
        for tag in open_clip.list_pretrained_tags_by_model(architecture):
            facts = _preprocessing(open_clip.get_pretrained_cfg(architecture, tag))
            found.setdefault(json.dumps(facts), []).append(tag)
    return found


def _preprocessing(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {key: facts[key] for key in PREPROCESS_KEYS if key in facts}


def _with_quick_gelu(architecture: str) -> list[str]:
    """The tags of an architecture that need another activation function than its config has."""
    if (open_clip.get_model_config(architecture) or {}).get(QUICK_GELU):
        return []
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    return [tag for tag in tags if open_clip.get_pretrained_cfg(architecture, tag).get(QUICK_GELU)]
