"""The SQL tables of a store, and the JSON form of listings."""

import json
from dataclasses import asdict

from core.records import Listing, PhotoLink
from core.text import replace_surrogates

VERSION = 1
"""Raise it when a table changes: a store of another version is refused."""

TABLES = """
CREATE TABLE IF NOT EXISTS crawls (
    crawl_id TEXT PRIMARY KEY, job TEXT NOT NULL, began REAL NOT NULL, ended TEXT, report TEXT
);
CREATE INDEX IF NOT EXISTS crawls_of_a_job ON crawls (job, began);
CREATE TABLE IF NOT EXISTS listings (
    listing_id TEXT PRIMARY KEY, stamp TEXT NOT NULL, record TEXT NOT NULL, gone TEXT
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS gone_listings ON listings (gone) WHERE gone IS NOT NULL;
CREATE TABLE IF NOT EXISTS photos (
    source_id TEXT NOT NULL, version TEXT NOT NULL, sha256 TEXT, reason TEXT, detail TEXT,
    PRIMARY KEY (source_id, version)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen (
    job TEXT NOT NULL, listing_id TEXT NOT NULL, crawl_id TEXT NOT NULL, number INTEGER NOT NULL,
    photos INTEGER NOT NULL, PRIMARY KEY (job, listing_id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_in_a_crawl ON seen (crawl_id, number);
CREATE INDEX IF NOT EXISTS seen_of_a_listing ON seen (listing_id);
CREATE TABLE IF NOT EXISTS drops (
    crawl_id TEXT NOT NULL, source_id TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL,
    PRIMARY KEY (crawl_id, source_id, reason)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS drops_of_a_photo ON drops (source_id);
CREATE TABLE IF NOT EXISTS pages (
    crawl_id TEXT NOT NULL, url TEXT NOT NULL, body BLOB NOT NULL, PRIMARY KEY (crawl_id, url)
) WITHOUT ROWID;
"""


def listing_json(listing: Listing) -> str:
    """A listing as JSON."""
    return replace_surrogates(json.dumps(asdict(listing), ensure_ascii=False))


def parse_listing(text: str) -> Listing:
    """The listing that `listing_json` wrote."""
    data = json.loads(text)
    photos = tuple(PhotoLink(**link) for link in data.pop("photos"))
    return Listing(**data, photos=photos)
