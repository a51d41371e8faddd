"""The labels of a photo, how a search found it, and its credit, in words."""

from collections.abc import Mapping
from typing import Any

from search.engine import Hit
from search.query import Query

Labels = Mapping[str, Mapping[str, Any]]
"""Attribute -> {"value", "origin", "confidence"}, as an answer gives them."""

_CAR = ("model_year", "color", "make", "model", "body_type")  # read as one: "2012 red Ford Mustang"
_WHO = ("people", "age")
_ALONE = ("background", "view")


def said_text(labels: Labels) -> str:
    """Labels by sources and people, grouped: "red convertible · sea · exterior · man, young"."""
    said = {
        name: value
        for name, label in labels.items()
        if label["origin"] != "model" and (value := _value(label))
    }
    groups = [" ".join(said[name] for name in _CAR if name in said)]
    groups += [said[name] for name in _ALONE if name in said]
    groups.append(", ".join(said[name] for name in _WHO if name in said))
    groups += [
        f"{name.replace('_', ' ')} {value}"
        for name, value in said.items()
        if name not in {*_CAR, *_ALONE, *_WHO}
    ]
    return " · ".join(group for group in groups if group)


def network_text(labels: Labels) -> str:
    """The labels that only a network gives, and how sure it is: "network: red 87%, sea 92%"."""
    parts = []
    for label in labels.values():
        if label["origin"] == "model" and (value := _value(label)):
            sure = label["confidence"]
            parts.append(value if sure is None else f"{value} {sure:.0%}")
    return f"network: {', '.join(parts)}" if parts else ""


def labels_text(labels: Labels) -> str:
    """All labels in one line; unknown ones are left out."""
    return "; ".join(filter(None, (said_text(labels), network_text(labels))))


def found_text(hit: Hit, query: Query) -> str:
    """The score, and what found the photo: "0.597 by text and picture (semantic)"."""
    if hit.score is None:
        return "passes the filters" if query.where else "in the order they came in"
    given = {"text": query.text, "picture": query.image or query.image_id}
    asked = [name for name, value in given.items() if value is not None]
    return f"{hit.score:.3f} by {' and '.join(asked)} ({', '.join(hit.found_by)})"


def credit_lines(hit: Hit | Mapping[str, Any]) -> tuple[str, str]:
    """The credit of a photo in the source's own words, or its creator ("" if unknown); and the
    license with the source."""
    names = ("attribution", "creator", "license", "source")
    known = {name: getattr(hit, name) for name in names} if isinstance(hit, Hit) else hit
    who, terms = known["attribution"] or known["creator"], known["license"]
    unknown = "license unknown" if who else "credit and license unknown"
    return who or "", f"{terms or unknown} · from {known['source']}"


def credit_text(hit: Hit | Mapping[str, Any], longest: int) -> str:
    """The credit in one line; a name over `longest` letters is shortened, the license never is."""
    who, rights = credit_lines(hit)
    if len(who) > longest:
        who = f"{who[:longest].rstrip()}…"
    return " · ".join(filter(None, (who, rights)))


def _value(label: Mapping[str, Any]) -> str:
    value = label["value"]
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
