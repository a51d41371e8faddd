"""Wikimedia's rules for clients: by their User-Agent and by their request rate."""

import re
import time
from collections import defaultdict, deque
from typing import Literal

IDENTIFIED, UNIDENTIFIED = 200, 10
"""Allowed API requests per minute, with and without a contact in the User-Agent."""

REFUSED_BY_API = "Please respect our robot policy https://w.wiki/4wJS when crawling us."
REFUSED_BY_UPLOAD = (
    "Please comply with the User-Agent policy: https://meta.wikimedia.org/wiki/User-Agent_policy"
)

_GENERIC = re.compile(
    r"(python-|aiohttp|scrapy|curl|wget|go-http-client|java|okhttp|libwww|mozilla)", re.IGNORECASE
)
# A crawl of a replica needs no contact: "(replica)" stands for one.
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
"""The rules with `action=query` closed, as in copies of 2026 of Wikimedia's shared robots.txt."""


def agent_standing(agent: str) -> Literal["refused", "unidentified", "identified"]:
    """How a User-Agent is treated. Those of libraries and browsers, and an empty one, are refused;
    one without a URL or mail address has a lower rate limit."""
    if not agent or _GENERIC.match(agent):
        return "refused"
    return "identified" if _CONTACT.search(agent) else "unidentified"


class Meter:
    """Counts the requests of each client in the last minute."""

    def __init__(self) -> None:
        self._seen: defaultdict[str, deque[float]] = defaultdict(deque)

    def wait(self, client: str, limit: int) -> int:
        """Count a request of a client with a limit of `limit` per minute. Returns 0 if it is
        answered, otherwise the seconds until the next one would be."""
        now, seen = time.monotonic(), self._seen[client]
        while seen and now - seen[0] >= 60:
            seen.popleft()
        if len(seen) >= limit:
            return max(1, round(60 - (now - seen[-limit]))) if limit else 60
        seen.append(now)
        return 0
