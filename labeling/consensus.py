"""Statements about one photo become its current labels: pure, and independent of their order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.assertions import Assertion, Label
from core.vocabulary import Attribute, Vocabulary
from labeling.labelers import LabelerThreshold

Thresholds = Sequence[LabelerThreshold]


@dataclass(frozen=True, slots=True)
class Decision:
    """The label of one attribute, None if it is unknown, and why, in one sentence.

    `considered` are the statements that count: the last one of each person, the last reading of
    each sighting, the last one of each labeler in use. `contradicting` are those of them that
    contradict the label, or that contradict each other so that there is no label. Only people
    contradict a person's decision, and a try-out model contradicts nothing.
    """

    label: Label | None
    why: str
    considered: tuple[Assertion, ...] = ()
    contradicting: tuple[Assertion, ...] = ()


def consensus(
    assertions: Iterable[Assertion], vocabulary: Vocabulary, thresholds: Thresholds = ()
) -> dict[str, Label]:
    """The labels that follow from `assertions` about one photo; unknown attributes are absent.

    `decide` has the rules.
    """
    decisions = decide(assertions, vocabulary, thresholds)
    return {name: each.label for name, each in decisions.items() if each.label is not None}


def decide(
    assertions: Iterable[Assertion], vocabulary: Vocabulary, thresholds: Thresholds = ()
) -> dict[str, Decision]:
    """The decision for each attribute that `assertions`, all about one photo, mention.

    - A person decides: the latest human statement counts. If it leaves the value open, the value is
      unknown, whatever others say.
    - Else the sources, one vote per sighting (see `_votes`). A single-valued attribute takes the
      value that fits the most votes, if it is the only such value and fits more than half: votes
      that agree narrow each other's sets, the majority wins a contradiction, a tie is unknown.
      An attribute with several values takes all values that any vote names, since a source that
      leaves one out has rarely denied it. It has no value only if every vote says so.
    - Else the networks in the order of `thresholds`: the first that passes its threshold. Where
      sources leave the value open, it must be one that fits the most of them; where they contradict
      each other, a try-out model decides nothing. A network never overrules a source, and does not
      count for an attribute that makes no sense for the photo's view.

    Statements with an attribute or a value that the vocabulary no longer has are ignored, and so
    are those of a labeler without a threshold.
    """
    humans: dict[str, list[Assertion]] = defaultdict(list)
    sources: list[Assertion] = []
    models: dict[tuple[str, str, str], Assertion] = {}
    for said in assertions:
        if not _speaks(said, vocabulary):
            continue
        if said.origin == "human":
            humans[said.attribute].append(said)
        elif said.origin == "source":
            sources.append(said)
        else:
            key = (said.attribute, said.by, said.version)
            models[key] = max(said, models[key], key=_age) if key in models else said
    votes = _votes(sources, vocabulary.version)
    networks: dict[str, list[_NetworkStatement]] = defaultdict(list)
    for rule in thresholds:
        if said_by := models.get((rule.attribute, rule.by, rule.version)):
            networks[rule.attribute].append(_NetworkStatement(said_by, rule))
    found: dict[str, Decision] = {}
    view: str | None = None
    names = sorted(vocabulary.attributes, key=lambda name: name != "view")
    for name in names:
        sensible = vocabulary.questions[name].makes_sense(view)
        asked = networks[name] if sensible else []
        made = _decision(vocabulary.attributes[name], humans[name], votes[name], asked)
        if made is not None:
            found[name] = made
            if name == "view" and made.label:
                view = made.label.values[0]
    return {name: found[name] for name in vocabulary.attributes if name in found}


@dataclass(frozen=True, slots=True)
class _NetworkStatement:
    """A network's statement and its threshold."""

    said: Assertion
    rule: LabelerThreshold

    @property
    def passes(self) -> bool:
        sure, least = self.said.confidence, self.rule.threshold
        return not self.said.one_of and sure is not None and least is not None and sure >= least


def _decision(
    attribute: Attribute,
    humans: Sequence[Assertion],
    votes: Sequence[Assertion],
    networks: Sequence[_NetworkStatement],
) -> Decision | None:
    if humans:
        made = _decided(attribute, humans)
    elif votes:
        made = _agreed(attribute, votes, networks)
    elif networks:
        made = _predicted(attribute, networks, "")
    else:
        return None
    considered = (*made.considered, *votes, *(each.said for each in networks))
    return Decision(made.label, made.why, considered, made.contradicting)


def _speaks(assertion: Assertion, vocabulary: Vocabulary) -> bool:
    attribute = vocabulary.attributes.get(assertion.attribute)
    if attribute is None:
        return False
    return attribute.kind != "closed" or set(assertion.values) <= set(attribute.values)


def _age(said: Assertion) -> tuple[Any, ...]:
    """A sorting key: the time, then the content, so that the order of arrival does not matter.

    Not the id: making it takes longer than all the rest.
    """
    sure = -1.0 if said.confidence is None else said.confidence
    content = (said.by, said.version, said.about, said.values, said.one_of, sure)
    return said.created_at, said.revision, *content


def _votes(sources: list[Assertion], version: str) -> dict[str, list[Assertion]]:
    """By attribute, the statement of each sighting that counts.

    A sighting is read again when its words or the vocabulary change. Its last reading replaces all
    earlier ones, even if a word is gone or has lost its meaning. The last reading has the highest
    revision, and the current vocabulary or else the one used last. Times alone do not decide: a
    statement that is made again keeps its first time.
    """
    sightings: dict[tuple[str, str], list[Assertion]] = defaultdict(list)
    for assertion in sources:
        sightings[assertion.by, assertion.about].append(assertion)
    votes: dict[str, list[Assertion]] = defaultdict(list)
    for place in sorted(sightings):
        read = sightings[place]
        last = max(read, key=lambda a: (a.revision, a.version == version, *_age(a)))
        reading = [a for a in read if (a.revision, a.version) == (last.revision, last.version)]
        last_of = {a.attribute: a for a in sorted(reading, key=_age)}
        for attribute, assertion in last_of.items():
            votes[attribute].append(assertion)
    return votes


def _decided(attribute: Attribute, humans: Sequence[Assertion]) -> Decision:
    last = {each.by: each for each in sorted(humans, key=_age)}
    latest = tuple(sorted(last.values(), key=_age, reverse=True))
    said = latest[0]
    settled = not said.one_of and (attribute.many or len(said.values) == 1)
    who = f"{said.by} on {said.created_at:%Y-%m-%d}"
    label = None
    if settled:
        label = Label(_ordered(attribute, set(said.values)), "human", said.confidence)
    contradicting = tuple(
        each
        for each in latest
        if (set(each.values), each.one_of) != (set(said.values), said.one_of)
    )
    why = f"decided by {who}" if settled else f"{who} could not tell"
    return Decision(label, why, latest, contradicting)


def _agreed(
    attribute: Attribute, votes: Sequence[Assertion], networks: Sequence[_NetworkStatement]
) -> Decision:
    counts = Counter(value for vote in votes for value in sorted(set(vote.values)))
    values = tuple(counts)
    if not attribute.many:  # those that fit the most votes
        most = max(counts.values(), default=0)
        values = _ordered(attribute, {value for value, count in counts.items() if count == most})
    fitting = [each for each in votes if set(values) & set(each.values)]
    if attribute.many or (len(values) == 1 and len(fitting) * 2 > len(votes)):
        label = Label(_ordered(attribute, set(values)), "source", None)
        against = [] if attribute.many else [each for each in votes if each not in fitting]
        against += _contradicting(label, networks)
        some = "" if attribute.many or len(votes) == 1 else f"{len(fitting)} of {len(votes)}: "
        return Decision(label, f"said by {some}{_names(votes)}", (), tuple(against))
    if len(values) > 1 and all(set(values) <= set(each.values) for each in votes):
        before, against = f"{_names(votes)} leaves open whether {' or '.join(values)}", []
    else:
        before, against = f"{_names(votes)} contradict each other", list(votes)
        networks = [each for each in networks if not each.rule.is_tryout]
    predicted = _predicted(attribute, networks, f"{before}; ", allowed=values)
    if predicted.label is not None:
        against = [each for each in against if not set(predicted.label.values) & set(each.values)]
    return Decision(predicted.label, predicted.why, (), (*against, *predicted.contradicting))


def _predicted(
    attribute: Attribute,
    networks: Sequence[_NetworkStatement],
    before: str,
    allowed: Sequence[str] | None = None,
) -> Decision:
    """The label of the first network that passes, with one of the `allowed` values if any."""
    passing = [each for each in networks if each.passes]
    fitting = [e for e in passing if allowed is None or set(e.said.values) <= set(allowed)]
    beside = tuple(e.said for e in passing if e not in fitting and allowed and not e.rule.is_tryout)
    if fitting:
        said, rule = fitting[0].said, fitting[0].rule
        label = Label(_ordered(attribute, set(said.values)), "model", said.confidence)
        why = f"{before}{said.by} is {said.confidence:.2%} sure and needs {rule.threshold:.2%}"
        return Decision(label, why, (), (*beside, *_contradicting(label, fitting[1:])))
    if not networks:
        return Decision(None, f"{before}no network was asked", (), beside)
    reasons = "; ".join(_failing(each, allowed) for each in networks)
    return Decision(None, f"{before}{reasons}", (), beside)


def _failing(network: _NetworkStatement, allowed: Sequence[str] | None) -> str:
    said, least = network.said, network.rule.threshold
    if said.one_of:
        return f"{said.by} could not tell"
    if network.passes and allowed:
        return f"{said.by} says {', '.join(said.values)}, which no source leaves open"
    if least is None:
        return (
            f"{said.by} is not trusted with it: too few labels to measure it by, or too many wrong"
        )
    return f"{said.by} is {said.confidence or 0:.2%} sure and would need {least:.2%}"


def _contradicting(label: Label, networks: Iterable[_NetworkStatement]) -> list[Assertion]:
    return [
        each.said
        for each in networks
        if each.passes and not each.rule.is_tryout and set(each.said.values) != set(label.values)
    ]


def _names(said: Sequence[Assertion]) -> str:
    return " and ".join(sorted({each.by for each in said}))


def _ordered(attribute: Attribute, values: set[str]) -> tuple[str, ...]:
    return tuple(v for v in attribute.values if v in values) or tuple(sorted(values))
