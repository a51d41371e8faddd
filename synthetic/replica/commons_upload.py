"""The replica's upload.wikimedia.org and thumb.wikimedia.org: originals, and thumbnails at the
allowed widths."""

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from synthetic.replica.autoscout24.pictures import photo_answer
from synthetic.replica.commons_files import CommonsFile
from synthetic.replica.commons_photos import THUMBNAIL_WIDTHS, file_bytes, thumbnail_bytes
from synthetic.replica.commons_rate_limits import REFUSED_BY_UPLOAD, agent_standing
from synthetic.replica.commons_state import commons_of
from synthetic.replica.faults import declare_faults

if TYPE_CHECKING:
    from synthetic.replica.world import World

UPLOAD_FAULTS = declare_faults(
    {
        "media-robots-closed": "robots.txt of the media hosts, which have none else, closes "
        "thumbnails",
        "thumb-step-429": "a thumbnail at a width that is not allowed answers 429 with "
        "Retry-After, as in 2025, in place of 400",
    }
)

UPLOAD_FOLDER = "/wikipedia/commons"
WRONG_STEP = "Use thumbnail steps listed on https://w.wiki/GHai"
NOT_SCALED = "Image was not scaled, is the requested width bigger than the source?"


def upload_app(world: "World") -> Starlette:
    """The app of both media hosts."""
    media = Media(world)
    return Starlette(
        routes=[
            Route("/robots.txt", media.robots),
            Route(UPLOAD_FOLDER + "/thumb/{a}/{ab}/{name}/{scaled}", media.thumbnail),
            Route(UPLOAD_FOLDER + "/{a}/{ab}/{name}", media.original),
        ]
    )


class Media:
    """The files of one replica, as bytes."""

    def __init__(self, world: "World") -> None:
        self.world, self.commons, self.faults = world, commons_of(world), world.faults

    async def robots(self, _request: Request) -> Response:
        """The answer to a request for robots.txt: rules, or 404."""
        if self.faults.strikes("media-robots-closed", "robots.txt", "commons"):
            return PlainTextResponse(f"User-agent: *\nDisallow: {UPLOAD_FOLDER}/thumb/\n")
        return PlainTextResponse("File not found", 404)

    async def original(self, request: Request) -> Response:
        """The newest version of a file."""
        refused = self._refuse(request)
        if refused is not None:
            return refused
        file = self._file(request)
        if file is None:
            return PlainTextResponse("File not found", 404)
        return await self._send(file, None)

    async def thumbnail(self, request: Request) -> Response:
        """A file at a smaller width, if that width is one of `THUMBNAIL_WIDTHS`."""
        refused = self._refuse(request)
        if refused is not None:
            return refused
        pixels = request.path_params["scaled"].partition("px-")[0]
        if not pixels.isdecimal() or int(pixels) not in THUMBNAIL_WIDTHS:
            if self.faults.strikes("thumb-step-429", request.path_params["name"], "commons"):
                return PlainTextResponse(WRONG_STEP, 429, {"Retry-After": "10"})
            return PlainTextResponse(WRONG_STEP, 400)
        file = self._file(request)
        if file is None or file.kind == "audio":
            return PlainTextResponse("File not found", 404)
        if int(pixels) >= file.width and file.kind != "drawing":
            return PlainTextResponse(NOT_SCALED, 400)
        return await self._send(file, int(pixels))

    def _refuse(self, request: Request) -> Response | None:
        if agent_standing(request.headers.get("user-agent", "")) != "identified":
            return PlainTextResponse(REFUSED_BY_UPLOAD, 403)
        if self.faults.strikes("too-many-requests", request.path_params["name"], "commons"):
            seconds = self.faults.value("too-many-requests") or "10"
            return PlainTextResponse("Too many requests", 429, {"Retry-After": seconds})
        return None

    def _file(self, request: Request) -> CommonsFile | None:
        path = request.path_params
        file = self.commons.file(path["name"])
        return file if file and file.folder == f"{path['a']}/{path['ab']}" else None

    async def _send(self, file: CommonsFile, width: int | None) -> Response:
        if width is None:
            content, mime = await run_in_threadpool(file_bytes, file), file.mime
        else:
            content = await run_in_threadpool(thumbnail_bytes, file, width)
            mime = "image/png" if file.kind == "drawing" else file.mime
        if file.kind == "audio":
            return Response(content, media_type=mime)
        kind = mime.removeprefix("image/")
        return photo_answer(self.faults, content, kind, file.key, "commons")
