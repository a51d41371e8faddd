"""The spaces that can be asked for by name, and how a user describes another one; no torch here."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from embeddings.registry import (
    LITE_MODEL,
    METRIC,
    SPACE,
    TIMM,
    TORCHVISION,
    TRAINED,
    Metric,
    ModelError,
    ModelSpec,
    Pooling,
    SpaceSpec,
    model_spec,
)

LITE = SpaceSpec("lite", ModelSpec(LITE_MODEL), ("blocks.6", "bn2"))
"""With both layers a color is found more often than with the last alone (0.846 and 0.815 of 990
photos, three folds), and a car of the same class as often."""

NAMED_SPACES = {space.space: space for space in (LITE,)}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def check_space_name(name: str) -> None:
    """Raise `ModelError` for a name that cannot be that of a column of vectors."""
    if name == SPACE:
        raise ModelError(
            f"the model of {SPACE!r} is that of the settings (MARQUE_SEMANTIC_MODEL); "
            "`marque embed` fills it"
        )
    if not _NAME.fullmatch(name):
        raise ModelError(
            f"{name!r} cannot be the name of a space; use small letters, digits and _, up to 40"
        )


def space_spec(
    name: str,
    *,
    model: str | None = None,
    weights: Path | None = None,
    layers: Sequence[str] = (),
    pooling: Pooling | None = None,
    metric: Metric | None = None,
) -> SpaceSpec:
    """The space that a user describes: a named one, a network of that name, or any `model`.

    Without a model, a name that is not in `NAMED_SPACES` is that of a network of torchvision, or
    else of timm. Raises `ModelError` for a name that no model has.
    """
    check_space_name(name)
    if model is not None:
        space = SpaceSpec(name, model_spec(model, weights))
    elif name in NAMED_SPACES:
        named = NAMED_SPACES[name]
        space = replace(named, model=model_spec(named.model.name, weights))
    else:
        space = SpaceSpec(name, _network(name, weights))
    other_metric = metric not in (None, METRIC)
    if space.model.name.startswith(TRAINED) and (layers or pooling or other_metric):
        raise ModelError(
            f"{space.model.short_name} was trained for the layer that it is searched by, and is "
            f"compared by {METRIC}: leave layers, pooling and metric out"
        )
    if not space.model.is_vision and (layers or pooling or other_metric):
        raise ModelError(
            f"{space.model.name} makes one vector of its own, compared by {METRIC}: layers, "
            f"pooling and another metric are for networks of {TIMM}NAME and {TORCHVISION}NAME"
        )
    return replace(
        space,
        layers=tuple(layers) or space.layers,
        pooling=pooling or space.pooling,
        metric=metric or space.metric,
    )


def _network(name: str, weights: Path | None) -> ModelSpec:
    from embeddings.openclip import load_timm
    from embeddings.vision.networks import torchvision_models

    models = torchvision_models()
    if name in models.list_models(module=models):
        return model_spec(f"{TORCHVISION}{name}", weights)
    if load_timm().is_model(name):
        return model_spec(f"{TIMM}{name}", weights)
    raise ModelError(
        f"there is no space {name!r}, and no network of torchvision or timm has that name; use "
        f"{', '.join(NAMED_SPACES)}, the name of a network such as resnet50, or any name with "
        "--model"
    )
