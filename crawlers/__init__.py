"""Sources of photos: folders and data sets on disk, and web sites.

Holds `imports` (sources on disk), `engine` (the crawl of any site) and `sites` (one folder per
site). May import `core`; only this room imports Scrapy. Start reading at `crawlers.engine.runner`
for crawls and at `crawlers.imports.folder` for folders.
"""
