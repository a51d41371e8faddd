"""What is checked of a listing and of a photo before either is kept."""

import hashlib
import io
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError, IgnoreRequest
from scrapy.http import Response

from core.photos.strip_metadata import NO_PICTURE
from core.photos.tiff import CAMERA_RAW
from core.photos.tiff_grey import PIXELS
from core.records import Listing, PhotoLink
from crawlers.engine.crawl_state import Delivery
from crawlers.engine.pipelines.store_photo import (
    ANSWER_NOT_A_PHOTO,
    EMPTY_ANSWER,
    OPTED_OUT,
    PERMANENT_REASONS,
    PHOTO_DAMAGED,
    PHOTO_TOO_LARGE,
    PHOTO_UNREACHED,
    REDIRECTED_OFF_WEB,
    ROBOTS_FORBID_PHOTO,
    SITE_FORMATS,
    TOO_SLOW,
    content_fault,
    failure_reason,
    opt_out,
    response_refusal,
)
from crawlers.engine.pipelines.validate import (
    LISTING_URL_NOT_HTTP,
    LISTING_WITHOUT_ID,
    LISTING_WITHOUT_PHOTOS,
    listing_fault,
)
from crawlers.engine.politeness.gate import OTHER_HOST, RefusedError
from crawlers.engine.politeness.robots import CLOSED, ClosedError
from crawlers.engine.store.files import photo_path, store_photo
from synthetic.scenes import render

PICTURE = render(3, (120, 100)).image
STARTS = (
    b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*", b"RIFF@\0\0\0WEBP",
    b"GIF89a", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"BM", b"<!DOCTYPE html>",
)  # fmt: skip


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    PICTURE.save(buffer, kind)
    return buffer.getvalue()


JPEG = encoded("JPEG")


def answer(
    body: bytes = JPEG, status: int = 200, tags: tuple[bytes, ...] = (), **headers: str
) -> Response:
    given = {"X-Robots-Tag": list(tags), **headers}
    return Response("http://photos.example/1.jpg", status=status, headers=given, body=body)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.builds(bytes.__add__, st.sampled_from(STARTS), st.binary(max_size=300)))
def test_any_bytes_can_be_looked_at(content: bytes) -> None:
    reason, detail = content_fault(content)
    assert reason in {None, ANSWER_NOT_A_PHOTO, PHOTO_DAMAGED, CAMERA_RAW, PIXELS, NO_PICTURE}
    assert bool(detail) == (reason is not None)


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.sampled_from(SITE_FORMATS), st.data())
def test_a_photo_with_wrong_bytes_can_be_looked_at(kind: str, data: st.DataObject) -> None:
    content = bytearray(encoded(kind))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=20)):
        content[place] = data.draw(st.integers(0, 255))
    assert content_fault(bytes(content))[0] in {
        None,
        ANSWER_NOT_A_PHOTO,
        PHOTO_DAMAGED,
        CAMERA_RAW,
        PIXELS,
        NO_PICTURE,
    }


@pytest.mark.parametrize("kind", SITE_FORMATS)
def test_photos_of_the_formats_of_the_web_are_taken(kind: str) -> None:
    assert content_fault(encoded(kind)) == (None, "")


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@given(st.sampled_from(SITE_FORMATS), st.floats(0, 0.9))
def test_part_of_a_photo_is_none(kind: str, share: float) -> None:
    content = encoded(kind)
    reason, detail = content_fault(content[: int(len(content) * share)])
    assert reason in {ANSWER_NOT_A_PHOTO, PHOTO_DAMAGED}
    assert detail


def test_a_postscript_file_is_never_opened() -> None:
    drawing = encoded("EPS")
    assert drawing.startswith(b"%!PS")
    assert content_fault(drawing)[0] == ANSWER_NOT_A_PHOTO


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        ((b"noai",), "noai"),
        ((b"NoAI, noimageai",), "noai"),
        ((b"index, follow",), None),
        ((b"index", b"noimageai"), "noimageai"),
        ((b"nofollow,noindex",), "noindex"),
        ((b"none",), "none"),
        ((b"*: noindex",), "*: noindex"),
        ((b"Marque : NOAI",), "marque : noai"),
        ((b"googlebot: noindex",), None),
        ((b"googlebot: nofollow, noindex",), "noindex"),
        ((b"unavailable_after: 25 Jun 2030 15:00:00 PST",), None),
        ((b"max-snippet: 10, noindex",), "noindex"),
        ((b"noindexing, noai-ish",), None),
        ((b"", b",,:,"), None),
        ((), None),
    ],
)
def test_what_a_site_says_against_machines_is_heard(
    tags: tuple[bytes, ...], found: str | None
) -> None:
    assert opt_out(answer(tags=tags)) == found
    assert response_refusal(answer(tags=tags)) == ((OPTED_OUT, found) if found else (None, ""))


@given(st.lists(st.binary(max_size=60), max_size=3))
def test_any_header_can_be_read(tags: list[bytes]) -> None:
    assert opt_out(answer(tags=tuple(tags))) is None or tags


@given(st.integers(100, 999).filter(lambda status: status != 200))
def test_no_answer_but_200_is_a_photo(status: int) -> None:
    reason, detail = response_refusal(answer(status=status, Location="file:/etc/hostname"))
    assert reason == (
        REDIRECTED_OFF_WEB if 300 <= status < 400 else f"photo's address answers {status}"
    )
    assert detail
    assert reason not in PERMANENT_REASONS


def test_an_empty_answer_is_no_photo() -> None:
    assert response_refusal(answer(b"")) == (EMPTY_ANSWER, "")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ClosedError(CLOSED, "http://a.example/1.jpg"), ROBOTS_FORBID_PHOTO),
        (RefusedError(OTHER_HOST, "http://a.example"), OTHER_HOST),
        (DownloadCancelledError("too much"), PHOTO_TOO_LARGE),
        (DownloadTimeoutError("10 s"), TOO_SLOW),
        (IgnoreRequest("max redirections reached"), PHOTO_UNREACHED),
        (ConnectionResetError("gone"), PHOTO_UNREACHED),
    ],
)
def test_each_failure_has_its_reason(error: Exception, reason: str) -> None:
    assert failure_reason(error)[0] == reason


def listing(page: str, photo: str, listing_id: str = "1") -> Delivery:
    made = Listing("commons", listing_id, page, "", {}, (PhotoLink("1", photo),))
    return Delivery(made, 1)


def test_listings_that_make_no_sense_are_left_out() -> None:
    page, photo = "https://commons.wikimedia.org/wiki/File:A.jpg", "https://upload.example/A.jpg"
    assert listing_fault(listing(page, photo)) is None
    assert listing_fault(listing(page, photo, " ")) == LISTING_WITHOUT_ID
    assert (
        listing_fault(Delivery(Listing("commons", "1", page, "", {}, ()), 0))
        == LISTING_WITHOUT_PHOTOS
    )
    for odd in (
        "file:/etc/hostname",
        "//upload.example/A.jpg",
        "https:///A.jpg",
        "http://[::1",
        "",
    ):
        assert listing_fault(listing(page, odd)) == LISTING_URL_NOT_HTTP
        assert listing_fault(listing(odd, photo)) == LISTING_URL_NOT_HTTP


@given(st.text(max_size=40), st.sampled_from(("", "http:", "http://", "https://[", "ftp://a/")))
def test_any_address_can_be_judged(text: str, start: str) -> None:
    assert listing_fault(listing("https://a.example/", start + text)) in {
        None,
        LISTING_URL_NOT_HTTP,
    }


def test_a_photo_is_whole_after_a_kill_before_its_last_step(tmp_path: Path) -> None:
    content = JPEG * 20
    killed = (
        "import os, signal, sys\nfrom pathlib import Path\n"
        "from crawlers.engine.store.files import store_photo\n"
        "Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "store_photo(Path(sys.argv[1]), sys.stdin.buffer.read())\n"
    )
    root = Path(__file__).parents[3]
    child = subprocess.run(
        [sys.executable, "-c", killed, str(tmp_path)], input=content, cwd=root, check=False
    )
    assert child.returncode == -9
    digest = hashlib.sha256(content).hexdigest()
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(left) == 1
    assert left[0] != photo_path(tmp_path, digest)
    left[0].write_bytes(content[:100])  # killed earlier still
    assert store_photo(tmp_path, content) == digest
    assert photo_path(tmp_path, digest).read_bytes() == content
