"""Where photos come from: `imports` from disk, `engine` and `sites` from the web.

It imports `core` alone, and is the only room that knows Scrapy. Start with
`crawlers.imports.folder`, or with `crawlers.engine.runner` and the folder of a site.
"""
