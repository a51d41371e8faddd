"""What sites can be asked: the names by which stores know it, and what it is checked for."""

from typing import Any

import pytest
from pydantic import ValidationError

from core.errors import UsageMistakeError
from core.vocabulary import load_vocabulary
from crawlers.engine.job import CrawlJob
from crawlers.engine.registry import load_query
from crawlers.sites.commons.query import CommonsQuery

REPLICA = {"replica": "http://127.0.0.1:1"}


@pytest.mark.parametrize(
    ("source", "query", "more", "key"),
    [
        ("autoscout24", {"site": "it", "make": "fiat", "model": "500"}, {}, "eb174f933ccd6117"),
        (
            "autoscout24",
            {"make": "alfa-romeo", "years": (2015, None), "size": "480x360", "per_listing": 3},
            {"dry_run": True},
            "93a9fe748cef17c4",
        ),
        (
            "autoscout24",
            {"site": "it", "make": "fiat", "size": "480x360"},
            REPLICA,
            "816117a235a73dfa",
        ),
        (
            "commons",
            {"categories": ["Ford Mustang"], "queries": ["red ford"]},
            {},
            "aec4d4cf8801e398",
        ),
        (
            "commons",
            {"queries": ["car red"], "depth": 0, "width": 960}
            | {"accept": ["by", "by-sa", "cc0", "pdm"]},
            REPLICA,
            "782d0e01ab0617fc",
        ),
    ],
)
def test_stores_written_so_far_know_their_crawls(
    source: str, query: dict[str, Any], more: dict[str, Any], key: str
) -> None:
    """A crawl finds what is gone, and one that broke off, by this key."""
    job = CrawlJob(source, load_query(source)(**query), limit=3, **more)
    assert job.key == key
    assert CrawlJob.from_json(job.to_json()) == job


def test_reports_name_the_licenses_as_before() -> None:
    given = CommonsQuery(categories=("Ford Mustang",)).parameters()
    assert given["accepted"] == ("by", "by-sa", "cc0")
    assert "accept" not in given


def test_features_become_searches_and_leave_no_trace_in_the_key() -> None:
    asked = CommonsQuery(queries=("ford",), features=("color",)).expand(load_vocabulary())
    assert asked.features == ()
    assert {"ford", "ford red"} <= set(asked.queries)
    same = CommonsQuery(queries=asked.queries)
    assert CrawlJob("commons", asked).key == CrawlJob("commons", same).key


@pytest.mark.parametrize(
    ("source", "query", "said"),
    [
        ("autoscout24", {"make": "fiat", "site": "xx"}, "there is no AutoScout24 site 'xx'; there"),
        ("autoscout24", {"make": "fiat", "size": "1x1"}, "there is no size '1x1'; there are: 250"),
        ("autoscout24", {"make": " "}, "a search needs a make"),
        ("commons", {}, "nothing is asked for: name a category of Commons, or a search"),
        ("commons", {"queries": [" "]}, "the search is empty"),
        ("commons", {"queries": ["ford"], "width": 501}, "no thumbnails 501"),
        ("commons", {"queries": ["ford"], "accept": ["by-nc"]}, "'by-nc' cannot be accepted"),
    ],
)
def test_what_a_site_cannot_be_asked_is_said(source: str, query: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageMistakeError, match=said):
        load_query(source)(**query).check()


def test_what_is_no_query_at_all_is_refused() -> None:
    with pytest.raises(ValidationError):
        load_query("autoscout24")(make="fiat", colour="red")
    with pytest.raises(ValidationError):
        load_query("commons")(depth=11)
