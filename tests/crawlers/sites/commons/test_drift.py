"""What is gone from all files of an answer of Commons is named; what one file lacks is not."""

import copy
from pathlib import Path
from typing import Any

import pytest

from core.errors import DriftError
from crawlers.sites.commons.pages.answers import ApiAnswer, parse_answer
from crawlers.sites.commons.pages.api import (
    category_files,
    category_sizes,
    search_total,
    subcategories,
)
from crawlers.sites.commons.pages.drift import (
    FEW_FILES,
    FILE_PATHS,
    NEWER_PATHS,
    check_answer,
    check_files,
)
from crawlers.sites.commons.pages.fields import Page
from tests.crawlers.sites.commons.test_pages import page

SAVED = ("wmc_pretty123.json", "wmc_pretty4.json", "wmc_raw.json", "wmc_pretty1.json")
LICENSES = ("LicenseUrl", "License")


def _files(count: int = FEW_FILES) -> list[Page]:
    made = []
    for number in range(count):
        each = page()
        each["pageid"] = number + 1
        each["imageinfo"][0]["thumburl"] = f"https://upload.wikimedia.org/{number}.jpg"
        made.append(each)
    return made


def _drop(pages: list[Page], path: str) -> list[Page]:
    pages = copy.deepcopy(pages)
    *way, key = path.split(".")
    for place in pages:
        found: Any = place
        for step in way:
            found = found[int(step)] if step == "0" else found[step]
        found.pop(key, None)
    return pages


@pytest.mark.parametrize("path", [*FILE_PATHS, *NEWER_PATHS, "imageinfo.0.thumburl"])
def test_a_path_gone_from_all_files_is_named(path: str) -> None:
    check_files(_files())
    with pytest.raises(DriftError) as caught:
        check_files(_drop(_files(), path))
    assert caught.value.path == "query.pages[]." + path.replace(".0.", "[0].")
    check_files([*_drop(_files(), path), *_files(1)])
    check_files(_drop(_files(FEW_FILES - 1), path))


def test_pictures_that_the_site_can_make_no_thumbnail_of_are_no_drift() -> None:
    pages = _drop(_files(), "imageinfo.0.thumburl")
    for each in pages:
        each["imageinfo"][0]["thumberror"] = "Error creating thumbnail: over 100 megapixels"
    check_files(pages)


@pytest.mark.parametrize("path", FILE_PATHS)
def test_a_path_gone_from_the_real_files_is_named(shared_data: Path, path: str) -> None:
    for name in SAVED:
        pages = list(parse_answer((shared_data / "commons" / name).read_bytes()).pages)
        check_files(pages)
        with pytest.raises(DriftError) as caught:
            check_files(_drop(pages, path))
        assert caught.value.path == "query.pages[]." + path.replace(".0.", "[0].")


def test_names_of_licenses_without_any_address_or_code() -> None:
    pages = _files()
    check_files(_drop(pages, "imageinfo.0.extmetadata.LicenseUrl.value") + _files(1))
    lost = pages
    for name in LICENSES:
        lost = _drop(lost, f"imageinfo.0.extmetadata.{name}")
    with pytest.raises(DriftError, match=r"extmetadata\.LicenseUrl "):
        check_files(lost)
    for each in lost:
        each["imageinfo"][0]["extmetadata"]["License"] = {"value": "cc-by-sa-4.0"}
    check_files(lost)  # which are read by their codes
    for each in lost:
        each["imageinfo"][0]["extmetadata"] = {"LicenseShortName": {"value": "Public domain"}}
    check_files(lost)


def test_files_that_are_not_there_lack_nothing() -> None:
    check_files([{"title": f"File:{n}.jpg", "missing": True} for n in range(9)])
    check_files([])


@pytest.mark.parametrize(
    ("text", "asked", "path"),
    [
        ('{"batchcomplete": true, "query": {"files": []}}', category_files("A", 330),
         "query.pages"),
        ('{"batchcomplete": true, "query": {"members": []}}', subcategories("A"),
         "query.categorymembers"),
        ('{"batchcomplete": true, "query": {"categorymembers": [{"ns": 14, "name": "x"}]}}',
         subcategories("A"), "query.categorymembers[].title"),
        ('{"batchcomplete": true, "query": {"search": []}}', search_total("a"),
         "query.searchinfo"),
        ('{"batchcomplete": true, "query": {"searchinfo": {"total": 4}}}', search_total("a"),
         "query.searchinfo.totalhits"),
        ('{"batchcomplete": true, "query": {"pages": [{"pageid": 1, "categoryinfo": {"n": 2}}]}}',
         category_sizes(["A"]), "query.pages[].categoryinfo.files"),
        ('{"query": {"pages": [{"pageid": 1}]}, "more": {"gcmcontinue": "x"}}',
         category_files("A", 330), "continue"),
    ],
)  # fmt: skip
def test_an_answer_without_what_was_asked(text: str, asked: dict[str, str], path: str) -> None:
    with pytest.raises(DriftError) as caught:
        check_answer(parse_answer(text), asked)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ('{"batchcomplete": true}', category_files("A", 330)),
        ('{"batchcomplete": ""}', subcategories("A")),
        ('{"batchcomplete": true, "query": {"normalized": []}}', category_sizes(["a"])),
        ('{"batchcomplete": true, "query": {"pages": [{"pageid": 1}]}}', category_sizes(["A"])),
        ('{"continue": {"gcmcontinue": "x", "continue": "-||"}}', category_files("A", 330)),
    ],
)
def test_an_empty_answer_is_none_that_has_changed(text: str, asked: dict[str, str]) -> None:
    check_answer(parse_answer(text), asked)


def test_the_real_answers_have_what_was_asked(shared_data: Path) -> None:
    for path in sorted((shared_data / "commons").glob("wmc_*.json")):
        answer: ApiAnswer = parse_answer(path.read_bytes())
        check_answer(answer, category_files("A", 330))
