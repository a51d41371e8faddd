"""Names of hosts -> addresses of the public internet, and of nothing else."""

import ipaddress
from collections.abc import Sequence

from scrapy.resolver import CachingThreadedResolver
from twisted.internet import defer
from twisted.internet.error import DNSLookupError

from crawlers.web import LOCAL

PRIVATE = "host's name leads to an address that is not public"


class PublicResolver(CachingThreadedResolver):
    """Refuses names that lead to private, loopback or link-local addresses: a page, or a name
    server, could point a crawl at the machine's own network. Those of a replica are loopback by
    their name, and never asked of a name server."""

    def getHostByName(  # noqa: N802 - Twisted's name
        self, name: str, timeout: Sequence[int] = ()
    ) -> "defer.Deferred[str]":
        """The IPv4 address of `name`; fails with `DNSLookupError`."""
        if name.endswith(LOCAL):
            return defer.succeed("127.0.0.1")
        found = super().getHostByName(name, timeout)
        return found.addCallback(_public)


def _public(address: str) -> str:
    if not ipaddress.ip_address(address).is_global:
        raise DNSLookupError(f"{PRIVATE}: {address}")
    return address
