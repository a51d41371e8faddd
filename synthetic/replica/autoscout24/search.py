"""Searches over the columns of the world."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthetic.replica.autoscout24.query import CarFilter, OfferQuery
from synthetic.replica.autoscout24.sites import COUNTRIES
from synthetic.replica.autoscout24.words import BODY_IDS, COLOR_IDS
from synthetic.replica.cars import STATE_LETTERS, Columns, IntArray
from synthetic.replica.fleet import CAR_MODELS
from synthetic.replica.world import World
from synthetic.scenes import BODY_TYPES, SCENE_COLORS

MAX_SHOWN_ROWS = 4000
"""Most rows of a search that the site shows, for any page size."""

_MODEL = np.array([model.model_id for model in CAR_MODELS])
_MAKE = np.array([model.make_id for model in CAR_MODELS])
_BODY = np.array([BODY_IDS[body] for body in BODY_TYPES])
_COLOR = np.array([COLOR_IDS.get(color, 0) for color in SCENE_COLORS])
_SORTED_BY = {"price": "price", "mileage": "mileage", "year": "year", "power": "power"}


@dataclass(frozen=True, slots=True)
class ResultPage:
    """A page of a search: the counts of cars and pages, the numbers of the cars on this page, and
    the number of the sponsored car at its top (None on an empty page)."""

    total: int
    pages: int
    numbers: tuple[int, ...]
    sponsored: int | None


class SearchIndex:
    """The searches of a world; the last few results are cached for their other pages."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ordered = lru_cache(64)(self._order)

    def find(self, query: OfferQuery) -> ResultPage:
        """One page. A sponsored row (a car of the same result) replaces one row of each page, so
        there are a few more pages than the result alone would fill."""
        unregistered = not self._world.faults.strikes("unregistered-hidden", "search")
        ordered = self._ordered(query.wanted, self._world.version, unregistered)
        total, organic = len(ordered), query.size - 1
        pages = min(-(-total // organic), MAX_SHOWN_ROWS // query.size)
        if query.page > pages:
            return ResultPage(total, pages, (), None)
        start = (query.page - 1) * organic
        numbers = tuple(int(number) for number in ordered[start : start + organic])
        return ResultPage(total, pages, numbers, int(ordered[query.page * 7919 % total]))

    def _order(self, wanted: CarFilter, _version: int, unregistered: bool) -> NDArray[np.int64]:
        columns = self._world.columns
        mask = self._mask(columns, wanted, unregistered)
        numbers = np.flatnonzero(mask)
        if wanted.sort == "age":
            return numbers[::-1] if wanted.descending else numbers
        column: IntArray = getattr(columns, _SORTED_BY.get(wanted.sort, "rank"))
        keys = column[numbers].astype(np.int64)
        return numbers[np.argsort(-keys if wanted.descending else keys, kind="stable")]

    def _mask(self, columns: Columns, wanted: CarFilter, unregistered: bool) -> NDArray[np.bool_]:
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
        states = [("N" if state == "N" else "U") in wanted.states for state in STATE_LETTERS]
        mask &= np.array(states)[columns.state]
        for column, low, high in wanted.ranges:
            values = getattr(columns, column)
            mask &= (low <= values) & (values <= high)
            if column == "year" and not unregistered:
                mask &= columns.state != STATE_LETTERS.index("N")
        return mask


def _of_models(models: tuple[tuple[int, int | None], ...]) -> NDArray[np.bool_]:
    """Which of `CAR_MODELS` are among these pairs of make and model."""
    mask = np.zeros(len(CAR_MODELS), dtype=bool)
    for make, model in models:
        mask |= (make == _MAKE) & (True if model is None else model == _MODEL)
    return mask
