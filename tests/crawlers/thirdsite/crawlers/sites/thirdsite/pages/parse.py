"""Search pages and pages of cars, from HTML to records."""

from dataclasses import dataclass

from scrapy import Selector

from core.errors import DriftError
from core.records import Listing, PhotoLink


@dataclass(frozen=True, slots=True)
class Row:
    """A car in a search: its id, its address, and a stamp that changes with the car."""

    id: str
    url: str
    stamp: str


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of a search: its cars, how many the whole search finds, and the address of the next
    page, None on the last one."""

    rows: tuple[Row, ...]
    total: int
    next_url: str | None


def parse_search(html: str) -> SearchPage:
    """Read a page of a search; raises `DriftError` if it is none."""
    page = Selector(text=html)
    total = page.css("#total::text").get()
    if total is None:
        raise DriftError("#total", "is not there in a search page")
    rows = tuple(
        Row(link.attrib["data-id"], link.attrib["href"], link.attrib["data-changed"])
        for link in page.css("a.car")
    )
    return SearchPage(rows, int(total), page.css("a[rel=next]::attr(href)").get())


def parse_car(html: str, row: Row) -> Listing:
    """Read the page of the car of `row`; raises `DriftError` if it is none."""
    page = Selector(text=html)
    facts = page.css("dl.facts dt")
    if not facts:
        raise DriftError("dl.facts", f"is not there in the page of car {row.id}")
    words = {fact.css("::text").get(""): fact.xpath("following-sibling::dd[1]/text()").get("")
             for fact in facts}  # fmt: skip
    return Listing(
        source="thirdsite",
        listing_id=row.id,
        page_url=row.url,
        stamp=row.stamp,
        words=words,
        photos=tuple(
            PhotoLink(f"{row.id}/{number}", url)
            for number, url in enumerate(page.css("img.photo::attr(src)").getall())
        ),
        license=page.css("a[rel=license]::text").get(),
        license_url=page.css("a[rel=license]::attr(href)").get(),
    )
