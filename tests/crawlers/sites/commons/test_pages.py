"""Files of Commons: every saved record, the counts over all, and what is refused why."""

import copy
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.errors import UsageMistakeError
from core.licenses import NOT_KNOWN, NOT_STATED
from core.records import Drop, Listing, PhotoLink
from crawlers.sites.commons.pages import parse
from crawlers.sites.commons.pages.answers import parse_answer
from crawlers.sites.commons.pages.fields import ANSWER_PATHS, PATHS, Page, read, said
from crawlers.sites.commons.pages.markup import first_link, plain_text
from crawlers.sites.commons.pages.parse import parse_file
from tests.crawlers.sites.commons.expected import BY_SA_DE, COMMONS, EXPECTED

SAMPLES = ("wmc_pretty123.json", "wmc_pretty4.json", "wmc_raw.json", "wmc_pretty1.json")
UPLOAD = "https://upload.wikimedia.org/wikipedia/commons"
SHARE_ALIKE = "https://creativecommons.org/licenses/by-sa/4.0"
UTM = "?utm_source=commons.wikimedia.org&utm_campaign=imageinfo&utm_content="

NEWER = {
    "missing", "invalid", "invalidreason", "imageinfo.0.sha1", "imageinfo.0.mime",
    "categoryinfo.files", "revisions.0.slots.mediainfo.content",
    *(f"imageinfo.0.extmetadata.{name}.value" for name in
      ("NonFree", "DeletionReason", "AuthorCount")),
}  # fmt: skip
"""What no saved answer has; that it is answered is known from MediaWiki's documentation."""


@pytest.fixture(scope="module")
def folder(shared_data: Path) -> Path:
    return shared_data / "commons"


@pytest.fixture(scope="module")
def pages(folder: Path) -> dict[int, Page]:
    """The 78 distinct records of the saved answers."""
    found: dict[int, Page] = {}
    for name in SAMPLES:
        for page in parse_answer((folder / name).read_bytes()).pages:
            assert found.setdefault(page["pageid"], page)["imageinfo"] == page["imageinfo"]
    return found


@pytest.fixture(scope="module")
def every_page(folder: Path, pages: dict[int, Page]) -> list[Page]:
    """The records and the single files, which are pages or parts of one."""
    single = [json.loads(path.read_text()) for path in sorted(folder.glob("image_*.json"))]
    whole = [each if "pageid" in each else {"imageinfo": [each]} for each in single]
    return [*pages.values(), *whole]


def page(**extmetadata: Any) -> Page:
    """A page as it is answered now; `extmetadata` replaces values, None leaves one out."""
    texts = {"LicenseUrl": SHARE_ALIKE, "LicenseShortName": "CC BY-SA 4.0", "ObjectName": "Car"}
    info = {
        "url": f"{UPLOAD}/a/ab/Car.jpg{UTM}original",
        "descriptionurl": f"{COMMONS}/wiki/File:Car.jpg",
        "mime": "image/jpeg",
        "mediatype": "BITMAP",
        "sha1": "5b8",
        "width": 5514,
        "height": 3102,
        "extmetadata": {
            name: {"value": value, "source": "commons-desc-page"}
            for name, value in (texts | extmetadata).items()
            if value is not None
        },
    }
    return {"pageid": 7, "ns": 6, "title": "File:Car.jpg", "imageinfo": [info]}


def with_info(**values: Any) -> Page:
    made = page()
    made["imageinfo"][0] |= values
    return made


def listing(of: Page) -> Listing:
    found = parse_file(of)
    assert isinstance(found, Listing), found
    return found


def reason(of: Page) -> str:
    found = parse_file(of)
    assert isinstance(found, Drop), found
    assert (found.source, found.source_id) == ("commons", str(of.get("pageid", of.get("title"))))
    return found.reason


def test_every_saved_record_is_read_as_written_down(pages: dict[int, Page]) -> None:
    assert pages.keys() == EXPECTED.keys()
    for pageid, (verdict, (creator, link)) in EXPECTED.items():
        artist = said(pages[pageid], "Artist")
        assert (plain_text(artist) or None, first_link(artist)) == (creator, link), pageid
        if isinstance(verdict, str):
            assert reason(pages[pageid]) == verdict, pageid
            continue
        found = listing(pages[pageid])
        assert (found.license, found.license_url) == (verdict.name, verdict.url), pageid
        assert (found.listing_id, found.creator) == (str(pageid), creator)
        assert found.words.get("creator_url") == link
        assert found.photos == (
            PhotoLink(str(pageid), pages[pageid]["imageinfo"][0]["url"], "/original"),
        )


def test_the_78_records_are_counted_as_by_hand(pages: dict[int, Page]) -> None:
    verdicts = Counter(
        found.reason if isinstance(found := parse_file(each), Drop) else found.license
        for each in pages.values()
    )
    assert verdicts == {
        NOT_STATED: 32, "CC BY-SA 4.0": 25, "CC0 1.0": 11, "CC BY 4.0": 6, "CC BY-SA 3.0 DE": 1,
        "CC BY-SA 3.0 ES": 1, NOT_KNOWN: 2,
    }  # fmt: skip
    stated = Counter(said(each, "LicenseShortName") for each in pages.values())
    assert (stated["Public domain"], stated["No restrictions"]) == (32, 2)
    forms = Counter(artist_form(said(each, "Artist")) for each in pages.values())
    assert forms == {"plain": 31, "from //": 29, "absent": 11, "absolute": 4, "other HTML": 3}
    said_by = Counter(
        name for each in pages.values() for name in each["imageinfo"][0]["extmetadata"]
    )
    assert (said_by["DateTimeOriginal"], said_by["ImageDescription"]) == (78 - 11, 78 - 4)


def artist_form(html: str) -> str:
    if not html:
        return "absent"
    if "<" not in html:
        assert (plain_text(html), first_link(html)) == (html, None)
        return "plain"
    if (link := first_link(html)) is None:
        return "other HTML"
    return (
        "from //"
        if f'"{link.removeprefix("https:")}"' in html.replace("&amp;", "&")
        else "absolute"
    )


def test_a_whole_record(folder: Path) -> None:
    found = listing(json.loads((folder / "image_data_example.json").read_text()))
    url = f"{UPLOAD}/2/25/20120925_PlozevetBretagne_LoneTree_DSC07971_PtrQs.jpg"
    assert found == Listing(
        source="commons",
        listing_id="81754323",
        page_url=f"{COMMONS}/wiki/File:20120925_PlozevetBretagne_LoneTree_DSC07971_PtrQs.jpg",
        stamp=found.stamp,
        words={
            "title": "20120925 PlozevetBretagne LoneTree DSC07971 PtrQs",
            "description": "SONY DSC",
            "taken": "2012-09-25 16:23:02",
            "credit": "Own work",
            "usage_terms": "Creative Commons Attribution-Share Alike 4.0",
            "copyrighted": "True",
            "attribution_required": "true",
            "license_slug": "cc-by-sa-4.0",
            "creator_url": f"{COMMONS}/wiki/User:PtrQs",
            "categories": "Coasts of Plozévet; No QIC by usr:PtrQs; "
            "Photographs taken with Minolta AF Zoom 28-70mm F2.8 G; Self-published work; "
            "Taken with Sony DSLR-A900; Trees in Finistère",
            "license_raw": f"CC BY-SA 4.0 {SHARE_ALIKE}",
            "license_seen_at": "imageinfo.extmetadata.LicenseUrl",
            "share_alike": "yes",
            "width": "5514",
            "height": "3102",
        },
        photos=(PhotoLink("81754323", url, "/original"),),
        license="CC BY-SA 4.0",
        license_url=f"{SHARE_ALIKE}/",
        creator="PtrQs",
        attribution="Photo by PtrQs",
    )


def test_the_single_files(folder: Path) -> None:
    def load(name: str) -> Any:
        return json.loads((folder / f"image_{name}.json").read_text())

    assert reason(load("data_missing_imageinfo")) == parse.NO_INFO
    unlicensed = load("info_missing_license_url")
    by_code = listing({"pageid": 81754323, "imageinfo": [unlicensed]})
    assert (by_code.license, by_code.license_url) == ("CC BY-SA 4.0", f"{SHARE_ALIKE}/")
    assert by_code.words["license_seen_at"] == "imageinfo.extmetadata.License"
    assert by_code.words["license_raw"] == "CC BY-SA 4.0 cc-by-sa-4.0"
    redlink = f"{COMMONS}/w/index.php?title=User:NotaRealUser&action=edit&redlink=1"
    for name, creator, link in (
        ("div", "Jona Lendering", None),
        ("internal_link", "NotaRealUser", redlink),
        ("partial_link", "Jeff & Brian from Eastbourne",
         "https://www.flickr.com/people/16707908@N07"),
        ("string", "Artist Name", None),
    ):  # fmt: skip
        html = load(f"info_artist_{name}")["extmetadata"]["Artist"]["value"]
        found = listing(page(Artist=html))
        assert (found.creator, found.words.get("creator_url")) == (creator, link)


def test_the_line_that_an_author_asks_for_comes_first(pages: dict[int, Page]) -> None:
    asked = {pageid: listing(pages[pageid]).attribution for pageid in (44672185, 44672250)}
    assert asked == {
        44672185: "Photo: Eckhard Henkel / Wikimedia Commons / CC BY-SA 3.0 DE",
        44672250: "ŠJů, Wikimedia Commons",
    }
    assert listing(pages[44672277]).attribution == (
        f'"{said(pages[44672277], "ObjectName")}" is marked with CC0 1.0. To view the terms, '
        "visit https://creativecommons.org/publicdomain/zero/1.0/."
    )
    ported = listing(pages[44672185])
    assert (ported.license, ported.license_url) == (BY_SA_DE.name, BY_SA_DE.url)
    assert ported.words["license_raw"] == (
        "CC BY-SA 3.0 de https://creativecommons.org/licenses/by-sa/3.0/de/deed.en"
    )


def test_every_path_that_is_read_is_in_the_saved_files_with_its_type(
    every_page: list[Page],
) -> None:
    seen = {path: Counter(type(value) for value in at(every_page, path)) for path in PATHS}
    assert {path for path, types in seen.items() if not types} == NEWER
    for path, types in seen.items():
        assert types.keys() <= set(PATHS[path]), path
        if "extmetadata" in path:
            assert types.keys() <= {str}, path


def at(every: list[Page], path: str) -> list[Any]:
    """The values at a path, found without the code under test."""
    values: list[Any] = list(every)
    for step in path.split("."):
        if step.isdigit():
            values = [each[int(step)] for each in values if len(each) > int(step)]
        else:
            values = [each[step] for each in values if step in each]
    return values


def test_what_is_around_the_pages_is_in_the_saved_answers_with_its_type(folder: Path) -> None:
    answers = [json.loads(path.read_text()) for path in sorted(folder.glob("wmc_*.json"))]
    seen = {path: {type(value) for value in at(answers, path)} for path in ANSWER_PATHS}
    assert {path for path, types in seen.items() if types} == {
        "batchcomplete", "continue", "query", "query.pages",
    }  # fmt: skip
    assert all(types <= set(ANSWER_PATHS[path]) for path, types in seen.items())


def test_half_a_character_is_replaced() -> None:
    found = listing(page(Artist="Jo\ud800", ObjectName={"_type": "lang", "en": "Car\udc00"}))
    assert (found.creator, found.words["title"]) == ("Jo?", "Car?")


def test_a_path_that_is_not_declared_cannot_be_read() -> None:
    with pytest.raises(KeyError, match=r"imageinfo\.0\.user"):
        read(page(), "imageinfo.0.user")


def test_the_mark_is_taken_when_asked_for_and_nd_never() -> None:
    marked = page(LicenseUrl="https://creativecommons.org/publicdomain/mark/1.0/")
    found = parse_file(marked, accepted=("by", "pdm"))
    assert isinstance(found, Listing)
    assert found.license == "Public Domain Mark 1.0"
    with pytest.raises(UsageMistakeError, match="by-nd"):
        parse_file(page(), accepted=("by", "by-nd"))


def test_the_stamp_changes_with_the_file_and_with_what_is_said() -> None:
    first = listing(page()).stamp
    assert first == listing(copy.deepcopy(page())).stamp
    assert first == listing(with_info(url=f"{UPLOAD}/a/ab/Car.jpg", timestamp="later")).stamp
    others = [
        page(LicenseUrl="https://creativecommons.org/licenses/by/4.0"), page(Artist="Somebody"),
        page(Categories="Cars"), with_info(sha1="9c2"), with_info(thumburl=f"{UPLOAD}/t.jpg"),
    ]  # fmt: skip
    stamps = {listing(each).stamp for each in others}
    assert len(stamps | {first}) == 6
    assert first.startswith("5b8-")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(PATHS)), JSON)
@example("imageinfo", [[]])
@example("imageinfo", [[{}]])
@example("imageinfo", {"0": {"url": "https://example.net/"}})
def test_no_value_anywhere_breaks_the_reading(path: str, value: Any) -> None:
    made = page()
    place: Any = made
    steps: list[Any] = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step, following in pairwise(steps):
        if not isinstance(place, list):
            place.setdefault(step, [] if isinstance(following, int) else {})
        elif not place:
            place.append({})
        place = place[step]
    place[steps[-1]] = value
    found = parse_file(made)
    texts = [found.reason] if isinstance(found, Drop) else [*found.words.values()]
    assert all(isinstance(text, str) and text for text in texts)
