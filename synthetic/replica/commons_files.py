"""The files of the replica's Commons; each depends only on the seed and its number."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal, TypeVar, cast

import numpy as np

from synthetic.replica.commons_categories import CARS, CATEGORY_COLORS, ITEM_IDS, IllustratedCar
from synthetic.replica.commons_rights import ARTIST_DECK, CREATORS, RIGHTS_DECK, Rights, artist
from synthetic.scenes import BACKGROUNDS, SCENE_SIZE, Choices
from synthetic.scenes.dice import Dice

Card = TypeVar("Card")
FileKind = Literal["car", "interior", "toy", "engine", "museum", "drawing", "audio"]

KIND_DECK: tuple[FileKind, ...] = (
    *("car",) * 31, *("interior",) * 2, *("toy",) * 2, *("drawing",) * 2, "engine", "museum",
    "audio",
)  # fmt: skip
CAR_DECK = (*(CARS[0],) * 3, *CARS)
WIDTH_DECK = (320, 800, 800, 1200, 1200, 1600, 1600, 2560)
"""Widths of originals, below and above the usual widths of thumbnails; see `height_at`."""

ODDITY_DECK = (
    ("Attribution", "Photo: {user} / Wikimedia Commons"),
    ("Attribution", '<a href="//commons.wikimedia.org/wiki/User:{user}">{user}</a>, own work'),
    ("Restrictions", "trademarked"),
    ("Restrictions", "personality|trademarked"),
    ("NonFree", "true"),
    ("DeletionReason", "No evidence of permission"),
    *(None,) * 14,
)
"""Fields of `extmetadata` that few files have or that most leave empty."""

PLACE_PHRASES = {
    "city": "in the city", "mountains": "in the mountains", "sea": "at the sea",
    "nature": "in nature", "road": "on the road", "parking": "on a parking lot",
    "studio": "in a studio", "indoor": "in a garage",
}  # fmt: skip

MIMES = {
    "drawing": ("image/svg+xml", "DRAWING", "svg"),
    "audio": ("application/ogg", "AUDIO", "ogg"),
}
"""MIME type, media type and extension of the kinds that are not photos."""

_PHOTO = ("image/jpeg", "BITMAP")
_FIRST_UPLOAD = datetime(2015, 10, 31, 23, 0, 49, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class FileSubject:
    """The subject of a file: the words of its title, its categories, and the renderer's choices."""

    words: str
    categories: tuple[str, ...]
    choices: tuple[tuple[str, str], ...] = ()
    year: int | None = None

    def as_choices(self) -> Choices:
        """The choices for the renderer."""
        return cast("Choices", dict(self.choices))


@dataclass(frozen=True, slots=True)
class CommonsFile:
    """A file page. `name` is its title without "File:", `version` counts its uploads, `item` is the
    item that its structured data says it depicts."""

    pageid: int
    name: str
    kind: FileKind
    shown: FileSubject
    scene: int
    width: int
    rights: Rights
    user: str
    artist: str | None
    oddity: tuple[str, str] | None
    uploaded: datetime
    version: int = 1
    item: str | None = None

    @property
    def key(self) -> str:
        """The name with underscores, as in URLs and continuations."""
        return self.name.replace(" ", "_")

    @property
    def folder(self) -> str:
        """The two folders in the file's URLs, from the MD5 of its name."""
        digest = hashlib.md5(self.key.encode(), usedforsecurity=False).hexdigest()
        return f"{digest[0]}/{digest[:2]}"

    @property
    def height(self) -> int:
        """The height in pixels; 0 for a sound."""
        return height_at(self.width)

    @property
    def mime(self) -> str:
        """The mime type."""
        return MIMES.get(self.kind, _PHOTO)[0]

    @property
    def mediatype(self) -> str:
        """MediaWiki's own word for the kind of media."""
        return MIMES.get(self.kind, _PHOTO)[1]


def draw_file(seed: int, index: int) -> CommonsFile:
    """File number `index` of the world with this seed."""
    dice = Dice(seed, 7, index)
    kind = dealt(KIND_DECK, (seed, 1), index)
    car = dealt(CAR_DECK, (seed, 2), index)
    if kind != "car" and index < len(KIND_DECK):
        car = CARS[0]  # so that one model has files of every kind, even in a small world
    shown = subject_of(kind, car, dice)
    photo = dice.pick(("jpg", "jpg", "jpg", "JPG", "jpeg"))
    name = f"{shown.words} ({index + 1}).{MIMES[kind][2] if kind in MIMES else photo}"
    user = dice.pick(CREATORS)
    return CommonsFile(
        pageid=21_000_000 + 37 * index,
        name=name[0].upper() + name[1:],
        kind=kind,
        shown=shown,
        scene=dice.pick(range(6)),
        width=0 if kind == "audio" else dealt(WIDTH_DECK, (seed, 3), index),
        rights=dealt(RIGHTS_DECK, (seed, 4), index),
        user=user,
        artist=artist(dealt(ARTIST_DECK, (seed, 5), index), user),
        oddity=dealt(ODDITY_DECK, (seed, 6), index),
        uploaded=_FIRST_UPLOAD + timedelta(minutes=97 * index),
        item=ITEM_IDS[car.name] if kind in {"car", "interior"} and index % 3 == 0 else None,
    )


def height_at(width: int) -> int:
    """The height of a picture of this width, with the aspect ratio of scenes."""
    return width * SCENE_SIZE[1] // SCENE_SIZE[0]


def dealt(deck: Sequence[Card], seed: tuple[int, int], index: int) -> Card:
    """The card with this number. Each round of the deck is shuffled again and dealt to its end, so
    every world has rare cards, in their share."""
    around, place = divmod(index, len(deck))
    return deck[_shuffled((*seed, around), len(deck))[place]]


@lru_cache(maxsize=64)
def _shuffled(seed: tuple[int, ...], size: int) -> tuple[int, ...]:
    return tuple(int(place) for place in np.random.default_rng(seed).permutation(size))


def subject_of(kind: FileKind, car: IllustratedCar, dice: Dice) -> FileSubject:
    """The subject of a file of this kind with this car."""
    if kind == "car":
        return _show_car(car, dice)
    color, body = ("color", dice.pick(CATEGORY_COLORS)), ("body_type", car.bodies[0])
    toy = (("view", "exterior"), ("background", "studio"), color, body)
    hall = (("view", "exterior"), ("background", "indoor"), color, body)
    name, make = car.name, car.make
    return {
        "interior": FileSubject(f"Interior of a {name}", (name,), (("view", "interior"),)),
        "toy": FileSubject(f"Model car {name}", (f"Model cars of {name}",), toy),
        "engine": FileSubject(f"{make} engine", (f"{make} engines",), (("view", "detail"), color)),
        "museum": FileSubject(f"Cars & people at the {make} museum", (f"{make} museum",), hall),
        "drawing": FileSubject(f"{name} logo", (f"{name} logos", name)),
        "audio": FileSubject(f"Sound of a {name}", (name,)),
    }[kind]


def _show_car(car: IllustratedCar, dice: Dice) -> FileSubject:
    color, body = dice.pick(CATEGORY_COLORS), dice.pick(car.bodies)
    background = dice.pick(BACKGROUNDS)
    year = dice.pick(car.years) + dice.pick(range(8))
    categories = [car.generation(year), f"{color.capitalize()} {car.name}"]
    if dice.chance(0.3):
        categories.append(car.name)
    choices = (
        ("view", "exterior"), ("color", color), ("body_type", body), ("background", background),
    )  # fmt: skip
    words = f"{color.capitalize()} {car.name} {body} {PLACE_PHRASES[background]}"
    return FileSubject(words, tuple(categories), choices, year)
