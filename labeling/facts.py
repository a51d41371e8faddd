"""A source's own words become statements; what a word means is for the vocabulary to say."""

from dataclasses import dataclass
from datetime import datetime

from catalog.schema import sighting_id
from core.assertions import Assertion
from core.records import Sighting
from core.vocabulary import NOTHING, Vocabulary
from labeling.names import read_names


@dataclass(frozen=True, slots=True)
class Facts:
    """The statements in a sighting's words; `unknown` words, and `ambiguous` names of several cars,
    both as (attribute, word)."""

    assertions: tuple[Assertion, ...]
    unknown: tuple[tuple[str, str], ...]
    ambiguous: tuple[tuple[str, str], ...] = ()


def read_facts(
    sighting: Sighting, image_id: str, revision: int, vocabulary: Vocabulary, at: datetime
) -> Facts:
    """The statements of `sighting` about the photo `image_id`, read with `vocabulary` at `at`.

    `revision` counts the changes of the sighting's words (`sightings.revision`). Only words in a
    field with the name of an attribute are statements, and the names of a photo of Commons, which
    tell make and model. A word without meaning ("n/a") makes no statement and is not unknown.
    """
    told = read_names(sighting, vocabulary)
    assertions, unknown = [], list(told.unknown)
    for attribute, word in (sighting.words | told.words).items():
        if attribute not in vocabulary.attributes:
            continue
        meaning = vocabulary.lookup(attribute, word)
        if meaning is None:
            unknown.append((attribute, word))
        elif meaning != NOTHING:
            assertions.append(
                Assertion(
                    image_id=image_id,
                    attribute=attribute,
                    values=meaning.values,
                    one_of=meaning.one_of,
                    confidence=None,
                    origin="source",
                    by=sighting.source,
                    version=vocabulary.version,
                    about=sighting_id(sighting.source, sighting.source_id),
                    created_at=at,
                    revision=revision,
                )
            )
    return Facts(tuple(assertions), tuple(unknown), told.ambiguous)
