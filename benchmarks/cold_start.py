"""How long a person waits for a command: fresh processes, from start to end."""

import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.machine import made_by

SCENES, RUNS, TOP = 200, 5, 5
PHOTOS = "PHOTOS"
_INGEST = ["ingest", "folder", PHOTOS, "--limit", "100", "--json"]
NEW = "marque ingest folder, 100 new photos"
CASES: dict[str, tuple[list[str], float]] = {
    "marque --help": (["--help"], 0.5),
    "marque search --where color=red": (["search", "--where", "color=red", "--json"], 2.5),
    'marque search "a red car"': (["search", "a red car", "--json"], 9.0),
    NEW: (_INGEST, 6.0),
    "marque ingest folder, nothing new of 100": (_INGEST, 3.0),
}
"""The commands to measure: their arguments, with `PHOTOS` for the folder of the photos, and the
most seconds wanted. A command with `NEW` gets a new home each time."""

_MOST_S = 600  # after which a process is given up
_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")  # its own time and name


@dataclass(frozen=True, slots=True)
class Row:
    """One command: the wall time of each run in seconds, the wanted one, and what it imports
    longest, as (package, milliseconds)."""

    command: str
    seconds: list[float]
    wanted: float
    imports: list[tuple[str, float]]

    @property
    def median(self) -> float:
        """The middle one of the times."""
        return statistics.median(self.seconds)


def measure(
    scenes: int = SCENES, runs: int = RUNS, commands: Sequence[str] = tuple(CASES)
) -> list[Row]:
    """Fill a catalog with `scenes` rendered photos and run each command `runs` times on it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        print(f"ingesting {scenes} rendered scenes", flush=True)
        given = ["ingest", "scenes", PHOTOS, "--render", str(scenes), "--json"]
        _run(given, place)
        _run(_INGEST, place)  # which is another source, and says nothing new then
        rows = []
        for command in commands:
            arguments, wanted = CASES[command]
            print(command, flush=True)
            homes = [place / f"{at}" if command == NEW else place for at in range(runs + 2)]
            _run(arguments, place, homes[0])  # once, so that the files are in memory
            seconds = [_run(arguments, place, home)[0] for home in homes[2:]]
            imports = _imports(_run(arguments, place, homes[1], "-X", "importtime")[1])
            rows.append(Row(command, seconds, wanted, imports))
    return rows


def _run(
    arguments: Sequence[str], place: Path, home: Path | None = None, *options: str
) -> tuple[float, str]:
    """Run the command line in a fresh process: seconds, and what it wrote to standard error."""
    ours = ("MARQUE_", "PREFECT_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    given = {"MARQUE_HOME": str(home or place), "MARQUE_SEMANTIC_MODEL": "marque-tiny"}
    photos = str(place / "scenes")
    began = time.perf_counter()
    done = subprocess.run(
        [
            *(sys.executable, *options, "-m", "marque"),
            *(photos if word == PHOTOS else word for word in arguments),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=kept | given,
        timeout=_MOST_S,
    )
    return time.perf_counter() - began, done.stderr


def _imports(said: str) -> list[tuple[str, float]]:
    """The packages that take longest, each with all of its modules; from -X importtime."""
    spent: Counter[str] = Counter()
    for microseconds, module in _IMPORT.findall(said):
        spent[module.partition(".")[0]] += int(microseconds)
    return [(package, each / 1000) for package, each in spent.most_common(TOP)]


def page() -> str:
    """Measure at the full size: the page docs/benchmarks/cold-start.md."""
    return page_of(measure())


def page_of(rows: Sequence[Row]) -> str:
    """Facts of the machine, every row, and whether what was wanted is reached."""
    out = io.StringIO()
    out.write(
        "# Cold start\n\n"
        f"{made_by('cold-start', 'click', 'lancedb', 'torch', 'open_clip_torch')} Each command is "
        f"run {len(rows[0].seconds)} times in a fresh process, after once to warm the disk's "
        "cache, on a catalog of rendered scenes with marque-tiny's vectors, without a Prefect "
        "server; times are those of the whole process.\n\n"
        "| command | median s | fastest s | slowest s | wanted under s |\n"
        "|---|---:|---:|---:|---:|\n"
    )
    for row in rows:
        out.write(
            f"| `{row.command}` | {row.median:.2f} | {min(row.seconds):.2f} "
            f"| {max(row.seconds):.2f} | {row.wanted} |\n"
        )
    out.write(
        "\nThe packages whose import takes longest, in ms, each with its own modules alone "
        "(`-X importtime`, which itself slows imports down):\n\n"
        "| command | packages |\n|---|---|\n"
    )
    for row in rows:
        longest = ", ".join(f"{package} {spent:.0f}" for package, spent in row.imports)
        out.write(f"| `{row.command}` | {longest} |\n")
    late = [row.command for row in rows if row.median >= row.wanted]
    missed = ", ".join(f"`{command}`" for command in late)
    verdict = f"missed by {missed}" if late else "reached by all"
    out.write(f"\n**The times wanted are {verdict}.**\n")
    return out.getvalue()
