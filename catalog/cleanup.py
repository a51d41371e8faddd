"""Removes what a catalog no longer needs: replaced versions of tables, and assertions of retired
networks.

Every commit leaves the version before it, with the files that only that version needs. A version
is removed a grace time after it was replaced (not after it was written): a reader opens a version
once and then reads from it bit by bit. Tagged versions stay. A published version is tagged when it
is replaced, and that tag is removed after the grace time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from catalog.errors import CatalogError, StoreError
from catalog.optimize import COMPACTION_BATCH_ROWS, FRAGMENT_ROWS
from catalog.sql import equals
from catalog.table import Catalog
from catalog.versions import PUBLISHED_TAG, REPLACED_PREFIX

CLEANUP_VERSIONS = 32
"""Versions of a table between two searches for old versions; a search reads all manifests."""

CLEANUP_RUNS = 8
"""Every this many runs all tables are cleaned, so that a catalog without new writes is cleaned
too."""

MIN_SUPERSEDED_SHARE = 0.1
"""A smaller share of superseded assertions is left for later, since removing rewrites the rest."""


@dataclass(slots=True)
class CleanupCounts:
    """Counts of removed versions and superseded assertions, and of freed bytes."""

    versions: int = 0
    statements: int = 0
    bytes: int = 0

    def to_dict(self) -> dict[str, int]:
        """The counts under names for people."""
        return {
            "old versions removed": self.versions,
            "superseded statements removed": self.statements,
            "bytes freed": self.bytes,
        }


def clean_up(catalog: Catalog, grace: timedelta, *, since: Mapping[str, int]) -> CleanupCounts:
    """Remove old versions and superseded statements that are older than `grace`.

    A table is cleaned when its version has passed a multiple of `CLEANUP_VERSIONS` since `since`;
    every `CLEANUP_RUNS` runs all tables are. A table is left for the next time if another writer
    was first. Raises `StoreError` where the next time would fail too.
    """
    done = CleanupCounts()
    everywhere = catalog.count("runs") % CLEANUP_RUNS == 0
    for name in catalog.specs:
        version = int(catalog.table(name).version)
        if not everywhere and version // CLEANUP_VERSIONS == since.get(name, 0) // CLEANUP_VERSIONS:
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


def remove_versions(catalog: Catalog, name: str, grace: timedelta) -> CleanupCounts:
    """Remove the untagged versions of a table that were replaced longer ago than `grace`, and the
    files that no other version needs.

    Files of a running write stay; files of a failed write stay for a week. Raises `StoreError`.
    """
    before = datetime.now(UTC) - grace
    with catalog.storing(name):
        stored = catalog.table(name).to_lance()
        tagged = _tagged(stored, before)
        old = [version for version in _replaced(stored, before) if version not in tagged]
        if not old:
            return CleanupCounts()
        removed = stored.cleanup_old_versions(versions=old, error_if_tagged_old_versions=False)
    return CleanupCounts(versions=int(removed.old_versions), bytes=int(removed.bytes_removed))


def _replaced(stored: Any, before: datetime) -> Iterator[int]:
    """The versions that were replaced before that time."""
    # Lance gives local times without a zone.
    known = sorted(
        (each["version"], each["timestamp"].astimezone(UTC)) for each in stored.versions()
    )
    for (version, _), (_, replaced) in pairwise(known):
        if replaced <= before:
            yield version


def _tagged(stored: Any, before: datetime) -> set[int]:
    """The tagged versions; tags of published versions that were replaced before that time are
    deleted first."""
    tags = stored.tags.list()
    published = tags.get(PUBLISHED_TAG, {}).get("version")
    for name in [each for each in tags if each.startswith(REPLACED_PREFIX)]:
        if tags[name]["updated_at"] <= before or tags[name]["version"] == published:
            stored.tags.delete(name)
            del tags[name]
    return {int(tag["version"]) for tag in tags.values()}


def remove_superseded(catalog: Catalog, grace: timedelta) -> int:
    """Remove the assertions of labeler versions that were retired longer ago than `grace`.

    Labels no longer use them. Assertions of people and sources stay, and so do those of networks
    that table `labelers` does not list as retired. Returns the number of assertions removed. Raises
    `StoreError`.
    """
    before = datetime.now(UTC) - grace
    retired = [
        f"({equals('by', row['name'])} AND {equals('version', row['version'])})"
        for batch in catalog.read("labelers", ["name", "version", "changed_at"], "NOT in_use")
        for row in batch.to_pylist()
        if row["changed_at"] <= before
    ]
    where = f"`origin` = 'model' AND ({' OR '.join(retired)})"
    count = catalog.count("assertions", where) if retired else 0
    if count and count >= MIN_SUPERSEDED_SHARE * catalog.count("assertions"):
        table = catalog.table("assertions")
        with catalog.storing("assertions"):
            table.delete(where)
    else:
        count = 0
    with catalog.storing("assertions"):
        stored = catalog.table("assertions").to_lance()
        # Checked separately: an interrupted run may have deleted rows without compacting.
        gone = stored.stats.dataset_stats()["num_deleted_rows"]
        if gone >= MIN_SUPERSEDED_SHARE * (stored.count_rows() + gone) > 0:
            stored.optimize.compact_files(
                target_rows_per_fragment=max(FRAGMENT_ROWS),
                num_threads=1,
                batch_size=COMPACTION_BATCH_ROWS,
            )
    return count
