"""A resolver that gives only addresses of the public internet."""

import ipaddress
from collections.abc import Sequence

from scrapy.resolver import CachingThreadedResolver
from twisted.internet import defer
from twisted.internet.error import DNSLookupError

from core.web import REPLICA_SUFFIX

PRIVATE = "host's name leads to an address that is not public"

# Ranges that `is_global` takes for public: protocols, relays and translators of private addresses
# (the registries of RFC 6890). No site is there.
_SPECIAL = tuple(
    ipaddress.IPv4Network(each)
    for each in ("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
                 "192.175.48.0/24")
)  # fmt: skip
_UNICAST = ipaddress.IPv6Network("2000::/3")
# 6to4, which embeds an IPv4 address and leads to it; and documentation addresses.
_NOT_UNICAST = tuple(map(ipaddress.IPv6Network, ("2002::/16", "3fff::/20")))


class PublicResolver(CachingThreadedResolver):
    """Refuses host names with addresses that are not `is_public`: a page or a name server could
    point a crawl at the machine's own network. Names of a replica always mean loopback, and no name
    server is asked for them."""

    def getHostByName(  # noqa: N802 - Twisted's name
        self, name: str, timeout: Sequence[int] = ()
    ) -> "defer.Deferred[str]":
        """The IPv4 address of `name`; fails with `DNSLookupError`."""
        if name.endswith(REPLICA_SUFFIX):
            return defer.succeed("127.0.0.1")
        found = super().getHostByName(name, timeout)
        return found.addCallback(_public)


def is_public(address: str) -> bool:
    """Whether a text is the IPv4 or IPv6 address of a host on the public internet.

    These are not public: private, loopback, link-local and multicast addresses, ranges for special
    uses, and IPv6 addresses that embed an IPv4 address (mapped, 6to4, Teredo, NAT64), which a
    translator would follow into its own network. A text that is not an address is not public.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if not found.is_global or found.is_multicast:
        return False
    if isinstance(found, ipaddress.IPv4Address):
        return not any(found in special for special in _SPECIAL)
    return found in _UNICAST and not any(found in other for other in _NOT_UNICAST)


def _public(address: str) -> str:
    if not is_public(address):
        raise DNSLookupError(f"{PRIVATE}: {address}")
    return address
