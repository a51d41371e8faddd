"""The process of a crawl: `python -m crawlers.engine.child FOLDER`, with the job on standard input.

It says how far it is as lines of JSON on standard output, keeps its report in the store, and stops
when it is told to (SIGTERM, SIGINT) or when standard input closes, as it does when its parent dies.
"""

import asyncio
import os
import signal
import sys
import time
import traceback
import uuid
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from pathlib import Path

from scrapy.crawler import AsyncCrawlerProcess

from core.errors import MarqueError
from core.web import Web
from crawlers.engine.crawl_state import CrawlState, now_text
from crawlers.engine.finish import conclude, keep
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.runner import REFUSED, check_job
from crawlers.engine.settings import crawl_settings
from crawlers.engine.store import CrawlStore, DiskError, open_store
from crawlers.engine.store.files import clear_aside
from crawlers.engine.store.lock import locked
from crawlers.sites.autoscout24.spider import AutoScout24Spider
from crawlers.sites.commons.spider import CommonsSpider
from crawlers.sites.sources import site_named

SPIDERS = {spider.name: spider for spider in (AutoScout24Spider, CommonsSpider)}
GO_ON_WITHIN = 36 * 3600.0  # the next night, too
"""For so many seconds a crawl that broke off is gone on with; then the site has changed."""
TELL_EVERY = 0.5
KEEP_EVERY = 2.0


def run(folder: Path, job: CrawlJob) -> CrawlReport:
    """Make one crawl into a store; its report is said and kept there, however it ends.

    Raises as `check_job` does, and `BusyStoreError`, `OldStoreError` and `DiskError` where there
    can be no crawl.
    """
    check_job(job)
    # What is said waits for a parent that is busy; the crawl, its store and its lock do not.
    with ThreadPoolExecutor(1) as mouth, locked(folder), closing(open_store(folder)) as store:
        clear_aside(folder)
        crawl = _begin(job, store)
        mouth.submit(_say, crawl.report.to_json())
        for step in (partial(_crawl, mouth=mouth), conclude):
            try:
                step(crawl)
            except Exception as error:
                crawl.fail(error)
                traceback.print_exc()
        keep(crawl)
        mouth.submit(_say, crawl.report.to_json())
    return crawl.report


def _begin(job: CrawlJob, store: CrawlStore) -> CrawlState:
    new = uuid.uuid4().hex
    crawl_id = store.begin(job.key, new, time.time(), keep_for=GO_ON_WITHIN)
    report = CrawlReport(job.source, crawl_id, now_text())
    if crawl_id != new:
        report.count_notice("went on with a crawl that had broken off", crawl_id)
    crawl = CrawlState(job, site_named(job.source), Web(job.replica), store, report)
    crawl.keep_report()
    return crawl


def _crawl(crawl: CrawlState, mouth: Executor) -> None:
    process = AsyncCrawlerProcess(crawl_settings(crawl))
    crawler = process.create_crawler(SPIDERS[crawl.site.name])
    crawling = process.crawl(crawler, crawl=crawl)
    loop = asyncio.get_event_loop()
    _stop_on_signals(loop, crawl)
    telling = loop.create_task(_tell(crawl, mouth))
    process.start(install_signal_handlers=False)
    telling.cancel()
    crawling.result()  # raises what hindered Scrapy from beginning at all


def _stop_on_signals(loop: asyncio.AbstractEventLoop, crawl: CrawlState) -> None:
    def stop(why: str) -> None:
        crawl.stop("stopped", why)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, "it was told to stop")

    def parent_left() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            stop("whoever started it ended it, or ended itself")

    loop.add_reader(sys.stdin.fileno(), parent_left)


async def _tell(crawl: CrawlState, mouth: Executor) -> None:
    kept = time.monotonic()
    while True:
        await asyncio.sleep(TELL_EVERY)
        await asyncio.get_running_loop().run_in_executor(mouth, _say, crawl.report.to_json())
        if time.monotonic() - kept > KEEP_EVERY:
            try:
                crawl.keep_report()
            except DiskError as error:
                crawl.fail(error)
            kept = time.monotonic()


def _say(line: str) -> None:
    with suppress(BrokenPipeError):  # nobody listens any more; the report is in the store
        print(line, flush=True)  # noqa: T201 - this is how the parent hears of it


def main() -> None:
    """Read the job and crawl; ends with status 0 if there was a crawl, however it ended."""
    job = CrawlJob.from_json(sys.stdin.readline())
    try:
        run(Path(sys.argv[1]), job)
    except MarqueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent reads it
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
