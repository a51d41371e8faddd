"""Names of hosts -> addresses of the public internet, and of nothing else."""

import ipaddress
from collections.abc import Sequence

from scrapy.resolver import CachingThreadedResolver
from twisted.internet import defer
from twisted.internet.error import DNSLookupError

from core.web import REPLICA_SUFFIX

PRIVATE = "host's name leads to an address that is not public"

# Ranges that `is_global` takes for public: those of protocols, of relays and of what answers for
# private addresses (the registries of RFC 6890). No site is there.
_SPECIAL = tuple(
    ipaddress.IPv4Network(each)
    for each in ("192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
                 "192.175.48.0/24")
)  # fmt: skip
_UNICAST = ipaddress.IPv6Network("2000::/3")
# The first carries an IPv4 address, and leads wherever that one does; in the second nobody is.
_NOT_UNICAST = tuple(map(ipaddress.IPv6Network, ("2002::/16", "3fff::/20")))


class PublicResolver(CachingThreadedResolver):
    """Refuses names that lead to addresses that are not `is_public`: a page, or a name server,
    could point a crawl at the machine's own network. Those of a replica are loopback by their
    name, and never asked of a name server."""

    def getHostByName(  # noqa: N802 - Twisted's name
        self, name: str, timeout: Sequence[int] = ()
    ) -> "defer.Deferred[str]":
        """The IPv4 address of `name`; fails with `DNSLookupError`."""
        if name.endswith(REPLICA_SUFFIX):
            return defer.succeed("127.0.0.1")
        found = super().getHostByName(name, timeout)
        return found.addCallback(_public)


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet's hosts, of IPv4 or IPv6.

    Private, loopback and link-local addresses are not, nor are groups (multicast), ranges for
    special uses, and IPv6 addresses that carry an IPv4 one (mapped, 6to4, Teredo, NAT64), as a
    translator would follow them into its own network; nor is what is no address.
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
