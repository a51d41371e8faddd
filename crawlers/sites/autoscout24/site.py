"""The facts of AutoScout24: hosts, terms, pace, and what a whole crawl brings."""

from crawlers.engine.site import Expectations, FillRate, Pace, Site

AUTOSCOUT24 = Site(
    name="autoscout24",
    title="AutoScout24",
    summary=(
        "adverts of a make on AutoScout24; needs its permission, see the setting "
        "autoscout24_permission."
    ),
    home="https://www.autoscout24.com",
    terms=(
        "the terms of AutoScout24 forbid automated queries of its database without permission "
        "(dealers' terms 3.3, consumers' terms 8.2), and it sells access by a search API of its own"
    ),
    rights="the sellers' own photos: no license to use them is stated, and none is recorded",
    hosts=tuple(
        f"www.autoscout24.{tld}" for tld in ("de", "at", "it", "nl", "be", "fr", "lu", "com", "es")
    ),
    photo_hosts=("prod.pictures.autoscout24.net",),
    # Reported: 429 after 83 minutes at five requests at a time, and none at one every few seconds.
    pace=Pace(delay=4.0, concurrency=1, photo_delay=1.0, photo_concurrency=1),
    max_requests=20_000,  # a night at the pace above
    page_bytes=150_000,
    photo_bytes=170_000,  # a JPEG of 1280x960
    max_photo_bytes=20_000_000,  # the largest size is 1920x1080: under 2 MB
    expected=Expectations(
        least_share=0.9,
        most_photos=60,
        why="a walk misses what is sold while it lasts; dealers may show 50 photos",
        fills=(
            FillRate("make", 0.99, "each row of a search states it"),
            FillRate(
                "model", 0.95, "each row states it; rare cars are filed under a rest category"
            ),
            FillRate(
                "body_type", 0.9, "sellers must choose one of nine; offers of all samples had it"
            ),
            FillRate(
                "color", 0.5, "sellers leave it out in one advert of four, of the samples seen"
            ),
            FillRate("first_registration", 0.8, "new cars have none, and say so by a word"),
            FillRate("mileage_km", 0.8, "each row of the samples seen had it"),
        ),
    ),
    permission="autoscout24_permission",
)
