"""What crawls have fetched, on disk: it outlives a kill, and nothing in it is asked for again."""

from crawlers.engine.store.files import DiskError
from crawlers.engine.store.lock import BusyStoreError
from crawlers.engine.store.state import CrawlStore, OldStoreError, StoredPhoto, open_store

__all__ = [
    "BusyStoreError",
    "CrawlStore",
    "DiskError",
    "OldStoreError",
    "StoredPhoto",
    "open_store",
]
