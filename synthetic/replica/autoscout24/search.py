"""Searches over the columns of the world: which cars, in which order, and on which page."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthetic.replica.autoscout24.query import Filter, Query
from synthetic.replica.autoscout24.sites import COUNTRIES
from synthetic.replica.autoscout24.words import BODY_IDS, COLOR_IDS
from synthetic.replica.cars import STATES, Columns, Numbers
from synthetic.replica.fleet import MODELS
from synthetic.replica.world import World
from synthetic.scenes import BODY_TYPES, COLORS

CAP = 4000
"""Rows of a search that the site shows at most, whatever the size of a page."""

_MODEL = np.array([model.model_id for model in MODELS])
_MAKE = np.array([model.make_id for model in MODELS])
_BODY = np.array([BODY_IDS[body] for body in BODY_TYPES])
_COLOR = np.array([COLOR_IDS.get(color, 0) for color in COLORS])
_SORTED_BY = {"price": "price", "mileage": "mileage", "year": "year", "power": "power"}


@dataclass(frozen=True, slots=True)
class Found:
    """A page of a search: how many cars and pages there are, the numbers of the cars on this page,
    and that of the sponsored one that stands first (None on an empty page)."""

    total: int
    pages: int
    numbers: tuple[int, ...]
    sponsored: int | None


class Searches:
    """The searches of a world; the last few results are kept, for their other pages."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ordered = lru_cache(64)(self._order)

    def find(self, query: Query) -> Found:
        """One page. A sponsored row, a car of the same result, takes the place of one of its rows,
        so there are a few pages more than the result alone would fill."""
        unregistered = not self._world.faults.strikes("unregistered-hidden", "search")
        ordered = self._ordered(query.wanted, self._world.version, unregistered)
        total, organic = len(ordered), query.size - 1
        pages = min(-(-total // organic), CAP // query.size)
        if query.page > pages:
            return Found(total, pages, (), None)
        start = (query.page - 1) * organic
        numbers = tuple(int(number) for number in ordered[start : start + organic])
        return Found(total, pages, numbers, int(ordered[query.page * 7919 % total]))

    def _order(self, wanted: Filter, _version: int, unregistered: bool) -> NDArray[np.int64]:
        columns = self._world.columns
        mask = self._mask(columns, wanted, unregistered)
        numbers = np.flatnonzero(mask)
        if wanted.sort == "age":
            return numbers[::-1] if wanted.descending else numbers
        column: Numbers = getattr(columns, _SORTED_BY.get(wanted.sort, "rank"))
        keys = column[numbers].astype(np.int64)
        return numbers[np.argsort(-keys if wanted.descending else keys, kind="stable")]

    def _mask(self, columns: Columns, wanted: Filter, unregistered: bool) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = columns.gone == 0
        if not wanted.cars:
            return np.zeros_like(mask)
        if wanted.models is not None:
            mask &= _of_models(wanted.models)[columns.model]
        countries = [COUNTRIES[site][0] in wanted.countries for site in self._world.sites]
        if wanted.countries:
            mask &= np.array(countries)[columns.country]
        if wanted.bodies is not None:
            mask &= np.isin(_BODY, wanted.bodies)[columns.body]
        if wanted.colors is not None:
            mask &= np.isin(_COLOR, wanted.colors)[columns.color]
        states = [("N" if state == "N" else "U") in wanted.states for state in STATES]
        mask &= np.array(states)[columns.state]
        for column, low, high in wanted.ranges:
            values = getattr(columns, column)
            mask &= (low <= values) & (values <= high)
            if column == "year" and not unregistered:
                mask &= columns.state != STATES.index("N")
        return mask


def _of_models(models: tuple[tuple[int, int | None], ...]) -> NDArray[np.bool_]:
    """Which of `MODELS` are among these pairs of make and model."""
    mask = np.zeros(len(MODELS), dtype=bool)
    for make, model in models:
        mask |= (make == _MAKE) & (True if model is None else model == _MODEL)
    return mask
