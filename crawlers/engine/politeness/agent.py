"""The User-Agent of a crawl."""

import re
from importlib.metadata import version

from core.errors import MarqueError

TOKEN = "Marque"  # noqa: S105 - the name by which a robots.txt speaks to us
_CONTACT = re.compile(r"https?://[\w.-]+\.\w+\S*|[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


class NoContactError(MarqueError):
    """A live crawl has no contact at which its operator can be reached."""


def user_agent(contact: str | None, *, replica: bool) -> str:
    """The User-Agent of a crawl: Marque, its version, and the operator's contact.

    The format follows Wikimedia's User-Agent policy: client/version (contact) library/version.
    Raises `NoContactError` if a crawl on the web has no contact.
    """
    if contact is None and replica:
        contact = "replica"
    elif contact is None or not _CONTACT.fullmatch(contact.strip()):
        given = "is not set" if contact is None else f"is {contact!r}"
        raise NoContactError(
            f"the setting contact {given}; give an address of mail or web, such as contact = "
            '"me@example.org" in marque.toml: a site must be able to reach the operator of a crawl'
        )
    ours, theirs = version("marque"), version("scrapy")
    return f"{TOKEN}/{ours} ({contact.strip()}) Scrapy/{theirs}"
