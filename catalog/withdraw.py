"""Withdraws the facts that a sidecar stated about photos. No other operation withdraws facts."""

import os
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from catalog.facts import CONFLICT_COLUMNS, RIGHTS_COLUMNS, FactChange, fact_changes, stored_history
from catalog.sidecars import forget_sidecar, remembered_sidecars
from catalog.sql import among
from catalog.table import Catalog, CatalogError, StoreError
from catalog.upsert import COMMIT_TRIES
from core.records import RENDERED
from core.text import escape_bytes
from crawlers.imports.sidecar.read import teller_of

FOLDER_SOURCES = ("folder", RENDERED)
"""Sources whose facts come from sidecars beside the photos."""

_READ = ("sighting_id", "source_id", "words", "told", *RIGHTS_COLUMNS)


@dataclass(slots=True)
class Withdrawal:
    """The facts that can be withdrawn: for each teller their counts, and the sightings that have
    them. The teller "" stands for facts from before tellers were stored."""

    said: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    places: list[str] = field(default_factory=list)

    @property
    def tellers(self) -> list[str]:
        """The tellers whose facts are withdrawn."""
        return list(self.said)


def find_withdrawal(catalog: Catalog, path: Path) -> Withdrawal:
    """The facts that the table at `path` stated. If no such table stated any, the facts of all
    tables about photos below the folder `path`, with those from before tellers were stored.

    The table need not exist any more. Raises `CatalogError` if there are no such facts.
    """
    teller, below = teller_of(path), f"{escape_bytes(os.path.realpath(path))}/"
    table, folder = Withdrawal(), Withdrawal()
    where = among("source", FOLDER_SOURCES)
    batches = catalog.read("sightings", _READ, where, batch_rows=8_192)
    for row in (row for batch in batches for row in batch.to_pylist()):
        told = stored_history(row)
        inside = row["source_id"].startswith(below)
        for found, tellers in (
            (table, {teller}),
            (folder, {who for who, _ in told.entries} if inside else set()),
        ):
            said = {who: told.by(who) for who in sorted(tellers)}
            if any(said.values()):
                found.places.append(row["sighting_id"])
            for who, facts in said.items():
                if facts:
                    found.said[who].update(facts.keys())
    found = table if table.places else folder
    if not found.places:
        raise CatalogError(
            f"nothing that is known of a photo was said by the table {teller}, nor of a photo in a "
            "folder of that name; `marque show IMAGE_ID` shows who said what"
        )
    return found


def withdraw_facts(
    catalog: Catalog, tellers: Sequence[str], places: Sequence[str], *, run_id: str
) -> Counter[tuple[str, FactChange]]:
    """Withdraw all facts of these tellers about these places; returns counts of changes by fact.

    The next labeling reads the places' words again. A second call changes nothing.
    """
    done: Counter[tuple[str, FactChange]] = Counter()
    for _ in range(COMMIT_TRIES):
        if not (places := _withdraw(catalog, tellers, places, run_id, done)):
            return done
    raise StoreError(f"others write to table 'sightings' of {catalog.uri} again and again")


def _withdraw(
    catalog: Catalog,
    tellers: Sequence[str],
    places: Sequence[str],
    run_id: str,
    done: Counter[tuple[str, FactChange]],
) -> list[str]:
    """Withdraw and count facts; returns the places that another run changed meanwhile."""
    schema = catalog.specs["sightings"].schema
    stored = catalog.rows("sightings", places, schema.names)
    new, found = {}, {}
    for row in stored.to_pylist():
        before = stored_history(row)
        told = before.without(tellers)
        if told == before:
            continue
        now, key = row | told.columns(), row["sighting_id"]
        found[key] = list(fact_changes(before.facts, told.facts))
        if found[key]:
            now |= {"revision": row["revision"] + 1, "labelled_with": None, "run_id": run_id}
        new[key] = now
    rows = pa.Table.from_pylist([*new.values()], schema)
    written = catalog.upsert_unchanged("sightings", rows, stored.select(CONFLICT_COLUMNS))
    for key in written:
        done.update(found[key])
    return [key for key in new if key not in written]


def forget_tellers(catalog: Catalog, tellers: Sequence[str]) -> list[str]:
    """Forget these tables as remembered sidecars; returns the folders that had one."""
    gone = [each for each in remembered_sidecars(catalog) if teller_of(each.path) in tellers]
    for each in gone:
        forget_sidecar(catalog, each)
    return [each.folder for each in gone]
