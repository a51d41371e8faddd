"""Statements about photos: who says what of which photo, and since when; and what they amount to.

No statement is ever overwritten by another.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

CONFIDENCE_DIGITS = 4
"""To so many digits a confidence is rounded: stored in 32 bits and read back it is what it was."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One statement about one photo.

    It states `values`, or with `one_of` that one of them holds and not which; no values is the
    statement that none holds, and with `one_of` that it cannot be told. `by` names the source,
    model or person; `version` is the model's or the vocabulary's, and of a person the time of the
    decision where one was given. `about` and `revision` are the id of the sighting whose words were
    read and the state it was in then ("" and 0 if none was). `confidence` is a calibrated
    probability, None where nobody gave one. `created_at` has a zone.
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
        """64 hex digits over all but the time: the same statement made again has the same id.

        Of a model over what it was asked, not over its answer: a version of it answers once, and
        computed again, in another batch or on another machine, the last digits would differ.
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
    """The current label of one attribute: one value, or with `many` any number, none included."""

    values: tuple[str, ...]
    origin: str
    confidence: float | None
