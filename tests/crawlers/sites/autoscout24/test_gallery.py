"""Links to photos: which belong to a listing, on the web and on a replica of it."""

from typing import Any

import pytest

from crawlers.sites.autoscout24.pages.gallery import GalleryPhoto, photo_url, read_gallery

OWN = "bf14de34-41f2-58ce-a1b6-44f2e3e7f0d7"
PHOTO = "32e0ce9e-1cec-5419-b012-6420aac8ce65"
OTHER = "5ab7d63e-57bb-5cc7-92e6-30771b839a05"
BASES = (
    "https://prod.pictures.autoscout24.net",
    "http://prod.pictures.autoscout24.net.localhost:8421",
)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("stem_end", ["jpg", "png"])
@pytest.mark.parametrize("end", ["250x188.webp", "1280x960.jpg", "640x480.jpg"])
def test_a_photo_of_the_listing(base: str, stem_end: str, end: str) -> None:
    stem = f"{base}/listing-images/{OWN}_{PHOTO}.{stem_end}"
    photos = read_gallery([f"{stem}/{end}"], OWN)
    assert photos == (GalleryPhoto(PHOTO, stem),)
    assert photo_url(photos[0], "720x540") == f"{stem}/720x540.jpg"


@pytest.mark.parametrize(
    "path",
    [
        f"/listing-images/{OTHER}_{PHOTO}.jpg/250x188.webp",
        f"/dealer-info/{OWN}_{PHOTO}.jpg/250x188.webp",
        f"/x/listing-images/{OWN}_{PHOTO}.jpg/250x188.webp",
        f"/listing-images/{OWN}_{PHOTO}.gif/250x188.webp",
        f"/listing-images/{OWN}_{PHOTO}.jpg/250x188.webp?x=1",
        f"/listing-images/{OWN}_{PHOTO}.jpg/../250x188.webp",
        f"/listing-images/{OWN}_{PHOTO}.jpg",
        f"/listing-images/{OWN}_logo.jpg/250x188.webp",
        "",
    ],
)
def test_a_link_that_is_no_photo_of_the_listing(path: str) -> None:
    assert read_gallery([BASES[0] + path], OWN) == ()


def test_a_link_of_another_kind() -> None:
    assert read_gallery([f"ftp://x.org/listing-images/{OWN}_{PHOTO}.jpg/250x188.webp"], OWN) == ()


def test_every_photo_of_the_real_files_belongs_to_its_listing(
    real_search: dict[str, Any], real_offer_de: dict[str, Any], real_offer_com: dict[str, Any]
) -> None:
    offers = [page["listingDetails"] for page in (real_offer_de, real_offer_com)]
    counts = []
    for listing in [*real_search["listings"], *offers]:
        photos = read_gallery(listing["images"], listing["id"])
        assert len(photos) == len(listing["images"])
        counts.append(len(photos))
    assert counts == [18, 39, 26, 27, 28, 43, 22, 18]
