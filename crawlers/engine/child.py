"""The process of a crawl: `python -m crawlers.engine.child FOLDER`, with the job on standard input.

It writes its report as lines of JSON to standard output, keeps it in the store, and stops on
SIGTERM, on SIGINT, and when standard input closes, as it does when the parent dies.
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
from crawlers.engine.finish import conclude, store_final_report
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.polite_spider import load_spider
from crawlers.engine.registry import load_site
from crawlers.engine.runner import REFUSED, check_job
from crawlers.engine.settings import crawl_settings
from crawlers.engine.store import DiskError, open_store
from crawlers.engine.store.files import clear_aside
from crawlers.engine.store.lock import locked

RESUME_WITHIN = 36 * 3600.0  # the next night, too
"""Seconds during which an interrupted crawl is resumed; later the site has changed."""
REPORT_EVERY = 0.5
"""Seconds between two lines to the parent."""
STORE_EVERY = 2.0
"""Seconds between two reports in the store."""


def run(folder: Path, job: CrawlJob) -> CrawlReport:
    """Make one crawl into a store. However it ends, its report is written and stored.

    Raises as `check_job` does, and `BusyStoreError`, `OldStoreError` and `DiskError` if the crawl
    cannot begin.
    """
    check_job(job)
    # Lines may wait for a busy parent; the crawl, its store and its lock must not.
    with (
        ThreadPoolExecutor(1) as stdout_writer,
        locked(folder),
        closing(open_store(folder)) as store,
    ):
        clear_aside(folder)
        new = uuid.uuid4().hex
        crawl_id = store.begin(job.key, new, time.time(), keep_for=RESUME_WITHIN)
        report = CrawlReport(job.source, crawl_id, now_text())
        if crawl_id != new:
            report.count_notice("went on with a crawl that had broken off", crawl_id)
        crawl = CrawlState(job, load_site(job.source), Web(job.replica), store, report)
        crawl.keep_report()
        stdout_writer.submit(_write_line, report.to_json())
        for step in (partial(_crawl, stdout_writer=stdout_writer), conclude):
            try:
                step(crawl)
            except Exception as error:
                crawl.fail(error)
                traceback.print_exc()
        store_final_report(crawl)
        stdout_writer.submit(_write_line, report.to_json())
    return report


def _crawl(crawl: CrawlState, stdout_writer: Executor) -> None:
    process = AsyncCrawlerProcess(crawl_settings(crawl))
    crawler = process.create_crawler(load_spider(crawl.site.name))
    crawling = process.crawl(crawler, crawl=crawl)
    loop = asyncio.get_event_loop()
    stop = partial(crawl.stop, "stopped")
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, "it was told to stop")

    def parent_left() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            stop("the process that started it ended, or told it to stop")

    loop.add_reader(sys.stdin.fileno(), parent_left)
    reporting = loop.create_task(_report_progress(crawl, stdout_writer))
    process.start(install_signal_handlers=False)
    reporting.cancel()
    crawling.result()  # raises where Scrapy could not begin at all


async def _report_progress(crawl: CrawlState, stdout_writer: Executor) -> None:
    kept = time.monotonic()
    while True:
        await asyncio.sleep(REPORT_EVERY)
        await asyncio.get_running_loop().run_in_executor(
            stdout_writer, _write_line, crawl.report.to_json()
        )
        if time.monotonic() - kept > STORE_EVERY:
            try:
                crawl.keep_report()
            except DiskError as error:
                crawl.fail(error)
            kept = time.monotonic()


def _write_line(line: str) -> None:
    with suppress(BrokenPipeError):  # no parent any more; the report is in the store
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
