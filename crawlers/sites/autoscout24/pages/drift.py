"""Whether a page still has the paths that are read. A missing path is named at once; otherwise
every listing, or a word of every listing, would be lost without a reason."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from core.errors import DriftError
from crawlers.sites.autoscout24.pages.paths import SEARCH, Field, PageData, ReducedPage, path_steps

FEW_ROWS = 3
"""In fewer rows, or in fewer offers one after the other, a path may be missing by chance."""


def check_search(props: ReducedPage, where: str) -> None:
    """Raise `DriftError` for the first required path that a search page lacks."""
    for path, rows in lacking(props, SEARCH):
        if "[]" not in path:
            raise DriftError(path, f"is not there in {where}")
        if rows >= FEW_ROWS:
            raise DriftError(path, f"is in none of the {rows} rows of {where}")


def lacking(props: PageData, fields: Iterable[Field]) -> Iterator[tuple[str, int]]:
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


def at(props: PageData, path: str) -> list[Any]:
    """All values at a path of a page, nulls among them."""
    values: list[Any] = [props]
    for step in path_steps(path):
        values = _below(values, step)
    return values


def _first_lost(props: PageData, steps: list[str]) -> tuple[str, int] | None:
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

    One offer that lacks a path which others have is odd, and is read all the same. If `FEW_ROWS` of
    them lack it one after the other, or all so far, the site has changed.
    """

    def __init__(self) -> None:
        self._read = 0
        self.missed: Counter[str] = Counter()
        """Path -> how many offers one after the other, up to the last, lacked it."""
        self._in_all: Counter[str] = Counter()

    def lost(self, lacks: Collection[str]) -> str | None:
        """Count what an offer lacks. Returns the path that `FEW_ROWS` offers lacked one after the
        other, if any."""
        self._read += 1
        self._in_all.update(lacks)
        self.missed.update(lacks)
        for path in self.missed.keys() - set(lacks):
            del self.missed[path]
        return next((path for path in lacks if self.missed[path] >= FEW_ROWS), None)

    def never_there(self) -> str | None:
        """A path that every offer so far lacked, if there is one."""
        return next((path for path, n in self._in_all.items() if n == self._read), None)
