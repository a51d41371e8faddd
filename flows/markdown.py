"""Words and tables as the Markdown of Prefect's pages; what a source said stays plain text."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

LONGEST = 300  # letters of a cell: a credit can be a page long, and a table is to be read

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&$])")


class Markup(str):
    """Markdown that is meant as such, and not escaped."""

    __slots__ = ()


def plain(text: object) -> str:
    """`text` in one line that Markdown takes for words alone."""
    line = " ".join(str(text).split())
    if len(line) > LONGEST:
        line = f"{line[:LONGEST].rstrip()}…"
    return _SPECIAL.sub(r"\\\1", line)


def link(words: str, url: str | None) -> Markup:
    """A link where `url` is one of the web, else the words alone."""
    if not url or urlsplit(url).scheme not in {"http", "https"} or len(url) > 2000:
        return Markup(plain(words))
    return Markup(f"[{plain(words)}](<{quote(url, safe=':/?#[]@!$&()*+,;=%~')}>)")


def table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a table whose columns are named by the first row; numbers to the right."""
    names = list(rows[0])
    lines = [_row(names), _row([Markup(_rule(rows[0][name])) for name in names])]
    return lines + [_row([row[name] for name in names]) for row in rows]


def _rule(value: object) -> str:
    return "---:" if isinstance(value, int | float) else "---"


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(c if isinstance(c, Markup) else plain(c) for c in cells)} |"
