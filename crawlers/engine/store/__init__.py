"""The store of a source's crawls on disk. It survives a kill; nothing in it is fetched again."""

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
