"""URLs of a car's offer and photos on a country site."""

from synthetic.replica.autoscout24.query import category_of
from synthetic.replica.autoscout24.sites import CountrySite
from synthetic.replica.autoscout24.words import COLOR_WORDS, FUEL_WORDS, slug_of
from synthetic.replica.cars import OfferedCar
from synthetic.replica.world import World

PICTURES = "prod.pictures.autoscout24.net"


def offer_slug(car: OfferedCar, site: CountrySite, title: str | None = None) -> str:
    """The last segment of an offer's URL: a description of the car, and its guid, which alone
    counts."""
    color = COLOR_WORDS[site.language].get(str(car.color_id), "")
    words = (car.model.make, car.model.name, title or car.title)
    slug = slug_of(*words, FUEL_WORDS[site.language][car.fuel], color)
    if site.category:
        slug += f"-cat_{category_of(car.model.make_id, car.model.model_id)}"
    return f"{slug}-{car.guid}"


def offer_path(car: OfferedCar, site: CountrySite, title: str | None = None) -> str:
    """An offer's path on a site; `title` gives the path under an earlier title."""
    return f"{site.prefix}/{site.segment}/{offer_slug(car, site, title)}"


def replica_photo_url(world: World, car: OfferedCar, photo: int, size: str) -> str:
    """The URL of a photo in a size such as `250x188.webp`."""
    guid = world.photo_guid(photo)
    kind = "png" if world.faults.strikes("png-stems", guid, car.guid) else "jpg"
    return f"{world.web.base(PICTURES)}/listing-images/{car.guid}_{guid}.{kind}/{size}"


def gallery_urls(world: World, car: OfferedCar, size: str) -> list[str]:
    """The URLs of all photos of a car."""
    return [replica_photo_url(world, car, photo, size) for photo in car.photos]
