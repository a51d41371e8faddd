"""Templates of the pages' JSON, and how they are filled."""

import json
from collections.abc import Mapping
from functools import cache, reduce
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]

OMITTED = object()
"""The value of a member that a page leaves out."""


@cache
def load_template(name: str) -> Any:
    """The template `templates/<name>.json`: a page's JSON with `"$name"` and `"{name}"` in it."""
    return json.loads((Path(__file__).parent / "templates" / f"{name}.json").read_text())


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """The template with its values.

    `"$car.price"` becomes that value with its type; any other text is formatted as `str.format`
    does it. A member whose value is `OMITTED` is left out.
    """
    if isinstance(template, str):
        if not template.startswith("$"):
            return template.format_map(values)
        name, *attributes = template[1:].split(".")
        return reduce(getattr, attributes, values[name])
    if isinstance(template, list):
        return [fill(part, values) for part in template]
    if isinstance(template, dict):
        filled = {name: fill(part, values) for name, part in template.items()}
        return {name: part for name, part in filled.items() if part is not OMITTED}
    return template
