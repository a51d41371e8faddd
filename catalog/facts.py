"""The facts that each teller stated about a sighting, kept apart, and the facts that result.

The teller of a page's facts is its site, named "". The facts of a folder of photos come from
tables beside them (sidecars), and each of these is a teller of its own. A teller's facts stay until
the same teller changes them. If two tellers state the same fact, the later one counts.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.licenses import parse_license
from core.records import Sighting

RIGHTS_COLUMNS = ("page_url", "license", "license_url", "creator", "attribution", "split")
"""Facts with a column of their own in `sightings`; every other fact is in `words`."""

CONFLICT_COLUMNS = ["sighting_id", "revision", "told", "labelled_with"]
"""Columns of `sightings` that show that another run has written to a row: at least one of them then
differs. See `Catalog.upsert_unchanged`."""

_LICENSE = ("license", "license_url")

FactValues = dict[str, str]
FactChange = Literal["set", "changed", "withdrawn"]
FACT_CHANGES: tuple[FactChange, ...] = ("set", "changed", "withdrawn")


@dataclass(frozen=True, slots=True)
class FactHistory:
    """The facts of one sighting as (teller, facts), oldest first. A teller whose later table has
    fewer columns has more than one entry."""

    entries: tuple[tuple[str, FactValues], ...] = ()

    @property
    def facts(self) -> FactValues:
        """The resulting facts: for each name the last value.

        The name and the URL of a license count as one fact: they are never combined from two
        tellers, which may mean two licenses.
        """
        facts: FactValues = {}
        for _, said in self.entries:
            if not _is_same_license(facts, said):
                for name in _LICENSE:
                    facts.pop(name, None)
            facts |= said
        return facts

    def by(self, teller: str) -> FactValues:
        """The facts of one teller that it did not withdraw."""
        mine = (facts for who, facts in self.entries if who == teller)
        return {name: word for facts in mine for name, word in facts.items()}

    def after(self, place: Sighting) -> "FactHistory":
        """The history after a new sighting; `self` if nothing changed.

        The fields that the sighting covers (`Sighting.covers`) replace what its teller stated
        before. Facts of an unknown teller, which old catalogs have, are replaced by the first table
        that states the same facts.
        """
        said, teller = sighting_facts(place), place.teller
        kept: list[tuple[str, FactValues]] = []
        for who, facts in self.entries:
            if who == teller:
                gone = facts.keys() if place.covers is None else {*place.covers, *said}
            else:
                gone = said.keys() if not who else set()
            kept.append((who, {name: facts[name] for name in facts if name not in gone}))
        entries = [*kept, (teller, said)]
        found = FactHistory(tuple((who, facts) for who, facts in entries if facts))
        same = found.by(teller) == self.by(teller) and found.by("") == self.by("")
        return self if same and found.facts == self.facts else found

    def without(self, tellers: Collection[str]) -> "FactHistory":
        """The history without the facts of these tellers."""
        return FactHistory(tuple(entry for entry in self.entries if entry[0] not in tellers))

    def disputes(self, place: Sighting) -> Iterator[tuple[str, str]]:
        """The facts of a sighting that another table contradicts, and who states what."""
        for name, word in sighting_facts(place).items():
            for who, facts in self.entries:
                if who not in ("", place.teller) and facts.get(name, word) != word:
                    yield name, f"{facts[name]} by {who}, {word} by {place.teller}"

    def columns(self) -> dict[str, str | None]:
        """The columns of `sightings` that store it; `told` is null if only the source itself stated
        facts, since the other columns hold them."""
        words = self.facts
        rights = {name: words.pop(name, None) for name in RIGHTS_COLUMNS}
        alone = not any(who for who, _ in self.entries)
        told = None if alone else json.dumps(self.entries, ensure_ascii=False)
        stored = json.dumps(words, ensure_ascii=False, sort_keys=True)
        return rights | {"words": stored, "told": told}


def stored_history(row: Mapping[str, Any]) -> FactHistory:
    """The history in a row of `sightings`, which must have `told`, `words` and the rights."""
    if row["told"]:
        return FactHistory(tuple((who, facts) for who, facts in json.loads(row["told"])))
    facts = json.loads(row["words"]) | {n: row[n] for n in RIGHTS_COLUMNS if row[n] is not None}
    return FactHistory((("", facts),) if facts else ())


def sighting_facts(place: Sighting) -> FactValues:
    """The facts of a sighting: its words and its rights by name."""
    rights = {name: getattr(place, name) for name in RIGHTS_COLUMNS}
    return place.words | {name: word for name, word in rights.items() if word is not None}


def fact_changes(before: FactValues, now: FactValues) -> Iterator[tuple[str, FactChange]]:
    """Each fact that differs, and whether it was set, changed or withdrawn."""
    for name in before.keys() | now.keys():
        if name not in before:
            yield name, "set"
        elif name not in now:
            yield name, "withdrawn"
        elif before[name] != now[name]:
            yield name, "changed"


def _is_same_license(facts: FactValues, said: FactValues) -> bool:
    """Whether the name or URL of a license in `said` can belong to the license in `facts`.

    Values that both have must be equal. If one has the name and the other the URL, they must not
    contradict each other.
    """
    new = {name: said[name] for name in _LICENSE if name in said}
    if shared := [name for name in new if name in facts]:
        return all(facts[name] == new[name] for name in shared)
    combined = facts | new
    found = parse_license(combined.get("license_url", "")) if new else None
    return found is None or combined.get("license", found.name) == found.name
