"""Where a car's offer and photos are on a country site."""

from synthetic.replica.autoscout24.query import category_of
from synthetic.replica.autoscout24.sites import CountrySite
from synthetic.replica.autoscout24.words import COLOR_WORDS, FUEL_WORDS, slug_of
from synthetic.replica.cars import OfferedCar
from synthetic.replica.world import World

PICTURES = "prod.pictures.autoscout24.net"


def offer_slug(car: OfferedCar, site: CountrySite, title: str | None = None) -> str:
    """The last part of an offer's address: what the car is, and the guid that alone counts."""
    color = COLOR_WORDS[site.language].get(str(car.color_id), "")
    words = (car.model.make, car.model.name, title or car.title)
    slug = slug_of(*words, FUEL_WORDS[site.language][car.fuel], color)
    if site.category:
        slug += f"-cat_{category_of(car.model.make_id, car.model.model_id)}"
    return f"{slug}-{car.guid}"


def offer_path(car: OfferedCar, site: CountrySite, title: str | None = None) -> str:
    """An offer's path on a site; another `title` gives the address that it had under that one."""
    return f"{site.prefix}/{site.segment}/{offer_slug(car, site, title)}"


def replica_photo_url(world: World, car: OfferedCar, photo: int, size: str) -> str:
    """A photo's address in a size such as `250x188.webp`."""
    guid = world.photo_guid(photo)
    kind = "png" if world.faults.strikes("png-stems", guid, car.guid) else "jpg"
    return f"{world.web.base(PICTURES)}/listing-images/{car.guid}_{guid}.{kind}/{size}"


def gallery_urls(world: World, car: OfferedCar, size: str) -> list[str]:
    """The addresses of all of a car's photos."""
    return [replica_photo_url(world, car, photo, size) for photo in car.photos]
