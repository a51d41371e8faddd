"""Runs a crawl in a process of its own, and reports its progress.

Scrapy's reactor can run only once in a process. Nothing here imports Scrapy.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import MarqueError, UsageMistakeError
from core.records import Drop, Notice, Photo, replica_of
from core.web import Web
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.registry import load_site
from crawlers.engine.store import open_store

CHILD_STOP_SECONDS = 20.0
"""A crawl that takes longer to stop is killed; what it has is on disk anyway."""
REFUSED = 3  # the child's exit status for an error that is for people
LOG = "crawl.log"
"""Scrapy's log of the last crawl, in the folder of its store."""

ProgressCallback = Callable[[CrawlReport], None]


class CrawlError(MarqueError):
    """A crawl could not be made at all."""


class PermissionNeededError(CrawlError):
    """A site may be crawled with its permission only, and the settings do not say it is given."""


def check_job(job: CrawlJob) -> None:
    """Check that a crawl may be made; raises `PermissionNeededError`, `NoContactError` and
    `UsageMistakeError`."""
    from crawlers.engine.politeness.agent import user_agent

    site = load_site(job.source)
    Web(job.replica)  # says what is wrong with the address
    if job.replica is None and job.pace is not None:
        raise UsageMistakeError("a site on the web is asked at its own pace; leave the pace out")
    if job.replica is None and (job.max_requests or 0) > site.max_requests:
        raise UsageMistakeError(
            f"a run makes at most {site.max_requests:,} requests to {site.name}, not "
            f"{job.max_requests:,}; the next run continues"
        )
    if job.replica is None and site.permission and not job.permission:
        raise PermissionNeededError(
            f"{site.terms}. If you have that permission, set {site.permission} = true in "
            "marque.toml; to try the crawler out, use `marque replica`"
        )
    user_agent(job.contact, replica=job.replica is not None)
    job.query.check()


def store_folder(crawls: Path, job: CrawlJob) -> Path:
    """The folder of a source's store, with the source's name; a replica has one of its own."""
    return crawls / (job.source if job.replica is None else replica_of(job.source))


def run_crawl(
    job: CrawlJob, crawls: Path, on_progress: ProgressCallback | None = None
) -> CrawlReport:
    """Make a crawl into the stores of folder `crawls`; `on_progress` is called with the
    report so far, about twice a second.

    Returns the report however the crawl ended, even if its process was killed. If this call is
    interrupted, the crawl ends too. Raises `CrawlError` if no crawl began, and as `check_job` does.
    """
    check_job(job)
    folder = store_folder(crawls, job)
    report: CrawlReport | None = None
    # The same import path, installed or not, and no variable that Scrapy reads.
    env = {name: value for name, value in os.environ.items() if not name.startswith("SCRAPY_")}
    env["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "crawlers.engine.child", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            encoding="utf-8",
            env=env,
            start_new_session=True,  # Ctrl-C reaches this process alone, which stops the child
        )
        try:
            for report in _reports(child, job):
                if on_progress is not None:
                    on_progress(report)
        finally:
            _end(child)
        stderr.seek(0)
        last_words = stderr.read().strip()[-2000:]
    if report is None:
        if child.returncode == REFUSED:
            raise CrawlError(last_words)
        raise CrawlError(f"no crawl began: its process ended ({_status(child)}). {last_words}")
    return report if report.finished_at else _died(report, folder, _status(child), last_words)


def crawled(job: CrawlJob, crawls: Path, crawl_id: str, *, is_sound: bool = True) -> "CrawlSource":
    """The photos that a crawl saw, as a source for the catalog."""
    folder = store_folder(crawls, job)
    return CrawlSource(folder.name, folder, crawl_id, is_sound=is_sound)


@dataclass(frozen=True, slots=True)
class CrawlSource:
    """The photos of the listings that one crawl saw; an earlier crawl may have fetched them.

    A crawl that failed a check is not sound: the site's pages may have changed. Its pages then add
    facts and withdraw none.
    """

    name: str
    folder: Path
    crawl_id: str
    is_sound: bool = True

    def count(self) -> int:
        """How many photos and drops there are."""
        return sum(1 for _ in self.records())

    def records(self) -> Iterator[Photo | Drop | Notice]:
        """The photos in the order in which the crawl saw them, then its drops."""
        with closing(open_store(self.folder)) as store:
            for record in store.records(self.name, self.crawl_id):
                if isinstance(record, Photo) and not self.is_sound:
                    yield replace(record, sighting=replace(record.sighting, covers=()))
                else:
                    yield record


def _reports(child: "subprocess.Popen[str]", job: CrawlJob) -> Iterator[CrawlReport]:
    assert child.stdin
    assert child.stdout
    try:
        child.stdin.write(job.to_json() + "\n")
        child.stdin.flush()
    except BrokenPipeError:
        return  # the child has ended already; its log says why
    for line in child.stdout:
        if line.startswith("{") and line.endswith("\n"):  # otherwise it was killed in the middle
            yield CrawlReport.from_json(line)


def _end(child: "subprocess.Popen[str]") -> None:
    """Stop the child if it runs: by closing its input, then by force."""
    for pipe in (child.stdin, child.stdout):  # otherwise the child blocks on a full pipe
        if pipe:
            with suppress(BrokenPipeError):
                pipe.close()
    try:
        child.wait(CHILD_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _died(last: CrawlReport, folder: Path, status: str, last_words: str) -> CrawlReport:
    """The report of a crawl whose process died; the report is stored, too."""
    why = f"its process ended before it could give a reason ({status})"
    told = f"the crawl died: {why}; see {folder / LOG}. {last_words}".strip()
    report = replace(last, ended="died", why=why, failures=[*last.failures, told])
    report.goes_on = "run the same command again: what is stored is not requested again"
    with suppress(MarqueError), closing(open_store(folder)) as store:
        kept = store.report(last.crawl_id)
        if kept is not None and CrawlReport.from_json(kept).finished_at:
            return CrawlReport.from_json(kept)  # it died after it had stored its final report
        store.store_report(last.crawl_id, report.to_json(), ended=None)
    return report


def _status(child: "subprocess.Popen[str]") -> str:
    code = child.returncode
    return f"signal {-code}" if code is not None and code < 0 else f"exit status {code}"
