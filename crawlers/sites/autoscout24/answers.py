"""Scrapy responses of AutoScout24: the data of a page, and the target of a redirect."""

from urllib.parse import urljoin

from scrapy.http import Response, TextResponse

from crawlers.sites.autoscout24.pages.next_data import next_data, page_props
from crawlers.sites.autoscout24.pages.paths import MalformedPageError, PageData

BARE = "without the page's data, as sites do to block a program"


def page_data(response: Response) -> PageData | None:
    """`pageProps` of a page; None for an answer without it, such as an error or a block."""
    if response.status != 200 or not isinstance(response, TextResponse):
        return None
    try:
        data = next_data(response.text)
    except MalformedPageError:
        return None
    return None if data is None else page_props(data)


def is_bare(response: Response) -> bool:
    """Whether a page lacks the script that carries its data."""
    return response.status == 200 and b"__NEXT_DATA__" not in response.body


def redirect_target(url: str, response: Response) -> str | None:
    """The target of a redirect from `url`, "" if it names none; None if this is not a redirect."""
    if not 300 <= response.status < 400:
        return None
    location = (response.headers.get(b"Location") or b"").decode("latin-1")
    try:
        return urljoin(url, location) if location else ""
    except ValueError:  # not a URL
        return location
