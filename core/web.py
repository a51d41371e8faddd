"""Base URLs of a source's hosts: on the web, or on a replica on this machine."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import UsageMistakeError

REPLICA_SUFFIX = ".localhost"
"""The suffix of a host name on a replica. RFC 6761 keeps such names on the machine itself."""


@dataclass(frozen=True, slots=True)
class Web:
    """The web, or the replica at the URL `replica`, such as `http://127.0.0.1:8421`.

    One replica serves several hosts and distinguishes them by name: `www.autoscout24.it` is at
    `http://www.autoscout24.it.localhost:8421`.
    """

    replica: str | None = None

    def __post_init__(self) -> None:
        if self.replica is None:
            return
        try:
            parts = urlsplit(self.replica)
            sound = parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"}
            sound = sound and parts.port != 0
        except ValueError:
            sound = False
        if not sound:
            raise UsageMistakeError(
                f"a replica is on this machine, such as http://127.0.0.1:8421, not {self.replica!r}"
            )

    def base(self, host: str) -> str:
        """The URL of a host's root, without the last slash."""
        if self.replica is None:
            return f"https://{host}"
        return f"http://{host}{REPLICA_SUFFIX}:{urlsplit(self.replica).port or 80}"

    def name(self, host: str) -> str:
        """The host name to connect to, without a port."""
        return host if self.replica is None else f"{host}{REPLICA_SUFFIX}"
