"""Finds sites by their folders below `crawlers.sites`; nothing else of the engine names a site.

Modules are imported late: the names of sites need no import, their records no pydantic, their
queries no Scrapy.
"""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

from core.records import SourceError
from crawlers.engine.site import Site

if TYPE_CHECKING:
    from crawlers.engine.query import SiteQuery

_Class = TypeVar("_Class")

SITES = "crawlers.sites"
"""The package with a folder for each site. Sites import the engine, never the other way round."""


def site_names() -> list[str]:
    """The names of all sites, sorted: those of their folders."""
    places = import_module(SITES).__path__
    return sorted(module.name for module in pkgutil.iter_modules(places) if module.ispkg)


def load_sites() -> dict[str, Site]:
    """Name -> record of every site."""
    return {name: load_site(name) for name in site_names()}


def load_site(name: str) -> Site:
    """The record of a site, the one `Site` in its `site.py`; raises `SourceError`."""
    (site,) = (value for value in _module(name, "site").values() if isinstance(value, Site))
    return site


def load_query(name: str) -> "type[SiteQuery]":
    """The query model of a site, the one `SiteQuery` in its `query.py`; raises `SourceError`."""
    from crawlers.engine.query import SiteQuery

    return load_class(name, "query", SiteQuery)


def load_class(name: str, part: str, base: type[_Class]) -> type[_Class]:
    """The one class derived from `base` in a module of a site, `part` of its folder; raises
    `SourceError`."""
    (found,) = (
        value
        for value in _module(name, part).values()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    )
    return found


def _module(name: str, part: str) -> dict[str, object]:
    if name not in site_names():
        raise SourceError(f"there is no web source {name!r}; there are {', '.join(site_names())}")
    return vars(import_module(f"{SITES}.{name}.{part}"))
