"""What each of its tellers said of a place, told apart, and what that comes to.

The teller of a page's facts is its site, named ""; a folder of photos has its facts from tables
beside them (sidecars), each a teller of its own. What one said stays until the same one says
otherwise; where two speak of the same thing, the one that spoke last is believed.
"""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from core.licenses import parse_license
from core.records import Sighting

RIGHTS_COLUMNS = ("page_url", "license", "license_url", "creator", "attribution", "split")
"""Facts with a column of their own; every other one is a word."""

CONFLICT_COLUMNS = ["sighting_id", "revision", "told", "labelled_with"]
"""The columns of `sightings` of which one is another when somebody has written to a row: see
`Catalog.upsert_unchanged`."""

_LICENSE = ("license", "license_url")

FactValues = dict[str, str]
FactChange = Literal["set", "changed", "withdrawn"]
FACT_CHANGES: tuple[FactChange, ...] = ("set", "changed", "withdrawn")


@dataclass(frozen=True, slots=True)
class FactHistory:
    """What was said of one place: (teller, facts), the last one last; a teller whose later table
    has fewer columns stands there more than once."""

    entries: tuple[tuple[str, FactValues], ...] = ()

    @property
    def facts(self) -> FactValues:
        """What it comes to: of each fact the last word.

        The name of a license and its address are one fact: they are never taken from two tellers
        that may mean two licenses.
        """
        facts: FactValues = {}
        for _, said in self.entries:
            if not _is_one_license(facts, said):
                for name in _LICENSE:
                    facts.pop(name, None)
            facts |= said
        return facts

    def by(self, teller: str) -> FactValues:
        """All that one teller said and did not take back."""
        mine = (facts for who, facts in self.entries if who == teller)
        return {name: word for facts in mine for name, word in facts.items()}

    def after(self, place: Sighting) -> "FactHistory":
        """What is told after a visit; the same object where nothing new was said.

        What the visit speaks of (`Sighting.covers`) replaces what its teller said before. Facts of
        an unknown teller, as old catalogs have them, give way to the first table that has them.
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
        """What is left where these tellers take back all that they said."""
        return FactHistory(tuple(entry for entry in self.entries if entry[0] not in tellers))

    def disputes(self, place: Sighting) -> Iterator[tuple[str, str]]:
        """Facts of a visit about which another table says otherwise, and who says what."""
        for name, word in sighting_facts(place).items():
            for who, facts in self.entries:
                if who not in ("", place.teller) and facts.get(name, word) != word:
                    yield name, f"{facts[name]} by {who}, {word} by {place.teller}"

    def columns(self) -> dict[str, str | None]:
        """The columns of `sightings` that keep it; what only the source itself said is not kept
        twice."""
        words = self.facts
        rights = {name: words.pop(name, None) for name in RIGHTS_COLUMNS}
        alone = not any(who for who, _ in self.entries)
        told = None if alone else json.dumps(self.entries, ensure_ascii=False)
        return rights | {"words": words_json(words), "told": told}


def stored_history(row: Mapping[str, Any]) -> FactHistory:
    """What a row of `sightings` keeps: its `told`, its words and its rights are needed."""
    if row["told"]:
        return FactHistory(tuple((who, facts) for who, facts in json.loads(row["told"])))
    facts = json.loads(row["words"]) | {n: row[n] for n in RIGHTS_COLUMNS if row[n] is not None}
    return FactHistory((("", facts),) if facts else ())


def sighting_facts(place: Sighting) -> FactValues:
    """What a visit says of a place: its words and its rights by their names."""
    rights = {name: getattr(place, name) for name in RIGHTS_COLUMNS}
    return place.words | {name: word for name, word in rights.items() if word is not None}


def fact_changes(before: FactValues, now: FactValues) -> Iterator[tuple[str, FactChange]]:
    """Each fact that is not as it was, and what came of it."""
    for name in before.keys() | now.keys():
        if name not in before:
            yield name, "set"
        elif name not in now:
            yield name, "withdrawn"
        elif before[name] != now[name]:
            yield name, "changed"


def words_json(words: FactValues) -> str:
    """Words as the column `words` keeps them."""
    return json.dumps(words, ensure_ascii=False, sort_keys=True)


def _is_one_license(facts: FactValues, said: FactValues) -> bool:
    """Whether what is newly said of the license can be about the one that is known."""
    new = {name: said[name] for name in _LICENSE if name in said}
    if both := [name for name in new if name in facts]:
        return all(facts[name] == new[name] for name in both)
    whole = facts | new
    found = parse_license(whole.get("license_url", "")) if new else None
    return found is None or whole.get("license", found.name) == found.name
