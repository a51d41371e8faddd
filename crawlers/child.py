"""The process of one crawl: `python -m crawlers.child FOLDER`, with the job on standard input.

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
from contextlib import suppress
from pathlib import Path

from scrapy import signals
from scrapy.crawler import AsyncCrawlerProcess

from crawlers.crawl import COMPLETE, CrawlJob, CrawlReport
from crawlers.errors import MarqueError
from crawlers.expectations import check_expectations
from crawlers.settings import crawl_settings
from crawlers.sources import site_named
from crawlers.spiders.polite import PoliteSpider
from crawlers.store import open_store
from crawlers.store.state import locked
from crawlers.under_way import UnderWay, now_text
from crawlers.web import Web

GO_ON_WITHIN = 24 * 3600.0
"""For so many seconds a crawl that broke off is gone on with; then the site has changed."""
TELL_EVERY = 0.5
KEEP_EVERY = 2.0
MOST_GONE = 0.5
"""If a larger share of a job's listings seems gone at once, the walk is thought to be at fault."""


def run(folder: Path, job: CrawlJob) -> CrawlReport:
    """Make one crawl into a store; its report is kept there, whatever happens."""
    with locked(folder):
        store = open_store(folder)
        new = uuid.uuid4().hex
        crawl_id = store.begin(job.key, new, time.time(), keep_for=GO_ON_WITHIN)
        report = CrawlReport(job.source, crawl_id, now_text())
        if crawl_id != new:
            report.count_notice("went on with a crawl that had broken off", crawl_id)
        crawl = UnderWay(job, site_named(job.source), Web(job.replica), store, report)
        crawl.keep_report()
        try:
            _crawl(crawl)
        except Exception as error:
            crawl.stop("failed", f"{type(error).__name__}: {error}")
            traceback.print_exc()
        _close(crawl)
        store.close()
    return report


def _crawl(crawl: UnderWay) -> None:
    process = AsyncCrawlerProcess(crawl_settings(crawl))
    crawler = process.create_crawler(spider_class(crawl.site.name))
    crawler.signals.connect(
        lambda failure: _fail(crawl, failure.value), signal=signals.spider_error, weak=False
    )
    process.crawl(crawler, crawl=crawl)
    loop = asyncio.get_event_loop()
    telling = loop.create_task(_tell(crawl))
    _stop_on_signals(loop, crawl)
    process.start(install_signal_handlers=False)
    telling.cancel()


def spider_class(source: str) -> type[PoliteSpider]:
    """The spider of a source."""
    if source == "autoscout24":
        from crawlers.spiders.autoscout24 import AutoScout24Spider

        return AutoScout24Spider
    from crawlers.spiders.commons import CommonsSpider

    return CommonsSpider


def _fail(crawl: UnderWay, error: BaseException) -> None:
    known = isinstance(error, MarqueError)
    crawl.stop("failed", str(error) if known else f"{type(error).__name__}: {error}")


def _stop_on_signals(loop: asyncio.AbstractEventLoop, crawl: UnderWay) -> None:
    def stop(why: str) -> None:
        crawl.stop("stopped", why)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, "it was told to stop")

    def parent_left() -> None:
        if not os.read(sys.stdin.fileno(), 4096):
            loop.remove_reader(sys.stdin.fileno())
            stop("whoever started it ended it, or ended itself")

    loop.add_reader(sys.stdin.fileno(), parent_left)


async def _tell(crawl: UnderWay) -> None:
    kept = time.monotonic()
    while True:
        await asyncio.sleep(TELL_EVERY)
        _say(crawl.report)
        if time.monotonic() - kept > KEEP_EVERY:
            crawl.keep_report()
            kept = time.monotonic()


def _say(report: CrawlReport) -> None:
    with suppress(BrokenPipeError):  # nobody listens any more; the report is in the store
        print(report.to_json(), flush=True)  # noqa: T201 - this is how the parent hears of it


def _close(crawl: UnderWay) -> None:
    report = crawl.report
    crawl.measure_fill()
    report.finished_at = now_text()
    if report.ended == "finished" and not crawl.job.dry_run:
        _mark_gone(crawl)
    if not crawl.job.dry_run:
        check_expectations(report, crawl.site)
    over = report.ended in COMPLETE or crawl.job.dry_run
    if not over:
        report.goes_on = "run the same command again: what is there is not asked for again"
    crawl.store.store_report(crawl.crawl_id, report.to_json(), ended=report.ended if over else None)
    _say(report)


def _mark_gone(crawl: UnderWay) -> None:
    """What earlier crawls of the job saw and this one, which saw everything, did not."""
    missing = crawl.store.unseen(crawl.job.key, crawl.crawl_id)
    known = crawl.report.listings - crawl.report.fresh + len(missing)
    if len(missing) > 20 and len(missing) > MOST_GONE * known:
        crawl.report.warnings.append(
            f"{len(missing):,} of {known:,} known listings were not shown; so many at once are "
            "more likely a fault of the site's answers, and none was marked as gone"
        )
        return
    crawl.store.mark_gone(crawl.crawl_id, missing)
    crawl.report.gone = len(missing)


def main() -> None:
    """Read the job, crawl, and end with status 0 if the report could be written."""
    job = CrawlJob.from_json(sys.stdin.readline())
    try:
        run(Path(sys.argv[1]), job)
    except MarqueError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the parent reads it
        sys.exit(3)


if __name__ == "__main__":
    main()
