"""One folder a site: `site.py` its facts, `query.py` what can be asked of it, `pages/` the readers
of its answers, `spider.py` the way through it. docs/adding-a-site.md is the recipe.

`crawlers.engine.registry` finds the folders; nothing else names a site. A folder `crawlers/sites`
elsewhere on Python's path adds its own sites to these.
"""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
