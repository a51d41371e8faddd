"""One folder per site: its facts, its query, its pages and its spider.

May import `core` and `crawlers.engine`. Start reading at `crawlers.sites.sources`.
"""
