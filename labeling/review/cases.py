"""The labels of a photo that a person should look at, and why: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from core.assertions import Assertion, Label
from labeling.consensus import Decision
from labeling.labelers import LabelerThreshold
from labeling.review.suspects import Suspect

Reason = Literal["contradiction", "people-disagree", "suspected-label", "near-threshold"]

CASE_REASONS: tuple[Reason, ...] = get_args(Reason)
"""The reasons why a label waits for a person, the most useful first."""

NEAR = 0.25
"""A network's label is a case if its confidence exceeds its threshold by less than this share of
the distance between the threshold and 1."""

_UNSURE = 0.5


@dataclass(frozen=True, slots=True)
class Case:
    """One label that a person should decide.

    `suggestion` are the values that `suggested_by` names with `confidence` in place of `label`;
    None without a suggestion. `strength`, 0 to 1, ranks cases of one reason.
    """

    image_id: str
    attribute: str
    reason: Reason
    strength: float
    label: Label | None
    suggestion: tuple[str, ...] | None
    confidence: float | None
    suggested_by: str
    why: str

    @property
    def score(self) -> float:
        """How useful a look at it is: the rank of its reason plus its strength."""
        return len(CASE_REASONS) - 1 - CASE_REASONS.index(self.reason) + self.strength


def cases_of(
    image_id: str,
    decisions: Mapping[str, Decision],
    thresholds: Sequence[LabelerThreshold],
    suspects: Mapping[tuple[str, str], Suspect],
) -> list[Case]:
    """The cases of one photo, at most one for each attribute, with its first reason.

    `suspects` are by photo and attribute. A person's decision is a case only if people disagree:
    see `is_disputed`.
    """
    found = []
    for name, decision in decisions.items():
        if any(each.origin == "human" for each in decision.considered):
            case = _disputed(image_id, name, decision)
        else:
            case = (
                _contradicted(image_id, name, decision)
                or _suspected(image_id, name, decision, suspects.get((image_id, name)))
                or _unsure(image_id, name, decision, thresholds)
            )
        if case is not None:
            found.append(case)
    return sorted(found, key=lambda case: (-case.score, case.attribute))


def _disputed(image_id: str, name: str, decision: Decision) -> Case | None:
    people = [each for each in decision.considered if each.origin == "human"]
    others = [each for each in decision.contradicting if each.origin == "human"]
    if not is_disputed(len(people), len(others)):
        return None
    said = "; ".join(f"{each.by} says {spoken(each.values, one_of=each.one_of)}" for each in people)
    return _case(image_id, name, "people-disagree", 1.0, decision, others, why=said)


def _contradicted(image_id: str, name: str, decision: Decision) -> Case | None:
    if not decision.contradicting:
        return None
    sure = [each.confidence for each in decision.contradicting if each.confidence is not None]
    strength = max(sure, default=1.0 if decision.label is None else _UNSURE)
    said = (
        f"{each.by} says {spoken(each.values, one_of=each.one_of)}"
        for each in decision.contradicting
    )
    why = "; ".join(dict.fromkeys([decision.why, *said]))
    return _case(
        image_id, name, "contradiction", strength, decision, decision.contradicting, why=why
    )


def _suspected(
    image_id: str, name: str, decision: Decision, suspect: Suspect | None
) -> Case | None:
    label = decision.label
    if suspect is None or label is None or label.origin != "source":
        return None
    if label.values != suspect.label:
        return None  # the label has changed since
    why = (
        f"{decision.why}; by photos that look like it, {spoken(suspect.proposed)} is more likely "
        f"({suspect.probability:.0%})"
    )
    return Case(
        image_id,
        name,
        "suspected-label",
        suspect.margin,
        label,
        suspect.proposed,
        suspect.probability,
        "photos that look like it",
        why,
    )


def _unsure(
    image_id: str, name: str, decision: Decision, thresholds: Sequence[LabelerThreshold]
) -> Case | None:
    """The case without a label although networks were asked, or with one that barely passed."""
    weighed = {(each.by, each.version): each for each in thresholds if each.attribute == name}
    best: tuple[float, Assertion] | None = None
    for said in decision.considered:
        rule = weighed.get((said.by, said.version)) if said.origin == "model" else None
        strength = None if rule is None else _nearness(said, rule.threshold, decision.label)
        if strength is not None and (best is None or strength > best[0]):
            best = strength, said
    if best is None:
        return None
    return _case(image_id, name, "near-threshold", best[0], decision, [best[1]], why=decision.why)


def _nearness(said: Assertion, threshold: float | None, label: Label | None) -> float | None:
    """How near a statement is to its threshold, at most 1; None if it is not a case."""
    if said.confidence is None or said.one_of:
        return _UNSURE if label is None else None
    if threshold is None:  # it is never a label, so the least sure teach most
        return (1 - said.confidence) / 2 if label is None else None
    distance = said.confidence - threshold
    if label is None:
        return max(0.0, 1 - abs(distance))
    is_its_label = label.origin == "model" and set(said.values) == set(label.values)
    is_near = 0 <= distance < NEAR * (1 - threshold)
    return 1 - distance if is_its_label and is_near else None


def _case(
    image_id: str,
    name: str,
    reason: Reason,
    strength: float,
    decision: Decision,
    others: Iterable[Assertion],
    *,
    why: str,
) -> Case:
    """A case that suggests the values of the surest of `others` that leaves nothing open."""
    plain = [each for each in others if not each.one_of]
    best = max(plain, key=lambda each: (each.confidence or 0.0, each.by, each.values), default=None)
    if best is None:
        return Case(image_id, name, reason, strength, decision.label, None, None, "", why)
    return Case(
        image_id,
        name,
        reason,
        strength,
        decision.label,
        best.values,
        best.confidence,
        best.by,
        why,
    )


def is_disputed(people: int, others: int) -> bool:
    """Whether a decision is disputed if `others` of `people` contradict the latest one.

    It is, until more people agree with the latest decision than contradict it.
    """
    return others > 0 and 2 * others >= people


def spoken(values: Sequence[str], *, one_of: bool = False) -> str:
    """Values as text for people."""
    if not values:
        return "that it cannot be determined" if one_of else "none"
    return (" or " if one_of else ", ").join(values)
