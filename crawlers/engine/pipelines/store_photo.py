"""The second pipeline: fetches photos, checks them, and stores them by their content hash."""

from http.client import responses
from typing import Any, cast

from PIL import Image
from scrapy import Request
from scrapy.exceptions import DownloadCancelledError, DownloadTimeoutError
from scrapy.http import Response
from scrapy.http.request import NO_CALLBACK
from scrapy.pipelines.files import FilesPipeline
from scrapy.pipelines.media import FileInfo, FileInfoOrError, MediaPipeline
from twisted.python.failure import Failure

from core.photos.decoding_budget import (
    DECODING_MEMORY,
    TOO_MANY_PARTS,
    TOO_MANY_SCANS,
    TOO_MUCH_MEMORY,
    UnreadableImageError,
    decoding_reader_bytes,
    pixel_bytes,
)
from core.photos.jpeg import JPEG_END
from core.photos.open_image import load_image, open_image
from core.photos.tiff import CAMERA_RAW
from core.photos.tiff_grey import PIXELS
from core.records import PhotoLink
from crawlers.engine.crawl_state import Delivery, crawl_of
from crawlers.engine.politeness.gate import RefusedError, StoppingError
from crawlers.engine.politeness.robots import ClosedError
from crawlers.engine.store import StoredPhoto
from crawlers.engine.store.files import store_photo

OPTED_OUT = "photo's site asks machines to leave it alone (X-Robots-Tag)"
ANSWER_NOT_A_PHOTO = "photo's address answers with something else"
PHOTO_DAMAGED = "photo is damaged"
EMPTY_ANSWER = "photo's address answers with nothing"
REDIRECTED_OFF_WEB = "photo's address redirects to no web page"
PHOTO_TOO_LARGE = "photo is larger than the source allows"
TOO_SLOW = "photo took too long"
PHOTO_UNREACHED = "photo could not be fetched"
ROBOTS_FORBID_PHOTO = "robots.txt forbids the photo"

PERMANENT_REASONS = (
    *(OPTED_OUT, PHOTO_TOO_LARGE, TOO_MANY_PARTS, TOO_MANY_SCANS, TOO_MUCH_MEMORY),
    *(CAMERA_RAW, PIXELS),
)
"""Reasons that stay true while the photo stays the same. After any other reason the next crawl asks
for the photo again: a page of HTML in its place may be a temporary error."""

SITE_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF")
"""The formats in which sites serve photos. Pillow reads more: for an EPS it runs Ghostscript."""

_OPT_OUTS = {"noai", "noimageai", "noindex", "none"}


class NotKeptError(Exception):
    """A fetched photo could not be stored, because of a full disk or a bug."""


class StorePhoto(FilesPipeline):
    """Scrapy's files pipeline with two changes: the content hash names a file, and the result for
    each photo is stored.

    A photo is requested once: again only if it was refused for a reason that may pass. Refusals are
    counted by reason.
    """

    LOG_FAILED_RESULTS = False  # every failure is counted with its reason

    def get_media_requests(self, item: Any, info: MediaPipeline.SpiderInfo) -> list[Request]:
        """Requests for the wanted photos that are not stored yet."""
        delivery = cast("Delivery", item)
        crawl = crawl_of(self.crawler)
        requests = []
        for link in delivery.listing.photos[: delivery.taken]:
            found = crawl.store.photo(link)
            if found is None:
                meta = {"link": link, "download_maxsize": crawl.site.max_photo_bytes}
                requests.append(Request(link.url, callback=NO_CALLBACK, meta=meta, priority=1))
            elif found.sha256 is not None:
                crawl.report.known += 1
            elif found.reason is not None:
                crawl.report.count_drop(found.reason, f"{link.source_id} {found.detail}")
        return requests

    def media_to_download(
        self, request: Request, info: MediaPipeline.SpiderInfo, *, item: Any = None
    ) -> None:
        """Returns None, which means: download it. A photo that is stored has no request."""

    async def media_downloaded(
        self,
        response: Response,
        request: Request,
        info: MediaPipeline.SpiderInfo,
        *,
        item: Any = None,
    ) -> FileInfo:
        """Store the photo, or count the reason why the answer is refused."""
        link: PhotoLink = request.meta["link"]
        reason, detail = response_refusal(response)
        if reason is not None:
            self._refuse(link, reason, detail)
            return FileInfo(url=link.url, path="", checksum=None, status="refused")
        crawl = crawl_of(self.crawler)
        try:
            digest = store_photo(crawl.store.folder, response.body)
            crawl.store.store_photo(link, StoredPhoto(digest, None))
        except Exception as error:
            raise NotKeptError(f"{link.source_id}, {type(error).__name__}: {error}") from error
        crawl.report.photos += 1
        return FileInfo(url=link.url, path=digest, checksum=digest, status="stored")

    def media_failed(  # type: ignore[override]  # Scrapy's raises; here it is counted
        self, failure: Failure, request: Request, info: MediaPipeline.SpiderInfo
    ) -> None:
        """Count the reason why there is no photo; raise an error that is not about the photo."""
        error = failure.value
        if isinstance(error, StoppingError):
            return  # it was not requested, and the next run requests it
        if isinstance(error, NotKeptError):
            raise error
        self._refuse(request.meta["link"], *failure_reason(error))

    def item_completed(
        self, results: list[FileInfoOrError], item: Any, info: MediaPipeline.SpiderInfo
    ) -> Any:
        """Pass the listing on, and clear Scrapy's own cache of results, which would only grow."""
        info.downloaded.clear()
        for found, failure in results:
            if not found:
                cast("Failure", failure).raiseException()
        return item

    def _refuse(self, link: PhotoLink, reason: str, detail: str) -> None:
        crawl, detail = crawl_of(self.crawler), detail or link.url
        if reason in PERMANENT_REASONS:
            crawl.report.count_drop(reason, f"{link.source_id} {detail}")
            crawl.store.store_photo(link, StoredPhoto(None, reason, detail))
        else:
            crawl.drop(link.source_id, reason, detail)


def failure_reason(error: BaseException | None) -> tuple[str, str]:
    """Why no answer came: a constant and its detail."""
    match error:
        case ClosedError():
            return ROBOTS_FORBID_PHOTO, error.detail
        case RefusedError():
            return error.reason, error.detail
        case DownloadCancelledError():  # Scrapy cancels a stream at `download_maxsize`
            return PHOTO_TOO_LARGE, ""
        case DownloadTimeoutError():
            return TOO_SLOW, ""
    return PHOTO_UNREACHED, f"{type(error).__name__}: {error}"


def response_refusal(response: Response) -> tuple[str | None, str]:
    """Why an answer is refused: a constant (None if it is accepted) and its detail."""
    if 300 <= response.status < 400:
        where = (response.headers.get(b"Location") or b"").decode("latin-1")
        return REDIRECTED_OFF_WEB, where
    if response.status != 200:
        phrase = responses.get(response.status, "which is not a status of HTTP")
        return f"photo's address answers {response.status}", phrase
    if tag := opt_out(response):
        return OPTED_OUT, tag
    if not response.body:
        return EMPTY_ANSWER, ""
    return content_fault(response.body)


def opt_out(response: Response) -> str | None:
    """The X-Robots-Tag rule that forbids the photo: `noai`, `noimageai`, `noindex` or `none`, for
    all agents or for ours. Whether a rule after a comma is for the agent named before it or for all
    is not defined; it counts for all."""
    for header in response.headers.getlist(b"X-Robots-Tag"):
        for part in header.decode("latin-1").lower().split(","):
            agent, colon, rule = part.rpartition(":")
            if rule.strip() in _OPT_OUTS and (not colon or agent.strip() in {"*", "marque"}):
                return part.strip()
    return None


def content_fault(content: bytes) -> tuple[str | None, str]:
    """Why bytes are not a photo: a constant (None if they are) and its detail.

    The header is decoded. The pixels are decoded too, except those of a JPEG with an end marker:
    registering decodes them, and doing it twice would double the time for a photo.
    """
    image = None
    try:
        image = open_image(content, SITE_FORMATS)
        if image.width * image.height > (Image.MAX_IMAGE_PIXELS or 0):
            return None, ""  # too large to decode; the catalog refuses it with its own reason
        if image.format == "JPEG" and JPEG_END in content[-64:]:
            return None, ""  # the marker never occurs within a picture's data
        with DECODING_MEMORY.share(pixel_bytes(image) + decoding_reader_bytes(image, content)):
            load_image(image)
    except UnreadableImageError as error:
        return error.reason, error.detail
    except Exception as error:  # readers raise nearly anything for arbitrary bytes
        if image is None:
            return ANSWER_NOT_A_PHOTO, f"begins with {content[:16]!r}, {type(error).__name__}"
        return PHOTO_DAMAGED, f"{image.format} {image.width}x{image.height}: {error}"
    return None, ""
