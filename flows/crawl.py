"""The flows that crawl: photos from web sites, and from there on as with any source."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from core.licenses import ACCEPTED
from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.runner import check_job, crawled, run_crawl
from crawlers.sites.sources import Pace
from flows.recipe import recipe
from flows.reporting.progress import stage
from flows.reporting.report import RunReport
from flows.reporting.sheets import show_arrivals
from flows.resources import record_for
from flows.run import Run, recorded_run
from flows.settings import Settings
from flows.stages.features import feature_queries
from flows.stages.pipeline import make_searchable, register_all
from flows.stages.tasks import shard_task

REPLICA_PACE = Pace(0.0, 8, 0.0, 8, timeout=30.0, pause=1.0)
"""How fast a replica on this machine is asked: nobody is troubled by it."""

Count = Annotated[int, Field(ge=1)]


@recipe("crawl-autoscout24")
def crawl_autoscout24(
    make: str,
    model: str | None = None,
    site: str = "de",
    years: tuple[int | None, int | None] | None = None,
    size: str = "1280x960",
    limit: Count | None = None,
    per_listing: Count | None = None,
    max_requests: Count | None = None,
    searchable: bool = True,
    dry_run: bool = False,
    replica: str | None = None,
) -> RunReport:
    """Crawl the adverts of a make, or a model, on a country's AutoScout24.

    `years` are the first and last year of registration, None for an open end. With `searchable` the
    photos are labeled, embedded and published; else they are only registered. A dry run only
    reckons.
    """
    asked = {"site": site, "make": make, "model": model, "years": years, "size": size}
    limits = {"limit": limit, "per_listing": per_listing, "max_requests": max_requests}
    return _crawl("autoscout24", asked, limits, (searchable, dry_run), replica)


@recipe("crawl-commons")
def crawl_commons(
    categories: Sequence[str] = (),
    queries: Sequence[str] = (),
    features: Sequence[str] = (),
    depth: Annotated[int, Field(ge=0, le=10)] = 2,
    width: int = 1280,
    accept: Sequence[str] = ACCEPTED,
    limit: Count | None = None,
    max_requests: Count | None = None,
    searchable: bool = True,
    dry_run: bool = False,
    replica: str | None = None,
) -> RunReport:
    """Crawl photos of Wikimedia Commons: those of categories, `depth` levels down, and those that
    searches find.

    `features` are attributes of the vocabulary: each query is asked with each of their values too.
    `accept` are the licenses that are taken. The rest is as with `crawl_autoscout24`.
    """
    asked = {
        "categories": list(categories),
        "queries": list(queries),
        "features": list(features),
        "depth": depth,
        "width": width,
    }
    limits = {"limit": limit, "max_requests": max_requests, "accepted": tuple(accept)}
    return _crawl("commons", asked, limits, (searchable, dry_run), replica)


def _crawl(
    source: str,
    asked: dict[str, Any],
    limits: Mapping[str, Any],
    how: tuple[bool, bool],
    replica: str | None,
) -> RunReport:
    searchable, dry_run = how
    given = {**asked, **limits, "searchable": searchable, "dry_run": dry_run, "replica": replica}
    with recorded_run(f"crawl-{source}", given) as run:
        if features := asked.pop("features", None):
            vocabulary = run.catalog.vocabulary
            asked["queries"] = feature_queries(asked["queries"], features, vocabulary)
        job = make_job(run.settings, source, asked, limits, replica=replica, dry_run=dry_run)
        check_job(job)  # what is wrong with the crawl is said first, then with the model
        record = record_for(run.settings) if searchable and not dry_run else None
        done = crawl_site(run, job)
        show_crawl(run, done)
        if not dry_run:
            is_sound = not done.failures
            found = crawled(job, run.settings.crawls_path, done.crawl_id, is_sound=is_sound)
            register_all(run, found, None, None)
            if searchable:
                make_searchable(run, record)
                show_arrivals(run)
        if done.failures:
            run.report.error = "; ".join(done.failures)  # what was fetched stays
    return run.report


def make_job(
    settings: Settings,
    source: str,
    asked: Mapping[str, Any],
    limits: Mapping[str, Any],
    *,
    replica: str | None,
    dry_run: bool,
) -> CrawlJob:
    """A crawl as the settings allow it."""
    return CrawlJob(
        source=source,
        asked={name: value for name, value in asked.items() if value is not None},
        contact=settings.contact,
        permission=settings.autoscout24_permission,
        replica=replica,
        pace=None if replica is None else REPLICA_PACE,
        dry_run=dry_run,
        **limits,
    )


@shard_task("crawl", retries=0)
def crawl_site(run: Run, job: CrawlJob) -> CrawlReport:
    """Crawl, with its progress; a broken crawl is gone on with by the next run, not tried again."""
    with stage(run.report, "crawl", job.limit) as step:

        def heard(report: CrawlReport) -> None:
            # Pages come long before the first photo does.
            step.tell(f"{report.requests:,} requests, {report.listings:,} listings, photos")
            if more := report.photos + report.known - step.stage.photos:
                step.advance(more)

        return run_crawl(job, run.settings.crawls_path, heard)


def show_crawl(run: Run, done: CrawlReport) -> None:
    """Put what came of a crawl into the run's report."""
    report = run.report
    report.crawl = done.to_dict()
    report.messages += done.warnings
    if done.goes_on:
        report.messages.append(f"the crawl is not complete ({done.why}); {done.goes_on}")
