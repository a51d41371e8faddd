"""Write what the parsers say of cases now as what is expected of them.

    python -m tests.cases.accept tests/cases/sidecar/mac-roman ...

The difference is printed first: read it, as it becomes what later runs are held to.
"""

import sys
from pathlib import Path

from tests.cases.expected import as_text, difference
from tests.cases.readers import EXPECTED, read_case


def accept(case: Path) -> str:
    """Write `expected.json` of a case; returns what changed in it, "" if nothing did."""
    found = read_case(case)
    changed = difference(case, found)
    if changed:
        (case / EXPECTED).write_text(as_text(found), encoding="utf-8")
    return changed


if __name__ == "__main__":
    for name in sys.argv[1:]:
        changes = accept(Path(name).resolve())
        sys.stdout.write(f"{name}: {changes or 'nothing changed'}\n")
