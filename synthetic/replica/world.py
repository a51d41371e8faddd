"""The content of the replica: any number of cars from a seed, which can change while it runs."""

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
    """The cars and photos of a replica, and its fault switches.

    There are `listings` cars with `photos` photos each in the countries of `sites` (of all sites if
    empty), and `files` files on Wikimedia Commons. Everything follows from `seed`, and a larger
    world begins with the cars of a smaller one. Photos are rendered in `photo_size` (width,
    height). Cars are built on request; only columns of numbers are stored.
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
        """The number of the car of an offer's id, sold or not; None if there never was one."""
        number = number_of("car", self.seed, guid)
        return number if number is not None and number < len(self) else None

    def car(self, number: int) -> OfferedCar:
        """The car with this number, from 0."""
        row, first = self.columns, number * _MOST_PHOTOS
        original = tuple(range(first, first + self.photos))
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
            photos=self._galleries.get(number, original),
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
        """The scene of a photo: mostly its car from outside; on the first photo always."""
        car, place = self.car(photo // _MOST_PHOTOS), photo % _MOST_PHOTOS
        if place == 7 and car.number % 3 == 0:
            return SceneChoice(car.number % _VARIANTS, "not_a_car")
        if place in {3, 6}:
            return SceneChoice(photo % (4 * _VARIANTS), "interior")
        if place == 5:
            return SceneChoice(photo % _VARIANTS, "detail", car.color)
        return SceneChoice((car.number + place) % _VARIANTS, "exterior", car.color, car.body)

    def remove(self, *numbers: int) -> None:
        """Remove the offers of cars, as if they were sold."""
        with self._lock:
            self.columns.gone[list(numbers)] = 1
            self.version += 1

    def reprice(self, number: int, price: int) -> None:
        """Change the price of a car, in euros."""
        with self._lock:
            self.columns.price[number] = price
            self.version += 1

    def retitle(self, number: int, title: str) -> None:
        """Change the text after a car's model, and with it the URL of its offer."""
        with self._lock:
            self._titles[number] = title
            self.version += 1

    def regallery(self, number: int, places: Iterable[int]) -> None:
        """Set the gallery of a car to the photos at these places, from 0. The first `photos` places
        are the original photos; any higher place is a new photo."""
        with self._lock:
            self._galleries[number] = tuple(number * _MOST_PHOTOS + place for place in places)
            self.version += 1

    def add(self, count: int) -> range:
        """Add cars, which are the newest offers; returns their numbers."""
        with self._lock:
            first = len(self)
            more = draw_columns(self.seed, first + count, len(self.sites))
            self.columns = extended(self.columns, more)
            self.version += 1
        return range(first, first + count)

    def deploy(self) -> None:
        """Give the sites a new build id, so that data URLs with the old one are stale."""
        self.builds += 1
