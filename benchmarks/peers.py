"""The programs of others that are compared with Marque, in an environment of their own.

`make peers` makes it; without it a benchmark leaves their rows out and says so.
"""

from pathlib import Path

_PLACE = Path(__file__).parents[1] / ".venv-peers"

ABSENT = "not measured here: `make peers` installs what it needs"
"""The sentence of a page if the peers are not installed."""


def peers_python() -> Path | None:
    """The Python that has clip-retrieval and img2dataset; None before `make peers`."""
    python = _PLACE / "bin" / "python"
    return python if (_PLACE / ".done").exists() else None
