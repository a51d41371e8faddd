"""Statements about one photo become its current labels: pure, whatever their order."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime

from catalog.assertions import Assertion, Label
from catalog.vocabulary import Attribute, Vocabulary


def consensus(assertions: Iterable[Assertion], vocabulary: Vocabulary) -> dict[str, Label]:
    """The labels that `assertions`, all about one photo, amount to; unknown attributes are absent.

    - A person decides: the latest human statement stands, and one that leaves the value open makes
      it unknown whatever the sources say.
    - Else the sources, one voice a sighting (see `_voices`). A single-valued attribute takes the
      value that fits the most voices, if it is the only such value and fits more than half: voices
      that agree narrow each other's sets, a contradiction goes to the majority, a tie is unknown.
      Of an attribute with several values at once all values named by any voice hold, since a source
      that leaves one out has seldom denied it; none holds only if every voice says so.
    - Statements of models are not weighed.

    Statements with an attribute or a value that the vocabulary no longer has are passed over.
    """
    humans: dict[str, list[Assertion]] = defaultdict(list)
    sources: list[Assertion] = []
    for assertion in assertions:
        if not _speaks(assertion, vocabulary):
            continue
        if assertion.origin == "human":
            humans[assertion.attribute].append(assertion)
        elif assertion.origin == "source":
            sources.append(assertion)
    voices = _voices(sources, vocabulary.version)
    labels = {}
    for name, attribute in vocabulary.attributes.items():
        if name in humans:
            label = _decided(attribute, max(humans[name], key=_age))
        else:
            label = _agreed(attribute, voices[name]) if voices[name] else None
        if label is not None:
            labels[name] = label
    return labels


def _speaks(assertion: Assertion, vocabulary: Vocabulary) -> bool:
    attribute = vocabulary.attributes.get(assertion.attribute)
    if attribute is None:
        return False
    return attribute.kind != "closed" or set(assertion.values) <= set(attribute.values)


def _age(assertion: Assertion) -> tuple[datetime, str]:
    return assertion.created_at, assertion.assertion_id


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
    for read in sightings.values():
        last = max(read, key=lambda a: (a.revision, a.version == version, *_age(a)))
        reading = [a for a in read if (a.revision, a.version) == (last.revision, last.version)]
        standing = {a.attribute: a for a in sorted(reading, key=_age)}
        for attribute, assertion in standing.items():
            voices[attribute].append(assertion)
    return voices


def _decided(attribute: Attribute, human: Assertion) -> Label | None:
    settled = not human.one_of and (attribute.many or len(human.values) == 1)
    if not settled:
        return None
    return Label(_ordered(attribute, set(human.values)), "human", human.confidence)


def _agreed(attribute: Attribute, voices: list[Assertion]) -> Label | None:
    if attribute.many:
        named = {value for voice in voices for value in voice.values}
        return Label(_ordered(attribute, named), "source", None)
    votes = Counter(value for voice in voices for value in set(voice.values))
    most = max(votes.values(), default=0)
    first = [value for value, count in votes.items() if count == most]
    if len(first) != 1 or most * 2 <= len(voices):
        return None
    return Label((first[0],), "source", None)


def _ordered(attribute: Attribute, values: set[str]) -> tuple[str, ...]:
    return tuple(v for v in attribute.values if v in values) or tuple(sorted(values))
