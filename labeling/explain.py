"""Why the labels of one photo are what they are."""

from typing import Any

from catalog.table import Catalog
from labeling.label import decisions, load_assertions


def explain_photo(catalog: Catalog, image_id: str) -> dict[str, Any]:
    """Each attribute's label with the reason, and every statement that is kept; JSON-ready.

    `counts` is whether a statement is considered: older readings of a place, earlier decisions of a
    person and, for a while, statements of a labeler's older version are kept but do not count.
    `against` is whether it contradicts the label.
    """
    made = decisions(catalog, [image_id])[image_id]
    considered = {said.assertion_id for each in made.values() for said in each.considered}
    contradicting = {said.assertion_id for each in made.values() for said in each.contradicting}
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
    rows = [
        {
            "attribute": each.attribute,
            "values": list(each.values),
            "one_of": each.one_of,
            "confidence": each.confidence,
            "origin": each.origin,
            "by": each.by,
            "version": each.version,
            "created_at": each.created_at.isoformat(),
            "counts": each.assertion_id in considered,
            "against": each.assertion_id in contradicting,
        }
        for each in said
    ]
    return {"image_id": image_id, "labels": labels, "assertions": rows}
