"""The API of Commons: requests, answers in parts, errors inside an answer, and categories."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import MarqueError, UsageMistakeError
from core.records import Listing
from crawlers.sites.commons.pages import api
from crawlers.sites.commons.pages.answers import (
    ApiAnswer,
    ApiError,
    Batch,
    NotApiAnswerError,
    parse_answer,
)
from crawlers.sites.commons.pages.categories import (
    is_denied,
    parse_category_sizes,
    parse_subcategories,
)
from crawlers.sites.commons.pages.drift import check_answer
from crawlers.sites.commons.pages.parse import parse_file

CHAIN = ("wmc_pretty1.json", "wmc_pretty2.json", "wmc_pretty3.json")


@pytest.fixture
def folder(shared_data: Path) -> Path:
    return shared_data / "commons"


def test_a_chain_of_three_answers_gives_nine_records_once(folder: Path) -> None:
    batch = Batch()
    answers = [parse_answer((folder / name).read_text()) for name in CHAIN]
    assert [answer.complete for answer in answers] == [False, False, True]
    assert answers[0].more == {
        "continue": "||imageinfo",
        "gucontinue": "Edvard_Munch_-_Night_in_Nice_(1891).jpg|nowiki|1281339",
    }
    whole = [batch.add(answer) for answer in answers]
    assert [len(pages) for pages in whole] == [0, 0, 9]
    merged = json.loads((folder / "wmc_pretty123.json").read_text())
    assert list(whole[2]) == list(merged["query"]["pages"].values())
    assert answers[2].more == merged["continue"]
    assert batch == Batch()
    assert sum(isinstance(parse_file(page), Listing) for page in whole[2]) == 6


def test_answers_that_are_whole_at_once(folder: Path) -> None:
    for name, count, goes_on in (("wmc_raw.json", 28, False), ("wmc_pretty4.json", 50, True)):
        answer = parse_answer((folder / name).read_bytes())
        assert len(Batch().add(answer)) == len(answer.pages) == count
        assert bool(answer.more) is goes_on


def test_both_formats_say_the_same() -> None:
    first = {"batchcomplete": "", "query": {"pages": {"7": {"pageid": 7}, "-1": {"title": "A"}}}}
    second = {"batchcomplete": True, "query": {"pages": [{"pageid": 7}, {"title": "A"}]}}
    assert parse_answer(json.dumps(first)) == parse_answer(json.dumps(second))


def test_an_empty_page_that_goes_on_is_no_end() -> None:
    empty = parse_answer('{"batchcomplete": true, "continue": {"gcmcontinue": "x|1", "n": 2}}')
    assert (empty.pages, empty.more) == ((), {"gcmcontinue": "x|1", "n": 2})
    assert not parse_answer('{"batchcomplete": true}').more


def test_older_versions_of_a_file_are_not_followed() -> None:
    older = {"iistart": "2015-01-01T00:00:00Z", "continue": "||"}
    answer = parse_answer(json.dumps({"continue": older, "query": {"pages": [{"pageid": 7}]}}))
    assert not answer.more
    assert Batch().add(answer) == ({"pageid": 7},), "nothing else would make it whole"
    check_answer(answer, api.files_by_id(["7"], 960))  # that it goes on says that it is an answer
    both = parse_answer('{"continue": {"iistart": "1", "gcmcontinue": "x", "continue": "||"}}')
    assert both.more == {"iistart": "1", "gcmcontinue": "x", "continue": "||"}


@given(st.data())
def test_parts_come_together_however_they_are_cut(data: st.DataObject) -> None:
    facts = {"title": "File:A.jpg", "imageinfo": [{"url": "u"}], "usage": [1, 2, 3, 4]}
    whole = [{"pageid": pageid, **facts} for pageid in range(1, data.draw(st.integers(1, 4)) + 1)]
    count = data.draw(st.integers(1, 4))
    answers: list[list[dict[str, Any]]] = [
        [{"pageid": p["pageid"]} for p in whole] for _ in range(count)
    ]
    for at, page in enumerate(whole):
        for name in ("title", "imageinfo"):
            answers[data.draw(st.integers(0, count - 1))][at][name] = page[name]
        cuts = sorted(
            data.draw(st.lists(st.integers(0, 4), min_size=count - 1, max_size=count - 1))
        )
        for part, (start, end) in enumerate(zip([0, *cuts], [*cuts, 4], strict=True)):
            answers[part][at]["usage"] = facts["usage"][start:end]
    batch = Batch()
    for pages in answers[:-1]:
        assert batch.add(ApiAnswer(tuple(pages), complete=False, more={"gucontinue": "x"})) == ()
    assert list(batch.add(ApiAnswer(tuple(answers[-1])))) == whole


@pytest.mark.parametrize(
    ("code", "more", "lag", "passes"),
    [
        ("maxlag", {"host": "10.0.0.1", "lag": 0.7, "type": "db"}, 0.7, True),
        ("readonly", {"readonlyreason": "being moved"}, None, True),
        ("ratelimited", {}, None, True),
        ("badvalue", {}, None, False),
    ],
)
def test_errors_inside_an_answer(
    code: str, more: dict[str, Any], lag: float | None, passes: bool
) -> None:
    body = {"error": {"code": code, "info": "Waiting for 10.0.0.1", **more}, "servedby": "mw1"}
    with pytest.raises(ApiError, match=rf"'{code}' \(Waiting for") as caught:
        parse_answer(json.dumps(body))
    error = caught.value
    assert (error.code, error.info) == (code, "Waiting for 10.0.0.1")
    assert (error.lag, error.passes) == (lag, passes)


@pytest.mark.parametrize(
    "content",
    [
        "<!DOCTYPE html><title>Error</title>", b"<html>\xff", "", "[]", "{}", '"x"', "null",
        '{"error": "x"}', '{"query": []}', '{"query": {"pages": 5}}', '{"query": {"pages": [1]}}',
        '{"batchcomplete": true, "continue": "x"}', '{"query": {"categorymembers": [1]}}',
        "[" * 100_000, '{"query": {"pages": [], "searchinfo": {"totalhits": "9"}}}',
    ],
)  # fmt: skip
def test_what_is_no_answer(content: str | bytes) -> None:
    with pytest.raises(NotApiAnswerError, match="not an answer of MediaWiki's API"):
        parse_answer(content)


@given(st.binary() | st.text())
def test_any_content_is_an_answer_or_an_error_for_people(content: str | bytes) -> None:
    with contextlib.suppress(MarqueError):
        assert isinstance(parse_answer(content), ApiAnswer)


def test_subcategories() -> None:
    rows = [
        {"pageid": 1, "ns": 14, "title": "Category:Ford Mustang by color"},
        {"pageid": 2, "ns": 6, "title": "File:Ford.jpg"},
    ]
    answer = parse_answer(json.dumps({"query": {"categorymembers": rows}}))
    assert parse_subcategories(answer) == ["Category:Ford Mustang by color"]


def test_sizes_for_a_dry_run() -> None:
    pages = [
        {"pageid": 1, "ns": 14, "title": "Category:A", "categoryinfo": {"size": 9, "files": 7}},
        {"ns": 14, "title": "Category:B", "missing": True},
    ]
    assert parse_category_sizes(parse_answer(json.dumps({"query": {"pages": pages}}))) == {
        "Category:A": 7
    }
    found = parse_answer('{"query": {"searchinfo": {"totalhits": 321}, "search": []}}')
    assert found.total == 321


@pytest.mark.parametrize(
    ("title", "word", "denied"),
    [
        ("Category:Ford logos", "logos", True),
        ("Category:FORD LOGOS", "Logos", True),
        ("Category:Musée de l'Aventure Peugeot", "musee", True),
        ("Category:Musees", "musée", False),
        ("Category:Toyota", "toy", False),
        ("Category:Toy_cars", "toy", True),
        ("Category:Toy cars of Ford", "toy cars", True),
        ("Category:Model T cars", "model cars", False),
        ("Category:Straßenbahn", "STRASSENBAHN", True),
        ("Category:Ford", "category", False),
        ("Category:Ford", " ", False),
    ],
)
def test_words_that_keep_a_category_out(title: str, word: str, denied: bool) -> None:
    assert is_denied(title, ["nothing", word]) is denied


def test_requests_name_all_that_is_read() -> None:
    asked = api.category_files("Ford_Mustang", 960)
    assert asked == {
        "action": "query", "format": "json", "formatversion": "2", "maxlag": "5",
        "generator": "categorymembers", "gcmtitle": "Category:Ford Mustang", "gcmtype": "file",
        "gcmlimit": "50", "prop": "imageinfo|revisions", "iiurlwidth": "960",
        "rvprop": "content", "rvslots": "mediainfo",
        "iiprop": "url|size|mime|mediatype|sha1|timestamp|user|extmetadata",
        "iiextmetadatalanguage": "en",
        "iiextmetadatafilter": "License|LicenseShortName|LicenseUrl|UsageTerms|Artist|Attribution|"
        "AttributionRequired|Credit|Copyrighted|Restrictions|NonFree|DeletionReason|ObjectName|"
        "DateTimeOriginal|ImageDescription|Categories|AuthorCount",
    }  # fmt: skip
    found = api.search_files(' red  "Ford" ', 3840)
    assert found["gsrsearch"] == 'filetype:bitmap red "Ford"'
    assert (found["gsrnamespace"], found["gsrlimit"]) == ("6", "50")
    below = api.subcategories("category: Ford")
    assert (below["cmtitle"], below["cmtype"], below["cmlimit"]) == (
        "Category:Ford",
        "subcat",
        "500",
    )
    sizes = api.category_sizes(["Ford", "Category:Seat"])
    assert (sizes["prop"], sizes["titles"]) == ("categoryinfo", "Category:Ford|Category:Seat")
    assert api.search_total("ford")["srinfo"] == "totalhits"
    items = api.item_labels(["Q1", "Q2"])
    assert (items["action"], items["ids"], items["props"]) == ("wbgetentities", "Q1|Q2", "labels")
    for each in (asked, found, below, sizes, api.search_total("ford"), items):
        assert each.items() >= {"format": "json", "formatversion": "2", "maxlag": "5"}.items()


@pytest.mark.parametrize("width", [0, 300, 640, 800, 1024, 5000])
def test_widths_that_commons_refuses_are_not_asked_for(width: int) -> None:
    with pytest.raises(UsageMistakeError, match=rf"{width} pixels.* 960, 1280"):
        api.category_files("Ford", width)
    with pytest.raises(UsageMistakeError):
        api.search_files("Ford", width)


@pytest.mark.parametrize("title", ["", " ", "Category:", "Ford|Seat", "Ford#x", "a[b]", "a\nb|"])
def test_what_is_no_category(title: str) -> None:
    with pytest.raises(UsageMistakeError, match="not the title of a category"):
        api.category_files(title, 960)


def test_requests_that_ask_nothing() -> None:
    with pytest.raises(UsageMistakeError, match="the search is empty"):
        api.search_files(" ", 960)
    for titles in ([], ["Ford"] * 51):
        with pytest.raises(UsageMistakeError, match=f"{len(titles)} categories"):
            api.category_sizes(titles)
