"""What crawls have fetched, on disk: it outlives a kill, and nothing in it is asked for again."""

from crawlers.store.state import BusyStoreError, CrawlStore, StoredPhoto, open_store

__all__ = ["BusyStoreError", "CrawlStore", "StoredPhoto", "open_store"]
