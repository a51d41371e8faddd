"""Assertions: statements about photos by a source, a model or a person, and the labels they give.

No assertion ever overwrites another.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

CONFIDENCE_DIGITS = 4
"""A confidence is rounded to this many digits, so that 32 bits store it without change."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One statement about one photo.

    All of `values` hold; with `one_of` exactly one of them holds, and it is not known which. Empty
    `values` state that no value holds; with `one_of`, that the answer cannot be determined. `by`
    names the source, model or person. `version` is the version of the model or of the vocabulary;
    for a person it is the time of the decision, if one was given. `about` is the id of the sighting
    whose words were read, and `revision` that sighting's revision then ("" and 0 if no sighting was
    read). `confidence` is a calibrated probability, None if nobody gave one. `created_at` has a
    time zone.
    """

    image_id: str
    attribute: str
    values: tuple[str, ...]
    one_of: bool
    confidence: float | None
    origin: Literal["source", "model", "human"]
    by: str
    version: str
    about: str
    created_at: datetime
    revision: int = 0

    @property
    def assertion_id(self) -> str:
        """64 hex digits over everything but the time: the same statement again has the same id.

        For a model the id covers the question and not the answer. A version of a model answers a
        question once; computed again in another batch or on another machine, the answer would
        differ in its last digits.
        """
        asked = self.origin == "model"
        content = [
            self.image_id,
            self.attribute,
            None if asked else self.values,
            None if asked else self.one_of,
            None if asked else self.confidence,
            self.origin,
            self.by,
            self.version,
            self.about,
            self.revision,
        ]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Label:
    """The current label of one attribute: one value, or zero or more if the attribute is `many`."""

    values: tuple[str, ...]
    origin: str
    confidence: float | None
