"""The cars of a replica's world: columns of their facts, and a single car built from them."""

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from synthetic.replica.autoscout24.words import BODY_IDS, COLOR_IDS
from synthetic.replica.fleet import CAR_MODELS, CarModel
from synthetic.scenes import BODY_TYPES, SCENE_COLORS

IntArray = NDArray[np.int32]

THIS_YEAR = 2026
STATE_LETTERS = ("U", "N", "J", "D")
"""Used, new, employee's car, demonstration car: the site's letters."""

_FIRST_SEEN = datetime(2026, 1, 1, tzinfo=UTC)
_POPULARITY = np.cumsum([1 / (rank + 1) for rank in range(len(CAR_MODELS))])


@dataclass(frozen=True, slots=True)
class Columns:
    """One column for each fact, each of shape (cars,).

    Columns are indexes into `CAR_MODELS`, `BODY_TYPES`, `SCENE_COLORS`, `STATE_LETTERS` and the
    countries of the world; year and month of the first registration (new cars: this year),
    kilometres, euros, kilowatts. `rank` is the order that sites call standard.
    """

    model: IntArray
    body: IntArray
    color: IntArray
    state: IntArray
    country: IntArray
    year: IntArray
    month: IntArray
    mileage: IntArray
    price: IntArray
    power: IntArray
    rank: IntArray
    gone: IntArray

    def __len__(self) -> int:
        return len(self.model)


def draw_columns(seed: int, count: int, countries: int) -> Columns:
    """The facts of `count` cars. A larger count begins with the same cars as a smaller one."""
    draws = iter(range(100))

    def draw() -> NDArray[np.float64]:
        return np.random.default_rng((seed, next(draws))).random(count)

    model = np.searchsorted(_POPULARITY, draw() * _POPULARITY[-1], side="right")
    bodies = np.array([[BODY_TYPES.index(m.bodies[i % len(m.bodies)]) for i in range(6)]
                       for m in CAR_MODELS])  # fmt: skip
    state = np.searchsorted([0.86, 0.92, 0.97], draw(), side="right")
    new = state == STATE_LETTERS.index("N")
    age = np.where(new, 0, np.floor(30 * draw() ** 2.5))
    first = np.array([m.price for m in CAR_MODELS])[model]
    price = first * 0.87**age * (0.85 + 0.3 * draw())
    mileage = np.where(new, 10 + 50 * draw(), (age + draw()) * (6_000 + 16_000 * draw()))
    columns = {
        "model": model,
        "body": bodies[model, np.floor(draw() * 6).astype(int)],
        "color": np.floor(draw() * len(SCENE_COLORS)),
        "state": state,
        "country": np.floor(draw() * countries),
        "year": THIS_YEAR - age,
        "month": 1 + np.floor(12 * draw()),
        "mileage": mileage,
        "price": np.maximum(price // 10 * 10, 500),
        "power": 50 + np.floor(200 * draw()),
        "rank": np.floor(draw() * 2**31),
        "gone": np.zeros(count),
    }
    return Columns(**{name: column.astype(np.int32) for name, column in columns.items()})


def extended(old: Columns, new: Columns) -> Columns:
    """The columns of more cars; changes to the first ones are kept."""
    kept = {
        field.name: np.concatenate([getattr(old, field.name), getattr(new, field.name)[len(old) :]])
        for field in fields(Columns)
    }
    return replace(new, **kept)


@dataclass(frozen=True, slots=True)
class OfferedCar:
    """One car on offer.

    `color` and `body` are words of the scene renderer. `country` is the site of the country where
    the car is. `photos` are the numbers of its photos in the order of the gallery.
    """

    number: int
    guid: str
    model: CarModel
    title: str
    color: str
    body: str
    state: str
    country: str
    year: int
    month: int
    mileage: int
    price: int
    power: int
    photos: tuple[int, ...]
    gone: bool

    @property
    def color_id(self) -> int | None:
        """The site's id of the color; None if the site lacks it."""
        return COLOR_IDS.get(self.color)

    @property
    def body_id(self) -> int:
        """The site's id of the body."""
        return BODY_IDS[self.body]

    @property
    def is_new(self) -> bool:
        """Whether it was never registered."""
        return self.state == "N"

    @property
    def fuel(self) -> str:
        """The site's letter of the fuel."""
        return self.model.fuels[self.number % len(self.model.fuels)]

    @property
    def gear(self) -> str:
        """The site's letter of the transmission, `A` or `M`."""
        return "A" if self.fuel == "E" or self.number % 3 else "M"

    @property
    def created(self) -> datetime:
        """When the offer was created; a higher number is later."""
        return _FIRST_SEEN + timedelta(minutes=7 * self.number)


_MOTORS = ("1.2", "1.6", "2.0", "xDrive", "Turbo", "GT")
_TRIMS = ("Comfort", "Sport", "Lounge", "Edition", "Business")
_EXTRAS = ("Navi", "PDC", "LED", "Klima", "Kamera", "AHK", "SHZ")


def drawn_title(number: int) -> str:
    """The seller's free text after the model, often with vertical bars."""
    parts = (_MOTORS[number % 6], _TRIMS[number // 6 % 5], _EXTRAS[number // 30 % 7])
    return " | ".join(parts) if number % 2 else " ".join(parts)
