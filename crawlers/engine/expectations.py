"""Checks the result of a crawl against the expectations for its site."""

from crawlers.engine.job import CrawlReport
from crawlers.engine.site import Site


def check_ending(report: CrawlReport) -> None:
    """Add a failure if the site or an error ended the crawl."""
    if report.ended == "blocked":
        report.failures.insert(0, f"the site does not want this crawl: {report.why}")
    elif report.ended == "failed":
        report.failures.insert(0, report.why)


def check_expectations(report: CrawlReport, site: Site) -> None:
    """Add failed checks to the report's `failures`, and doubtful numbers to its `warnings`.

    The number of listings is checked only if the crawl finished: any other crawl has not seen all.
    """
    if report.ended == "finished":
        _check_counts(report, site)
    seen = report.listings + sum(report.drops.values())
    for refused in site.expected.refusals:
        share = report.drops.get(refused.reason, 0) / max(seen, 1)
        if seen >= site.expected.judge_from and share > refused.most:
            report.failures.append(
                f"drift: {share:.1%} of {seen:,} were left out as {refused.reason!r}, over the "
                f"{refused.most:.0%} that are expected at most ({refused.why}); the site's answers "
                "may have changed"
            )
    if report.listings >= site.expected.judge_from:
        for fill in site.expected.fills:
            share = report.fill.get(fill.field, 0.0)
            if share < fill.least:
                report.failures.append(
                    f"drift: {fill.field} is filled in {share:.1%} of {report.listings:,} "
                    f"listings, {fill.least:.0%} are expected ({fill.why}); the site's pages may "
                    "have changed"
                )
        photos = (report.photos + report.known) / report.listings
        if photos > site.expected.most_photos:
            report.warnings.append(
                f"{photos:.1f} photos a listing, over the {site.expected.most_photos} that are "
                f"expected at most ({site.expected.why})"
            )


def _check_counts(report: CrawlReport, site: Site) -> None:
    expected = site.expected
    if report.listings == 0:
        report.failures.append(
            "no listing was parsed; check what was asked for, and the reasons above"
        )
    elif report.stated and report.stated >= expected.judge_from:
        share = report.listings / report.stated
        if share < expected.least_share:
            report.failures.append(
                f"{report.listings:,} listings of the {report.stated:,} that the site counts, "
                f"under {expected.least_share:.0%} ({expected.why})"
            )
