"""Photos that wait for a person, as tasks and labeling configuration of Label Studio: pure."""

import base64
from collections.abc import Iterable
from html import escape
from typing import Any

from core.text import clean
from core.vocabulary import CANNOT_TELL, NONE, Attribute
from labeling.review.cases import Case, spoken
from labeling.review.queue import ReviewItem

PHOTO = "the-photo"
"""The name of the tag that shows the photo; no attribute can have this name."""


def task(
    waiting: ReviewItem, jpeg: bytes, page_url: str, attributes: Iterable[Attribute]
) -> dict[str, Any]:
    """One task: the photo as a data URI, the questions and the suggestions.

    Suggestions are made for the questions only, as all that a person submits counts as decided.
    """
    known = {attribute.name: attribute for attribute in attributes}
    results = []
    for case in waiting.cases:
        if case.suggestion is not None:
            is_choice = known[case.attribute].kind == "closed"
            words = [clean(value) for value in case.suggestion or (NONE,)]
            result = {
                "id": case.attribute,
                "from_name": case.attribute,
                "to_name": PHOTO,
                "type": "choices" if is_choice else "textarea",
                "value": {"choices" if is_choice else "text": words},
            }
            results.append(result)
    confidences = [case.confidence for case in waiting.cases if case.confidence is not None]
    data = {
        "image": f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}",
        "image_id": waiting.image_id,
        "question": " | ".join(question(case) for case in waiting.cases),
        "page_url": page_url,
    }
    by = ", ".join(dict.fromkeys(c.suggested_by for c in waiting.cases if c.suggestion is not None))
    prediction: dict[str, Any] = {"model_version": by, "result": results}
    if confidences:
        prediction["score"] = min(confidences)
    return {"data": data, "predictions": [prediction] if results else []}


def question(case: Case) -> str:
    """The question to a person, and its reason, in one line."""
    label = "unknown" if case.label is None else spoken(case.label.values)
    what = f"{case.attribute} ({label} now)"
    return clean(f"{what}: {case.why}")


def config(attributes: Iterable[Attribute]) -> str:
    """The labeling configuration for tasks about these attributes.

    A closed attribute is a choice of its values, of several at once if several can hold; another
    attribute is a line of text. All can be answered with "cannot tell", in a text with "?".
    """
    lines = ["<View>", '  <Header value="$question"/>']
    lines.append(f'  <Image name="{PHOTO}" value="$image" zoom="true"/>')
    for attribute in attributes:
        lines += [f"  {line}" for line in _control(attribute)]
    return "\n".join([*lines, "</View>", ""])


def _control(attribute: Attribute) -> list[str]:
    name = escape(attribute.name)
    header = f'<Header value="{name}" size="5"/>'
    if attribute.kind != "closed":
        text = f'<TextArea name="{name}" toName="{PHOTO}" rows="1" maxSubmissions="1" '
        hint = f"{name}, or ? if it cannot be determined"
        return [header, f'{text}editable="true" placeholder="{hint}"/>']
    kind = "multiple" if attribute.many else "single"
    values = [*attribute.values, *([NONE] if attribute.many else []), CANNOT_TELL]
    choices = [f'  <Choice value="{escape(value)}"/>' for value in values]
    opening = f'<Choices name="{name}" toName="{PHOTO}" choice="{kind}" showInline="true">'
    return [header, opening, *choices, "</Choices>"]
