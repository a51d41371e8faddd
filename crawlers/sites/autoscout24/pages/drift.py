"""Whether a page still has the paths that are read. A missing path is named at once; otherwise
every listing, or a word of every listing, would be lost without a reason."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from core.errors import DriftError
from crawlers.sites.autoscout24.pages.paths import SEARCH, Field, Json, Reduced, path_steps

FEW = 3
"""In fewer rows, or in fewer offers in a row, a path may be missing by chance."""


def check_search(props: Reduced, where: str) -> None:
    """Raise `DriftError` for the first required path that a search page lacks."""
    for path, rows in lacking(props, SEARCH):
        if "[]" not in path:
            raise DriftError(path, f"is not there in {where}")
        if rows >= FEW:
            raise DriftError(path, f"is in none of the {rows} rows of {where}")


def lacking(props: Json, fields: Iterable[Field]) -> Iterator[tuple[str, int]]:
    """The required paths that a page lacks, each up to its first missing step, with the number of
    rows or objects that were searched for it.

    A value of an undeclared type counts as missing, null does not.
    """
    found: dict[str, int] = {}
    for field in fields:
        lost = _first_lost(props, field.required)
        if lost and not any(
            value is not None for path in field.unless for value in at(props, path)
        ):
            found.setdefault(*lost)
    yield from found.items()


def at(props: Json, path: str) -> list[Any]:
    """All values at a path of a page, nulls among them."""
    values: list[Any] = [props]
    for step in path_steps(path):
        values = _below(values, step)
    return values


def _first_lost(props: Json, steps: list[str]) -> tuple[str, int] | None:
    values: list[Any] = [props]
    path = ""
    for step in steps:
        path += step if step in {"[]", "{}"} or not path else f".{step}"
        holders = [value for value in values if value is not None]
        values = _below(holders, step)
        if holders and not values and step not in {"[]", "{}", "*"}:
            return path, len(holders)
    return None


def _below(values: list[Any], step: str) -> list[Any]:
    holders = [value for value in values if value is not None]
    if step == "[]":
        return [item for value in holders for item in value]
    if step == "{}":
        return [json.loads(value) for value in holders]
    if step == "*":
        return [item for value in holders for item in value.values()]
    return [value[step] for value in holders if step in value]


class LackCounter:
    """Counts the required paths that the offers of a crawl lack.

    One offer that lacks a path which others have is odd, and is read all the same. If `FEW` in a
    row lack it, or all so far, the site has changed.
    """

    def __init__(self) -> None:
        self._read = 0
        self._missed: Counter[str] = Counter()
        self._in_all: Counter[str] = Counter()

    def lost(self, lacks: Collection[str]) -> str | None:
        """Count what an offer lacks; the path that was missing too often in a row, if any."""
        self._read += 1
        self._in_all.update(lacks)
        self._missed.update(lacks)
        for path in self._missed.keys() - set(lacks):
            del self._missed[path]
        return next((path for path in lacks if self._missed[path] >= FEW), None)

    def never_there(self) -> str | None:
        """A path that every offer so far lacked, if there is one."""
        return next((path for path, n in self._in_all.items() if n == self._read), None)

    def missed(self, path: str) -> int:
        """How many offers in a row, up to the last, lacked a path."""
        return self._missed[path]
