"""The flows that crawl, one for each site: its photos, and from there on as with any source."""

import inspect
from functools import cache
from typing import Annotated, Any

from pydantic import Field
from pydantic.fields import FieldInfo

from crawlers.engine.job import CrawlJob, CrawlReport
from crawlers.engine.query import CrawlOptions, SiteQuery
from crawlers.engine.registry import load_query, load_site
from crawlers.engine.runner import check_job, crawled, run_crawl
from crawlers.engine.site import Pace
from flows.recipe import Recipe, recipe
from flows.reporting.progress import stage
from flows.reporting.report import RunReport
from flows.reporting.sheets import show_arrivals
from flows.resources import record_for
from flows.run import Run, recorded_run
from flows.stages.pipeline import make_searchable, register_all
from flows.stages.tasks import shard_task

REPLICA_PACE = Pace(0.0, 8, 0.0, 8, timeout=30.0, pause=1.0)
"""How fast a replica on this machine is asked: it troubles nobody."""


@cache
def crawl_recipe(site: str) -> Recipe[...]:
    """The recipe `crawl-<site>`; raises `SourceError` where there is no such site.

    Its parameters are the fields of the site's query and of `CrawlOptions`, and `searchable`: then
    the photos are labeled, embedded and published, else they are only registered.
    """
    query = load_query(site)
    known = query.model_fields | CrawlOptions.model_fields
    parameters = [_parameter(name, field) for name, field in known.items()]
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters.append(inspect.Parameter("searchable", keyword, default=True, annotation=bool))

    def crawl(*, searchable: bool = True, **given: Any) -> RunReport:
        ours = {name: value for name, value in given.items() if name in query.model_fields}
        rest = {name: value for name, value in given.items() if name not in ours}
        return _crawl(site, query(**ours), CrawlOptions(**rest), searchable=searchable)

    # From these Prefect and pydantic read the parameters; their descriptions, from the docstring.
    crawl.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    crawl.__annotations__ = {each.name: each.annotation for each in parameters}
    crawl.__name__ = crawl.__qualname__ = f"crawl_{site}"
    lines = (f"    {name}: {field.description}" for name, field in known.items())
    crawl.__doc__ = "\n".join([f"Crawl {load_site(site).summary}", "", "Args:", *lines])
    return recipe(f"crawl-{site}")(crawl)


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    extra = Field(json_schema_extra=field.json_schema_extra)
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=inspect.Parameter.empty if field.is_required() else field.default,
        annotation=Annotated[field.rebuild_annotation(), extra],
    )


def _crawl(source: str, query: SiteQuery, options: CrawlOptions, *, searchable: bool) -> RunReport:
    given = {**query.parameters(), **dict(options), "searchable": searchable}
    with recorded_run(f"crawl-{source}", given) as run:
        permission = load_site(source).permission
        job = CrawlJob(
            source=source,
            query=query.expand(run.catalog.vocabulary),
            contact=run.settings.contact,
            permission=permission is not None and getattr(run.settings, permission),
            pace=None if options.replica is None else REPLICA_PACE,
            **dict(options),
        )
        check_job(job)  # errors of the crawl are raised before the model is loaded
        record = record_for(run.settings) if searchable and not job.dry_run else None
        done = crawl_site(run, job)
        run.report.crawl = done.to_dict()
        run.report.messages += done.warnings
        if done.goes_on:
            run.report.messages.append(f"the crawl is not complete ({done.why}); {done.goes_on}")
        if not job.dry_run:
            is_sound = not done.failures
            found = crawled(job, run.settings.crawls_path, done.crawl_id, is_sound=is_sound)
            register_all(run, found, None, None)
            if searchable:
                make_searchable(run, record)
                show_arrivals(run)
        if done.failures:
            run.report.error = "; ".join(done.failures)  # what was fetched stays
    return run.report


@shard_task("crawl", retries=0)
def crawl_site(run: Run, job: CrawlJob) -> CrawlReport:
    """Crawl, with its progress; the next run resumes an interrupted crawl, so no retry does."""
    with stage(run.report, "crawl", job.limit) as step:

        def on_progress(report: CrawlReport) -> None:
            # Pages come long before the first photo does.
            step.tell(f"{report.requests:,} requests, {report.listings:,} listings, photos")
            if more := report.photos + report.known - step.stage.photos:
                step.advance(more)

        return run_crawl(job, run.settings.crawls_path, on_progress)
