"""URLs of a car's offer and photos on a country site."""

from synthetic.replica.autoscout24.query import category_of
from synthetic.replica.autoscout24.sites import SiteLocale
from synthetic.replica.autoscout24.words import COLOR_WORDS, FUEL_WORDS, slug_of
from synthetic.replica.cars import OfferedCar
from synthetic.replica.world import World

PICTURES = "prod.pictures.autoscout24.net"


def offer_path(car: OfferedCar, site: SiteLocale, title: str | None = None) -> str:
    """An offer's path on a site; `title` gives the path under an earlier title.

    The last segment describes the car and ends with its guid, which alone counts.
    """
    color = COLOR_WORDS[site.language].get(str(car.color_id), "")
    words = (car.model.make, car.model.name, title or car.title)
    slug = slug_of(*words, FUEL_WORDS[site.language][car.fuel], color)
    if site.category:
        slug += f"-cat_{category_of(car.model.make_id, car.model.model_id)}"
    return f"{site.prefix}/{site.segment}/{slug}-{car.guid}"


def gallery_urls(world: World, car: OfferedCar, size: str) -> list[str]:
    """The URLs of all photos of a car, in a size such as `250x188.webp`."""
    folder, urls = f"{world.web.base(PICTURES)}/listing-images", []
    for guid in map(world.photo_guid, car.photos):
        kind = "png" if world.faults.strikes("png-stems", guid, car.guid) else "jpg"
        urls.append(f"{folder}/{car.guid}_{guid}.{kind}/{size}")
    return urls
