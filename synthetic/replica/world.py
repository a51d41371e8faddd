"""Everything that the replica shows: any number of cars from a seed, changed while it runs."""

import threading
from collections.abc import Iterable, Sequence

from core.errors import UsageMistakeError
from core.web import Web
from synthetic.replica.autoscout24.sites import COUNTRIES
from synthetic.replica.cars import STATE_LETTERS, OfferedCar, draw_columns, drawn_title, extended
from synthetic.replica.faults import Faults
from synthetic.replica.fleet import CAR_MODELS
from synthetic.replica.guids import guid_of, number_of
from synthetic.replica.photos import SceneChoice, ScenePool
from synthetic.scenes import BODY_TYPES, SCENE_COLORS, SCENE_SIZE

_MOST_PHOTOS = 10_000  # of one car; a photo's number is that of its car times this, and its own
_VARIANTS = 8  # scenes of one body and color: as many are rendered, however many photos there are


class World:
    """The cars and photos of a replica, and its switches.

    `listings` cars with `photos` photos each stand in the countries of `sites` (of all sites, if
    none is named), and Wikimedia Commons holds `files` files. All follows from `seed`, and a larger
    world begins with the cars of a smaller one. Photos are rendered `photo_size` large (width,
    height). Cars are put together when asked for; only columns of numbers are kept.
    """

    def __init__(
        self,
        seed: int = 1,
        listings: int = 400,
        photos: int = 8,
        *,
        files: int = 400,
        sites: Sequence[str] = (),
        photo_size: tuple[int, int] = SCENE_SIZE,
    ) -> None:
        for site in sites:
            if site not in COUNTRIES:
                raise UsageMistakeError(
                    f"no cars stand in {site!r}; choose of {', '.join(COUNTRIES)}"
                )
        self.seed = seed
        self.files = files
        self.photos = photos
        self.sites = tuple(sites) or tuple(COUNTRIES)
        self.faults = Faults()
        self.pool = ScenePool(photo_size)
        self.web = Web()
        self.builds = 0
        self.version = 0
        self.columns = draw_columns(seed, listings, len(self.sites))
        self._titles: dict[int, str] = {}
        self._galleries: dict[int, tuple[int, ...]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self.columns)

    def guid(self, number: int) -> str:
        """The id of a car's offer."""
        return guid_of("car", self.seed, number)

    def number(self, guid: str) -> int | None:
        """The car whose offer has this id, sold or not; None if there never was one."""
        number = number_of("car", self.seed, guid)
        return number if number is not None and number < len(self) else None

    def car(self, number: int) -> OfferedCar:
        """The car with this number, from 0."""
        row = self.columns
        return OfferedCar(
            number=number,
            guid=self.guid(number),
            model=CAR_MODELS[row.model[number]],
            title=self._titles.get(number) or drawn_title(number),
            color=SCENE_COLORS[row.color[number]],
            body=BODY_TYPES[row.body[number]],
            state=STATE_LETTERS[row.state[number]],
            country=self.sites[row.country[number]],
            year=int(row.year[number]),
            month=int(row.month[number]),
            mileage=int(row.mileage[number]),
            price=int(row.price[number]),
            power=int(row.power[number]),
            photos=self._gallery(number),
            gone=bool(row.gone[number]),
        )

    def photo_guid(self, photo: int) -> str:
        """The id of a photo."""
        return guid_of("photo", self.seed, photo)

    def photo(self, guid: str) -> int | None:
        """The number of the photo with this id, in a gallery or not; None if there never was."""
        photo = number_of("photo", self.seed, guid)
        return photo if photo is not None and photo // _MOST_PHOTOS < len(self) else None

    def picture(self, photo: int) -> SceneChoice:
        """What a photo shows: mostly its car from outside, always so on the first one."""
        car, place = self.car(photo // _MOST_PHOTOS), photo % _MOST_PHOTOS
        if place == 7 and car.number % 3 == 0:
            return SceneChoice(car.number % _VARIANTS, "not_a_car")
        if place in {3, 6}:
            return SceneChoice(photo % (4 * _VARIANTS), "interior")
        if place == 5:
            return SceneChoice(photo % _VARIANTS, "detail", car.color)
        return SceneChoice((car.number + place) % _VARIANTS, "exterior", car.color, car.body)

    def remove(self, *numbers: int) -> None:
        """Sell cars: their offers are gone."""
        with self._lock:
            self.columns.gone[list(numbers)] = 1
            self.version += 1

    def reprice(self, number: int, price: int) -> None:
        """Ask another price, in euros, for a car."""
        with self._lock:
            self.columns.price[number] = price
            self.version += 1

    def retitle(self, number: int, title: str) -> None:
        """Write something else behind a car's model: the address of its offer changes."""
        with self._lock:
            self._titles[number] = title
            self.version += 1

    def regallery(self, number: int, places: Iterable[int]) -> None:
        """Show these photos of a car, by their place from 0; the ones so far are the first
        `photos` places, and any higher place is a new photo."""
        with self._lock:
            self._galleries[number] = tuple(number * _MOST_PHOTOS + place for place in places)
            self.version += 1

    def add(self, count: int) -> range:
        """Put more cars on offer, the newest of all; returns their numbers."""
        with self._lock:
            first = len(self)
            more = draw_columns(self.seed, first + count, len(self.sites))
            self.columns = extended(self.columns, more)
            self.version += 1
        return range(first, first + count)

    def deploy(self) -> None:
        """Give the sites a new build, so that addresses with the id of the old one are stale."""
        self.builds += 1

    def _gallery(self, number: int) -> tuple[int, ...]:
        changed = self._galleries.get(number)
        first = number * _MOST_PHOTOS
        return changed if changed is not None else tuple(range(first, first + self.photos))
