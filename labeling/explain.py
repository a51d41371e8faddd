"""Why the labels of one photo are what they are."""

from typing import Any

from catalog.table import Catalog
from core.assertions import Assertion
from labeling.label import decisions, load_assertions


def explain_photo(catalog: Catalog, image_id: str) -> dict[str, Any]:
    """Each attribute's label with the reason, and every statement that is kept; JSON-ready.

    Of a statement `counts` says whether it is heard at all: a place's older reading and a person's
    earlier decision are kept, but no longer are, and a labeler's older version for a while.
    `against` says that it contradicts the label.
    """
    made = decisions(catalog, [image_id])[image_id]
    heard = {said.assertion_id for each in made.values() for said in each.heard}
    against = {said.assertion_id for each in made.values() for said in each.against}
    labels = [
        {
            "attribute": name,
            "value": None if each.label is None else list(each.label.values),
            "origin": None if each.label is None else each.label.origin,
            "confidence": None if each.label is None else each.label.confidence,
            "why": each.why,
        }
        for name, each in made.items()
    ]
    order = {name: at for at, name in enumerate(catalog.vocabulary.attributes)}
    said = sorted(
        load_assertions(catalog, [image_id])[image_id],
        key=lambda each: (order.get(each.attribute, len(order)), each.origin, each.created_at),
    )
    rows = [_row(each, each.assertion_id in heard, each.assertion_id in against) for each in said]
    return {"image_id": image_id, "labels": labels, "assertions": rows}


def _row(said: Assertion, counts: bool, against: bool) -> dict[str, Any]:
    return {
        "attribute": said.attribute,
        "values": list(said.values),
        "one_of": said.one_of,
        "confidence": said.confidence,
        "origin": said.origin,
        "by": said.by,
        "version": said.version,
        "created_at": said.created_at.isoformat(),
        "counts": counts,
        "against": against,
    }
