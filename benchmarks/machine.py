"""The machine and the packages that a table was measured with, as words."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
"""Real photos that lie beside the checkout on some machines."""


def made_by(name: str, *packages: str) -> str:
    """The sentence that opens a page: which command made it, when, where, and with what."""
    return f"{made_with(f'python -m benchmarks {name}', *packages)}."


def made_with(command: str, *packages: str) -> str:
    """That this command made a page, when, where, and with what."""
    return f"Made by `{command}` on {datetime.now(UTC):%Y-%m-%d}: {machine(*packages)}"


def machine(*packages: str) -> str:
    """Processor, memory, how busy it was, and the versions of Python and these packages."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = "".join(f", {name} {version(name)}" for name in packages)
    return (
        f"{os.cpu_count()} cores ({_processor()}), {memory:.0f} GiB of memory, load average "
        f"{os.getloadavg()[0]:.1f} at the end, Python {platform.python_version()}{versions}"
    )


def _processor() -> str:
    facts = Path("/proc/cpuinfo")
    if facts.exists():
        for line in facts.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return f"{value.strip()}, {platform.machine()}"
    return platform.machine()
