"""What a crawl keeps comes out again as it was, once, and in the order in which it was seen."""

import hashlib
import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.records import Drop, Listing, Photo, PhotoLink
from crawlers.engine.store import BusyStoreError, CrawlStore, OldStoreError, StoredPhoto, open_store
from crawlers.engine.store.files import clear_aside, photo_path, store_photo
from crawlers.engine.store.lock import locked
from crawlers.engine.store.state import GONE
from crawlers.engine.store.tables import listing_json, parse_listing

DAY = 24 * 3600.0

links = st.builds(PhotoLink, source_id=st.text(min_size=1), url=st.text(), version=st.text())
listings = st.builds(
    Listing,
    source=st.just("a site"),
    listing_id=st.text(min_size=1),
    page_url=st.text(),
    stamp=st.text(),
    words=st.dictionaries(st.text(), st.text()),
    photos=st.lists(links, max_size=4).map(tuple),
    license=st.none() | st.text(),
    license_url=st.none() | st.text(),
    creator=st.none() | st.text(),
    attribution=st.none() | st.text(),
)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CrawlStore]:
    """A store that many examples share: each takes a crawl of its own."""
    with closing(open_store(tmp_path_factory.mktemp("store"))) as opened:
        yield opened


names = map(str, itertools.count())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[CrawlStore]:
    with closing(open_store(tmp_path)) as opened:
        yield opened


def listing(name: str, photos: int = 1, stamp: str = "1") -> Listing:
    links = tuple(
        PhotoLink(f"{name}/{number}", f"https://a.b/{number}") for number in range(photos)
    )
    return Listing("a site", name, f"https://a.b/{name}", stamp, {"make": "Fiat"}, links)


def keep_photos(store: CrawlStore, shown: Listing) -> None:
    for link in shown.photos:
        digest = store_photo(store.folder, f"{link.source_id} {link.version}".encode())
        store.store_photo(link, StoredPhoto(digest, None))


def see(store: CrawlStore, job: str, crawl_id: str, *shown: Listing, taken: int = 9) -> None:
    if store.report(crawl_id) is None:
        store.begin(job, crawl_id, 0.0, keep_for=DAY)
        store.store_report(crawl_id, "{}", ended="finished")
    for number, one in enumerate(shown, start=1):
        store.store_listing(job, crawl_id, one, number=number, taken=taken)


def ids(store: CrawlStore, crawl_id: str, kind: type[Photo] | type[Drop] = Photo) -> list[str]:
    found = []
    for record in store.records("a site", crawl_id):
        if isinstance(record, kind):
            found.append(
                record.sighting.source_id if isinstance(record, Photo) else record.source_id
            )
    return found


@given(listings)
def test_a_listing_of_any_text_comes_out_as_it_was(large: CrawlStore, shown: Listing) -> None:
    large.store_listing("job", "crawl", shown, number=1, taken=9)
    assert large.listing(shown.listing_id) == shown


def test_half_a_character_is_no_text_and_is_shown_as_such(store: CrawlStore) -> None:
    """Sites cut sellers' words to a length, and their JSON says the half as well as the whole."""
    cut = replace(listing("a"), words={"version": "turbo \ud83d"})
    store.store_listing("job", "crawl", cut, number=1, taken=9)
    found = store.listing("a")
    assert found is not None
    assert found.words == {"version": "turbo ?"}
    store.store_drop("crawl", Drop("a site", "b", "a reason", "said \udc00"))
    assert [drop for drop in store.records("a site", "crawl") if isinstance(drop, Drop)] == [
        Drop("a site", "b", "a reason", r"said \udc00")
    ]


@given(listings)
def test_text_of_a_listing_is_read_back(shown: Listing) -> None:
    assert parse_listing(listing_json(shown)) == shown


@given(links, st.binary(min_size=1), st.text())
def test_a_photo_of_any_name_comes_out_as_it_was(
    large: CrawlStore, link: PhotoLink, content: bytes, why: str
) -> None:
    digest = store_photo(large.folder, content)
    assert digest == hashlib.sha256(content).hexdigest()
    assert photo_path(large.folder, digest).read_bytes() == content
    large.store_photo(link, StoredPhoto(digest, None))
    assert large.photo(link) == StoredPhoto(digest, None)
    large.store_photo(replace(link, version=f"{link.version}+"), StoredPhoto(None, "other", why))
    assert large.photo(link) == StoredPhoto(digest, None)
    large.store_photo(link, StoredPhoto(None, "a reason", why))
    assert large.photo(link) == StoredPhoto(None, "a reason", why)


@given(st.text(), st.binary())
def test_a_page_comes_out_as_it_was_for_its_crawl_only(
    large: CrawlStore, url: str, body: bytes
) -> None:
    crawl = next(names)
    large.store_page(crawl, url, body)
    assert large.page(crawl, url) == body
    assert large.page(f"{crawl}, another", url) is None
    large.store_page(crawl, url, b"later")
    assert large.page(crawl, url) == b"later"


@given(st.permutations(["a", "b", "c", "d", "e"]), st.integers(0, 3))
def test_records_come_in_the_order_in_which_they_were_seen(
    large: CrawlStore, order: list[str], taken: int
) -> None:
    crawl = next(names)
    shown = [listing(name, photos=3) for name in order]
    for one in shown:
        keep_photos(large, one)
    see(large, f"job {crawl}", crawl, *shown, taken=taken)
    assert ids(large, crawl) == [f"{name}/{n}" for name in order for n in range(taken)]
    assert ids(large, f"{crawl}, another") == []


def test_a_listing_seen_again_is_there_once(store: CrawlStore) -> None:
    keep_photos(store, listing("a", 2))
    keep_photos(store, listing("b"))
    see(store, "job", "crawl", listing("a", 2), listing("b"))
    see(store, "job", "crawl", listing("b"), listing("a", 2, stamp="2"))  # after it broke off
    assert ids(store, "crawl") == ["b/0", "a/0", "a/1"]
    found = store.listing("a")
    assert found is not None
    assert found.stamp == "2"


def test_jobs_see_the_same_listing_each_for_itself(store: CrawlStore) -> None:
    keep_photos(store, listing("a", 2))
    see(store, "one", "first", listing("a", 2), taken=1)
    see(store, "two", "second", listing("a", 2), taken=2)
    assert ids(store, "first") == ["a/0"]
    assert ids(store, "second") == ["a/0", "a/1"]


def test_a_record_says_where_the_photo_was_seen_and_what_its_bytes_are(store: CrawlStore) -> None:
    shown = replace(listing("a"), license="CC BY 4.0", creator="Ada", attribution="by Ada")
    keep_photos(store, shown)
    see(store, "job", "crawl", shown)
    (photo,) = store.records("the name", "crawl")
    assert isinstance(photo, Photo)
    seen = photo.sighting
    assert (seen.source, seen.source_id) == ("the name", "a/0")
    assert (seen.page_url, seen.image_url) == ("https://a.b/a", "https://a.b/0")
    assert (seen.license, seen.creator, seen.attribution) == ("CC BY 4.0", "Ada", "by Ada")
    assert seen.words == {"make": "Fiat"}
    assert hashlib.sha256(photo.read()).hexdigest() == photo.sha256


def test_what_is_unseen_is_gone_and_comes_back(store: CrawlStore) -> None:
    for name in ("a", "b", "c"):
        keep_photos(store, listing(name))
    see(store, "job", "first", listing("a"), listing("b"))
    see(store, "other", "second", listing("c"))
    assert store.unseen("job", "first") == []
    see(store, "job", "third", listing("a"))
    assert store.unseen("job", "third") == ["b"], "c belongs to another job"

    store.mark_gone("third", ["b", "never heard of"])
    assert store.is_gone("b")
    assert not store.is_gone("a")
    assert not store.is_gone("never heard of")
    assert ids(store, "third") == ["a/0", "b/0"], "the catalog is told"
    gone = [record.sighting.words.get("status") for record in store.records("a site", "third")
            if isinstance(record, Photo)]  # fmt: skip
    assert gone == [None, GONE]
    assert [record.content is None for record in store.records("a site", "third")
            if isinstance(record, Photo)] == [False, True]  # fmt: skip
    assert store.unseen("job", "fourth") == ["a"]
    see(store, "job", "fourth", listing("a"))
    assert store.unseen("job", "fourth") == []
    assert ids(store, "fourth") == ["a/0", "b/0"], "again, for it may not have heard"
    assert ids(store, "second") == ["c/0"]

    see(store, "job", "fifth", listing("b"))
    assert not store.is_gone("b")
    assert store.unseen("job", "fifth") == ["a"]


def test_a_crawl_that_a_wrong_clock_dated_ahead_is_no_later_one(store: CrawlStore) -> None:
    keep_photos(store, listing("a"))
    store.begin("job", "ahead", 9 * DAY, keep_for=DAY)
    store.store_listing("job", "ahead", listing("a"), number=1, taken=9)
    store.begin("other", "second", 2 * DAY, keep_for=DAY)
    store.store_listing("other", "second", listing("a"), number=1, taken=9)
    assert store.begin("job", "third", 3 * DAY, keep_for=DAY) == "third", "it may be of any age"
    assert store.unseen("job", "third") == [], "the second saw it after the first"


@given(st.lists(st.sets(st.sampled_from("abcdef")), max_size=6))
def test_each_crawl_tells_what_it_saw_and_what_is_gone_since(
    large: CrawlStore, shown: list[set[str]]
) -> None:
    mine = next(names)
    there: set[str] = set()  # known and not gone, as a crawl of everything leaves it
    ever: set[str] = set()
    for seen in shown:
        ever |= seen
        crawl = next(names)
        listings = [listing(f"{mine} {letter}") for letter in sorted(seen)]
        for one in listings:
            keep_photos(large, one)
        see(large, f"job {mine}", crawl, *listings)
        missing = [f"{mine} {letter}" for letter in sorted(there - seen)]
        assert large.unseen(f"job {mine}", crawl) == missing
        large.mark_gone(crawl, missing)
        assert large.unseen(f"job {mine}", crawl) == []
        gone = sorted(ever - seen)
        told = [*(one.listing_id for one in listings), *(f"{mine} {letter}" for letter in gone)]
        assert ids(large, crawl) == [f"{name}/0" for name in told]
        there = set(seen)


def test_what_left_something_out_is_forgotten_when_it_arrives(store: CrawlStore) -> None:
    shown = listing("a", 2)
    store.begin("job", "crawl", 0.0, keep_for=DAY)
    see(store, "job", "crawl", shown)
    for link in shown.photos:
        store.store_drop("crawl", Drop("a site", link.source_id, "photo took too long"))
        store.store_drop("crawl", Drop("a site", link.source_id, "photo could not be fetched"))
    assert ids(store, "crawl", Drop) == ["a/0", "a/0", "a/1", "a/1"]
    assert ids(store, "crawl") == []
    store.store_photo(shown.photos[0], StoredPhoto(store_photo(store.folder, b"a"), None))
    assert ids(store, "crawl") == ["a/0"]
    assert ids(store, "crawl", Drop) == ["a/1", "a/1"]
    store.store_photo(shown.photos[1], StoredPhoto(None, "photo is too large"))
    (drop,) = [record for record in store.records("a site", "crawl") if isinstance(record, Drop)]
    assert drop.reason == "photo is too large", "for good, with the listing that shows it"


def test_a_crawl_that_goes_on_or_begins_anew_meets_its_drops_again(store: CrawlStore) -> None:
    drop = Drop("a site", "a", "page could not be fetched")
    store.begin("job", "crawl", 0.0, keep_for=DAY)
    store.store_drop("crawl", drop)
    assert store.begin("job", "new", 1.0, keep_for=DAY) == "crawl"
    assert ids(store, "crawl", Drop) == []
    store.store_drop("crawl", drop)
    store.store_report("crawl", "{}", ended="finished")
    store.begin("other", "another", 2.0, keep_for=DAY)
    assert ids(store, "crawl", Drop) == ["a"]
    store.begin("job", "new", 3.0, keep_for=DAY)
    assert ids(store, "crawl", Drop) == [], "else they would grow from night to night"


def test_a_crawl_goes_on_within_a_day(store: CrawlStore) -> None:
    assert store.begin("job", "first", 1000.0, keep_for=DAY) == "first"
    assert store.begin("job", "second", 1000.0 + DAY - 1, keep_for=DAY) == "first"
    assert store.begin("other", "third", 1001.0, keep_for=DAY) == "third"
    assert store.begin("job", "fourth", 1000.0 + DAY, keep_for=DAY) == "fourth"
    assert store.begin("job", "fifth", 1001.0 + DAY, keep_for=DAY) == "fourth", "the latest"


def test_a_crawl_that_is_over_does_not_go_on(store: CrawlStore) -> None:
    store.begin("job", "first", 1.0, keep_for=DAY)
    store.store_report("first", "so far", ended=None)
    assert store.report("first") == "so far"
    assert store.begin("job", "second", 2.0, keep_for=DAY) == "first"
    store.store_report("first", "done", ended="finished")
    assert store.report("first") == "done"
    assert store.begin("job", "second", 3.0, keep_for=DAY) == "second"
    assert store.report("second") is None
    assert store.report("never heard of") is None


def test_pages_are_kept_as_long_as_their_crawl_can_go_on(store: CrawlStore) -> None:
    for job, crawl_id, began in (
        ("a", "old", 0.0),
        ("b", "over", 5.0),
        ("c", "broke off", DAY - 1),
    ):
        store.begin(job, crawl_id, began, keep_for=DAY)
        store.store_page(crawl_id, "https://a.b/", b"page")
    store.store_report("over", "{}", ended="limit")
    assert store.page("over", "https://a.b/") is None
    assert store.page("old", "https://a.b/") == b"page"
    store.begin("d", "new", DAY + 1, keep_for=DAY)
    assert store.page("old", "https://a.b/") is None
    assert store.page("broke off", "https://a.b/") == b"page", "it may still go on"


def test_a_photo_whose_file_is_lost_is_asked_for_again(store: CrawlStore) -> None:
    shown = listing("a", 2)
    keep_photos(store, shown)
    see(store, "job", "crawl", shown)
    paths = []
    for link in shown.photos:
        found = store.photo(link)
        assert found is not None
        assert found.sha256 is not None
        paths.append(photo_path(store.folder, found.sha256))
    paths[0].unlink()
    paths[1].write_bytes(b"")  # as a power cut may leave it
    assert store.photo(shown.photos[0]) is None
    assert store.photo(shown.photos[1]) is None
    assert ids(store, "crawl") == []
    keep_photos(store, shown)
    assert ids(store, "crawl") == ["a/0", "a/1"]


def test_what_was_half_written_is_taken_away(tmp_path: Path) -> None:
    digest = store_photo(tmp_path, b"whole")
    (tmp_path / "aside" / "something").write_bytes(b"ha")
    clear_aside(tmp_path)
    clear_aside(tmp_path)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [digest]


def test_the_store_is_read_while_a_crawl_writes(store: CrawlStore) -> None:
    keep_photos(store, listing("a"))
    see(store, "job", "crawl", listing("a"))
    with closing(open_store(store.folder)) as other:
        records = other.records("a site", "crawl")
        first = next(records)
        see(store, "job", "crawl", listing("b"))
        assert isinstance(first, Photo)
        assert list(records) == []


def test_another_version_of_the_store_is_refused(tmp_path: Path) -> None:
    with closing(open_store(tmp_path)) as store:
        see(store, "job", "crawl", listing("a"))
    with closing(sqlite3.connect(tmp_path / "crawls.sqlite")) as db:
        db.execute("PRAGMA user_version = 2")
    with pytest.raises(OldStoreError, match=r"another version of Marque \(2, not 1\); move the"):
        open_store(tmp_path)


def test_a_file_that_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "crawls.sqlite").write_bytes(b"no database" * 500)
    with pytest.raises(OldStoreError, match=r"cannot be read: .* move the folder away"):
        open_store(tmp_path)


def test_one_holds_the_lock_at_a_time(tmp_path: Path) -> None:
    with locked(tmp_path / "new"):
        busy = pytest.raises(BusyStoreError, match="two at a time would double the request rate")
        with busy, locked(tmp_path / "new"):
            pass
        with locked(tmp_path / "other"):
            pass
    with locked(tmp_path / "new"):
        pass
