"""`marque up` as a person keeps it up: in a home with an odd name, behind a proxy that is gone."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

PROXIES = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
ODD = "Jörg's #1?%20 home"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path) -> dict[str, str]:
    """What a terminal there has; the catalog's own address is not what is tried here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    kept.pop("no_proxy", None)
    kept.pop("NO_PROXY", None)
    catalog = home.parent / "catalog"
    ours = {"MARQUE_HOME": str(home), "MARQUE_CATALOG": str(catalog)}
    return kept | PROXIES | ours | {"MARQUE_SEMANTIC_MODEL": "marque-tiny"}


class Up:
    """A server in the foreground of a process of its own."""

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port = home, port
        self.process = subprocess.Popen(
            [sys.executable, "-m", "marque", "up", "--port", str(port)],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said = ""

    def wait(self) -> "Up":
        """Until it says that it is up."""
        assert self.process.stdout
        while "Ctrl-C stops it" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.said
            self.said += line
        return self

    @property
    def auth(self) -> str:
        """The secret in its file."""
        return (self.home / "prefect" / "auth").read_text()

    def stop(self, kind: int = signal.SIGTERM) -> int:
        """End it, and read the rest of what it says; its exit status."""
        self.process.send_signal(kind)
        rest, _ = self.process.communicate(timeout=1800)
        self.said += rest
        return self.process.returncode


def marque(home: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """A command in that terminal."""
    return subprocess.run(
        [sys.executable, "-m", "marque", *words],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
    )
