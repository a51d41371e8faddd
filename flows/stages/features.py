"""Searches for photos that show a value of an attribute, from the vocabulary."""

from collections.abc import Sequence

from core.errors import UsageMistakeError
from core.vocabulary import Vocabulary


def feature_queries(
    queries: Sequence[str], features: Sequence[str], vocabulary: Vocabulary
) -> list[str]:
    """`queries`, and each of them with each value of the attributes `features`: "ford mustang" with
    `color` is also "ford mustang red", and so on.

    Without a query the values are looked for with the word "car". Raises `UsageMistakeError` for an
    attribute that is absent, or whose values are not a closed list.
    """
    found = list(dict.fromkeys(queries))
    for name in features:
        known = vocabulary.attributes.get(name)
        if known is None or not known.values:
            closed = [each.name for each in vocabulary.attributes.values() if each.values]
            raise UsageMistakeError(
                f"searches cannot be made from {name!r}; use one of {', '.join(closed)}"
            )
        words = [value.replace("_", " ") for value in known.values if value != "other"]
        found += [f"{query} {word}" for query in (queries or ["car"]) for word in words]
    return found
