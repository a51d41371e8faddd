"""The label stage: sightings become assertions, and these the current labels."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow as pa

from catalog.run_inserts import insert_for_run
from catalog.table import Catalog
from core.assertions import CONFIDENCE_DIGITS, Assertion, Label
from core.records import Sighting
from labeling.consensus import Decision, consensus, decide
from labeling.facts import read_facts
from labeling.labelers import LabelerThreshold, counted_where, load_thresholds

_READ = ("sighting_id", "source", "source_id", "image_id", "words", "revision")


@dataclass(slots=True)
class LabelCounts:
    """Counts of one call: `sightings` that were read, assertions that were added, by attribute,
    words that the vocabulary lacks, and names of several cars."""

    sightings: int = 0
    assertions: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    ambiguous: Counter[str] = field(default_factory=Counter)

    def add(self, other: "LabelCounts") -> None:
        """Add the counts of another shard."""
        self.sightings += other.sightings
        self.assertions.update(other.assertions)
        self.unknown.update(other.unknown)
        self.ambiguous.update(other.ambiguous)


def label_sightings(catalog: Catalog, sighting_ids: Sequence[str], *, run_id: str) -> LabelCounts:
    """Read the words of these sightings with the vocabulary as it is and keep what they state.

    The sightings are marked as read at the end, so an interrupted run reads them again, and the
    same statements add nothing. A sighting that has changed meanwhile stays unread.
    """
    done = LabelCounts()
    rows = catalog.rows("sightings", sighting_ids, _READ).to_pylist()
    made: list[Assertion] = []
    now = datetime.now(UTC)
    for row in rows:
        place = Sighting(row["source"], row["source_id"], json.loads(row["words"]))
        facts = read_facts(place, row["image_id"], row["revision"], catalog.vocabulary, now)
        made.extend(facts.assertions)
        done.unknown.update(f"{attribute}: {word}" for attribute, word in facts.unknown)
        done.ambiguous.update(f"{attribute}: {word}" for attribute, word in facts.ambiguous)
    done.sightings = len(rows)
    added = add_assertions(catalog, made, run_id=run_id)
    done.assertions.update(assertion.attribute for assertion in added)
    version = catalog.vocabulary.version
    marks = {
        "sighting_id": [row["sighting_id"] for row in rows],
        "revision": [row["revision"] for row in rows],
        "labelled_with": [version] * len(rows),
    }
    catalog.update("sightings", pa.table(marks), unchanged="revision")
    return done


def store_assertions(catalog: Catalog, assertions: Sequence[Assertion], *, run_id: str) -> int:
    """Append the statements that were not made before; returns how many those were."""
    return len(add_assertions(catalog, assertions, run_id=run_id))


def add_assertions(
    catalog: Catalog, assertions: Sequence[Assertion], *, run_id: str
) -> list[Assertion]:
    """Append the statements that were not made before; returns those that this run added.

    An earlier try of the interrupted run counts as this run; other runs do not.
    """
    made = {each.assertion_id: each for each in assertions}
    rows = [
        {
            "assertion_id": key,
            "image_id": each.image_id,
            "attribute": each.attribute,
            "values": list(each.values),
            "one_of": each.one_of,
            "confidence": each.confidence,
            "origin": each.origin,
            "by": each.by,
            "version": each.version,
            "about": each.about,
            "revision": each.revision,
            "run_id": run_id,
            "created_at": each.created_at,
        }
        for key, each in made.items()
    ]
    schema = catalog.specs["assertions"].schema
    added = insert_for_run(catalog, "assertions", pa.Table.from_pylist(rows, schema), run_id=run_id)
    return [each for key, each in made.items() if key in added]


def load_assertions(
    catalog: Catalog, image_ids: Sequence[str], thresholds: Sequence[LabelerThreshold] | None = None
) -> dict[str, list[Assertion]]:
    """Photo -> every statement about it; with `thresholds`, of networks only those they name."""
    names = [name for name in catalog.specs["assertions"].schema.names if name != "run_id"]
    where = None if thresholds is None else counted_where(thresholds)
    rows = catalog.rows_where("assertions", "image_id", image_ids, names, where).to_pylist()
    found: dict[str, list[Assertion]] = {key: [] for key in image_ids}
    for row in rows:
        sure, values = row["confidence"], tuple(row["values"])
        sure = None if sure is None else round(sure, CONFIDENCE_DIGITS)
        content = {name: value for name, value in row.items() if name != "assertion_id"}
        said = Assertion(**content | {"values": values, "confidence": sure})
        found[said.image_id].append(said)
    return found


def current_labels(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, dict[str, Label]]:
    """Photo -> attribute -> the label that follows from its assertions; unknown ones are absent."""
    thresholds = load_thresholds(catalog)
    return {
        key: consensus(said, catalog.vocabulary, thresholds)
        for key, said in effective_assertions(catalog, image_ids, thresholds).items()
    }


def decisions(catalog: Catalog, image_ids: Sequence[str]) -> dict[str, dict[str, Decision]]:
    """Photo -> attribute -> its label, why, and what was considered; see `consensus.decide`."""
    thresholds = load_thresholds(catalog)
    return {
        key: decide(said, catalog.vocabulary, thresholds)
        for key, said in effective_assertions(catalog, image_ids, thresholds).items()
    }


def effective_assertions(
    catalog: Catalog, image_ids: Sequence[str], thresholds: Sequence[LabelerThreshold]
) -> dict[str, list[Assertion]]:
    """Photo -> the statements about it that can count.

    Only the last reading of a place counts, even if it has no statements or the place shows another
    photo now. Only the networks of these thresholds count.
    """
    found = load_assertions(catalog, image_ids, thresholds)
    columns = ["image_id", "sighting_id", "revision", "labelled_with"]
    places = catalog.rows_where("sightings", "image_id", image_ids, columns).to_pylist()
    readings = {
        (place["image_id"], place["sighting_id"]): (place["revision"], place["labelled_with"])
        for place in places
    }
    return {key: [a for a in each if _stands(a, readings)] for key, each in found.items()}


def _stands(said: Assertion, readings: dict[tuple[str, str], tuple[int, str | None]]) -> bool:
    if not said.about:
        return True
    reading = readings.get((said.image_id, said.about))
    if reading is None:
        return False
    # A place that changed and is not read yet keeps what it said before.
    return reading[1] is None or reading == (said.revision, said.version)
