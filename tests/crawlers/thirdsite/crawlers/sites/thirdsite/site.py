"""The facts of the third site: hosts, terms, pace, and what a whole crawl brings."""

from crawlers.engine.site import Expectations, FillRate, Pace, Site

THIRDSITE = Site(
    name="thirdsite",
    title="Third Site",
    summary="cars of a make on Third Site.",
    home="https://www.thirdsite.example",
    terms="Third Site is played by the tests, and lets everybody read its pages",
    rights="each car's own license, stated on its page",
    hosts=("www.thirdsite.example",),
    photo_hosts=("photos.thirdsite.example",),
    pace=Pace(delay=2.0, concurrency=1, photo_delay=1.0, photo_concurrency=1),
    max_requests=5_000,
    page_bytes=2_000,
    photo_bytes=20_000,
    max_photo_bytes=10_000_000,
    expected=Expectations(
        least_share=0.9,
        most_photos=10,
        why="a walk misses what is sold while it lasts; a page shows at most 10 photos",
        fills=(FillRate("make", 0.99, "every car of the saved pages has one"),),
    ),
)
