"""Statements about one photo become its current labels: pure, whatever their order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.assertions import Assertion, Label
from core.vocabulary import Attribute, Vocabulary
from labeling.labelers import Judge


@dataclass(frozen=True, slots=True)
class Decision:
    """The label of one attribute, None if it is unknown, and why it is so in one sentence.

    `heard` are the statements that count: each person's last one, of each sighting its last
    reading, of each labeler in use its last one. `against` are those of them that contradict the
    label, or each other where that is why there is none; of a person's decision only what other
    people say, as it settles all else. A try-out model's are never among them.
    """

    label: Label | None
    why: str
    heard: tuple[Assertion, ...] = ()
    against: tuple[Assertion, ...] = ()


def consensus(
    assertions: Iterable[Assertion], vocabulary: Vocabulary, judges: Sequence[Judge] = ()
) -> dict[str, Label]:
    """The labels that `assertions`, all about one photo, amount to; unknown attributes are absent.

    `decide` says how.
    """
    decisions = decide(assertions, vocabulary, judges)
    return {name: each.label for name, each in decisions.items() if each.label is not None}


def decide(
    assertions: Iterable[Assertion], vocabulary: Vocabulary, judges: Sequence[Judge] = ()
) -> dict[str, Decision]:
    """What `assertions`, all about one photo, come to, by attribute that any of them speaks of.

    - A person decides: the latest human statement stands, and one that leaves the value open makes
      it unknown whatever anybody else says.
    - Else the sources, one voice a sighting (see `_voices`). A single-valued attribute takes the
      value that fits the most voices, if it is the only such value and fits more than half: voices
      that agree narrow each other's sets, a contradiction goes to the majority, a tie is unknown.
      Of an attribute with several values at once all values named by any voice hold, since a source
      that leaves one out has seldom denied it; none holds only if every voice says so.
    - Else the networks in the order of `judges`: the first whose confidence passes its threshold.
      Where sources have left the value open, it must be one that fits the most of them; where they
      contradict each other, a try-out model decides nothing. A network never overrules a source,
      and is not heard about what makes no sense for the photo's view.

    Statements with an attribute or a value that the vocabulary no longer has are passed over, and
    so are those of a labeler that is no judge.
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
    voices = _voices(sources, vocabulary.version)
    networks: dict[str, list[_Heard]] = defaultdict(list)
    for judge in judges:
        if said_by := models.get((judge.attribute, judge.by, judge.version)):
            networks[judge.attribute].append(_Heard(said_by, judge))
    found: dict[str, Decision] = {}
    view: str | None = None
    names = sorted(vocabulary.attributes, key=lambda name: name != "view")
    for name in names:
        sensible = vocabulary.questions[name].makes_sense(view)
        heard = networks[name] if sensible else []
        made = _decision(vocabulary.attributes[name], humans[name], voices[name], heard)
        if made is not None:
            found[name] = made
            if name == "view" and made.label:
                view = made.label.values[0]
    return {name: found[name] for name in vocabulary.attributes if name in found}


@dataclass(frozen=True, slots=True)
class _Heard:
    """A network's statement and how it is weighed."""

    said: Assertion
    judge: Judge

    @property
    def passes(self) -> bool:
        sure, least = self.said.confidence, self.judge.threshold
        return not self.said.one_of and sure is not None and least is not None and sure >= least


def _decision(
    attribute: Attribute,
    humans: Sequence[Assertion],
    voices: Sequence[Assertion],
    networks: Sequence[_Heard],
) -> Decision | None:
    if humans:
        made = _decided(attribute, humans)
    elif voices:
        made = _agreed(attribute, voices, networks)
    elif networks:
        made = _judged(attribute, networks, "")
    else:
        return None
    heard = (*made.heard, *voices, *(each.said for each in networks))
    return Decision(made.label, made.why, heard, made.against)


def _speaks(assertion: Assertion, vocabulary: Vocabulary) -> bool:
    attribute = vocabulary.attributes.get(assertion.attribute)
    if attribute is None:
        return False
    return attribute.kind != "closed" or set(assertion.values) <= set(attribute.values)


def _age(said: Assertion) -> tuple[Any, ...]:
    """By time, and for those of the same moment any order that does not depend on how they come;
    not their ids, as making one takes longer than all the rest."""
    sure = -1.0 if said.confidence is None else said.confidence
    content = (said.by, said.version, said.about, said.values, said.one_of, sure)
    return said.created_at, said.revision, *content


def _voices(sources: list[Assertion], version: str) -> dict[str, list[Assertion]]:
    """By attribute, the statement of each sighting that stands.

    A sighting is read again when its words or the vocabulary change, and its last reading replaces
    the others as a whole, also where a word is gone or says nothing any more. That is the reading
    of the highest revision, with the current vocabulary or else the one used last: times alone
    would not tell, as a statement made again keeps its first.
    """
    sightings: dict[tuple[str, str], list[Assertion]] = defaultdict(list)
    for assertion in sources:
        sightings[assertion.by, assertion.about].append(assertion)
    voices: dict[str, list[Assertion]] = defaultdict(list)
    for place in sorted(sightings):
        read = sightings[place]
        last = max(read, key=lambda a: (a.revision, a.version == version, *_age(a)))
        reading = [a for a in read if (a.revision, a.version) == (last.revision, last.version)]
        standing = {a.attribute: a for a in sorted(reading, key=_age)}
        for attribute, assertion in standing.items():
            voices[attribute].append(assertion)
    return voices


def _decided(attribute: Attribute, humans: Sequence[Assertion]) -> Decision:
    last = {each.by: each for each in sorted(humans, key=_age)}
    heard = tuple(sorted(last.values(), key=_age, reverse=True))
    said = heard[0]
    settled = not said.one_of and (attribute.many or len(said.values) == 1)
    who = f"{said.by} on {said.created_at:%Y-%m-%d}"
    label = None
    if settled:
        label = Label(_ordered(attribute, set(said.values)), "human", said.confidence)
    against = tuple(
        each for each in heard if (set(each.values), each.one_of) != (set(said.values), said.one_of)
    )
    why = f"decided by {who}" if settled else f"{who} could not tell"
    return Decision(label, why, heard, against)


def _agreed(
    attribute: Attribute, voices: Sequence[Assertion], networks: Sequence[_Heard]
) -> Decision:
    values = _most_said(attribute, voices)
    fitting = [each for each in voices if set(values) & set(each.values)]
    if attribute.many or (len(values) == 1 and len(fitting) * 2 > len(voices)):
        label = Label(_ordered(attribute, set(values)), "source", None)
        against = [] if attribute.many else [each for each in voices if each not in fitting]
        against += _contradicting(label, networks)
        some = "" if attribute.many or len(voices) == 1 else f"{len(fitting)} of {len(voices)}: "
        return Decision(label, f"said by {some}{_names(voices)}", (), tuple(against))
    if len(values) > 1 and all(set(values) <= set(each.values) for each in voices):
        before, against = f"{_names(voices)} leaves open whether {' or '.join(values)}", []
    else:
        before, against = f"{_names(voices)} contradict each other", list(voices)
        networks = [each for each in networks if not each.judge.is_tryout]
    judged = _judged(attribute, networks, f"{before}; ", allowed=values)
    if judged.label is not None:
        against = [each for each in against if not set(judged.label.values) & set(each.values)]
    return Decision(judged.label, judged.why, (), (*against, *judged.against))


def _judged(
    attribute: Attribute,
    networks: Sequence[_Heard],
    before: str,
    allowed: Sequence[str] | None = None,
) -> Decision:
    """The label of the first network that passes, and says one of the `allowed` values if any."""
    passing = [each for each in networks if each.passes]
    fitting = [e for e in passing if allowed is None or set(e.said.values) <= set(allowed)]
    beside = tuple(
        e.said for e in passing if e not in fitting and allowed and not e.judge.is_tryout
    )
    if fitting:
        said, judge = fitting[0].said, fitting[0].judge
        label = Label(_ordered(attribute, set(said.values)), "model", said.confidence)
        why = f"{before}{said.by} is {said.confidence:.2%} sure and needs {judge.threshold:.2%}"
        return Decision(label, why, (), (*beside, *_contradicting(label, fitting[1:])))
    if not networks:
        return Decision(None, f"{before}no network was asked", (), beside)
    reasons = "; ".join(_failing(each, allowed) for each in networks)
    return Decision(None, f"{before}{reasons}", (), beside)


def _failing(heard: _Heard, allowed: Sequence[str] | None) -> str:
    said, least = heard.said, heard.judge.threshold
    if said.one_of:
        return f"{said.by} could not tell"
    if heard.passes and allowed:
        return f"{said.by} says {', '.join(said.values)}, which no source leaves open"
    if least is None:
        return (
            f"{said.by} is not trusted with it: too few labels to measure it by, or too many wrong"
        )
    return f"{said.by} is {said.confidence or 0:.2%} sure and would need {least:.2%}"


def _contradicting(label: Label, networks: Iterable[_Heard]) -> list[Assertion]:
    return [
        each.said
        for each in networks
        if each.passes and not each.judge.is_tryout and set(each.said.values) != set(label.values)
    ]


def _most_said(attribute: Attribute, voices: Sequence[Assertion]) -> tuple[str, ...]:
    """The values that fit the most voices; of an attribute with many, all that are named."""
    votes = Counter(value for voice in voices for value in sorted(set(voice.values)))
    if attribute.many:
        return tuple(votes)
    most = max(votes.values(), default=0)
    return _ordered(attribute, {value for value, count in votes.items() if count == most})


def _names(said: Sequence[Assertion]) -> str:
    return " and ".join(sorted({each.by for each in said}))


def _ordered(attribute: Attribute, values: set[str]) -> tuple[str, ...]:
    return tuple(v for v in attribute.values if v in values) or tuple(sorted(values))
