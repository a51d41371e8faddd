"""Tables of a report about a crawl."""

from collections.abc import Mapping
from typing import Any

Rows = list[dict[str, Any]]


def crawl_tables(crawl: Mapping[str, Any], *, registered: bool) -> dict[str, Rows]:
    """Tables of a `CrawlReport` as JSON-ready values; those without rows are left out.

    What a crawl left out is shown here unless it was `registered`, as what is rejected then is.
    """
    if crawl["estimate"] is not None:
        return {"A first crawl would take": _estimate(crawl["estimate"])}
    megabytes = round(crawl["bytes"] / 1e6, 1)
    facts = {
        "listings": crawl["listings"],
        "listings that the site counts": crawl["stated"],
        "new": crawl["fresh"],
        "changed": crawl["changed"],
        "gone": crawl["gone"],
        "photos fetched": crawl["photos"],
        "photos known": crawl["known"],
        "requests": crawl["requests"],
        "megabytes": megabytes,
    }
    tables = {
        "Crawl": [{"": name, "count": value} for name, value in facts.items() if value is not None],
        "Fields": [
            {"field": name, "listings that have it": f"{share:.1%}"}
            for name, share in crawl["fill"].items()
            if crawl["listings"]
        ],
        "HTTP answers": [
            {"status": status, "count": count} for status, count in crawl["statuses"].items()
        ],
        "Left out by the crawl": [] if registered else _counted(crawl["drops"], crawl["examples"]),
        "Noticed by the crawl": _counted(crawl["notices"], crawl["examples"]),
    }
    tables["Crawl"].append({"": "ended", "count": f"{crawl['ended']}: {crawl['why']}"})
    return {title: rows for title, rows in tables.items() if rows}


def _counted(counts: Mapping[str, int], examples: Mapping[str, str]) -> Rows:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"what": text, "count": count, "for example": examples.get(text, "")}
        for text, count in ordered
    ]


def _estimate(estimate: Mapping[str, float]) -> Rows:
    shown = {
        "listings": f"{estimate['listings']:,.0f}",
        "photos": f"{estimate['photos']:,.0f}",
        "requests": f"{estimate['requests']:,.0f}",
        "gigabytes": f"{estimate['bytes'] / 1e9:.2f}",
        "hours": f"{estimate['hours']:.1f}",
    }
    return [{"": name, "about": value} for name, value in shown.items()]
