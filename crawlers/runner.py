"""Makes a crawl in a process of its own, and tells how far it is.

Scrapy's reactor runs once a process, so each crawl has its own; nothing here imports Scrapy.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from crawlers.crawl import CrawlJob, CrawlReport
from crawlers.errors import MarqueError, UsageMistakeError
from crawlers.records import Drop, Notice, Photo
from crawlers.sources import site_named
from crawlers.store import open_store
from crawlers.web import Web

STOP_SECONDS = 20.0
"""So long may a crawl take to end once it is told to; what it has is on disk anyway."""
REFUSED = 3  # the child's exit status for an error that is for people

Heard = Callable[[CrawlReport], None]


class CrawlError(MarqueError):
    """A crawl could not be made at all."""


class PermissionNeededError(CrawlError):
    """A site whose terms want a permission that nobody says to have."""


def check_job(job: CrawlJob) -> None:
    """Make sure that a crawl may be made; raises `PermissionNeededError`, `NoContactError` and
    `UsageMistakeError`."""
    from crawlers.manners.agent import user_agent

    site = site_named(job.source)
    Web(job.replica)  # says what is wrong with the address
    if job.replica is None and job.pace is not None:
        raise UsageMistakeError("a site on the web is asked at its own pace; leave the pace out")
    if job.replica is None and site.permission and not job.permission:
        raise PermissionNeededError(
            f"{site.terms}. If you have that permission, set {site.permission} = true in "
            "marque.toml; to try the crawler out, use `marque replica`"
        )
    user_agent(job.contact, replica=job.replica is not None)


def store_folder(crawls: Path, job: CrawlJob) -> Path:
    """The folder of a source's store; what comes from a replica is kept apart."""
    return crawls / (job.source if job.replica is None else f"{job.source}-replica")


def run_crawl(job: CrawlJob, crawls: Path, heard: Heard | None = None) -> CrawlReport:
    """Make a crawl into the stores of folder `crawls`; `heard` is told how far it is.

    The report is there however the crawl ended, a killed process included; the crawl is ended with
    the caller, whatever stops that. Raises `CrawlError` where there was no crawl at all, and as
    `check_job` does.
    """
    check_job(job)
    folder = store_folder(crawls, job)
    folder.mkdir(parents=True, exist_ok=True)
    report: CrawlReport | None = None
    with (folder / "child.log").open("w", encoding="utf-8") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "crawlers.child", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=_environment(),
            start_new_session=True,  # a Ctrl-C is for us: we tell the child
        )
        try:
            for report in _reports(child, job):
                if heard is not None:
                    heard(report)
        finally:
            _end(child)
    return _outcome(child, folder, report)


def crawled(job: CrawlJob, crawls: Path, crawl_id: str) -> "CrawlSource":
    """What a crawl saw, as a source of photos for the catalogue."""
    return CrawlSource(job.source, store_folder(crawls, job), crawl_id)


class CrawlSource:
    """The photos of the listings that one crawl saw, whichever crawl fetched them."""

    def __init__(self, name: str, folder: Path, crawl_id: str) -> None:
        self._name = name
        self._folder = folder
        self._crawl_id = crawl_id

    @property
    def name(self) -> str:
        """The `source` of its sightings."""
        return self._name

    def count(self) -> int:
        """How many photos and drops there are."""
        return sum(1 for _ in self.records())

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """The photos in the order in which the crawl saw them, then what it left out."""
        store = open_store(self._folder)
        try:
            yield from store.records(self._name, self._crawl_id)
        finally:
            store.close()


def _environment() -> dict[str, str]:
    """The child imports the packages that we imported, installed or not, and hears Python's
    settings but none of Scrapy's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCRAPY_")}
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _reports(child: "subprocess.Popen[str]", job: CrawlJob) -> Iterator[CrawlReport]:
    assert child.stdin
    assert child.stdout
    try:
        child.stdin.write(job.to_json() + "\n")
        child.stdin.flush()
    except BrokenPipeError:
        return  # it ended at once, and its log says why
    for line in child.stdout:
        if line.startswith("{"):
            yield CrawlReport.from_json(line)


def _end(child: "subprocess.Popen[str]") -> None:
    """Stop the child if it runs: in order, as the end of its input tells it to, else by force."""
    if child.stdin:
        child.stdin.close()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout:
        child.stdout.close()


def _outcome(child: "subprocess.Popen[str]", folder: Path, last: CrawlReport | None) -> CrawlReport:
    said = (folder / "child.log").read_text(encoding="utf-8").strip()
    if last is None:
        reason = said if child.returncode == REFUSED else f"{_status(child)}; {said[-2000:]}"
        raise CrawlError(reason or _status(child))
    if last.finished_at is not None:
        return last
    store = open_store(folder)
    try:
        kept = store.report(last.crawl_id)
    finally:
        store.close()
    report = CrawlReport.from_json(kept) if kept else last
    if report.finished_at is not None:
        return report  # it ended well while nobody listened
    why = f"its process ended before it could say more ({_status(child)})"
    report = replace(report, ended="died", why=why)
    report.goes_on = "run the same command again: what is there is not asked for again"
    report.failures.append(f"the crawl died: {why}; {folder / 'child.log'} and crawl.log may tell")
    return report


def _status(child: "subprocess.Popen[str]") -> str:
    code = child.returncode
    return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
