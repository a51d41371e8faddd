"""What a catalog no longer needs goes: versions of tables that were replaced, and what networks
out of use have said.

Every commit leaves the version before it, with the files that only that one needs. A version goes a
grace time after it was replaced, which is not when it was written: a reader opens a version once
and then reads from it bit by bit. Tagged versions stay; those that searches have read until now
are tagged when they are replaced, and these tags go after the grace time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from catalog.errors import CatalogError, StoreError
from catalog.sql import equals
from catalog.table import Catalog
from catalog.upkeep import BATCH, SIZES
from catalog.versions import REPLACED, TAG

EVERY = 32
"""Versions of a table between two looks for old ones, each of which reads all their manifests."""

RUNS = 8
"""Every so many runs look whatever was written: a catalog that has become quiet, too, is rid of
what it was before."""

LEAST_SHARE = 0.1
"""Of the statements: fewer superseded ones are left for later, as the rest is written anew."""


@dataclass(slots=True)
class Cleaned:
    """How many versions and superseded statements are gone, and how many bytes files took."""

    versions: int = 0
    statements: int = 0
    bytes: int = 0

    def to_dict(self) -> dict[str, int]:
        """The counts by what a person calls them."""
        return {
            "old versions removed": self.versions,
            "superseded statements removed": self.statements,
            "bytes freed": self.bytes,
        }


def clean_up(catalog: Catalog, grace: timedelta, *, since: Mapping[str, int]) -> Cleaned:
    """Remove from the tables that have passed a multiple of `EVERY` versions `since`, and every
    `RUNS` runs from all, what is older than `grace`.

    Left for the next time where another writer is first; raises `StoreError` where it would fail
    then too.
    """
    done = Cleaned()
    everywhere = catalog.count("runs") % RUNS == 0
    for name in catalog.specs:
        version = int(catalog.table(name).version)
        if not everywhere and version // EVERY == since.get(name, 0) // EVERY:
            continue
        try:
            if name == "assertions":
                done.statements += remove_superseded(catalog, grace)
            removed = remove_versions(catalog, name, grace)
        except CatalogError as error:
            if isinstance(error, StoreError) and error.lasts:
                raise
            continue
        done.versions += removed.versions
        done.bytes += removed.bytes
    return done


def remove_versions(catalog: Catalog, name: str, grace: timedelta) -> Cleaned:
    """Remove the versions of a table that were replaced longer ago than `grace`, but for tagged
    ones, and the files that none of the others needs.

    Files of a write that is under way stay, as do those of a failed one until they are a week old.
    Raises `StoreError`.
    """
    before = datetime.now(UTC) - grace
    with catalog.storing(name):
        stored = catalog.table(name).to_lance()
        tagged = _tagged(stored, before)
        old = [version for version in _replaced(stored, before) if version not in tagged]
        if not old:
            return Cleaned()
        removed = stored.cleanup_old_versions(versions=old, error_if_tagged_old_versions=False)
    return Cleaned(versions=int(removed.old_versions), bytes=int(removed.bytes_removed))


def _replaced(stored: Any, before: datetime) -> Iterator[int]:
    """The versions whose next one was written before that time."""
    # Lance gives local times without a zone.
    known = sorted(
        (each["version"], each["timestamp"].astimezone(UTC)) for each in stored.versions()
    )
    for (version, _), (_, replaced) in pairwise(known):
        if replaced <= before:
            yield version


def _tagged(stored: Any, before: datetime) -> set[int]:
    """The versions that are tagged, without those that were replaced before that time."""
    tags = stored.tags.list()
    for name in [each for each in tags if each.startswith(REPLACED)]:
        if tags[name]["updated_at"] <= before or tags[name]["version"] == _published(tags):
            stored.tags.delete(name)
            del tags[name]
    return {int(tag["version"]) for tag in tags.values()}


def _published(tags: Mapping[str, Any]) -> int | None:
    return tags[TAG]["version"] if TAG in tags else None


def remove_superseded(catalog: Catalog, grace: timedelta) -> int:
    """Remove what versions of labelers have said that went out of use longer ago than `grace`.

    They no longer count: see `labeling.labelers.counted_where`. What people and sources said stays,
    and what networks said of which table `labelers` does not know that they were retired. Returns
    how many statements. Raises `StoreError`.
    """
    where = _superseded(catalog, datetime.now(UTC) - grace)
    count = catalog.count("assertions", where) if where else 0
    if count and count >= LEAST_SHARE * catalog.count("assertions"):
        table = catalog.table("assertions")
        with catalog.storing("assertions"):
            table.delete(where)
    else:
        count = 0
    with catalog.storing("assertions"):
        stored = catalog.table("assertions").to_lance()
        # Asked apart: a run that ended in between has deleted and not compacted.
        gone = stored.stats.dataset_stats()["num_deleted_rows"]
        if gone >= LEAST_SHARE * (stored.count_rows() + gone) > 0:
            stored.optimize.compact_files(
                target_rows_per_fragment=max(SIZES), num_threads=1, batch_size=BATCH
            )
    return count


def _superseded(catalog: Catalog, before: datetime) -> str | None:
    columns = ["name", "version", "changed_at"]
    retired = [
        f"({equals('by', row['name'])} AND {equals('version', row['version'])})"
        for batch in catalog.read("labelers", columns, "NOT in_use")
        for row in batch.to_pylist()
        if row["changed_at"] <= before
    ]
    return f"`origin` = 'model' AND ({' OR '.join(retired)})" if retired else None
