"""Whether what a crawl is asked for makes sense, looked at before any site is asked."""

from core.errors import UsageMistakeError
from core.licenses import check_accepted
from crawlers.engine.job import CrawlJob
from crawlers.sites.autoscout24.pages.codes import SITES, slug
from crawlers.sites.autoscout24.pages.gallery import SIZES
from crawlers.sites.autoscout24.pages.slices import Slice
from crawlers.sites.commons.pages import api


def check_asked(job: CrawlJob) -> None:
    """Raise `UsageMistakeError` for a crawl that no site could be asked for."""
    {"autoscout24": _check_autoscout24, "commons": _check_commons}[job.source](job)


def autoscout24_search(job: CrawlJob) -> Slice:
    """The search that a crawl of AutoScout24 begins with; raises `UsageMistakeError`."""
    asked = job.asked
    site = SITES.get(asked["site"])
    if site is None:
        raise UsageMistakeError(
            f"there is no AutoScout24 site {asked['site']!r}; there are {', '.join(SITES)}"
        )
    model = asked.get("model")
    first, last = asked.get("years") or (None, None)
    return Slice(
        site=site,
        make=slug(asked["make"]),
        model=slug(model) if model else None,
        year_from=first,
        year_to=last,
    )


def _check_autoscout24(job: CrawlJob) -> None:
    autoscout24_search(job)
    if (size := job.asked["size"]) not in SIZES:
        raise UsageMistakeError(f"there is no size {size!r}; there are: {', '.join(SIZES)}")


def _check_commons(job: CrawlJob) -> None:
    check_accepted(job.accepted)
    for title in job.asked["categories"]:
        api.category_files(title, job.asked["width"])
    for text in job.asked["queries"]:
        api.search_files(text, job.asked["width"])
    if not job.asked["categories"] and not job.asked["queries"]:
        raise UsageMistakeError("nothing is asked for: name a category of Commons, or a search")
