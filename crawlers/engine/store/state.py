"""The state of all crawls of one source in SQLite, so that every write is atomic.

Photos are files beside it. The folder can be deleted at any time; everything in it is then fetched
again.
"""

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import MarqueError
from core.records import Drop, Listing, Photo, PhotoLink, Sighting
from core.text import replace_surrogates
from crawlers.engine.store.files import has_photo, keeping, photo_path
from crawlers.engine.store.tables import TABLES, VERSION, listing_json, parse_listing

GONE = "gone"
"""The value of the word `status` of a listing that its site no longer shows."""


class OldStoreError(MarqueError):
    """The store was written by another version of Marque, or its file is damaged."""


@dataclass(frozen=True, slots=True)
class StoredPhoto:
    """The result for a photo: the SHA-256 of its bytes, or the `reason` why it was refused."""

    sha256: str | None
    reason: str | None
    detail: str | None = None


class CrawlStore:
    """An open store, created by `open_store`. Methods that write raise `DiskError`."""

    def __init__(self, folder: Path, db: sqlite3.Connection) -> None:
        self.folder = folder
        self._db = db

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    # Crawls

    def begin(self, job: str, crawl_id: str, now: float, *, keep_for: float) -> str:
        """Resume or begin a crawl of `job`. Returns the id of an interrupted crawl that began in
        the last `keep_for` seconds; otherwise `crawl_id`, which begins now.

        The drops of an interrupted crawl are deleted: it finds them again. A clock may be wrong: a
        crawl that began after `now` counts by the absolute difference.
        """
        row = self._one(
            "SELECT crawl_id FROM crawls WHERE job = ? AND ended IS NULL AND abs(began - ?) < ?"
            " ORDER BY rowid DESC LIMIT 1",
            job,
            now,
            keep_for,
        )
        if row is not None:
            self._write("DELETE FROM drops WHERE crawl_id = ?", row[0])
            return str(row[0])
        with self._at_once():
            self._write(
                "DELETE FROM pages WHERE crawl_id IN"
                " (SELECT crawl_id FROM crawls WHERE ended IS NOT NULL OR abs(began - ?) >= ?)",
                now,
                keep_for,
            )
            self._write(
                "DELETE FROM drops WHERE crawl_id IN (SELECT crawl_id FROM crawls WHERE job = ?)",
                job,
            )
            self._write(
                "INSERT INTO crawls (crawl_id, job, began) VALUES (?, ?, ?)", crawl_id, job, now
            )
        return crawl_id

    def store_report(self, crawl_id: str, report: str, *, ended: str | None) -> None:
        """Store a crawl's report; with `ended` the crawl is over and its pages are deleted."""
        with self._at_once():
            self._write(
                "UPDATE crawls SET report = ?, ended = ? WHERE crawl_id = ?",
                report,
                ended,
                crawl_id,
            )
            if ended is not None:
                self._write("DELETE FROM pages WHERE crawl_id = ?", crawl_id)

    def report(self, crawl_id: str) -> str | None:
        """The report of a crawl as it was last stored."""
        row = self._one("SELECT report FROM crawls WHERE crawl_id = ?", crawl_id)
        return None if row is None else row[0]

    # Pages, stored so that a resumed crawl does not fetch them again

    def page(self, crawl_id: str, url: str) -> bytes | None:
        """The stored data of a page."""
        row = self._one("SELECT body FROM pages WHERE crawl_id = ? AND url = ?", crawl_id, url)
        return None if row is None else zlib.decompress(row[0])

    def store_page(self, crawl_id: str, url: str, body: bytes) -> None:
        """Store a page until its crawl ends."""
        kept = zlib.compress(body, 1)
        self._write("INSERT OR REPLACE INTO pages VALUES (?, ?, ?)", crawl_id, url, kept)

    # Listings

    def listing(self, listing_id: str) -> Listing | None:
        """A listing as it was last seen."""
        row = self._one("SELECT record FROM listings WHERE listing_id = ?", listing_id)
        return None if row is None else parse_listing(row[0])

    def store_listing(
        self, job: str, crawl_id: str, listing: Listing, *, number: int, taken: int
    ) -> None:
        """Store a listing as the `number`-th seen by this crawl, which wants its first `taken`
        photos."""
        with self._at_once():
            self._write(
                "INSERT OR REPLACE INTO listings VALUES (?, ?, ?, NULL)",
                listing.listing_id,
                listing.stamp,
                listing_json(listing),
            )
            self._write(
                "INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?, ?)",
                job,
                listing.listing_id,
                crawl_id,
                number,
                taken,
            )

    def unseen(self, job: str, crawl_id: str) -> list[str]:
        """The ids of listings that may be gone: an earlier crawl of the job saw them, and neither
        this crawl nor a later crawl of another job did. Crawls are ordered by row id, because
        clocks go wrong."""
        rows = self._db.execute(
            "SELECT s.listing_id FROM seen s JOIN listings l USING (listing_id)"
            " JOIN crawls c ON c.crawl_id = s.crawl_id"
            " WHERE s.job = ? AND s.crawl_id != ? AND l.gone IS NULL AND NOT EXISTS"
            " (SELECT 1 FROM seen o JOIN crawls later ON later.crawl_id = o.crawl_id"
            " WHERE o.listing_id = s.listing_id AND later.rowid > c.rowid) ORDER BY s.listing_id",
            (job, crawl_id),
        )
        return [row[0] for row in rows]

    def mark_gone(self, crawl_id: str, listing_ids: list[str]) -> None:
        """Mark listings that the site no longer shows, as found by this crawl."""
        with self._at_once():
            for listing_id in listing_ids:
                listing = self.listing(listing_id)
                if listing is not None:
                    gone = replace(listing, words=listing.words | {"status": GONE})
                    self.store_gone(crawl_id, gone)

    def store_gone(self, crawl_id: str, listing: Listing) -> None:
        """Store the final record of a listing that is gone, as found by this crawl."""
        self._write(
            "UPDATE listings SET record = ?, gone = ? WHERE listing_id = ?",
            listing_json(listing),
            crawl_id,
            listing.listing_id,
        )

    def is_gone(self, listing_id: str) -> bool:
        """Whether a listing was marked as gone."""
        row = self._one("SELECT gone FROM listings WHERE listing_id = ?", listing_id)
        return row is not None and row[0] is not None

    # Photos

    def photo(self, link: PhotoLink) -> StoredPhoto | None:
        """The result for a photo; None if it was not requested or its file is lost."""
        row = self._one(
            "SELECT sha256, reason, detail FROM photos WHERE source_id = ? AND version = ?",
            link.source_id,
            link.version,
        )
        if row is None or (row[0] and not has_photo(self.folder, row[0])):
            return None
        return StoredPhoto(*row)

    def store_photo(self, link: PhotoLink, photo: StoredPhoto) -> None:
        """Store the result for a photo, and delete its earlier drops."""
        with self._at_once():
            self._write("DELETE FROM drops WHERE source_id = ?", link.source_id)
            self._write(
                "INSERT OR REPLACE INTO photos VALUES (?, ?, ?, ?, ?)",
                link.source_id,
                link.version,
                photo.sha256,
                photo.reason,
                photo.detail and replace_surrogates(photo.detail),
            )

    def store_drop(self, crawl_id: str, drop: Drop) -> None:
        """Store a drop of a crawl."""
        self._write(
            "INSERT OR REPLACE INTO drops VALUES (?, ?, ?, ?)",
            crawl_id,
            drop.source_id,
            drop.reason,
            drop.detail,
        )

    # What a crawl saw, for the catalog

    def records(self, source: str, crawl_id: str) -> Iterator[Photo | Drop]:
        """The photos of the listings that a crawl saw, in order; then those of its job's listings
        that are gone, without bytes; then its drops.

        `source` is the photos' source in the catalog. Every crawl yields what is gone, because the
        catalog may have missed an earlier crawl.
        """
        rows = self._db.execute(
            "SELECT l.record, s.photos FROM seen s JOIN listings l USING (listing_id)"
            " WHERE s.crawl_id = ? ORDER BY s.number, s.listing_id",
            (crawl_id,),
        )
        for record, photos in rows:
            listing = parse_listing(record)
            for link in listing.photos[:photos]:
                yield from self._record(source, listing, link)
        gone = self._db.execute(
            "SELECT record FROM listings WHERE gone = :crawl OR"
            " (gone IS NOT NULL AND listing_id IN (SELECT s.listing_id FROM seen s"
            " JOIN crawls c USING (job) WHERE c.crawl_id = :crawl)) ORDER BY listing_id",
            {"crawl": crawl_id},
        )
        for (record,) in gone:
            listing = parse_listing(record)
            for link in listing.photos:
                for each in self._record(source, listing, link):
                    if isinstance(each, Photo):
                        yield replace(each, content=None)
        drops = self._db.execute(
            "SELECT source_id, reason, detail FROM drops WHERE crawl_id = ? ORDER BY source_id",
            (crawl_id,),
        )
        for source_id, reason, detail in drops:
            yield Drop(source, source_id, reason, detail)

    def _record(self, source: str, listing: Listing, link: PhotoLink) -> Iterator[Photo | Drop]:
        found = self.photo(link)
        if found is None:
            return  # it is among the drops, or not requested yet
        if found.sha256 is None:
            yield Drop(source, link.source_id, found.reason or "", found.detail or "")
            return
        place = Sighting(
            source=source,
            source_id=link.source_id,
            words=listing.words,
            page_url=listing.page_url,
            image_url=link.url,
            license=listing.license,
            license_url=listing.license_url,
            creator=listing.creator,
            attribution=listing.attribution,
        )
        yield Photo(place, photo_path(self.folder, found.sha256), found.sha256)

    def _one(self, query: str, *values: object) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._db.execute(query, values).fetchone()
        return row

    def _write(self, query: str, *values: object) -> None:
        with keeping(self.folder):
            self._db.execute(query, values)

    @contextmanager
    def _at_once(self) -> Iterator[None]:
        """Make the writes of the block atomic."""
        with keeping(self.folder), self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield


def open_store(folder: Path) -> CrawlStore:
    """Open the store of a folder, created if absent; raises `DiskError` and `OldStoreError`."""
    with keeping(folder):
        folder.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(folder / "crawls.sqlite", isolation_level=None, timeout=30)
        try:
            _prepare(folder, db)
        except BaseException:
            db.close()
            raise
    return CrawlStore(folder, db)


def _prepare(folder: Path, db: sqlite3.Connection) -> None:
    try:
        version = db.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.OperationalError:
        raise
    except sqlite3.DatabaseError as error:
        raise OldStoreError(
            f"{folder / 'crawls.sqlite'} cannot be read: {error}; move the folder away, and what "
            "is in it is fetched again"
        ) from error
    if version not in {0, VERSION}:
        raise OldStoreError(
            f"the crawls in {folder} were kept by another version of Marque ({version}, not "
            f"{VERSION}); move the folder away, and what is in it is fetched again"
        )
    # A kill loses nothing; a power cut may lose the last moment.
    db.execute("PRAGMA synchronous = NORMAL")
    if version == 0:  # otherwise nothing is written, so that a store on a full disk can be read
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(TABLES)
        db.execute(f"PRAGMA user_version = {VERSION}")
