"""`marque crawl SITE`: photos from a web site into the catalog, and no further."""

from typing import TYPE_CHECKING, Any

import click

from core.licenses import ACCEPTED
from core.text import replace_surrogates
from crawlers.sites.autoscout24.pages.codes import SITES
from crawlers.sites.autoscout24.pages.gallery import SIZES
from marque.common import F, run_flow, shared_options

if TYPE_CHECKING:
    from flows.reporting.report import RunReport


def _apply(command: F, *options: Any) -> F:
    for option in reversed(options):
        command = option(command)
    return command


def crawl_options(command: F) -> F:
    """The options of every crawl."""
    return _apply(
        command,
        click.option(
            "--limit",
            type=click.IntRange(min=1),
            help="Take at most this many photos, those that are there already among them.",
        ),
        click.option(
            "--max-requests",
            type=click.IntRange(min=1),
            help="Make at most this many requests, 20,000 at most; the next run goes on.",
        ),
        click.option(
            "--dry-run",
            is_flag=True,
            help="Only say how many requests, bytes and hours it would take.",
        ),
        click.option(
            "--replica",
            metavar="URL",
            help="Crawl the replica that `marque replica` keeps up, instead of the site.",
        ),
    )


def autoscout24_options(command: F) -> F:
    """What of AutoScout24 is wanted."""
    return _apply(
        command,
        click.option(
            "--site",
            type=click.Choice(list(SITES)),
            default="de",
            show_default=True,
            help="Country site.",
        ),
        click.option("--make", required=True, help="Make, such as fiat or alfa-romeo."),
        click.option("--model", help="Model of that make, such as 500."),
        click.option(
            "--year-from",
            type=click.IntRange(1900, 2100),
            help="Earliest year of first registration.",
        ),
        click.option(
            "--year-to", type=click.IntRange(1900, 2100), help="Latest year of first registration."
        ),
        click.option(
            "--size",
            type=click.Choice(SIZES),
            default="1280x960",
            show_default=True,
            help="Size of the photos in pixels.",
        ),
        click.option(
            "--per-listing",
            type=click.IntRange(min=1),
            help="Take at most this many photos of one advert.",
        ),
        crawl_options,
    )


def commons_options(command: F) -> F:
    """What of Wikimedia Commons is wanted."""
    return _apply(
        command,
        click.option(
            "--category",
            "categories",
            multiple=True,
            help='Category with what is below it, such as "Ford Mustang". Repeatable.',
        ),
        click.option(
            "--query",
            "queries",
            multiple=True,
            help='Search, such as "red ford mustang". Repeatable.',
        ),
        click.option(
            "--feature",
            "features",
            multiple=True,
            metavar="ATTRIBUTE",
            help="Search with each value of this attribute too, such as color. Repeatable.",
        ),
        click.option(
            "--depth",
            type=click.IntRange(0, 10),
            default=2,
            show_default=True,
            help="How many levels below a category to go.",
        ),
        click.option(
            "--width",
            type=int,
            default=1280,
            show_default=True,
            help="Width of the photos in pixels, one of those that Commons makes.",
        ),
        click.option(
            "--accept",
            multiple=True,
            help=f"Take this license too, beside {', '.join(ACCEPTED)}: pdm. Repeatable.",
        ),
        crawl_options,
    )


@click.group()
def crawl() -> None:
    """Take photos in from a web site, politely, and stop there: `marque embed` does the rest.

    Running it again asks only for what is new or changed, and goes on where a broken run stopped.
    """


@crawl.command()
@autoscout24_options
@shared_options
def autoscout24(as_json: bool, **asked: Any) -> None:
    """Adverts of a make on AutoScout24; needs its permission, see the setting
    autoscout24_permission."""
    crawl_autoscout24(asked, searchable=False, as_json=as_json)


@crawl.command()
@commons_options
@shared_options
def commons(as_json: bool, **asked: Any) -> None:
    """Photos under free licenses from Wikimedia Commons."""
    crawl_commons(asked, searchable=False, as_json=as_json)


def crawl_autoscout24(asked: dict[str, Any], *, searchable: bool, as_json: bool) -> None:
    """Run the flow `crawl-autoscout24` with a command's options."""
    first, last = asked.pop("year_from"), asked.pop("year_to")
    years = None if first is None and last is None else (first, last)

    def call() -> "RunReport":
        from flows.crawl import crawl_autoscout24 as flow

        report: RunReport = flow(**asked, years=years, searchable=searchable)
        return report

    run_flow(call, as_json=as_json)


def crawl_commons(asked: dict[str, Any], *, searchable: bool, as_json: bool) -> None:
    """Run the flow `crawl-commons` with a command's options."""
    if not (asked["categories"] or asked["queries"] or asked["features"]):
        raise click.UsageError('say what to look for: --category "Ford Mustang", or --query')

    for text in (*asked["categories"], *asked["queries"]):
        if text != replace_surrogates(text):
            raise click.UsageError(f"{replace_surrogates(text)!r} is not written in UTF-8")

    def call() -> "RunReport":
        from flows.crawl import crawl_commons as flow

        accept = [*ACCEPTED, *asked.pop("accept")]
        report: RunReport = flow(**asked, accept=accept, searchable=searchable)
        return report

    run_flow(call, as_json=as_json)
