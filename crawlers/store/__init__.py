"""What crawls have fetched, on disk: it outlives a kill, and nothing in it is asked for again."""

from crawlers.store.files import DiskError
from crawlers.store.lock import BusyStoreError
from crawlers.store.state import CrawlStore, OldStoreError, StoredPhoto, open_store

__all__ = [
    "BusyStoreError",
    "CrawlStore",
    "DiskError",
    "OldStoreError",
    "StoredPhoto",
    "open_store",
]
