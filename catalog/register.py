"""The first stage: records of a source become rows of `images`, `sightings` and `rejects`.

Registering the same source again adds nothing: photos are identified by their bytes, sightings by
their place, rejects by place and reason.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from catalog.facts import (
    CONFLICT_COLUMNS,
    RIGHTS_COLUMNS,
    FactHistory,
    fact_changes,
    sighting_facts,
    stored_history,
)
from catalog.photos import forget_damage, recorded_damage, verify_photos
from catalog.registration_counts import RegistrationCounts
from catalog.rejects import store_rejects
from catalog.run_inserts import insert_for_run
from catalog.schema import sighting_id
from catalog.sql import KEYS_A_QUERY
from catalog.table import Catalog, StoreError
from catalog.upsert import COMMIT_TRIES
from catalog.uri import is_path
from core.photos.decode import (
    PHOTO_UNREADABLE,
    PhotoFacts,
    RejectedError,
    box_fits,
    decode_facts,
    image_id,
)
from core.photos.files import read_photo
from core.records import Drop, Notice, Photo, Sighting

BYTES_A_WRITE = 64 * 2**20
BOX_IGNORED = "box ignored: it does not fit the photo"
PHOTO_REPLACED = "another photo where one was: the old one leaves the search unless seen elsewhere"
NOT_SHOWN = "photo is not shown, or not free, any more"
DAMAGED_REPLACED = "damaged in the catalog: taken anew"
FACTS_KEPT = "less is said of it than before; what was said stays until it is withdrawn"


def register(
    catalog: Catalog,
    records: Iterable[Photo | Drop | Notice],
    *,
    run_id: str,
    workers: int = 2,
) -> RegistrationCounts:
    """Store the new records; photos are decoded in `workers` threads.

    Holds about 64 MiB of photos at a time, up to 256 MiB more if the last photo is large.
    Raises `StoreError` if a write fails, and `CatalogError` if a write fails its check. The same
    call with the same `run_id` then resumes, and its counts include those of the first call.
    """
    with ThreadPoolExecutor(workers) as pool:
        work = _Registration(catalog, run_id, pool)
        left = work.gone_on(records)
        try:
            work.take(left)
        except Exception:
            _BROKEN[catalog.uri, run_id] = work.whole
            raise
    return work.done


@dataclass(slots=True)
class _Read:
    """A photo to register; `content` is None if its bytes are in the catalog already."""

    sighting: Sighting
    content: bytes | None
    image_id: str


@dataclass(frozen=True, slots=True)
class _Whole:
    """The completed part of a registration: the names of its records, their counts and drops."""

    records: list[str]
    done: RegistrationCounts
    drops: list[Drop]


_BROKEN: dict[tuple[str, str], _Whole] = {}
"""Completed parts of interrupted calls, by catalog and run: the tables do not store counts."""


class _Registration:
    """One call of `register`."""

    def __init__(self, catalog: Catalog, run_id: str, pool: ThreadPoolExecutor) -> None:
        self.catalog = catalog
        self.run_id = run_id
        self.pool = pool
        self.done = RegistrationCounts()
        self.drops: list[Drop] = []
        self.whole = _Whole([], RegistrationCounts(), [])
        self.damaged = recorded_damage(catalog)
        self.repaired: set[str] = set()

    def gone_on(self, records: Iterable[Photo | Drop | Notice]) -> Iterator[Photo | Drop | Notice]:
        """The records that an earlier, interrupted call did not complete; its counts are added."""
        source = iter(records)
        broken = _BROKEN.pop((self.catalog.uri, self.run_id), None)
        if broken is None:
            return source
        done = list(islice(source, len(broken.records)))
        if [_name(each) for each in done] != broken.records:
            return chain(done, source)
        self.whole = broken
        self.done = deepcopy(broken.done)
        self.drops = list(broken.drops)
        return source

    def take(self, records: Iterator[Photo | Drop | Notice]) -> None:
        batch: list[_Read] = []
        held = 0
        names = list(self.whole.records)
        for record, there in self.looked_up(records):
            names.append(_name(record))
            if isinstance(record, Notice):
                self.done.note(record.text, record.example)
                continue
            self.done.seen += 1
            read = record if isinstance(record, Drop) else _read(record, there=there)
            if isinstance(read, Drop):
                self.drops.append(read)
                continue
            size = len(read.content or b"")
            self.done.bytes += size
            held += size
            batch.append(read)
            if held >= BYTES_A_WRITE:
                self.store_whole(batch, names)
                batch, held = [], 0
        self.store_whole(batch, names)
        self.done.newly_rejected = store_rejects(
            self.catalog, self.drops, stage="register", run_id=self.run_id
        )
        for drop in self.drops:
            self.done.rejected[drop.reason] += 1
            self.done.examples.setdefault(drop.reason, f"{drop.source_id} {drop.detail}".strip())

    def store_whole(self, batch: list[_Read], names: list[str]) -> None:
        """Store a batch and mark it as completed: an interrupted call resumes after it."""
        self.drops += self.store(batch)
        self.whole = _Whole(list(names), deepcopy(self.done), list(self.drops))

    def looked_up(
        self, records: Iterable[Photo | Drop | Notice]
    ) -> Iterator[tuple[Photo | Drop | Notice, bool]]:
        """Each record, and whether it is a photo whose bytes are already in the catalog."""
        source = iter(records)
        while some := list(islice(source, KEYS_A_QUERY)):
            told = {each.sha256 for each in some if isinstance(each, Photo) and each.sha256}
            there = self.known_sizes(told).keys() if told else set()
            for each in some:
                yield each, isinstance(each, Photo) and each.sha256 in there

    def store(self, batch: list[_Read]) -> list[Drop]:
        """Write images, then sightings; returns the rejected photos."""
        sizes = self.known_sizes({read.image_id for read in batch})
        # An object store checks its own disks, and each check would be a transfer.
        if is_path(self.catalog.uri):
            here = [read.image_id for read in batch if read.content is not None]
            stored = verify_photos(self.catalog, [key for key in here if key in sizes])
            self.damaged |= {key for key, whole in stored if not whole}
            sizes = {key: size for key, size in sizes.items() if key not in self.damaged}
        unknown = {
            read.image_id: read.content
            for read in batch
            if read.content is not None and read.image_id not in sizes
        }
        verdicts = dict(zip(unknown, self.pool.map(_try_examine, unknown.values()), strict=True))
        fresh = {key: facts for key, facts in verdicts.items() if isinstance(facts, PhotoFacts)}
        added = self.store_images(fresh, unknown)
        sizes |= {key: (facts.width, facts.height) for key, facts in fresh.items()}
        kept = [read for read in batch if read.image_id in sizes]
        places = self.store_sightings(kept, sizes)
        self.count(kept, {key: fresh[key] for key in fresh if key in added}, places)
        return [
            Drop(read.sighting.source, read.sighting.source_id, verdict.reason, verdict.detail)
            for read in batch
            if isinstance(verdict := verdicts.get(read.image_id), RejectedError)
        ]

    def known_sizes(self, keys: set[str]) -> dict[str, tuple[int, int]]:
        """The sizes of intact images of `keys`, without images that this run wrote without a
        sighting: an earlier try was interrupted between the two writes and did not count them."""
        columns = ["image_id", "width", "height", "run_id"]
        rows = self.catalog.rows("images", sorted(keys), columns).to_pylist()
        half = {row["image_id"] for row in rows if row["run_id"] == self.run_id}
        if half:
            seen = self.catalog.rows_where("sightings", "image_id", sorted(half), ["image_id"])
            half -= set(seen.column("image_id").to_pylist())
        half |= self.damaged
        return {
            row["image_id"]: (row["width"], row["height"])
            for row in rows
            if row["image_id"] not in half
        }

    def store_images(self, fresh: dict[str, PhotoFacts], contents: dict[str, bytes]) -> set[str]:
        """Write the images; returns the ids that this run added, and not another run meanwhile."""
        now = datetime.now(UTC)
        rows = [
            {
                "image_id": key,
                "content": contents[key],
                "format": facts.format,
                "width": facts.width,
                "height": facts.height,
                "bytes": len(contents[key]),
                "phash": list(facts.phash),
                "thumbnail": facts.thumbnail,
                "run_id": self.run_id,
                "added_at": now,
            }
            for key, facts in fresh.items()
        ]
        schema = self.catalog.specs["images"].schema
        table = pa.Table.from_pylist(rows, schema)
        repaired = fresh.keys() & self.damaged
        is_repaired = pc.is_in(table.column("image_id"), pa.array(sorted(repaired), pa.string()))
        if repaired:
            self.catalog.upsert("images", table.filter(is_repaired))
            forget_damage(self.catalog, repaired)
            self.damaged -= repaired
            self.repaired |= repaired
        for key in repaired:
            self.done.note(DAMAGED_REPLACED, key)
        new = table.filter(pc.invert(is_repaired))
        return insert_for_run(self.catalog, "images", new, run_id=self.run_id)

    def store_sightings(
        self, kept: Sequence[_Read], sizes: dict[str, tuple[int, int]]
    ) -> dict[str, bool]:
        """Write new and changed sightings; returns for each known place whether it changed. A place
        that another run writes meanwhile is read again, so that the facts of both are kept."""
        left: dict[str, tuple[dict[str, Any], Sighting]] = {}
        for read in kept:
            row, place = _sighting_row(read, sizes[read.image_id], self.run_id), read.sighting
            if row["box_fits"] is False:
                self.done.note(BOX_IGNORED, f"{row['source_id']}: {tuple(place.box or ())}")
            left.setdefault(row["sighting_id"], (row, place))  # the first of two same places counts
        known: dict[str, bool] = {}
        for _ in range(COMMIT_TRIES):
            if not (left := self.try_sightings(left, known)):
                return known
        raise StoreError(f"others write to table 'sightings' of {self.catalog.uri} again and again")

    def try_sightings(
        self, left: dict[str, tuple[dict[str, Any], Sighting]], known: dict[str, bool]
    ) -> dict[str, tuple[dict[str, Any], Sighting]]:
        """Write the sightings of `left`; returns those that another run changed meanwhile."""
        schema = self.catalog.specs["sightings"].schema
        stored = self.catalog.rows("sightings", left, schema.names)
        there = {row["sighting_id"]: row for row in stored.to_pylist()}
        told = {key: self.retold(row, there.get(key), by) for key, (row, by) in left.items()}
        new = {key: row for key, (row, _) in told.items() if row is not there.get(key)}
        rows = pa.Table.from_pylist([*new.values()], schema)
        written = self.catalog.upsert_unchanged("sightings", rows, stored.select(CONFLICT_COLUMNS))
        late = new.keys() - written
        for key, (row, said) in told.items():
            if key not in late:
                self.done.add(said)
                if key in there:
                    known[key] = _says_otherwise(row, there[key])
        return {key: left[key] for key in left if key in late}

    def retold(
        self, row: dict[str, Any], old: dict[str, Any] | None, place: Sighting
    ) -> tuple[dict[str, Any], RegistrationCounts]:
        """The row after a new sighting of its place (`old` itself if nothing changed), and the
        counts of its changes."""
        said = RegistrationCounts()
        before = FactHistory() if old is None else stored_history(old)
        if old is not None and old["image_id"] != row["image_id"]:
            said.note(PHOTO_REPLACED, row["source_id"])
            told = FactHistory().after(place)  # what was said was said of another photo
        else:
            told = before.after(place)
        now = row | told.columns()
        if old is None:
            return now, said
        if place.covers is not None and old["image_id"] == row["image_id"]:
            for name in ("box", "box_fits", "image_url"):
                now[name] = old[name] if row[name] is None else row[name]
            stated = sighting_facts(place)
            silent = told.by(place.teller).keys() - stated.keys()
            if silent and (stated or place.teller):  # a folder without a sidecar never states facts
                said.note(FACTS_KEPT, f"{place.source_id}: {', '.join(sorted(silent))}")
        if not _says_otherwise(now, old):
            return (old if now["told"] == old["told"] else old | {"told": now["told"]}), said
        said.facts.update(fact_changes(before.facts, told.facts))
        for name, who in told.disputes(place):
            said.note(f"tables disagree about {name}; the last one counts", who)
        return now | {"revision": old["revision"] + 1}, said

    def count(
        self, kept: Sequence[_Read], fresh: dict[str, PhotoFacts], known: dict[str, bool]
    ) -> None:
        self.done.changed += sum(known.values())
        uncounted = fresh.keys() - self.repaired
        places = set(known)
        for read in kept:
            key = sighting_id(read.sighting.source, read.sighting.source_id)
            if read.image_id in uncounted:
                uncounted.remove(read.image_id)
                self.done.new += 1
                for notice in fresh[read.image_id].notices:
                    self.done.note(notice, read.sighting.source_id)
            elif key in places:
                self.done.known += 1
            else:
                self.done.again += 1
            places.add(key)


def _name(record: Photo | Drop | Notice) -> str:
    """The name that identifies a record within its source."""
    if isinstance(record, Notice):
        return record.text
    place = record.sighting if isinstance(record, Photo) else record
    return f"{place.source} {place.source_id}"


def _read(photo: Photo, *, there: bool) -> _Read | Drop:
    place, held = photo.sighting, photo.content
    if there and photo.sha256 is not None:
        return _Read(place, None, photo.sha256)
    if held is None:
        return Drop(place.source, place.source_id, NOT_SHOWN, "it was not taken while it was")
    try:
        content = read_photo(held)
    except RejectedError as error:
        return Drop(place.source, place.source_id, error.reason, error.detail)
    except OSError as error:
        return Drop(place.source, place.source_id, PHOTO_UNREADABLE, error.strerror or str(error))
    return _Read(place, content, image_id(content))


def _try_examine(content: bytes) -> PhotoFacts | RejectedError:
    try:
        return decode_facts(content)
    except RejectedError as rejection:
        return rejection


def _says_otherwise(row: dict[str, Any], old: dict[str, Any]) -> bool:
    stated = (*RIGHTS_COLUMNS, "image_url", "image_id", "words", "box")
    return any(old[name] != row[name] for name in stated)


def _sighting_row(read: _Read, size: tuple[int, int], run_id: str) -> dict[str, Any]:
    place = read.sighting
    return {
        "image_url": place.image_url,
        "sighting_id": sighting_id(place.source, place.source_id),
        "source": place.source,
        "source_id": place.source_id,
        "image_id": read.image_id,
        "box": list(place.box) if place.box and max(map(abs, place.box)) < 2**31 else None,
        "box_fits": None if place.box is None else box_fits(place.box, *size),
        "revision": 1,
        "labelled_with": None,
        "run_id": run_id,
        "fetched_at": datetime.now(UTC),
    }
