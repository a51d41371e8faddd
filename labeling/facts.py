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
    """The statements in a sighting's words. `unknown` lists words that the vocabulary lacks,
    `ambiguous` names that several cars share, both as (attribute, word)."""

    assertions: tuple[Assertion, ...]
    unknown: tuple[tuple[str, str], ...]
    ambiguous: tuple[tuple[str, str], ...] = ()


def read_facts(
    sighting: Sighting, image_id: str, revision: int, vocabulary: Vocabulary, at: datetime
) -> Facts:
    """The statements of `sighting` about the photo `image_id`.

    `revision` counts the changes of the sighting's words (`sightings.revision`); `at` is the time
    of the statements. A statement comes from a word in a field with the name of an attribute, or
    from the title, categories and items of a photo of Commons, which name make and model. A word
    without meaning ("n/a") makes no statement and is not unknown.
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
