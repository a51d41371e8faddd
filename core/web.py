"""Where the hosts of a source are: on the web, or on a replica of them on this machine."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from core.errors import UsageMistakeError

REPLICA_SUFFIX = ".localhost"
"""What a replica adds to the name of a host. RFC 6761 keeps such names on the machine itself."""


@dataclass(frozen=True, slots=True)
class Web:
    """The web itself, or with `replica`, an address such as `http://127.0.0.1:8421`, its stand-in.

    One replica plays several hosts and tells them by name: `www.autoscout24.it` is
    `http://www.autoscout24.it.localhost:8421` there.
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
        """The address of a host's root, without the last slash."""
        if self.replica is None:
            return f"https://{host}"
        return f"http://{host}{REPLICA_SUFFIX}:{urlsplit(self.replica).port or 80}"

    def name(self, host: str) -> str:
        """The name by which a host is reached, without a port."""
        return host if self.replica is None else f"{host}{REPLICA_SUFFIX}"
