"""Tables of a report about a crawl."""

from collections.abc import Mapping
from typing import Any

Rows = list[dict[str, Any]]


def crawl_tables(crawl: Mapping[str, Any], *, registered: bool) -> dict[str, Rows]:
    """Tables of a `CrawlReport` as JSON-ready values; those without rows are left out.

    Things that the crawl left out are shown unless it was `registered`: then they are among the
    rejected.
    """
    if (estimate := crawl["estimate"]) is not None:
        shown = {
            "listings": f"{estimate['listings']:,.0f}",
            "photos": f"{estimate['photos']:,.0f}",
            "requests": f"{estimate['requests']:,.0f}",
            "gigabytes": f"{estimate['bytes'] / 1e9:.2f}",
            "hours": f"{estimate['hours']:.1f}",
        }
        rows = [{"": name, "about": value} for name, value in shown.items()]
        return {"A first crawl would take": rows}
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
        "Left out by the crawl": counted_rows(
            "what", {} if registered else crawl["drops"], crawl["examples"]
        ),
        "Noticed by the crawl": counted_rows("what", crawl["notices"], crawl["examples"]),
    }
    tables["Crawl"].append({"": "ended", "count": f"{crawl['ended']}: {crawl['why']}"})
    return {title: rows for title, rows in tables.items() if rows}


def counted_rows(
    name: str, counts: Mapping[str, int], examples: Mapping[str, str] | None = None
) -> Rows:
    """Rows of a table of counts, the most frequent first; `examples` add a column."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    if examples is None:
        return [{name: text, "count": count} for text, count in ordered]
    return [
        {name: text, "count": count, "for example": examples.get(text, "")}
        for text, count in ordered
    ]
