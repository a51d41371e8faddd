"""Words and tables as Prefect's pages show them; what a source said stays plain text.

Prefect 3.8 reads Markdown in artifacts, their descriptions, and each cell of a table that is text:
links, pictures that a browser fetches, HTML, bare addresses. Only signs that Markdown would act on
are escaped, so that few backslashes are seen where a page shows the plain text.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from core.text import visible, web_url

LONGEST_CELL = 300  # letters of a cell: a credit can be a page long, and a table is to be read

# Signs that act anywhere; `_` acts at an end of a word, and `&` before the name of a character.
_SPECIAL = re.compile(r"[\\`*\[\]<>~|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w)")
# At the beginning of a line: headings, quotes, lists, rules.
_OPENING = re.compile(r"[#+=-](?=[#=\s-]|$)|\d+(?=[.)](?:\s|$))")
# Addresses that become links without any sign: of the web, and of mail.
_ADDRESS = re.compile(r"(?<=[a-zA-Z]):(?=//)|(?i:(?<=www))\.|@")


class Markup(str):
    """Markdown that is meant as such, and not escaped."""

    __slots__ = ()


def plain(text: object) -> str:
    """`text` in one line that Markdown takes for words alone, cut to `LONGEST_CELL`."""
    line = " ".join(str(text).split())
    if len(line) > LONGEST_CELL:
        line = f"{line[:LONGEST_CELL].rstrip()}…"
    return escaped(line)


def escaped(text: object) -> str:
    """`text` in one line that Markdown takes for words alone, whole."""
    line = " ".join(visible(" ".join(str(text).split())).split())
    line = _ADDRESS.sub(r"\\\g<0>", _SPECIAL.sub(r"\\\g<0>", line))
    if (opening := _OPENING.match(line)) is None:
        return line
    at = opening.end() if opening[0].isdigit() else 0
    return f"{line[:at]}\\{line[at:]}"


def link(words: str, url: str | None) -> Markup:
    """A link where `url` is one of the web, else the words alone."""
    target = web_url(url)
    if target is None or len(target) > 2000:
        return Markup(plain(words))
    target = target.replace("&", r"\&")  # or "&copy" would be a character
    return Markup(f"[{plain(words)}](<{target}>)")


def cells(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows of a table artifact: its text is read as Markdown, names of columns and numbers not."""
    return [
        {
            visible(name): escaped(value) if isinstance(value, str) else value
            for name, value in row.items()
        }
        for row in rows
    ]


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a table whose columns are named by the first row; numbers to the right."""
    rules = [Markup("---:" if isinstance(v, int | float) else "---") for v in rows[0].values()]
    return [_row([*rows[0]]), _row(rules), *(_row([row[name] for name in rows[0]]) for row in rows)]


def _row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(c if isinstance(c, Markup) else plain(c) for c in cells)} |"
