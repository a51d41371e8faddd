"""The spaces that a command or a flow was asked to fill."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalog.car_columns import space_records
from catalog.table import Catalog
from core.errors import UsageMistakeError
from embeddings.registry import TRAINED, SpaceRecord, SpaceSpec
from embeddings.spaces import check_space_name, space_spec


def asked_spaces(
    catalog: Catalog, names: Sequence[str], given: Mapping[str, Any]
) -> list[SpaceSpec]:
    """The spaces of these names: as the catalog has them, or as `given` options describe one.

    Raises `UsageMistakeError`, and `ModelError` for a name that no model has.
    """
    if len(names) > 1 and given:
        raise UsageMistakeError(
            f"{', '.join(given)} describes one space, but {', '.join(names)} are named; name one"
        )
    stored = space_records(catalog.table("cars").schema)
    found = []
    for name in dict.fromkeys(names):
        check_space_name(name)
        if name in stored and not given:
            found.append(SpaceRecord.from_json(stored[name]).space_spec)
            continue
        weights = None if given.get("weights") is None else Path(given["weights"])
        options = {**given, "weights": weights}
        if name in stored and "model" not in given:
            options = {**_said(SpaceRecord.from_json(stored[name])), **given}
            options["weights"] = weights or options["weights"]
        found.append(space_spec(name, **options))
    return found


def _said(made: SpaceRecord) -> dict[str, Any]:
    """The options that describe a space as it is: what is not said anew stays."""
    weights = None if made.weights is None else Path(made.weights)
    options: dict[str, Any] = {"model": made.model, "weights": weights}
    if made.spec.is_vision and not made.model.startswith(TRAINED):
        options |= {"layers": made.layers, "pooling": made.pooling, "metric": made.metric}
    return options
