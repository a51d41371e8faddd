"""The facts of Wikimedia Commons: hosts, terms, pace, and what a whole crawl brings."""

from core.licenses import NOT_KNOWN, NOT_STATED
from crawlers.engine.site import Expectations, FillRate, Pace, RefusalLimit, Site

COMMONS = Site(
    name="commons",
    title="Wikimedia Commons",
    summary="photos under free licenses from Wikimedia Commons.",
    home="https://commons.wikimedia.org",
    terms=(
        "Wikimedia asks for a User-Agent with a contact, at most three requests at a time, and to "
        "obey Retry-After; each file states its own license"
    ),
    rights="each file's own Creative Commons license, parsed and checked",
    hosts=("commons.wikimedia.org",),
    photo_hosts=("upload.wikimedia.org", "thumb.wikimedia.org"),
    # Together at most three at a time; 200 requests a minute are allowed to an honest client, and
    # two at a time to the media hosts.
    pace=Pace(delay=1.0, concurrency=1, photo_delay=0.5, photo_concurrency=1),
    max_requests=20_000,
    page_bytes=25_000,
    photo_bytes=350_000,  # a thumbnail 1280 pixels wide
    max_photo_bytes=60_000_000,
    expected=Expectations(
        least_share=0.0,  # categories count drawings, videos and refused licenses too
        most_photos=1,
        why="how many files of a category are photos under a free license differs from 0 to all",
        fills=(
            FillRate(
                "creator", 0.6, "14 % of a sample of 78 files named none; old ones more often"
            ),
        ),
        refusals=(
            RefusalLimit(
                NOT_STATED, 0.7, "41 % of the sample had no address of a license, old works"
            ),
            RefusalLimit(
                NOT_KNOWN, 0.2, "3 % of the sample named what is no Creative Commons license"
            ),
        ),
    ),
    # Wikimedia's robots.txt closes all of /w/ to what follows links, and its robot policy has a
    # chapter of rules for programs that ask this API: these are kept.
    api="/w/api.php",
)
