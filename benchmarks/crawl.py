"""Crawling: processor time compared with a bare Scrapy spider that downloads the same addresses,
memory as the number of listings grows, and the requests of a second run over an unchanged site.

All against the replica, served from this process; what is measured is the crawl's own process.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import made_by
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.site import Pace
from crawlers.sites.autoscout24.query import AutoScout24Query
from synthetic.replica.server import LoggedRequest, Replica, start_replica
from synthetic.replica.world import World

PACE = Pace(0.0, 8, 0.0, 8, timeout=120.0)
MAKE = "ford"
SHARE = 0.149  # of the replica's cars are of that make
PHOTO = (1280, 960)
SIZE = "1280x960"

RUNS = ((20, 1), (1_000, 1), (150, 20))
"""Listings of the make, about, and photos of each: together they give the cost of each."""
SIZES = (5_000, 50_000)
MOST_TIMES = 1.5
MOST_MB = 150
MOST_AGAIN = 0.05

_CRAWL = """
import json, resource, sys
from pathlib import Path
from crawlers.engine.job import CrawlJob
from crawlers.engine.runner import run_crawl
report = run_crawl(CrawlJob.from_json(sys.argv[1]), Path(sys.argv[2]))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([report.to_json(), used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""

_BARE = """
import json, resource, sys
from pathlib import Path
from scrapy import Request, Spider
from scrapy.crawler import AsyncCrawlerProcess

class Bare(Spider):
    name = "bare"
    async def start(self):
        for address in Path(sys.argv[1]).read_text().split():
            yield Request(address, dont_filter=True)
    def parse(self, response):
        pass

process = AsyncCrawlerProcess(json.loads(sys.argv[2]))
process.crawl(Bare)
process.start()
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps(["", used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
BARE_SETTINGS = {
    "USER_AGENT": "Marque-benchmark/1 (replica)",
    "ROBOTSTXT_OBEY": True,
    "CONCURRENT_REQUESTS": PACE.concurrency + PACE.photo_concurrency + 1,
    "CONCURRENT_REQUESTS_PER_DOMAIN": PACE.concurrency,
    "DOWNLOAD_DELAY": 0,
    "TELNETCONSOLE_ENABLED": False,
    "LOG_LEVEL": "ERROR",
    # It finds the replica's names.
    "TWISTED_DNS_RESOLVER": "crawlers.engine.politeness.resolver.PublicResolver",
}


@dataclass(frozen=True, slots=True)
class Run:
    """One crawl and its bare twin: how many listings and photos, and seconds of processor time."""

    listings: int
    photos: int
    ours: float
    bare: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory, in MB, that a crawl of `listings` listings held, and the seconds it took."""

    listings: int
    megabytes: float


@dataclass(frozen=True, slots=True)
class Again:
    """Requests for offers and photos by a first and by a second run over the same site."""

    offers: int
    photos: int
    offers_again: int
    photos_again: int


@dataclass(frozen=True, slots=True)
class Measured:
    """All that a page reports."""

    runs: Sequence[Run]
    peaks: Sequence[Peak]
    again: Again


@contextmanager
def replica(listings: int, photos: int, photo: tuple[int, int] = PHOTO) -> Iterator[Replica]:
    """A replica with about `listings` listings of the make."""
    world = World(7, round(listings / SHARE), photos, sites=("it",), photo_size=photo)
    with start_replica(world) as running:
        yield running


def job(running: Replica, per_listing: int | None = None) -> CrawlJob:
    """The crawl of every listing of the make."""
    query = AutoScout24Query(site="it", make=MAKE, size=SIZE, per_listing=per_listing)
    more = {"replica": running.url, "pace": PACE, "max_requests": 1_000_000}
    return CrawlJob("autoscout24", query, **more)  # type: ignore[arg-type]


def crawl(running: Replica, crawls: Path) -> tuple[CrawlReport, float, float]:
    """A crawl in a process of its own: its report, processor seconds and peak memory in MB."""
    said = _child(_CRAWL, job(running).to_json(), str(crawls))
    report = CrawlReport.from_json(str(said[0]))
    if report.ended != "finished":
        raise RuntimeError(f"the crawl ended as {report.ended}: {report.why}")
    return report, float(said[1]), _megabytes(said[2])


def _child(program: str, *given: str) -> list[str | float]:
    done = subprocess.run(
        [sys.executable, "-c", program, *given],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: list[str | float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _megabytes(peak: str | float) -> float:
    return float(peak) / 1e6 if sys.platform == "darwin" else float(peak) * 1024 / 1e6


def _addresses(running: Replica, requests: Sequence[LoggedRequest]) -> list[str]:
    return [
        f"{running.world.web.base(each.host)}{each.path}" + (f"?{each.query}" if each.query else "")
        for each in requests
        if each.path != "/robots.txt"
    ]


def beside_bare(listings: int, photos: int, photo: tuple[int, int] = PHOTO) -> Run:
    """Crawl, then let the bare spider download the same addresses. A crawl before the first one
    lets the replica render what it shows."""
    with replica(listings, photos, photo) as running, tempfile.TemporaryDirectory() as place:
        crawl(running, Path(place) / "warm")
        before = len(running.requests)
        report, ours, _ = crawl(running, Path(place) / "crawls")
        addresses = _addresses(running, running.requests[before:])
        (Path(place) / "addresses").write_text("\n".join(addresses))
        bare = float(_child(_BARE, str(Path(place) / "addresses"), json.dumps(BARE_SETTINGS))[1])
        return Run(report.listings, report.photos, ours, bare)


def peak_of(listings: int) -> Peak:
    """The peak memory of a crawl of about `listings` listings with one small photo each."""
    with replica(listings, 1, (240, 200)) as running, tempfile.TemporaryDirectory() as place:
        report, _, megabytes = crawl(running, Path(place))
        return Peak(report.listings, megabytes)


def run_again(listings: int, photos: int) -> Again:
    """The requests of two crawls of the same site, one after the other."""
    counts = []
    with (
        replica(listings, photos, (240, 200)) as running,
        tempfile.TemporaryDirectory() as place,
    ):
        for _ in range(2):
            before = len(running.requests)
            crawl(running, Path(place))
            asked = running.requests[before:]
            counts += [
                sum(each.path.startswith("/annunci/") for each in asked),
                sum(each.path.startswith("/listing-images/") for each in asked),
            ]
    return Again(counts[0], counts[1], counts[2], counts[3])


def marginal(runs: Sequence[Run], seconds: Sequence[float]) -> tuple[float, float]:
    """Milliseconds of a listing and of a photo, the start of the program left out: the solution of
    the runs' equations by least squares."""
    table = np.array([[1.0, run.listings, run.photos] for run in runs])
    found = np.linalg.lstsq(table, np.array(seconds), rcond=None)[0]
    return 1000 * float(found[1]), 1000 * float(found[2])


def measure() -> Measured:
    """Measure all at the full sizes: some fifteen minutes."""
    runs = [beside_bare(listings, photos) for listings, photos in RUNS]
    return Measured(runs, [peak_of(size) for size in SIZES], run_again(300, 5))


def page() -> str:
    """The whole page."""
    return page_of(measure())


def page_of(measured: Measured) -> str:
    """The page of a measurement, with what was wanted and what was reached."""
    runs, again = measured.runs, measured.again
    ours, bare = _costs(runs)
    return "\n".join([
        "# Crawling",
        "",
        made_by("crawl", "scrapy", "twisted", "pillow"),
        "",
        "`run_crawl` crawls every listing of a make on a replica of AutoScout24 that this machine "
        "serves, eight requests at a time to pages and to photos. A bare Scrapy spider then "
        "downloads the same addresses and does nothing with them. Photos are JPEG files of "
        f"{SIZE}. Marque also reads the pages' JSON, checks what it reads, looks at each photo, "
        "names it by its SHA-256, and writes listings and photos down so that a kill loses "
        "nothing. Processor time is that of the crawl's own process; what a listing and a photo "
        "cost is solved from the three runs, so that starting Python and Scrapy is left out.",
        "",
        "| listings | photos | Marque, s of processor time | bare Scrapy, s |",
        "|---:|---:|---:|---:|",
        *(f"| {r.listings:,} | {r.photos:,} | {r.ours:.2f} | {r.bare:.2f} |" for r in runs),
        "",
        "| | Marque, ms | bare Scrapy, ms |",
        "|---|---:|---:|",
        "| a listing, with its offer and its share of a search page | "
        f"{ours[0]:.2f} | {bare[0]:.2f} |",
        f"| a photo | {ours[1]:.2f} | {bare[1]:.2f} |",
        "",
        "| listings with one photo each | peak memory of the crawl, MB |",
        "|---:|---:|",
        *(f"| {peak.listings:,} | {peak.megabytes:,.0f} |" for peak in measured.peaks),
        "",
        f"A first run asked for {again.offers:,} offers and {again.photos:,} photos, a second one "
        f"over the unchanged site for {again.offers_again:,} and {again.photos_again:,}.",
        "",
        "| | wanted | measured | |",
        "|---|---|---:|---|",
        *_verdicts(measured),
        "",
    ])  # fmt: skip


def _costs(runs: Sequence[Run]) -> tuple[tuple[float, float], tuple[float, float]]:
    ours = marginal(runs, [run.ours for run in runs])
    return ours, marginal(runs, [run.bare for run in runs])


def _verdicts(measured: Measured) -> Iterator[str]:
    few, many = measured.peaks[0], measured.peaks[-1]
    again = measured.again
    for name, mine, its in zip(("a listing", "a photo"), *_costs(measured.runs), strict=True):
        what = f"{name}: processor time to a bare spider's"
        yield _verdict(what, f"at most {MOST_TIMES}", f"{mine / its:.2f}", mine <= MOST_TIMES * its)
    growth = many.megabytes - few.megabytes
    what = f"memory at {many.listings:,} listings over {few.listings:,}"
    yield _verdict(what, f"within {MOST_MB} MB", f"{growth:,.0f} MB", growth <= MOST_MB)
    share = again.offers_again / max(again.offers, 1)
    what = "offers asked for again, of the first run's"
    yield _verdict(what, f"at most {MOST_AGAIN:.0%}", f"{share:.1%}", share <= MOST_AGAIN)
    photos = again.photos_again
    yield _verdict("photos asked for again", "none", f"{photos:,}", photos == 0)


def _verdict(what: str, wanted: str, measured: str, reached: bool) -> str:
    return f"| {what} | {wanted} | {measured} | {'reached' if reached else 'missed'} |"
