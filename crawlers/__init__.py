"""Where photos come from: `imports` from disk, `engine` and `sites` from the web.

It imports `core` alone, and is the only room that knows Scrapy. Start with
`crawlers.imports.folder`, or with `crawlers.engine.runner` and the folder of a site.
"""

from pkgutil import extend_path

# A site may lie in a folder crawlers/sites elsewhere on Python's path; see crawlers/sites.
__path__ = extend_path(__path__, __name__)
