"""The replica's Commons says what the real one says, in the same shapes, and goes on as it does."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.licenses import NOT_STATED
from core.records import Drop, Listing
from core.web import Web
from crawlers.sites.commons.pages.fields import PATHS, SAID, value_at
from crawlers.sites.commons.pages.parse import NON_FREE, NOT_A_PICTURE, TO_BE_DELETED, parse_file
from synthetic.replica.commons_categories import CARS, category_graph
from synthetic.replica.commons_continue import MediaWikiError, RequestParameters
from synthetic.replica.commons_files import KIND_DECK, draw_file
from synthetic.replica.commons_imageinfo import extmetadata
from synthetic.replica.commons_query import THUMBNAILS, ApiQuery
from synthetic.replica.commons_rights import LICENSE_FIELDS
from synthetic.replica.commons_state import Commons
from synthetic.scenes import draw_labels

WEB = Web("http://127.0.0.1:8421")
ALL = "url|size|mime|mediatype|sha1|timestamp|user|extmetadata"
WIKI = Commons(seed=5, files=200)

UNSAVED = {"timestamp", "sha1", "mime"}
"""Fields that the saved answers did not ask for; MediaWiki's help and the notes describe them."""

UNSAVED_META = {"NonFree", "DeletionReason"}
"""Fields that no saved file has; CommonsMetadata writes them like `Restrictions`."""


def ask(wiki: Commons = WIKI, infos: int | None = None, **params: str) -> dict[str, Any]:
    return ApiQuery(wiki, WEB, RequestParameters(params), infos=infos).answer()


def follow(infos: int | None = None, **params: str) -> Iterator[dict[str, Any]]:
    """The answers of a chain, each asked for with every key of the last one's `continue`."""
    more: dict[str, Any] = {}
    while True:
        answer = ask(infos=infos, **{**params, **{key: str(more[key]) for key in more}})
        yield answer
        more = answer.get("continue", {})
        if not more:
            return


def real_pages(folder: Path) -> list[dict[str, Any]]:
    """Every saved page, and the bare `imageinfo` entries as pages of their own."""
    pages = []
    for path in folder.glob("wmc_*.json"):
        pages += json.loads(path.read_text())["query"]["pages"].values()
    for path in [*folder.glob("image_data_*.json"), *folder.glob("image_info_*.json")]:
        saved = json.loads(path.read_text())
        pages.append(saved if "pageid" in saved else {"imageinfo": [saved]})
    return pages


def shapes(pages: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Of each path the types that it has; of `extmetadata` the keys of a field and its value's
    type."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for page in pages:
        for name, value in page.items():
            found[name].add(type(value).__name__)
        for info in page.get("imageinfo", []):
            for name, value in info.items():
                found[f"imageinfo.{name}"].add(type(value).__name__)
            for name, meta in info.get("extmetadata", {}).items():
                shape = f"{type(meta['value']).__name__} {sorted(meta)}"
                found[f"extmetadata.{name}"].add(shape)
    return found


def every_page(**params: str) -> list[dict[str, Any]]:
    """All files of the wiki with all that is said of them."""
    titles = [f"File:{file.name}" for file in WIKI.files()]
    pages = []
    for start in range(0, len(titles), 50):
        fifty = "|".join(titles[start : start + 50])
        answer = ask(titles=fifty, prop="imageinfo", iiprop=ALL, iiurlwidth="330", **params)
        assert "continue" not in answer
        pages += [*answer["query"]["pages"].values()]
    return pages


def test_every_path_is_one_of_the_real_answers_with_the_same_type(shared_data: Path) -> None:
    real, ours = shapes(real_pages(shared_data / "commons")), shapes(every_page())
    unsaved = {f"imageinfo.{name}" for name in UNSAVED}
    unsaved |= {f"extmetadata.{name}" for name in UNSAVED_META} | {"imageinfo.duration"}
    assert set(ours) - set(real) == unsaved
    assert {
        name: ours[name] - real[name] for name in set(ours) - unsaved if ours[name] - real[name]
    } == {}


def test_what_every_real_record_has_is_never_missing(shared_data: Path) -> None:
    saved = [page for page in real_pages(shared_data / "commons") if "globalusage" in page]
    real = [page["imageinfo"][0] for page in saved if "imageinfo" in page]
    assert len(real) > 78
    always = set.intersection(*(set(info) for info in real))
    meta = set.intersection(*(set(info["extmetadata"]) for info in real))
    for page in every_page():
        info = page["imageinfo"][0]
        assert always <= set(info)
        assert meta <= set(info["extmetadata"])


def test_licenses_are_worded_as_in_the_real_records(shared_data: Path) -> None:
    names = ("License", "LicenseUrl", "UsageTerms", "AttributionRequired", "Copyrighted")

    def wording(meta: dict[str, Any]) -> tuple[str | None, ...]:
        return tuple(meta.get(name, {}).get("value") for name in names)

    real: dict[str, set[tuple[str | None, ...]]] = defaultdict(set)
    for page in real_pages(shared_data / "commons"):
        if "globalusage" in page and "imageinfo" in page:
            meta = page["imageinfo"][0]["extmetadata"]
            real[meta["LicenseShortName"]["value"]].add(wording(meta))
    ours: dict[str, set[tuple[str | None, ...]]] = defaultdict(set)
    for file in WIKI.files():
        ours[file.rights.short].add(wording(extmetadata(file)))
    assert {name: ours[name] for name in real} == real
    assert set(ours) == {rights.short for rights in LICENSE_FIELDS}


def test_artists_come_in_every_form_of_the_real_files(shared_data: Path) -> None:
    def form(text: str) -> str:
        """The tags with the names of their attributes, and where text stands."""
        bare = re.sub(r'="(//)?[^"]*"', r"=\1", text)
        return re.sub(r"(?<=>)[^<]+|^[^<]+", "x", bare)

    folder = shared_data / "commons"
    saved = [json.loads(path.read_text()) for path in folder.glob("image_info_artist_*.json")]
    assert len(saved) == 4
    ours = {form(file.artist) for file in WIKI.files() if file.artist}
    assert {form(each["extmetadata"]["Artist"]["value"]) for each in saved} <= ours
    assert any(file.artist is None for file in WIKI.files())


def test_the_parser_finds_what_it_reads() -> None:
    """Under every path that it declares, in a type that it takes."""
    rest = ask(titles="File:None.jpg|Category:Fiat 500", prop="categoryinfo")
    depicting = "|".join([f"File:{file.name}" for file in WIKI.files() if file.item][:50])
    told = ask(titles=depicting, prop="revisions", formatversion="2")["query"]["pages"]
    answers = [*every_page(), *rest["query"]["pages"].values(), *told]
    never = {"invalid", "invalidreason", "imageinfo.0.extmetadata.AuthorCount.value"}
    for path, types in PATHS.items():
        values = [value for page in answers if (value := value_at(page, path)) is not None]
        assert bool(values) == (path not in never), path
        assert all(isinstance(value, types) for value in values), path


def test_the_parser_takes_photos_and_says_why_it_leaves_the_rest() -> None:
    found = Counter()
    for page in every_page(iiextmetadatafilter="|".join(SAID)):
        file = WIKI.file(page["title"].removeprefix("File:"))
        parsed = parse_file(page)
        assert file is not None
        found[parsed.reason if isinstance(parsed, Drop) else "taken"] += 1
        if isinstance(parsed, Listing):
            assert file.mediatype == "BITMAP"
            assert (parsed.creator is None) == (file.artist is None)
            assert parsed.license_url is not None
            assert file.rights.url is not None
            assert "nc" not in file.rights.url
    assert {NOT_A_PICTURE, NON_FREE, TO_BE_DELETED, NOT_STATED} < set(found)
    assert found["taken"] > 100


def test_a_chain_of_answers_is_headed_as_the_real_one(shared_data: Path) -> None:
    """`wmc_pretty3` ends a batch and names the generator; the two before it do neither."""
    last = json.loads((shared_data / "commons" / "wmc_pretty3.json").read_text())
    first = json.loads((shared_data / "commons" / "wmc_pretty1.json").read_text())
    params = {"generator": "categorymembers", "gcmtitle": "Category:Ford Mustang", "gcmlimit": "6"}
    begun, ended = [*follow(infos=3, **params, gcmtype="file", prop="imageinfo|categoryinfo")][:2]
    assert last["batchcomplete"] == ended["batchcomplete"] == ""
    assert "batchcomplete" not in first
    assert "batchcomplete" not in begun
    assert first["continue"]["continue"] == "||imageinfo"
    assert begun["continue"]["continue"] == "||categoryinfo"
    assert last["continue"]["continue"] == "gaicontinue||"
    assert ended["continue"]["continue"] == "gcmcontinue||"
    assert {len(answer["query"]["pages"]) for answer in (begun, ended)} == {6}


@given(
    limit=st.integers(1, 60),
    infos=st.none() | st.integers(1, 9),
    version=st.sampled_from(["1", "2"]),
    category=st.sampled_from(["Ford Mustang", "First generation Ford Mustang", "Fiat 500"]),
)
def test_a_chain_gives_every_file_and_its_imageinfo_once(
    limit: int, infos: int | None, version: str, category: str
) -> None:
    seen: Counter[str] = Counter()
    told: Counter[str] = Counter()
    batches = 0
    for answer in follow(
        infos=infos, formatversion=version, generator="categorymembers", gcmtype="file",
        gcmtitle=f"Category:{category}", gcmlimit=str(limit), prop="imageinfo", iiprop="user",
    ):  # fmt: skip
        pages = answer["query"]["pages"]
        rows = pages if version == "2" else [*pages.values()]
        if "batchcomplete" in answer:
            batches += 1
            seen.update(page["title"] for page in rows)
        told.update(page["title"] for page in rows if "imageinfo" in page)
    expected = {f"File:{file.name}": 1 for file in WIKI.files_in(category)}
    assert seen == told == expected
    assert batches == -(-len(expected) // limit)


@given(limit=st.integers(1, 60), prefix=st.sampled_from(["gsr", "sr"]))
def test_a_search_gives_every_result_once_and_in_order(limit: int, prefix: str) -> None:
    module = {"generator" if prefix == "gsr" else "list": "search"}
    text = 'filetype:bitmap incategory:"Ford Mustang"'
    params = {f"{prefix}search": text, f"{prefix}namespace": "6", f"{prefix}limit": str(limit)}
    found: list[str] = []
    for answer in follow(**module, **params, formatversion="2"):
        query = answer["query"]
        rows = (
            query["search"] if prefix == "sr" else sorted(query["pages"], key=lambda p: p["index"])
        )
        found += [row["title"] for row in rows]
        if prefix == "sr":
            assert query["searchinfo"]["totalhits"] == len(bitmaps())
    assert found == bitmaps()


def bitmaps() -> list[str]:
    files = sorted(WIKI.files_in("Ford Mustang"), key=lambda file: file.pageid)
    return [f"File:{file.name}" for file in files if file.mediatype == "BITMAP"]


def test_only_fifty_files_of_an_answer_get_a_thumbnail() -> None:
    wiki = Commons(seed=1, files=700)
    assert len(wiki.files_in("Ford Mustang")) > THUMBNAILS
    params = {
        "generator": "categorymembers", "gcmtitle": "Category:Ford Mustang", "gcmtype": "file",
        "gcmlimit": "500", "prop": "imageinfo", "iiprop": "user", "formatversion": "2",
    }  # fmt: skip
    scaled = ask(wiki, iiurlwidth="960", **params)
    assert sum("imageinfo" in page for page in scaled["query"]["pages"]) == THUMBNAILS
    assert set(scaled["continue"]) == {"iicontinue", "continue"}
    plain = ask(wiki, **params)
    assert all("imageinfo" in page for page in plain["query"]["pages"])


def test_properties_and_fields_that_are_not_asked_for_stay_away() -> None:
    answer = ask(
        titles=f"File:{WIKI.files()[0].name}", prop="imageinfo", formatversion="2",
        iiprop="sha1|extmetadata", iiextmetadatafilter="License|LicenseShortName|Restrictions",
    )  # fmt: skip
    info = answer["query"]["pages"][0]["imageinfo"][0]
    assert set(info) == {"sha1", "extmetadata"}
    assert set(info["extmetadata"]) <= {"License", "LicenseShortName", "Restrictions"}
    assert {"LicenseShortName", "Restrictions"} <= set(info["extmetadata"])


def test_what_is_not_there_is_said_so() -> None:
    nothing = {"generator": "categorymembers", "gcmtitle": "Category:No such cars"}
    assert ask(**nothing, formatversion="2") == {"batchcomplete": True}
    listed = ask(list="categorymembers", cmtitle="Category:No such cars")
    assert listed == {"batchcomplete": "", "query": {"categorymembers": []}}
    missing = ask(titles="File:None.jpg|Category:None|Category:Ford Mustang", prop="categoryinfo")
    assert [*missing["query"]["pages"]] == ["-1", "-2", str(WIKI.category("Ford Mustang").pageid)]  # type: ignore[union-attr]
    assert missing["query"]["pages"]["-1"]["missing"] == ""


def test_a_category_counts_its_members() -> None:
    page = ask(titles="Category:Ford_Mustang", prop="categoryinfo", formatversion="2")
    listed = ask(list="categorymembers", cmtitle="Category:Ford Mustang", cmlimit="500")
    info = page["query"]["pages"][0]["categoryinfo"]
    kinds = Counter(row["ns"] for row in listed["query"]["categorymembers"])
    assert (info["subcats"], info["files"], info["pages"]) == (kinds[14], kinds[6], 0)
    assert info["size"] == kinds.total()
    assert info["hidden"] is False


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"list": "categorymembers"}, "missingparam"),
        ({"list": "categorymembers", "cmtitle": "Ford Mustang"}, "invalidcategory"),
        ({"list": "categorymembers", "cmtitle": "Category:X", "cmcontinue": "7"}, "badcontinue"),
        ({"generator": "search", "gsrnamespace": "6"}, "missingparam"),
        ({"generator": "allimages"}, "badvalue"),
        ({"titles": "File:A.jpg", "continue": "gcmcontinue"}, "badcontinue"),
        ({"titles": "|".join(f"File:{n}.jpg" for n in range(51))}, "toomanyvalues"),
    ],
)
def test_requests_that_make_no_sense_get_mediawikis_codes(
    params: dict[str, str], code: str
) -> None:
    with pytest.raises(MediaWikiError) as error:
        ask(**params)
    assert error.value.code == code


def test_categories_lead_round_in_a_circle_and_away_from_cars() -> None:
    graph = category_graph()
    for car in CARS:
        below = {name for name, above in graph.items() if car.name in above}
        assert f"{car.name} by color" in below
        assert f"{car.name} by color" in graph[car.name]
        assert {f"{car.name} logos", f"{car.make} engines", f"{car.make} museum"} <= below
    assert all(above in graph for parents in graph.values() for above in parents)


def test_a_file_is_in_several_categories_and_shows_what_its_title_says() -> None:
    cars = [file for file in WIKI.files() if file.kind == "car"]
    assert all(len(file.shown.categories) > 1 for file in cars)
    for file in cars:
        labels = draw_labels(file.scene, **file.shown.as_choices())
        color, rest = file.name.split(" ", 1)
        assert labels.color == color.lower()
        assert f" {labels.body_type} " in rest
        assert labels.view == "exterior"


@given(seed=st.integers(0, 2**32 - 1), small=st.integers(1, 60), more=st.integers(0, 60))
def test_a_larger_world_begins_with_the_smaller_one(seed: int, small: int, more: int) -> None:
    files = Commons(seed, small + more).files()
    assert files[:small] == Commons(seed, small).files()
    assert len({file.key for file in files}) == len({file.pageid for file in files}) == len(files)


@given(st.integers(0, 2**32 - 1))
def test_every_kind_of_file_is_found_below_ford_mustang(seed: int) -> None:
    files = [draw_file(seed, index) for index in range(len(KIND_DECK))]
    odd = [file for file in files if file.kind != "car"]
    assert {file.kind for file in odd} == set(KIND_DECK) - {"car"}
    assert all("Ford" in category for file in odd for category in file.shown.categories)
