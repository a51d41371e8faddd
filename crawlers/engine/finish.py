"""The end of a crawl: check its result, and mark what is gone."""

from crawlers.engine.crawl_state import CrawlState, now_text
from crawlers.engine.expectations import check_ending, check_expectations
from crawlers.engine.runner import LOG
from crawlers.engine.store import DiskError

MOST_GONE = 0.5
"""If a larger share of a job's listings seems gone at once, nothing is marked: the walk is more
likely at fault."""
FEW_GONE = 20
"""This many listings may be gone at once, even if they are a large share: a small search is soon
sold out."""


def conclude(crawl: CrawlState) -> None:
    """Check the result of a crawl, and mark what is gone; raises `DiskError`."""
    if crawl.report.ended == "running":  # neither the spider nor an error said why
        crawl.stop("failed", f"it ended without giving a reason; see {crawl.store.folder / LOG}")
    report, expected = crawl.report, crawl.site.expected
    report.fill = {
        fill.field: round(crawl.filled.get(fill.field, 0) / max(report.listings, 1), 4)
        for fill in expected.fills
    }
    if not crawl.job.dry_run:
        check_expectations(report, crawl.site)
        if not report.failures:  # otherwise the site's answers may have changed
            for listing in crawl.withdrawn:
                crawl.store.store_gone(crawl.crawl_id, listing)
        mark_gone(crawl)


def store_final_report(crawl: CrawlState) -> None:
    """Complete the report of a crawl, and store it; a full disk becomes a warning."""
    report = crawl.report
    report.finished_at = now_text()
    check_ending(report)
    over = report.complete or crawl.job.dry_run
    if not over and not crawl.not_resumable:
        report.goes_on = "run the same command again: what is stored is not requested again"
    ended = report.ended if over else None
    try:
        crawl.store.store_report(crawl.crawl_id, report.to_json(), ended=ended)
    except DiskError as error:
        report.warnings.append(f"the report of the crawl could not be kept: {error}")


def mark_gone(crawl: CrawlState) -> None:
    """Mark as gone what earlier crawls of the job saw and this one did not.

    Nothing is marked after a crawl that was stopped, could not see everything, or failed a check.
    Raises `DiskError`.
    """
    report = crawl.report
    if report.ended != "finished" or crawl.partial or report.failures:
        return
    unseen = crawl.store.unseen(crawl.job.key, crawl.crawl_id)
    missing = [listing_id for listing_id in unseen if listing_id not in crawl.unread]
    known = report.listings - report.fresh + len(missing)
    if len(missing) > FEW_GONE and len(missing) > MOST_GONE * known:
        report.warnings.append(
            f"{len(missing):,} of {known:,} known listings were not shown; the site's "
            "answers are more likely wrong than so many gone at once, so none was marked as gone"
        )
        return
    crawl.store.mark_gone(crawl.crawl_id, missing)
    report.gone = len(missing)
