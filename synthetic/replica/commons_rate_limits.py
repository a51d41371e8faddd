"""How Wikimedia treats those who ask: by their User-Agent, and by how often they ask."""

import re
import time
from collections import defaultdict, deque
from typing import Literal

IDENTIFIED, UNIDENTIFIED = 200, 10
"""Requests to the API a minute, with a contact in the User-Agent and without."""

REFUSED_BY_API = "Please respect our robot policy https://w.wiki/4wJS when crawling us."
REFUSED_BY_UPLOAD = (
    "Please comply with the User-Agent policy: https://meta.wikimedia.org/wiki/User-Agent_policy"
)

_GENERIC = re.compile(
    r"(python-|aiohttp|scrapy|curl|wget|go-http-client|java|okhttp|libwww|mozilla)", re.IGNORECASE
)
# Who crawls a replica need not say who they are: there, "replica" stands for a contact.
_CONTACT = re.compile(r"https?://\S+\.\S+|\S+@\S+\.\S+|\(replica\)")

COMMONS_ROBOTS = """\
User-agent: *
Allow: /w/api.php?
Allow: /w/load.php?
Disallow: /w/
Disallow: /api/
Disallow: /trap/
Disallow: /wiki/Special:
"""

CLOSED_ROBOTS = COMMONS_ROBOTS.replace("/w/api.php?", "/w/api.php?action=mobileview&")
"""As copies of 2026 of the rules that Wikimedia's wikis share have it: `action=query` is closed."""


def agent_standing(agent: str) -> Literal["refused", "unidentified", "identified"]:
    """How a User-Agent is treated: those of libraries and browsers, and none at all, are refused;
    one without an address of web or mail is answered slowly."""
    if not agent or _GENERIC.match(agent):
        return "refused"
    return "identified" if _CONTACT.search(agent) else "unidentified"


class Meter:
    """Counts the requests of each client over the last minute."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, deque[float]] = defaultdict(deque)

    def wait(self, client: str, limit: int) -> int:
        """Count a request of a client who may make `limit` a minute: 0 if it is answered, else in
        how many seconds the next one would be."""
        now, seen = time.monotonic(), self._seen[client]
        while seen and now - seen[0] >= 60:
            seen.popleft()
        if len(seen) >= limit:
            return max(1, round(60 - (now - seen[-limit]))) if limit else 60
        seen.append(now)
        return 0
