"""The crawl engine for all sites: politeness, store, pipelines, and the crawl's process.

May import `core` and `crawlers.sites`. Start reading at `crawlers.engine.runner`, which starts the
process, then `crawlers.engine.polite_spider`.
"""
