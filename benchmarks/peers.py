"""The programs of others that are compared with Marque, in environments of their own.

`make peers` makes them; without them a benchmark leaves their rows out and says so.
"""

from pathlib import Path

_ROOT = Path(__file__).parents[1]

ABSENT = "not measured here: `make peers` installs what it needs"
"""The sentence of a page if the peers are not installed."""


def peers_python() -> Path | None:
    """The Python that has clip-retrieval and img2dataset; None before `make peers`."""
    return _python(".venv-peers")


def ray_python() -> Path | None:
    """The Python that has lance-ray; None before `make peers`."""
    return _python(".venv-peers-ray")


def _python(environment: str) -> Path | None:
    place = _ROOT / environment
    return place / "bin" / "python" if (place / ".done").exists() else None
