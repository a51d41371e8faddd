"""The expected record of a case: kept as JSON, and compared line by line."""

import difflib
import json
from pathlib import Path
from typing import Any

from tests.cases.readers import EXPECTED

WIDTH = 90


def as_text(found: Any) -> str:
    """The record as `expected.json` holds it: what fits into a line stands in one."""
    return _lines(found, "") + "\n"


def _lines(value: Any, indent: str) -> str:
    line = json.dumps(value, ensure_ascii=False, sort_keys=True)
    if not isinstance(value, dict | list) or len(line) + len(indent) <= WIDTH:
        return line
    deeper = indent + "  "
    if isinstance(value, list):
        items = [_lines(item, deeper) for item in value]
        return f"[\n{deeper}" + f",\n{deeper}".join(items) + f"\n{indent}]"
    named = [f"{json.dumps(name)}: {_lines(value[name], deeper)}" for name in sorted(value)]
    return f"{{\n{deeper}" + f",\n{deeper}".join(named) + f"\n{indent}}}"


def difference(case: Path, found: Any) -> str:
    """What is expected and not found (-), and found and not expected (+); "" if nothing is."""
    path = case / EXPECTED
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        before.splitlines(), as_text(found).splitlines(), "expected", "found", lineterm="", n=4
    )
    return "\n".join(lines)
